// Receivers that misbehave, each by a real socket: how its deliveries end, and that nobody else's are touched.
import { readFileSync } from 'node:fs';
import { createServer as createTls } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';
import { nameResolver } from '../../src/outbound/resolver.js';
import { CallbackPoster } from '../../src/webhooks/attempt.js';
import { attemptsOf } from '../../src/webhooks/delivery.js';
import type { Webhook } from '../../src/webhooks/webhook.entity.js';
import { eventually } from '../support/eventually.js';
import { startNameServer } from '../support/name-server.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { inbound, keyOf, PROJECT_ID, TestClock, WebhookBench, type Worker } from '../support/webhooks.js';

const MINUTE = 60_000;

let bench: WebhookBench;
let receiver: Receiver;
let worker: Worker;
let appId: string;

beforeAll(async () => {
  bench = await WebhookBench.start();
});
beforeEach(async () => {
  bench.clock.reset();
  [receiver, worker, appId] = await Promise.all([startReceiver(), bench.worker(), bench.app()]);
});
afterEach(() => receiver.close());
afterAll(() => bench.stop());

const drain = (webhook: Webhook): Promise<void> => worker.dispatcher.deliver(keyOf(webhook));

/** Tells a target of one event, and gives back what became of it. */
async function told(webhook: Webhook): Promise<Record<string, unknown>> {
  await bench.record(inbound(appId, 'a', 'hello'));
  await drain(webhook);
  const { items } = await bench.service.deliveries(PROJECT_ID, webhook.id, {}, { first: 1 });
  return { ...items[0]?.node };
}

/** A server below HTTP. */
async function listening(server: Server): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

describe('an answer', () => {
  test('that drips for ever counts by its status when the time is up', { timeout: 40_000 }, async () => {
    const closed = Promise.withResolvers<void>();
    receiver.answer((_request, response) => {
      response.writeHead(200).write('a');
      const drip = setInterval(() => response.write('a'), 200);
      response.on('close', () => {
        clearInterval(drip);
        closed.resolve();
      });
    });
    const delivery = await told(await bench.webhook(appId, receiver.url));
    expect(delivery).toMatchObject({ status: 'DELIVERED', responseCode: 200 });
    expect(delivery.durationMs).toBeGreaterThan(14_500);
    expect(delivery.durationMs).toBeLessThan(17_000);
    await closed.promise;
  });

  // Lesson 47: tried once, 5 s of patience, and the failure called an invalid URL.
  test('whose head drips is no answer after 15 seconds', { timeout: 40_000 }, async () => {
    const slow = await listening(
      createServer((socket) => {
        socket.resume().write('HTTP/1.1 200 OK\r\n');
        const drip = setInterval(() => socket.write('x-drip: a\r\n'), 200);
        socket.on('close', () => clearInterval(drip));
      }),
    );
    const delivery = await told(await bench.webhook(appId, `http://127.0.0.1:${slow.port}/`));
    expect(delivery).toMatchObject({ status: 'PENDING', attempts: 1, error: 'no answer within 15 s' });
    expect(delivery.durationMs).toBeGreaterThan(14_500);
    await slow.close();
  });

  test('that never ends is read to 16 KiB, and a kilobyte of it is kept', async () => {
    let written = 0;
    const closed = Promise.withResolvers<void>();
    receiver.answer((_request, response) => {
      response.writeHead(500);
      const pour = setInterval(() => {
        written += 4_096;
        response.write(Buffer.alloc(4_096, 'x'));
      }, 1);
      response.on('close', () => {
        clearInterval(pour);
        closed.resolve();
      });
    });
    const delivery = await told(await bench.webhook(appId, receiver.url));
    await closed.promise;
    expect(delivery).toMatchObject({ status: 'PENDING', responseCode: 500, responseHead: 'x'.repeat(1_024) });
    expect(written).toBeLessThan(4 * 1_048_576);
  });

  test('with an endless head is no answer', async () => {
    const flood = await listening(
      createServer((socket) => {
        socket.resume().write('HTTP/1.1 200 OK\r\n');
        const pour = setInterval(() => socket.write(`x-${'a'.repeat(1_000)}: ${'b'.repeat(1_000)}\r\n`), 1);
        socket.on('close', () => clearInterval(pour));
      }),
    );
    const delivery = await told(await bench.webhook(appId, `http://127.0.0.1:${flood.port}/`));
    expect(delivery).toMatchObject({ status: 'PENDING', responseCode: null });
    expect(delivery.error).toMatch(/header/i);
    await flood.close();
  });

  test.each([301, 302, 303, 307, 308])('%d to loopback is a failure, and is not followed', async (status) => {
    receiver.answer(({ path }) =>
      path === '/hook' ? { status, headers: { location: `${receiver.url}/secret` } } : 200,
    );
    const delivery = await told(await bench.webhook(appId, `${receiver.url}/hook`));
    expect(delivery).toMatchObject({ status: 'PENDING', responseCode: status });
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/hook']);
  });

  test('in zeros and halves of characters can be stored', async () => {
    receiver.answer((_request, response) => {
      response
        .writeHead(400)
        .end(Buffer.concat([Buffer.from('a\0b\uD83D '), Buffer.from([0xf0, 0x9f, 0x8e])]));
    });
    const delivery = await told(await bench.webhook(appId, receiver.url));
    expect(delivery).toMatchObject({ status: 'DEAD', responseCode: 400 });
    expect(delivery.responseHead).toMatch(/^ab/);
  });

  test('that is no HTTP is no answer', async () => {
    const other = await listening(createServer((socket) => void socket.end('220 mail.example ESMTP\r\n')));
    const delivery = await told(await bench.webhook(appId, `http://127.0.0.1:${other.port}/`));
    expect(delivery).toMatchObject({ status: 'PENDING', responseCode: null, error: expect.any(String) });
    await other.close();
  });
});

test('410 disables the webhook, and the log tells of it once', async () => {
  const webhook = await bench.webhook(appId, receiver.url);
  receiver.answer(() => 410);
  await bench.record(...['a', 'b', 'c', 'd'].map((person) => inbound(appId, person, 'hello')));
  await drain(webhook);
  const { disabledAt, disabledReason } = await bench.get(webhook);
  expect([disabledAt !== null, disabledReason]).toEqual([true, 'the target answered 410 Gone']);
  const told = await bench.dataSource.query<{ payload: object }[]>(
    `SELECT payload FROM events WHERE app_id = $1 AND kind = 'webhook.disabled'`,
    [appId],
  );
  expect(told).toEqual([
    { payload: { webhookId: webhook.id, target: receiver.url, reason: 'the target answered 410 Gone' } },
  ]);
});

test('429 with Retry-After is left alone for as long as it asked for', async () => {
  const webhook = await bench.webhook(appId, receiver.url);
  receiver.answer(() => ({ status: 429, headers: { 'retry-after': '600' } }));
  const { nextAttemptAt } = await told(webhook);
  const wait = (nextAttemptAt as Date).getTime() - bench.clock.now().getTime();
  expect(wait).toBeGreaterThan(9.9 * MINUTE);
  expect(wait).toBeLessThan(10.1 * MINUTE);
  receiver.answer(() => 200);
  bench.clock.advance(9 * MINUTE);
  await drain(webhook);
  expect(receiver.requests).toHaveLength(1);
  bench.clock.advance(2 * MINUTE);
  await drain(webhook);
  expect(receiver.requests).toHaveLength(2);
});

const selfSigned = (part: 'key' | 'cert'): Buffer =>
  readFileSync(new URL(`../fixtures/tls/self-signed.${part}.pem`, import.meta.url));

test('a certificate that nobody vouches for is an error that says so, and nothing is sent', async () => {
  let reached = 0;
  const server = createTls({ key: selfSigned('key'), cert: selfSigned('cert') }, (_request, response) => {
    reached += 1;
    response.end();
  });
  const tls = await listening(server);
  const delivery = await told(await bench.webhook(appId, `https://localhost:${tls.port}/`));
  expect(delivery).toMatchObject({ status: 'PENDING', responseCode: null });
  expect(delivery.error).toMatch(/self-signed certificate/);
  expect(reached).toBe(0);
  await tls.close();
});

test('plain HTTP behind https is an error as well', async () => {
  const delivery = await told(
    await bench.webhook(appId, receiver.url.replace('http:', 'https:').replace('127.0.0.1', 'localhost')),
  );
  expect(delivery).toMatchObject({ status: 'PENDING', responseCode: null });
  expect(delivery.error).toMatch(/SSL|EPROTO|wrong version/i);
});

test('a name that has moved to this machine since the last delivery is not called any more', async () => {
  let answers = ['8.8.8.8'];
  const names = await startNameServer(() => answers);
  const resolve = nameResolver([names.address]);
  expect(await resolve('hooks.example')).toEqual(['8.8.8.8']);
  answers = ['127.0.0.1'];
  const agent = new GuardedAgent({ allowPrivate: false, resolve });
  const poster = new CallbackPoster(agent, new TestClock());
  const target = {
    url: receiver.url.replace('127.0.0.1', 'hooks.example'),
    secret: 's',
    previous: null,
    credentials: null,
  };
  expect(await poster.post(target, '01EVENT', '{}')).toMatchObject({
    kind: 'unreachable',
    error: expect.stringContaining('may not be called') as string,
  });
  expect(receiver.requests).toEqual([]);
  await agent.onApplicationShutdown();
  await names.close();
});

describe('what customers of others met', () => {
  test('each failed attempt is kept with what really happened, until one succeeds', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const answers = [
      { status: 500, body: 'the database is away' },
      { status: 503, body: 'come back later' },
      { status: 200, body: 'thanks' },
    ];
    receiver.answer(() => answers.shift());
    await told(webhook);
    for (const wait of [10_000, 10 * MINUTE]) {
      bench.clock.advance(wait);
      await drain(webhook);
    }
    const { items } = await bench.service.deliveries(PROJECT_ID, webhook.id, {}, {});
    const [delivery] = items.map(({ node }) => node);
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempts: 3, error: null });
    const attempts = delivery ? attemptsOf(delivery) : [];
    expect(attempts.map(({ responseCode, responseHead }) => [responseCode, responseHead])).toEqual([
      [500, 'the database is away'],
      [503, 'come back later'],
      [200, 'thanks'],
    ]);
    expect(attempts.every(({ at, durationMs }) => at instanceof Date && durationMs !== null)).toBe(true);
  });
});

test('64 targets that hang hold up no job of another', { timeout: 60_000 }, async () => {
  receiver.answer(({ path }) => (path === '/hangs' ? undefined : 200));
  const apps = await Promise.all(Array.from({ length: 64 }, () => bench.app()));
  const hanging = await Promise.all(apps.map((id) => bench.webhook(id, `${receiver.url}/hangs`)));
  await bench.record(...apps.map((id) => inbound(id, 'a', 'hello')));
  const began = Date.now();
  // As the queue does: each job's slot is free again when its promise has ended.
  await Promise.all(hanging.map((webhook) => worker.dispatcher.begin(keyOf(webhook))));
  expect(Date.now() - began).toBeLessThan(8_000);
  const healthy = await bench.webhook(appId, `${receiver.url}/answers`);
  await bench.record(inbound(appId, 'a', 'hello'));
  await worker.dispatcher.begin(keyOf(healthy));
  await eventually(
    async () => (await bench.deliveries(healthy))[0]?.status === 'DELIVERED',
    'the delivery to the healthy one',
    12_000,
  );
  // Stopping waits for them, and cuts them: nothing is counted, everything is due again.
  worker.dispatcher.onModuleDestroy();
  await worker.dispatcher.beforeApplicationShutdown();
  for (const webhook of hanging)
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'PENDING', attempts: 0 }]);
});
