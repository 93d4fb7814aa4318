import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  echoItem,
  type GraphReply,
  type GraphSend,
  startTestGraph,
  taken,
  type TestGraph,
} from '../support/graph.js';
import { envelope, newPsid, postWebhook, type TestPage } from '../support/messenger.js';
import { connectTo, Sending } from '../support/sending.js';

describe('sends while the database fails', () => {
  let app: TestApp;
  let graph: TestGraph;
  let sending: Sending;
  let page: TestPage;

  beforeEach(async () => {
    graph = await startTestGraph();
  });
  afterEach(async () => {
    await app.stop();
    await graph.stop();
  });

  /** @param grace seconds for the echo of a call of which no answer is known. */
  async function start(grace: number): Promise<void> {
    app = await startTestApp({ GRAPH_API_URL: graph.url, ECHO_GRACE_SECONDS: String(grace) });
    sending = new Sending(app);
    page = await connectTo(app);
  }

  /** Ends every connection of the service, as a restart of Postgres does. */
  async function cutConnections(): Promise<void> {
    await sending.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  }

  test('an answer that cannot be recorded blocks its lane for no longer than the time of grace', async () => {
    await start(4);
    const psid = newPsid();
    const held = Promise.withResolvers<GraphReply>();
    graph.answer = (send) => (send.text === 'unrecorded' ? held.promise : taken(send));
    await sending.send(page, psid, 'unrecorded');
    const call = await eventually(() => graph.sends[0], 'the call');
    // Its job finds the lane taken and ends; the job in the middle of the call is now the only one that knows.
    const next = await sending.send(page, psid, 'next');
    await eventually(
      async () =>
        (await sending.query(`SELECT FROM graphile_worker._private_jobs WHERE key LIKE 'send:%'`)).length ===
        0,
      'the end of the second job',
    );
    graph.answer = taken;
    await sending.query('ALTER TABLE message_parts RENAME TO message_parts_away');
    held.resolve(taken(call));
    await eventually(
      async () =>
        (await sending.query(`SELECT FROM graphile_worker._private_jobs WHERE last_error IS NOT NULL`))
          .length >= 1,
      'the job that failed',
    );
    await sending.query('ALTER TABLE message_parts_away RENAME TO message_parts');
    await sending.reaches(next, 'QUEUED_ON_CHANNEL', 60_000);
    // Nobody told what became of the first call: once more is the price.
    expect(graph.sends.map(({ text }) => text)).toEqual(['unrecorded', 'unrecorded', 'next']);
  }, 120_000);

  test('connections that are cut under load lose no message', async () => {
    // A busy machine may take its time to bring the echo.
    await start(15);
    const echoes: Promise<unknown>[] = [];
    graph.answer = async (send) => {
      echoes.push(echoUntilTaken(send));
      await new Promise((resolve) => setTimeout(resolve, 10));
      return taken(send);
    };
    const people = Array.from({ length: 8 }, newPsid);
    const accepted: string[] = [];
    const senders = people.map(async (psid) => {
      for (let index = 0; index < 12; index += 1) {
        const idempotencyKey = randomUUID();
        await eventually(async () => {
          accepted.push(await sending.send(page, psid, `${psid} ${index}`, { idempotencyKey }));
          return true;
        }, 'acceptance');
      }
    });
    for (let cut = 0; cut < 3; cut += 1) {
      const before = graph.sends.length;
      await eventually(() => graph.sends.length >= before + 10, 'some sends');
      await cutConnections();
    }
    await Promise.all(senders);
    for (const id of accepted) await sending.reaches(id, 'QUEUED_ON_CHANNEL', 60_000);
    await Promise.all(echoes);
    for (const psid of people) {
      const texts = graph.sends.filter((send) => send.psid === psid).map(({ text }) => text);
      expect(texts).toEqual(Array.from({ length: 12 }, (_, index) => `${psid} ${index}`));
    }
  }, 120_000);

  /** As Meta does: again until it is answered with 200. */
  async function echoUntilTaken(send: GraphSend): Promise<void> {
    await eventually(
      async () => (await postWebhook(app, page, envelope(page.pageId, echoItem(send)))).status === 200,
      'the echo',
      60_000,
    );
  }
});
