// A channel's media server: addresses with answers that the test gives.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type CdnAnswer =
  | { status?: number; headers?: Record<string, string>; body?: Buffer | string }
  | ((request: IncomingMessage, response: ServerResponse) => void);

export interface TestCdn {
  url: string;
  port: number;
  /** Paths, in order of arrival. */
  requests: string[];
  /** Several answers are given one after the other, the last from then on. */
  serve(path: string, ...answers: CdnAnswer[]): string;
  stop(): Promise<void>;
}

/** The smallest picture there is: one transparent pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export async function startTestCdn(): Promise<TestCdn> {
  const answers = new Map<string, CdnAnswer[]>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const planned = answers.get(path) ?? [{ status: 404 }];
    const answer = (planned.length > 1 ? planned.shift() : planned[0]) ?? {};
    if (typeof answer === 'function') return answer(request, response);
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    requests,
    serve(path, ...planned) {
      answers.set(path, planned);
      return `${url}${path}`;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
