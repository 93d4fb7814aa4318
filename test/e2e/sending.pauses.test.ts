import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MessagesService } from '../../src/messages/messages.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { startTestGraph, taken, type TestGraph } from '../support/graph.js';
import { newPsid, type TestPage } from '../support/messenger.js';
import { commandOf, connectTo, Sending } from '../support/sending.js';

const USED_UP = { 'x-page-usage': JSON.stringify({ call_count: 100, total_time: 3, total_cputime: 2 }) };
const LIMIT = { status: 400, body: { error: { code: 613, message: 'too fast' } } };

describe('sends of a page that wants fewer calls', () => {
  let app: TestApp;
  let graph: TestGraph;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    graph = await startTestGraph();
    app = await startTestApp({ GRAPH_API_URL: graph.url });
    sending = new Sending(app);
  });
  beforeEach(async () => {
    graph.sends.length = 0;
    graph.answer = taken;
    page = await connectTo(app);
  });
  afterAll(async () => {
    await app.stop();
    await graph.stop();
  });

  const texts = (): string[] => graph.sends.map(({ text }) => text);

  async function pauseOf(of = page): Promise<{ ms: number; strikes: number } | undefined> {
    const rows = await sending.query(
      'SELECT extract(epoch FROM until - now())::float * 1000 AS ms, strikes FROM channel_pauses WHERE app_id = $1',
      [of.appId],
    );
    return rows[0] as { ms: number; strikes: number } | undefined;
  }

  /** As if the time had come; those of high priority are so far ahead of the others. */
  async function endPause(seconds = 2): Promise<void> {
    await sending.query(`UPDATE channel_pauses SET until = now() WHERE app_id = $1`, [page.appId]);
    await sending.query(
      `UPDATE graphile_worker._private_jobs SET run_at = now() + CASE WHEN key LIKE 'send-high:%' THEN interval '0' ELSE make_interval(secs => $1) END
       WHERE key LIKE 'send%' AND run_at > now()`,
      [seconds],
    );
  }

  /** The lane's job rests with the lane. */
  async function rests(id: string): Promise<void> {
    await eventually(
      async () =>
        (
          await sending.query(
            `SELECT FROM sends s JOIN graphile_worker.jobs j ON j.key IN ('send:' || s.conversation_id, 'send-high:' || s.conversation_id)
             WHERE s.message_id = $1 AND j.run_at > now() AND j.locked_at IS NULL`,
            [id],
          )
        ).length > 0,
      `the rest of ${id}`,
    );
  }

  test('headers of an answer that went well pause every lane of the page, and of no other page', async () => {
    graph.answer = (call) => ({ ...(taken(call) as object), headers: USED_UP }) as never;
    await sending.reaches(await sending.send(page, newPsid(), 'the last one'), 'QUEUED_ON_CHANNEL');
    graph.answer = taken;
    expect((await pauseOf())?.ms).toBeGreaterThan(200_000);
    const waiting = await sending.send(page, newPsid(), 'waits');
    const other = await connectTo(app);
    await sending.reaches(await sending.send(other, newPsid(), 'another page'), 'QUEUED_ON_CHANNEL');
    await rests(waiting);
    expect(texts()).toEqual(['the last one', 'another page']);
    await endPause();
    await sending.reaches(waiting, 'QUEUED_ON_CHANNEL');
    await eventually(async () => (await pauseOf()) === undefined, 'the end of the pause');
  });

  test('the time that Graph names is kept, and the message that met the limit is not lost', async () => {
    graph.answer = () => ({
      ...LIMIT,
      headers: {
        'x-business-use-case-usage': JSON.stringify({
          [page.pageId]: [{ type: 'messenger', call_count: 100, estimated_time_to_regain_access: 19 }],
        }),
      },
    });
    const psid = newPsid();
    const first = await sending.send(page, psid, 'first');
    const second = await sending.send(page, psid, 'second');
    await rests(first);
    expect((await pauseOf())?.ms).toBeGreaterThan(18 * 60_000);
    graph.answer = taken;
    await endPause();
    await sending.reaches(second, 'QUEUED_ON_CHANNEL');
    expect(texts()).toEqual(['first', 'first', 'second']);
  });

  test('a message that met the limit between its payloads goes on where it stopped', async () => {
    const long = `${'long '.repeat(500)}end`;
    graph.answer = (call) =>
      (graph.sends.length === 1 ? { ...(taken(call) as object), headers: USED_UP } : taken(call)) as never;
    const id = await sending.send(page, newPsid(), long);
    await rests(id);
    expect(graph.sends).toHaveLength(1);
    await endPause();
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(new Set(texts()).size).toBe(2);
    expect(graph.sends).toHaveLength(2);
  });

  test('time to live runs on during a pause', async () => {
    graph.answer = () => ({ ...LIMIT, headers: USED_UP });
    const psid = newPsid();
    const waits = await sending.send(page, psid, 'waits');
    const dies = await sending.send(page, psid, 'dies', { ttl: '3s' });
    expect((await sending.reaches(dies, 'FAILED')).reason?.code).toBe('MESSAGE_EXPIRED');
    expect((await sending.message(waits)).status).toBe('QUEUED');
    expect(texts()).toEqual(['waits']);
  });

  test('after a pause those of high priority go first, and the order within a conversation stays', async () => {
    graph.answer = () => ({ ...LIMIT, headers: USED_UP });
    const first = await sending.send(page, newPsid(), 'bulk');
    await rests(first);
    const bulk: string[] = [];
    for (let index = 0; index < 40; index += 1)
      bulk.push(await sending.send(page, newPsid(), `bulk ${index}`));
    const mixed = newPsid();
    const before = await sending.send(page, mixed, 'normal before high');
    const high = await sending.send(page, mixed, 'high', { queue: 'HIGH_PRIORITY' });
    for (const id of [...bulk, before]) await rests(id);
    graph.sends.length = 0;
    graph.answer = taken;
    await endPause(6);
    for (const id of [first, ...bulk, before, high]) await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(texts().slice(0, 2)).toEqual(['normal before high', 'high']);
    expect(texts()).toHaveLength(43);
  });
});

describe('a message of high priority', () => {
  let app: TestApp;
  let graph: TestGraph;

  beforeAll(async () => {
    graph = await startTestGraph();
    app = await startTestApp({ GRAPH_API_URL: graph.url });
  });
  afterAll(async () => {
    await app.stop();
    await graph.stop();
  });

  test('passes thousands that wait in other lanes', async () => {
    const page = await connectTo(app);
    const sending = new Sending(app);
    const messages = app.parley.app.get(MessagesService, { strict: false });
    // So slow that the bulk takes minutes.
    const held = Promise.withResolvers<void>();
    graph.answer = async (call) => {
      if (call.text.startsWith('bulk')) await held.promise;
      return taken(call);
    };
    const people = Array.from({ length: 500 }, newPsid);
    await Promise.all(
      Array.from({ length: 2_000 }, (_, index) =>
        messages.send(
          commandOf(app, page, people[index % 500] ?? '', { text_message: { text: `bulk ${index}` } }),
        ),
      ),
    );
    await eventually(() => graph.sends.length >= 32, 'all the slots busy');
    const high = await sending.send(page, newPsid(), 'urgent', { queue: 'HIGH_PRIORITY' });
    await sending.reaches(high, 'QUEUED_ON_CHANNEL', 10_000);
    expect(graph.sends.filter(({ text }) => text.startsWith('bulk')).length).toBeLessThanOrEqual(32);
    // Nor does the rest of its own lane keep a slot that is for others.
    const person = people[499] ?? '';
    const behind = await sending.send(page, person, 'urgent behind bulk', { queue: 'HIGH_PRIORITY' });
    await eventually(
      () => graph.sends.some((call) => call.psid === person && call.text === 'bulk 499'),
      'the head of its lane',
    );
    held.resolve();
    await sending.reaches(behind, 'QUEUED_ON_CHANNEL', 60_000);
    const lane = graph.sends.filter(({ psid }) => psid === person).map(({ text }) => text);
    expect(lane).toEqual(['bulk 499', 'bulk 999', 'bulk 1499', 'bulk 1999', 'urgent behind bulk']);
  });
});
