// What is logged of requests over HTTP.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Options, pinoHttp } from 'pino-http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { loggerOptions } from '../../src/logging.js';

interface Line {
  level: number;
  err?: { stack: string };
  req: { id: string; method: string; url: string };
  res: { statusCode: number };
}

const WARN = 40;
const ERROR = 50;

const lines: Line[] = [];
const config = loadConfig({
  NODE_ENV: 'test',
  PARLEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
});
const log = pinoHttp(loggerOptions(config).pinoHttp as Options, {
  write: (line: string) => lines.push(JSON.parse(line) as Line),
});
let answered: Promise<unknown>;
/** Answers with the status that its path names. */
const server = createServer((request, response) => {
  log(request, response);
  answered = once(response, 'close');
  response.statusCode = Number(request.url?.slice(1, 4));
  response.end();
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
beforeEach(() => {
  lines.length = 0;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function logged(path: string): Promise<Line[]> {
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}/${path}`);
  await answered;
  return lines;
}

test('a failure of ours is an error with a stack', async () => {
  expect(await logged('500')).toMatchObject([
    { level: ERROR, err: { stack: expect.any(String) as unknown } },
  ]);
});

test.each([400, 404, 501])('what the caller did wrong (%i) is a warning without a stack', async (status) => {
  const [line] = await logged(String(status));
  expect(line).toMatchObject({ level: WARN, res: { statusCode: status } });
  expect(line).not.toHaveProperty('err');
});

test('what succeeds is not logged', async () => {
  expect(await logged('200')).toEqual([]);
});

test('a query is not logged, for it may hold a token', async () => {
  expect(await logged('404?access_token=secret')).toMatchObject([{ req: { method: 'GET', url: '/404' } }]);
});
