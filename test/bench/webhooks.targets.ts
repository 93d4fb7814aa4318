// A process that plays customers' webhook targets, good and bad ones, and Meta's Graph API. It measures how late events arrive.
import { createServer } from 'node:http';
import { listen } from './listen.js';
import type { Arrivals } from './webhooks.js';

/** Delays in ms, of the first arrival of each event at each target. */
let delays: number[] = [];
let outOfOrder = 0;
let doubles = 0;
/** By target and person: what has arrived, and the highest of it. */
const heard = new Map<string, { seen: Set<number>; last: number }>();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const path = request.url ?? '/';
    if (path.startsWith('/hangs')) return;
    if (path.startsWith('/fails')) response.writeHead(500).end();
    else if (path.startsWith('/good')) {
      hear(path, Buffer.concat(chunks).toString());
      response.end();
    } else if (path === '/arrivals') {
      const arrivals: Arrivals = { delays, outOfOrder, doubles };
      response.end(JSON.stringify(arrivals));
      delays = [];
    } else graph(path, request.headers.authorization ?? '');
  });

  /** The page of a token is what the token says. */
  function graph(path: string, authorization: string): void {
    response.setHeader('content-type', 'application/json');
    const page = authorization.replace('Bearer ', '');
    response.end(
      path.includes('/subscribed_apps') ? '{"success":true}' : JSON.stringify({ id: page, name: 'Bench' }),
    );
  }
});

function hear(target: string, body: string): void {
  const { message } = JSON.parse(body) as {
    message: { contact_id: string; contact_message: { text_message: { text: string } } };
  };
  const [number = 0, sentAt = 0] = message.contact_message.text_message.text.split(' ').map(Number);
  const key = `${target} ${message.contact_id}`;
  const known = heard.get(key) ?? { seen: new Set<number>(), last: -1 };
  heard.set(key, known);
  if (known.seen.has(number)) doubles += 1;
  else {
    delays.push(Date.now() - sentAt);
    if (number < known.last) outOfOrder += 1;
    known.seen.add(number);
    known.last = Math.max(known.last, number);
  }
}

await listen(server);
