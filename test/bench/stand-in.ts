// A process that plays Meta's Graph API and a customer's webhook receiver: it agrees with everything, as cheaply as it can. GRAPH says how
// it answers who asks for people: `ok`, `slow` after 80 ms, `down` not at all.
import { createServer } from 'node:http';
import { listen } from './listen.js';

const PAGE_ID = process.env.PAGE_ID ?? '';
const SLOW_MS = 80;
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
    else if (process.env.GRAPH === 'ok' || !/\/\d+$/.test(pathname) || pathname.endsWith(PAGE_ID))
      response.end(`{"id":"${PAGE_ID}","name":"Bench page"}`);
    else if (process.env.GRAPH === 'down') request.socket.destroy();
    else setTimeout(() => response.end('{"first_name":"Ann","last_name":"Jansen"}'), SLOW_MS);
  });
});

await listen(server);
