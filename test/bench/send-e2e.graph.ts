// A process that plays Meta's Graph API for sends, and tells who follows `/calls` the text of each message as its call arrives.
import { createServer, type ServerResponse } from 'node:http';
import { listen } from './listen.js';

const PAGE_ID = process.env.PAGE_ID ?? '';
let sent = 0;
let follower: ServerResponse | null = null;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { pathname } = new URL(request.url ?? '/', 'http://graph');
    if (pathname === '/calls') {
      follower = response;
      response.flushHeaders();
      return;
    }
    response.setHeader('content-type', 'application/json');
    if (pathname.endsWith('/messages')) {
      const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message: { text: string } };
      follower?.write(`${message.text}\n`);
      sent += 1;
      response.end(`{"recipient_id":"1","message_id":"m_sent_${sent}"}`);
    } else if (pathname.endsWith('/subscribed_apps')) response.end('{"success":true}');
    else response.end(`{"id":"${PAGE_ID}","name":"Bench page"}`);
  });
});

await listen(server);
