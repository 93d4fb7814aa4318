// Failures of other projects' inboxes, by their number in the list of reported failures: shown not to happen here. 49 is lists and inserts
// that time out at scale, and a list that is not live without a reload.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { loadConfig } from '../../src/config.js';
import { EventFollower } from '../../src/events/follow.js';
import { EventLog } from '../../src/events/event-log.js';
import { type Parley, startParley } from '../../src/start.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { freePort } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { InboxClient } from '../support/inbox-client.js';
import { type Answered, missing } from '../support/lessons.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { Records } from '../support/records.js';

const HERE = 'test/e2e/lessons.inbox.test.ts';
const SUBSCRIPTIONS = 'test/e2e/subscription.test.ts';

const LESSONS: Readonly<Record<number, Answered>> = {
  49: [
    // Lists at scale.
    ['test/service/inbox-plans.test.ts', 'of %s is an index scan in the order of the list'],
    ['test/service/list-plans.test.ts', 'the GraphQL list of %s reads by an index, and few rows'],
    ['test/e2e/graphql-sql.test.ts', '%s takes as many for one as for twenty-five'],
    // Inserts, and counters that many writers share.
    [HERE, '49: many writers on one app get in nobody'],
    ['test/e2e/crash.test.ts', 'kill -9 under load, three times'],
    // One queue for all.
    [
      HERE,
      '49: what waits to be sent, or to be told to a customer who does not answer, holds up nothing that comes in',
    ],
    ['test/service/webhooks.hostile.test.ts', '64 targets that hang hold up no job of another'],
    // Live without a reload.
    ['test/e2e/agent-day.test.ts', 'a train ride: the connection is cut again and again'],
    [HERE, '49: a list goes on behind a restart of the service'],
    [HERE, '49: a slow reader is dropped with the reason'],
    [HERE, '49: a reader who is overtaken by what is kept is told so'],
    [SUBSCRIPTIONS, 'reaches subscribers who are cut off again and again'],
    [SUBSCRIPTIONS, 'after a cursor whose events are gone is told so, and after a new page it works'],
    ['test/e2e/oauth.test.ts', 'ends with its token, within seconds, and says so'],
    ['test/e2e/agent-day.test.ts', 'the token runs out over lunch'],
    [
      'test/e2e/chaos.test.ts',
      'everybody ends with the list of the database when processes wake each other by Postgres',
    ],
  ],
};

test('the reported failures of inboxes are answered, by a test that there is or by a reason', () => {
  expect(missing(LESSONS, 49, 49)).toEqual([]);
});

const SETTINGS = {
  PARLEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  GRAPHQL_SLOW_CONSUMER_SECONDS: '1',
};
const WHOLE = `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) {
  ... on MessageAdded { cursor message { id content { ... on TextMessage { text } } } } ... on ConversationUpdated { cursor } ... on ContactUpdated { cursor } ... on ChannelUpdated { cursor } } }`;

let port: number;
let app: TestApp;
let page: TestPage;
let records: Records;
/** The one that runs after a restart. */
let restarted: Parley | null = null;

beforeAll(async () => {
  port = await freePort();
  app = await startTestApp({ ...SETTINGS, PORT: String(port) });
  records = await Records.of(app.databaseUrl);
});
beforeEach(async () => {
  page = await connectPage(app);
});
afterAll(async () => {
  await records.close();
  await restarted?.stop();
  await app.stop();
});

async function write(...texts: { psid: string; text: string }[]): Promise<number> {
  const items = texts.map(({ psid, text }) => textItem(page.pageId, psid, text, `m_${randomUUID()}`));
  return (await postWebhook(app, page, envelope(page.pageId, ...items))).status;
}

async function inboxCursor(): Promise<string> {
  const { inbox } = await app.graphql<{ inbox: { eventCursor: string } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }`,
    { appId: page.appId },
  );
  return inbox.eventCursor;
}

/** Ids of the messages, in the order of the log. */
async function logged(): Promise<string[]> {
  const rows = await records.query<{ id: string }>(
    `SELECT payload -> 'message' ->> 'id' AS id FROM events WHERE app_id = $1 AND kind = 'message.added' ORDER BY xact, seq`,
    [page.appId],
  );
  return rows.map(({ id }) => id);
}

function frontEnd(): InboxClient {
  return new InboxClient(app.url, page.appId, async () => {
    const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
      `mutation ($input: CreateInboxTokenInput!) { createInboxToken(input: $input) { token } }`,
      { input: { appIds: [page.appId], agentId: 'ann', role: 'AGENT' } },
    );
    return createInboxToken.token;
  });
}

function messagesOf(client: InboxClient): (string | undefined)[] {
  return client.eventsOf('MessageAdded').map(({ message }) => message?.id);
}

async function deadlocks(): Promise<number> {
  const [row] = await records.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(row?.deadlocks);
}

describe('writers', () => {
  test("49: many writers on one app get in nobody's way: no deadlock, no count that drifts, one order for all", async () => {
    const before = await deadlocks();
    const client = frontEnd();
    await client.open();
    const people = Array.from({ length: 30 }, newPsid);
    const shuffled = (): string[] => people.toSorted(() => Math.random() - 0.5);
    const [statuses, refusals]: [number[], unknown[]] = [[], []];
    const tasks = Array.from({ length: 24 }, async (_, writer) => {
      for (let round = 0; round < 5; round += 1) {
        // Each request takes many conversations at once, in an order of its own.
        statuses.push(
          await write(
            ...shuffled()
              .slice(0, 12)
              .map((psid) => ({ psid, text: `${writer}-${round}` })),
          ),
        );
      }
    });
    const agents = Array.from({ length: 4 }, async (_, agent) => {
      for (let round = 0; round < 12; round += 1) {
        for (const { id } of client.list.slice(0, 3)) {
          await client
            .ask(
              `mutation ($id: ID!, $input: UpdateConversationInput!) {
                markConversationRead(id: $id) { id } updateConversation(id: $id, input: $input) { id } }`,
              { id, input: { assignee: `agent ${agent}`, labels: [`round ${round}`] } },
            )
            .catch((error: unknown) => refusals.push(error));
        }
        await client.walk({ unread: true });
      }
    });
    await Promise.all([...tasks, ...agents]);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(refusals).toEqual([]);
    expect(await deadlocks()).toBe(before);
    const drifted = await records.query(
      `SELECT c.id FROM conversations c WHERE c.app_id = $1 AND c.unread_count <> (SELECT count(*) FROM messages m
         WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND m.direction = 'TO_APP'
           AND m.id > coalesce(c.read_up_to_message_id, ''))`,
      [page.appId],
    );
    expect(drifted).toEqual([]);
    const expected = await logged();
    expect(expected).toHaveLength(24 * 5 * 12);
    await eventually(() => messagesOf(client).length >= expected.length, 'the last message');
    expect(messagesOf(client)).toEqual(expected);
    await client.close();
  });

  test('49: what waits to be sent, or to be told to a customer who does not answer, holds up nothing that comes in', async () => {
    // Nobody listens there, and nothing is sent while the token is dead.
    await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
      input: { appId: page.appId, target: 'http://127.0.0.1:2/', triggers: ['MESSAGE_INBOUND'] },
    });
    const people = Array.from({ length: 20 }, newPsid);
    expect(await write(...people.map((psid) => ({ psid, text: 'Hello' })))).toBe(200);
    const recipientOf = (psid: string): object => ({
      identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] },
    });
    const message = { textMessage: { text: 'x'.repeat(1_900) } };
    await app.graphql(
      `mutation ($input: [SendMessageInput!]!) { sendMessages(input: $input) { messageId } }`,
      {
        input: Array.from({ length: 400 }, (_, index) => ({
          appId: page.appId,
          recipient: recipientOf(people[index % people.length] ?? ''),
          message,
        })),
      },
    );
    const client = frontEnd();
    await client.open();
    const waits = async (): Promise<number> => {
      const [row] = await records.query<{ count: string }>(
        `SELECT count(*) FROM webhook_deliveries_pending WHERE project_id = $1`,
        [app.projectId],
      );
      return Number(row?.count);
    };
    expect(await waits()).toBeGreaterThan(0);
    const psid = newPsid();
    expect(await write({ psid, text: 'Am I late?' })).toBe(200);
    await eventually(
      () => client.list.some(({ lastMessage }) => lastMessage?.content.text === 'Am I late?'),
      'the message in the inbox',
      30_000,
    );
    expect(await waits()).toBeGreaterThan(0);
    await client.close();
  });
});

describe('a live list', () => {
  test('49: a slow reader is dropped with the reason, and goes on where it was', async () => {
    const after = await inboxCursor();
    const quick = frontEnd();
    await quick.open();
    const seen: string[] = [];
    let cursor = after;
    const connect = (): WebSocket => {
      const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      socket.on('open', () => {
        const payload = { authorization: app.authorization };
        socket.send(JSON.stringify({ type: 'connection_init', payload }));
      });
      socket.on('message', (data: Buffer) => {
        const { type, payload } = JSON.parse(data.toString('utf8')) as {
          type: string;
          payload?: { data: { inbox: { cursor: string; message?: { id: string } } } };
        };
        if (type === 'connection_ack') {
          const subscribe = { query: WHOLE, variables: { appId: page.appId, after: cursor } };
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscribe }));
        }
        if (type !== 'next' || !payload) return;
        ({ cursor } = payload.data.inbox);
        if (payload.data.inbox.message) seen.push(payload.data.inbox.message.id);
      });
      return socket;
    };
    const slow = connect();
    const psid = newPsid();
    await eventually(async () => {
      await write({ psid, text: 'ready?' });
      return seen.length > 0;
    }, 'the first message');
    const closing = vi.spyOn(WebSocket.prototype, 'close');
    slow.pause();
    // More than the buffers of both ends of a connection hold.
    const text = 'x'.repeat(19_000);
    for (let round = 0; round < 20; round += 1)
      await write(...Array.from({ length: 50 }, () => ({ psid, text })));
    const expected = await logged();
    await eventually(() => messagesOf(quick).length >= expected.length, 'the quick one');
    await eventually(() => closing.mock.calls.some(([code]) => code === 1013), 'the end of patience');
    closing.mockRestore();
    expect(seen.length).toBeLessThan(expected.length);
    const closed = once(slow, 'close') as Promise<[number, Buffer]>;
    slow.resume();
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([
      1013,
      'Slow consumer: read nothing for 1 s. Go on after the last cursor',
    ]);
    expect(seen.length).toBeLessThan(expected.length);
    const again = connect();
    await eventually(() => seen.length >= expected.length, 'the rest');
    expect(seen).toEqual(expected);
    expect(messagesOf(quick)).toEqual(expected);
    again.terminate();
    await quick.close();
  });

  test('49: a reader who is overtaken by what is kept is told so, instead of being carried over the gap', async () => {
    const { app: service } = app.parley;
    const [log, follower] = [
      service.get(EventLog, { strict: false }),
      service.get(EventFollower, { strict: false }),
    ];
    const key = { projectId: app.projectId, appId: page.appId };
    const stop = new AbortController();
    const start = await log.tail();
    const psid = newPsid();
    await write({ psid, text: 'first' });
    const reader = follower.follow(key, start, stop.signal);
    expect((await reader.next()).value).toMatchObject({ appId: page.appId });
    // More than is kept in memory for those who are a little behind.
    for (let round = 0; round < 12; round += 1)
      await write(...Array.from({ length: 100 }, () => ({ psid, text: 'more' })));
    const [kept] = await records.query<{ xact: string }>('SELECT xact::text FROM event_horizon');
    await records.query(`DELETE FROM events WHERE app_id = $1 AND seq < (SELECT max(seq) FROM events) - 50`, [
      page.appId,
    ]);
    await records.query('UPDATE event_horizon SET xact = (SELECT min(xact) FROM events WHERE app_id = $1)', [
      page.appId,
    ]);
    try {
      await expect(
        (async () => {
          // What it has in hand already is still given.
          while (!(await reader.next()).done);
        })(),
      ).rejects.toMatchObject({ kind: 'CURSOR_EXPIRED' });
    } finally {
      stop.abort();
      await records.query('UPDATE event_horizon SET xact = $1::xid8', [kept?.xact]);
    }
  });

  test('49: a list goes on behind a restart of the service, which says goodbye', async () => {
    const client = frontEnd();
    await client.open();
    const psid = newPsid();
    await write({ psid, text: 'before' });
    await eventually(() => messagesOf(client).length === 1, 'the message before');
    await app.parley.stop();
    await eventually(() => client.endings.length > 0, 'the end of the connection');
    expect(client.endings[0]).toBe('1001');
    restarted = await startParley(
      loadConfig({
        NODE_ENV: 'test',
        PORT: String(port),
        GRPC_PORT: '0',
        DATABASE_URL: app.databaseUrl,
        DATABASE_POOL_SIZE: '8',
        LOG_LEVEL: 'silent',
        ...SETTINGS,
      }),
      app.databaseUrl,
    );
    expect(await write({ psid, text: 'after' })).toBe(200);
    await eventually(() => messagesOf(client).length === 2, 'the message after');
    expect(messagesOf(client)).toEqual(await logged());
    await client.close();
  });
});
