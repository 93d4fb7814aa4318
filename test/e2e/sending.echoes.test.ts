import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  deliveryItem,
  echoItem,
  type GraphReply,
  type GraphSend,
  readItem,
  startTestGraph,
  taken,
  type TestGraph,
} from '../support/graph.js';
import { envelope, newPsid, postWebhook, type TestPage, textItem } from '../support/messenger.js';
import { connectTo, Sending } from '../support/sending.js';

describe('the answer of a send, its echo and its receipts, in any order', () => {
  let app: TestApp;
  let graph: TestGraph;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    graph = await startTestGraph();
    // So long that nothing here can be due to it.
    app = await startTestApp({ GRAPH_API_URL: graph.url, ECHO_GRACE_SECONDS: '300' });
    sending = new Sending(app);
    page = await connectTo(app);
  });
  beforeEach(() => {
    graph.sends.length = 0;
    graph.answer = taken;
  });
  afterAll(async () => {
    await app.stop();
    await graph.stop();
  });

  async function post(...items: unknown[]): Promise<void> {
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  }

  /** Sends a text, and stops at the moment when the channel has it but has not answered. */
  async function sendHeld(
    psid: string,
    text: string,
  ): Promise<{ id: string; call: GraphSend; answer: (reply: GraphReply) => void }> {
    const known = graph.sends.length;
    const held = Promise.withResolvers<GraphReply>();
    graph.answer = (send) => (send.text === text ? held.promise : taken(send));
    const id = await sending.send(page, psid, text);
    const call = await eventually(
      () => graph.sends.slice(known).find((send) => send.text === text),
      'the call',
    );
    return { id, call, answer: held.resolve };
  }

  async function settledAs(id: string, statuses: string[]): Promise<void> {
    await sending.reaches(id, statuses.at(-1) ?? '');
    expect(await sending.told(id)).toEqual(statuses);
  }

  /** The lane has done all it can once a further message has gone through it. */
  async function laneIsClear(psid: string): Promise<void> {
    await sending.reaches(await sending.send(page, psid, `flush ${randomUUID()}`), 'QUEUED_ON_CHANNEL');
  }

  test('echo, then answer', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'echo first');
    await post(echoItem(call), echoItem(call));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    answer(taken(call));
    await post(echoItem(call));
    await laneIsClear(psid);
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    expect(await sending.outbound(page, psid)).toHaveLength(2);
    expect(graph.sends).toHaveLength(2);
  });

  test('echo, then the connection drops: no second call, and the next message does not wait', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'dropped after the echo');
    const next = await sending.send(page, psid, 'next');
    await post(echoItem(call));
    answer('drop');
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await sending.reaches(next, 'QUEUED_ON_CHANNEL');
    await laneIsClear(psid);
    expect(graph.sends.map(({ text }) => text).slice(0, 2)).toEqual(['dropped after the echo', 'next']);
    expect(graph.sends).toHaveLength(3);
  });

  test('the connection drops, then the echo: what waited goes on at once', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'dropped before the echo');
    const next = await sending.send(page, psid, 'next');
    answer('drop');
    await eventually(
      async () =>
        (await sending.query('SELECT FROM sends WHERE message_id = $1 AND attempt_by IS NULL', [id]))
          .length === 1,
      'the record of the lost answer',
    );
    expect(graph.sends).toHaveLength(1);
    await post(echoItem(call));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await sending.reaches(next, 'QUEUED_ON_CHANNEL');
    expect(graph.sends.map(({ text }) => text)).toEqual(['dropped before the echo', 'next']);
  });

  test('echo and dropped connection at the same moment, many times over', async () => {
    const psid = newPsid();
    const texts = Array.from({ length: 15 }, (_, index) => `together ${index}`);
    graph.answer = async (call): Promise<GraphReply> => {
      const echoed = post(echoItem(call));
      // Before, during and after the transaction of the echo.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
      void echoed;
      return 'drop';
    };
    for (const text of texts) await sending.send(page, psid, text);
    await eventually(
      async () => (await sending.outbound(page, psid)).every(({ status }) => status === 'QUEUED_ON_CHANNEL'),
      'all of them on the channel',
      60_000,
    );
    expect(graph.sends.map(({ text }) => text)).toEqual(texts);
  });

  test.each([
    ['by id', (call: GraphSend) => [deliveryItem(call)], 'DELIVERED'],
    ['by watermark', (call: GraphSend) => [deliveryItem(call, call.at, [])], 'DELIVERED'],
    ['read', (call: GraphSend) => [readItem(call)], 'READ'],
    ['delivered and read', (call: GraphSend) => [deliveryItem(call), readItem(call)], 'READ'],
    [
      'read, then delivered, all doubled',
      (call: GraphSend) => [readItem(call), deliveryItem(call), readItem(call), deliveryItem(call)],
      'READ',
    ],
  ])('receipts before the answer, no echo: %s', async (_how, receipts, status) => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'received before answered');
    await post(...receipts(call));
    expect((await sending.message(id)).status).toBe('QUEUED');
    answer(taken(call));
    expect((await sending.reaches(id, status)).status).toBe(status);
    const [, ...told] = await sending.told(id);
    expect(told.at(-1)).toBe(status);
    expect(await sending.outbound(page, psid)).toHaveLength(1);
  });

  test('a receipt for what came before says nothing about a send under way', async () => {
    const psid = newPsid();
    const before = await sending.send(page, psid, 'before');
    await sending.reaches(before, 'QUEUED_ON_CHANNEL');
    const watermark = Date.now();
    await eventually(() => Date.now() > watermark + 5, 'the clock');
    const { id, call, answer } = await sendHeld(psid, 'under way');
    await post(readItem(call, watermark));
    expect((await sending.message(before)).status).toBe('READ');
    answer(taken(call));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await laneIsClear(psid);
    expect((await sending.message(id)).status).toBe('QUEUED_ON_CHANNEL');
  });

  test('receipts, then a dropped connection, then the echo', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'everything is late');
    await post(deliveryItem(call));
    answer('drop');
    await post(echoItem(call));
    await sending.reaches(id, 'DELIVERED');
    await post(readItem(call), deliveryItem(call), echoItem(call));
    expect((await sending.message(id)).status).toBe('READ');
    expect(graph.sends).toHaveLength(1);
  });

  test('a message of several payloads is on the channel with its last one, and received with its last one', async () => {
    const psid = newPsid();
    const long = `${'long '.repeat(500)}end`;
    const held = Promise.withResolvers<GraphReply>();
    graph.answer = (send) => (graph.sends.length === 1 ? taken(send) : held.promise);
    const id = await sending.send(page, psid, long);
    await eventually(() => graph.sends.length === 2, 'the second payload');
    const [one, two] = graph.sends as [GraphSend, GraphSend];
    await post(echoItem(one), deliveryItem(one));
    expect((await sending.message(id)).status).toBe('QUEUED');
    held.resolve(taken(two));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await post(echoItem(two), deliveryItem(two));
    expect((await sending.message(id)).status).toBe('DELIVERED');
  });

  test('an echo of a failed message changes nothing: FAILED is final', async () => {
    const psid = newPsid();
    graph.answer = () => ({ status: 400, body: { error: { code: 100, message: 'no' } } });
    const id = await sending.send(page, psid, 'failed');
    await sending.reaches(id, 'FAILED');
    const [call] = graph.sends as [GraphSend];
    await post(echoItem(call), deliveryItem(call), readItem(call));
    await settledAsFailed(id);
    expect(await sending.outbound(page, psid)).toHaveLength(1);
  });

  async function settledAsFailed(id: string): Promise<void> {
    expect(await sending.told(id)).toEqual(['QUEUED', 'FAILED']);
    expect((await sending.message(id)).status).toBe('FAILED');
  }

  test('somebody writing at the same time does not disturb the sends', async () => {
    const psid = newPsid();
    graph.answer = async (call) => {
      await post(textItem(page.pageId, psid, `answer to ${call.text}`), echoItem(call));
      return taken(call);
    };
    const texts = Array.from({ length: 10 }, (_, index) => `question ${index}`);
    for (const text of texts) await sending.send(page, psid, text);
    await eventually(
      async () => (await sending.outbound(page, psid)).every(({ status }) => status === 'QUEUED_ON_CHANNEL'),
      'all of them on the channel',
    );
    expect(graph.sends.map(({ text }) => text)).toEqual(texts);
  });
});
