// A bare Node HTTP server: HMAC check and one single-row INSERT a request.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pool } from './baseline.js';
import { listen } from './listen.js';

interface Callback {
  entry: { messaging: { sender: { id: string }; message: { mid: string } }[] }[];
}

const secret = process.env.APP_SECRET ?? '';

await pool.query(
  `CREATE TABLE webhooks (mid text PRIMARY KEY, sender text NOT NULL, body jsonb NOT NULL, received_at timestamptz NOT NULL DEFAULT now())`,
);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    store(request, Buffer.concat(chunks)).then(
      (status) => answer(response, status),
      () => answer(response, 500),
    );
  });
});

await listen(server);

async function store(request: IncomingMessage, bytes: Buffer): Promise<number> {
  const given = Buffer.from(String(request.headers['x-hub-signature-256']));
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 401;
  const text = bytes.toString();
  const item = (JSON.parse(text) as Callback).entry[0]?.messaging[0];
  await pool.query('INSERT INTO webhooks (mid, sender, body) VALUES ($1, $2, $3)', [
    item?.message.mid,
    item?.sender.id,
    text,
  ]);
  return 200;
}

function answer(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end('EVENT_RECEIVED');
}
