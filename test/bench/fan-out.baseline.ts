// A bare `ws` server: what is posted goes to everybody who is connected.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { listen } from './listen.js';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    for (const client of sockets.clients) client.send(text);
    response.setHeader('content-length', 0).end();
  });
});
const sockets = new WebSocketServer({ server });

await listen(server);
