// SendMessages as a customer uses it: one stream, many messages.
import { type ServiceError, status } from '@grpc/grpc-js';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import type { SendMessageRequest } from '../../src/generated/proto/parley/conversation/v1/SendMessageRequest.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { detailsOf, grpcClient, statusDetails, unary } from '../support/grpc.js';
import { metadataOf, SendStream } from '../support/grpc-stream.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Sending } from '../support/sending.js';

const MOST_IN_FLIGHT = 1_000;
/** What the buffers of HTTP/2 and of both ends may hold beside. */
const BUFFERED = 6_000;

let app: TestApp;
let sending: Sending;
let client: MessageServiceClient;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  sending = new Sending(app);
  client = grpcClient(app.parley.grpc);
  page = await connectPage(app);
});
afterAll(async () => {
  client.close();
  await app.stop();
});

function open(more: Record<string, string> = {}, deadline?: Date): SendStream {
  return new SendStream(client, { authorization: app.authorization, ...more }, deadline);
}

function requestTo(psid: string, text: string, more: SendMessageRequest = {}): SendMessageRequest {
  return {
    appId: page.appId,
    recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
    message: { textMessage: { text } },
    ...more,
  };
}

async function textsTo(psid: string): Promise<string[]> {
  const rows = await sending.query(
    `SELECT content -> 'text_message' ->> 'text' AS text FROM messages WHERE identity = $1 ORDER BY id`,
    [psid],
  );
  return (rows as { text: string }[]).map(({ text }) => text);
}

test('each request has its result, in the order of the requests, and the stream ends after the last', async () => {
  const stream = open();
  const psid = newPsid();
  for (const [index, ref] of ['a', 'b', 'c'].entries())
    await stream.write(requestTo(psid, `number ${index}`, { clientRef: ref }));
  stream.call.end();
  expect((await stream.ended).code).toBe(status.OK);
  expect(stream.results.map(({ clientRef }) => clientRef)).toEqual(['a', 'b', 'c']);
  const ids = stream.results.map(({ response }) => response?.messageId ?? '');
  expect(ids.toSorted()).toEqual(ids);
  const read = await unary(
    client.getMessage.bind(client),
    { messageId: ids[1] },
    { authorization: app.authorization },
  );
  expect(read).toMatchObject({ id: ids[1], appMessage: { textMessage: { text: 'number 1' } } });
  expect(await textsTo(psid)).toEqual(['number 0', 'number 1', 'number 2']);
});

test('a request that cannot be accepted gets the error of the unary call as its result, and the stream goes on', async () => {
  const psid = newPsid();
  const bad = requestTo(psid, '', { clientRef: 'bad' });
  const stream = open();
  await stream.write(bad);
  await stream.write(requestTo(psid, 'x', { clientRef: 'foreign', appId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }));
  await stream.write(requestTo(psid, 'good', { clientRef: 'x'.repeat(256) }));
  await stream.write(requestTo(psid, 'good', { clientRef: 'good' }));
  stream.call.end();
  expect((await stream.ended).code).toBe(status.OK);
  const refusal = (await unary(client.sendMessage.bind(client), bad, {
    authorization: app.authorization,
  }).catch((e: unknown) => e)) as ServiceError;
  const [first, second, third, fourth] = stream.results;
  expect(first).toMatchObject({
    clientRef: 'bad',
    error: { code: status.INVALID_ARGUMENT, message: refusal.details },
  });
  expect(statusDetails(first?.error)).toEqual(detailsOf(refusal));
  expect(statusDetails(first?.error)).toMatchObject([
    { type: 'BadRequest', fieldViolations: [{ field: 'message.text_message.text' }] },
  ]);
  expect(second).toMatchObject({ clientRef: 'foreign', error: { code: status.NOT_FOUND } });
  expect(third).toMatchObject({ error: { code: status.INVALID_ARGUMENT } });
  expect(fourth).toMatchObject({ clientRef: 'good' });
  expect(fourth?.error).toBeUndefined();
  expect(await textsTo(psid)).toEqual(['good']);
});

test('a key of its own makes the retry of a message harmless, and is refused for another message', async () => {
  const psid = newPsid();
  const stream = open();
  for (const text of ['once', 'once', 'twice'])
    await stream.write(requestTo(psid, text, { idempotencyKey: `key of ${psid}`, clientRef: text }));
  stream.call.end();
  await stream.ended;
  const [first, again, other] = stream.results;
  expect(first?.response?.messageId).toMatch(/^[0-9A-Z]{26}$/);
  expect(again?.response).toEqual(first?.response);
  expect(other?.error?.code).toBe(status.ALREADY_EXISTS);
  const retried = await unary(client.sendMessage.bind(client), requestTo(psid, 'once'), {
    authorization: app.authorization,
    'idempotency-key': `key of ${psid}`,
  });
  expect(retried).toEqual(first?.response);
  expect(await textsTo(psid)).toEqual(['once']);
});

test('a key for the whole stream is refused, as is one that differs from that of the metadata', async () => {
  const stream = open({ 'idempotency-key': 'k' });
  expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
  const request = requestTo(newPsid(), 'x', { idempotencyKey: 'a' });
  await expect(
    unary(client.sendMessage.bind(client), request, {
      authorization: app.authorization,
      'idempotency-key': 'b',
    }),
  ).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test('credentials that are missing or wrong end the stream', async () => {
  const wrong = `Basic ${Buffer.from('test-key:wrong').toString('base64')}`;
  for (const metadata of [{}, { authorization: wrong }]) {
    const stream = new SendStream(client, metadata as Record<string, string>);
    await stream.write(requestTo(newPsid(), 'x'));
    expect((await stream.ended).code).toBe(status.UNAUTHENTICATED);
    expect(stream.results).toEqual([]);
  }
});

test(
  'of 6,000 messages on one stream each recipient gets theirs in order',
  { timeout: 300_000 },
  async () => {
    const people = Array.from({ length: 200 }, () => newPsid());
    const stream = open();
    for (let turn = 0; turn < 6_000; turn++)
      await stream.write(
        requestTo(people[turn % people.length] as string, String(turn), { clientRef: String(turn) }),
      );
    stream.call.end();
    expect((await stream.ended).code).toBe(status.OK);
    expect(stream.results.filter(({ error }) => error)).toEqual([]);
    expect(stream.results.map(({ clientRef }) => Number(clientRef))).toEqual(
      Array.from({ length: 6_000 }, (_, turn) => turn),
    );
    const rows = (await sending.query(
      `SELECT identity, array_agg((content -> 'text_message' ->> 'text')::int ORDER BY id) AS turns
     FROM messages WHERE identity = ANY($1) GROUP BY 1`,
      [people],
    )) as { identity: string; turns: number[] }[];
    expect(rows).toHaveLength(people.length);
    for (const { identity, turns } of rows)
      expect(turns).toEqual(
        Array.from({ length: 30 }, (_, i) => i * people.length + people.indexOf(identity)),
      );
  },
);

test('a client that reads no results cannot write on and on, and nothing is lost when it reads again', async () => {
  const psid = newPsid();
  const call = client.sendMessages(metadataOf({ authorization: app.authorization }));
  call.on('error', () => undefined);
  const ended = new Promise<{ code: number }>((resolve) => call.on('status', resolve));
  let results = 0;
  // A client of grpc-js holds the server back only once it has begun to read.
  call.on('data', () => {
    results += 1;
    if (results === 1) call.pause();
  });
  let written = 0;
  let stop = false;
  const writing = (async () => {
    while (!stop) {
      written += 1;
      if (!call.write(requestTo(psid, 'x'.repeat(1_000), { clientRef: 'r'.repeat(255) })))
        await once(call, 'drain');
    }
  })();
  let before = { written: -1, stored: -1 };
  let same = 0;
  await eventually(
    async () => {
      await quiet();
      const now = { written, stored: await countTo(psid) };
      same = now.written === before.written && now.stored === before.stored ? same + 1 : 0;
      before = now;
      // A busy machine may pause on the way.
      return same >= 4 && written > MOST_IN_FLIGHT;
    },
    'a full stream',
    100_000,
  );
  expect(written).toBeLessThan(MOST_IN_FLIGHT + BUFFERED);
  expect(results).toBeLessThan(20);
  stop = true;
  call.resume();
  await writing;
  call.end();
  expect((await ended).code).toBe(status.OK);
  expect(results).toBe(written);
  expect(await countTo(psid)).toBe(written);
});

async function countTo(psid: string): Promise<number> {
  const [row] = await sending.query('SELECT count(*)::int FROM messages WHERE identity = $1', [psid]);
  return (row as { count: number }).count;
}

/** False after a moment, for a race. */
function quiet(): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), 300));
}

test('a cancelled stream submits nothing more', async () => {
  const psid = newPsid();
  const stream = open();
  for (let turn = 0; turn < 5_000; turn++) stream.call.write(requestTo(psid, String(turn)));
  await stream.resultsOf(1);
  stream.call.cancel();
  expect((await stream.ended).code).toBe(status.CANCELLED);
  let accepted = -1;
  let same = 0;
  await eventually(async () => {
    await quiet();
    const now = await countTo(psid);
    same = now === accepted ? same + 1 : 0;
    accepted = now;
    return same === 4;
  }, 'the end of the stream');
  expect(accepted).toBeLessThan(5_000);
  // What was accepted is the beginning, whole.
  expect(await textsTo(psid)).toEqual(Array.from({ length: accepted }, (_, turn) => String(turn)));
  const next = open();
  await next.write(requestTo(psid, 'after'));
  next.call.end();
  expect((await next.ended).code).toBe(status.OK);
});

test('a stream ends at its deadline', async () => {
  const stream = open({}, new Date(Date.now() + 5_000));
  await stream.write(requestTo(newPsid(), 'in time'));
  await stream.resultsOf(1);
  expect((await stream.ended).code).toBe(status.DEADLINE_EXCEEDED);
});
