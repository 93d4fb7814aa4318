// A process that plays Meta's Graph API and a customer's webhook receiver: it agrees with everything, as cheaply as it can.
import { createServer } from 'node:http';
import { listen } from './listen.js';

let sent = 0;

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const { pathname } = new URL(request.url ?? '/', 'http://stand-in');
    if (pathname.startsWith('/hook')) {
      response.end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    if (pathname.endsWith('/messages')) {
      sent += 1;
      response.end(`{"recipient_id":"1","message_id":"m_sent_${sent}"}`);
    } else if (pathname.endsWith('/subscribed_apps')) response.end('{"success":true}');
    else response.end(`{"id":"${process.env.PAGE_ID}","name":"Bench page"}`);
  });
});

await listen(server);
