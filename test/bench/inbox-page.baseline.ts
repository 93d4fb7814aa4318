// A bare Node HTTP server: one SQL query, whose rows go out as JSON.
import { createServer } from 'node:http';
import { pool } from './baseline.js';
import { PAGE } from './inbox-page.rows.js';
import { listen } from './listen.js';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    page(Buffer.concat(chunks).toString()).then(
      (body) => response.setHeader('content-type', 'application/json').end(body),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
});

await listen(server);

async function page(body: string): Promise<string> {
  const { projectId, appId } = JSON.parse(body) as { projectId: string; appId: string };
  const { rows } = await pool.query(PAGE, [projectId, appId]);
  return JSON.stringify(rows);
}
