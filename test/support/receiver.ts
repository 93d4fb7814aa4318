import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** As it came, for signatures. */
  body: string;
  /** The parsed body, or null when it is not JSON. */
  json: Record<string, unknown> | null;
}

/** A status, or more; void when the function answers by itself, or means not to answer. */
export type ReceiverAnswer =
  number | { status: number; headers?: Record<string, string>; body?: string } | void;

export type Answering = (
  request: ReceivedRequest,
  response: ServerResponse,
) => ReceiverAnswer | Promise<ReceiverAnswer>;

/** A customer's server whose answers can be changed. */
export interface Receiver {
  url: string;
  /** In order of arrival. */
  requests: ReceivedRequest[];
  /** How to answer from now on; 200 in the beginning. */
  answer(answering: Answering): void;
  /** @throws when it did not come true in time. */
  waitFor(
    predicate: (requests: ReceivedRequest[]) => boolean,
    timeoutMs?: number,
  ): Promise<ReceivedRequest[]>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const waiting = new Set<() => void>();
  let answering: Answering = () => 200;

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await received(incoming);
    requests.push(request);
    for (const check of [...waiting]) check();
    const answer = await answering(request, response);
    if (answer === undefined) return;
    const { status, headers = {}, body = '' } = typeof answer === 'number' ? { status: answer } : answer;
    response.writeHead(status, headers).end(body);
  };
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer(next) {
      answering = next;
    },
    waitFor: (predicate, timeoutMs = 45_000) =>
      new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(check);
        };
        const check = (): void => {
          if (!predicate(requests)) return;
          end();
          resolve(requests);
        };
        const timer = setTimeout(() => {
          end();
          reject(
            new Error(`the receiver waited ${timeoutMs} ms in vain; it got ${requests.length} requests`),
          );
        }, timeoutMs);
        waiting.add(check);
        check();
      }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function received(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body,
    json: parsed(body),
  };
}

function parsed(body: string): Record<string, unknown> | null {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return null;
  }
}
