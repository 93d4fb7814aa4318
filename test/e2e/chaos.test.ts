// Two hundred people watch an inbox while four others fill it, and the processes between them die again and again: all see the same,
// in the same order, and that is what the database holds. CHAOS_SECONDS says how long, 60 for the whole minute.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { buildService } from '../support/child.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startTestGraph, type TestGraph } from '../support/graph.js';
import { envelope, newPsid, sign, textItem } from '../support/messenger.js';
import { Processes, Redis, redisInstalled } from '../support/processes.js';

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 10);
const SUBSCRIBERS = 200;
/** A busy machine takes longer over them. */
const LEAST = { kills: 2, cuts: 20, writes: 20 };
const PAGE = '700000000000002';
const APP_SECRET = 'app-secret-of-the-page';
/** Long enough for a process to come back on a busy machine. */
const PATIENCE_MS = 60_000;

/** Kinds of the log that the inbox tells of here; any other that appears fails the test. */
const TOLD = [
  'message.added',
  'message.updated',
  'conversation.started',
  'conversation.updated',
  'contact.created',
  'contact.updated',
  'note.added',
  'channel.updated',
];
const UNTOLD = ['message.submitted'];

let entry: string;
let database: TestDatabase;
let graph: TestGraph;
let processes: Processes | null;
let redis: Redis | null;
let appId: string;

beforeAll(async () => {
  entry = await buildService();
}, 180_000);
beforeEach(async () => {
  database = await createTestDatabase();
  graph = await startTestGraph();
  processes = null;
  redis = null;
});
afterEach(async () => {
  await processes?.stop();
  await redis?.stop();
  await graph.stop();
  await database.drop();
});

async function start(settings: Record<string, string>): Promise<Processes> {
  processes = await Processes.start(entry, ['api', 'api', 'worker'], {
    DATABASE_URL: database.url,
    GRAPH_API_URL: graph.url,
    ...settings,
  });
  const { createApp } = await ask<{ createApp: { id: string } }>(
    'mutation { createApp(input: { displayName: "Chaos" }) { id } }',
  );
  appId = createApp.id;
  await ask(`mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { state } }`, {
    input: { appId, channel: 'MESSENGER', token: 'any', callbackSecret: APP_SECRET, pageId: PAGE },
  });
  return processes;
}

function service(): Processes {
  if (!processes) throw new Error('nothing was started');
  return processes;
}

/** By whichever process; again by another when one dies over it, so what is asked for must bear being done twice. */
async function ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
  return eventually(
    async () => {
      const response = await fetch(`${service().address()}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: service().authorization },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(10_000),
      });
      const { data, errors } = (await response.json()) as { data?: T; errors?: object[] };
      if (errors || !data) throw new Error(JSON.stringify(errors));
      return data;
    },
    query,
    PATIENCE_MS,
  );
}

/** Keeps its cursor, and comes back to whichever process answers. */
class Subscriber {
  readonly cursors: string[] = [];
  /** Refusals: what only a fault of the service causes. */
  readonly refusals: string[] = [];
  readonly running: Promise<void>;
  cuts = 0;
  private socket: WebSocket | null = null;
  private stopped = false;

  constructor(private cursor: string) {
    this.running = this.run();
  }

  cut(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.cuts += 1;
    this.socket.terminate();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.socket?.terminate();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.listen().catch((ended: unknown) => {
        if (Array.isArray(ended)) this.refusals.push(JSON.stringify(ended));
      });
      if (!this.stopped) await pause(50 + Math.random() * 200);
    }
  }

  private async listen(): Promise<void> {
    const client = createClient({
      url: `${service().address().replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: service().authorization },
      retryAttempts: 0,
      on: { opened: (socket) => void (this.socket = socket as WebSocket) },
    });
    const query = `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) {
      ${TYPES.map((type) => `... on ${type} { cursor }`).join(' ')} } }`;
    const variables = { appId, after: this.cursor };
    for await (const { data } of client.iterate<{ inbox: { cursor: string } }>({ query, variables })) {
      if (!data) return;
      this.cursor = data.inbox.cursor;
      this.cursors.push(this.cursor);
    }
  }
}

const TYPES = [
  'MessageAdded',
  'MessageUpdated',
  'ConversationUpdated',
  'ContactUpdated',
  'NoteAdded',
  'ChannelUpdated',
];

/** Each writes, and waits until one of those who watch has been told something new: as fast as the slowest link lets it, no faster. */
class Writers {
  written = 0;
  failed = false;
  private running = true;
  private readonly people = Array.from({ length: 8 }, newPsid);
  private readonly work: Promise<unknown>;

  constructor(private readonly subscribers: readonly Subscriber[]) {
    const psid = (): string => this.people[Math.floor(Math.random() * this.people.length)] ?? '';
    this.work = Promise.all([
      this.each(() => this.receive(psid())),
      this.each(() => this.receive(psid(), psid(), psid())),
      this.each(() => this.send(psid())),
      this.each((turn) => this.sort(psid(), turn)),
    ]);
    // Whoever stops them hears of it.
    this.work.catch(() => (this.failed = true));
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.work;
  }

  private async each(write: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 0; this.running; turn += 1) {
      const watching = this.subscribers[Math.floor(Math.random() * this.subscribers.length)];
      const before = watching?.cursors.length ?? 0;
      await write(turn);
      this.written += 1;
      await eventually(
        () => (watching?.cursors.length ?? 0) > before || !this.running,
        'news at a subscriber',
        PATIENCE_MS,
      );
    }
  }

  private async receive(...psids: string[]): Promise<void> {
    const items = psids.map((psid) => textItem(PAGE, psid, `from ${psid}`, `m_${randomUUID()}`));
    const body = JSON.stringify(envelope(PAGE, ...items));
    await eventually(
      async () => {
        const response = await fetch(`${service().address()}/adapter/v1/${appId}/callback`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-hub-signature-256': sign(body, APP_SECRET) },
          body,
          signal: AbortSignal.timeout(10_000),
        });
        return response.status === 200;
      },
      'a callback that is answered with 200',
      PATIENCE_MS,
    );
  }

  private async send(psid: string): Promise<void> {
    await ask(`mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`, {
      input: {
        appId,
        recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
        message: { textMessage: { text: `to ${psid}` } },
        idempotencyKey: randomUUID(),
      },
    });
  }

  /** What agents do: takes turns in labels and notes, each of which is told. */
  private async sort(psid: string, turn: number): Promise<void> {
    await this.receive(psid);
    const { inbox } = await ask<{ inbox: { edges: { node: { id: string } }[] } }>(
      `query ($appId: ID!) { inbox(appId: $appId, first: 1) { edges { node { id } } } }`,
      { appId },
    );
    const id = inbox.edges[0]?.node.id;
    if (turn % 2 === 0)
      await ask(`mutation ($id: ID!) { addNote(conversationId: $id, text: "noted") { id } }`, { id });
    else
      await ask(
        `mutation ($id: ID!, $labels: [String!]!) { updateConversation(id: $id, input: { labels: $labels }) { id } }`,
        { id, labels: [`label ${turn}`] },
      );
  }
}

/** Where the events of the app after a cursor stand, in order, and what they are. */
async function stored(after: string): Promise<{ kind: string; cursor: string }[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ kind: string; place: string }>(
      `SELECT kind, xact || '.' || seq AS place FROM events
       WHERE app_id = $1 AND (xact, seq) > ($2::xid8, $3::bigint) ORDER BY xact, seq`,
      [appId, ...Buffer.from(after, 'base64url').toString().split('.')],
    );
    return rows.map(({ kind, place }) => ({ kind, cursor: Buffer.from(place).toString('base64url') }));
  } finally {
    await client.end();
  }
}

/** For so long, and until enough has happened. */
async function wreak(
  service: Processes,
  subscribers: readonly Subscriber[],
  writers: Writers,
  also?: () => Promise<void>,
): Promise<void> {
  const until = Date.now() + SECONDS * 1_000;
  const enough = (): boolean =>
    Date.now() >= until &&
    service.kills >= LEAST.kills &&
    cutsOf(subscribers) >= LEAST.cuts &&
    writers.written >= LEAST.writes;
  const goesOn = (): boolean => !writers.failed && !enough();
  const cutting = (async () => {
    while (goesOn()) {
      subscribers[Math.floor(Math.random() * subscribers.length)]?.cut();
      await pause(Math.random() * 100);
    }
  })();
  // Two at it, so that at times only one process is left, or no api.
  const killing = [1, 2].map(async () => {
    while (goesOn()) {
      await pause(500 + Math.random() * 2_000);
      await service.killOne();
    }
  });
  const other = also && pause((SECONDS * 1_000) / 2).then(also);
  await Promise.all([cutting, ...killing, other]);
}

function cutsOf(subscribers: readonly Subscriber[]): number {
  return subscribers.reduce((sum, subscriber) => sum + subscriber.cuts, 0);
}

async function expectOneOrder(settings: Record<string, string>, also?: () => Promise<void>): Promise<void> {
  const service = await start(settings);
  const { inbox } = await ask<{ inbox: { eventCursor: string } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }`,
    { appId },
  );
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => new Subscriber(inbox.eventCursor));
  const writers = new Writers(subscribers);
  const began = Date.now();
  try {
    await wreak(service, subscribers, writers, also);
    const stopped = Date.now();
    await writers.stop();
    // Until the worker has sent everything, the log grows.
    await eventually(
      async () => {
        const rows = await stored(inbox.eventCursor);
        const sent = rows.filter(({ kind }) => kind === 'message.updated').length;
        return sent >= graph.sends.length && (await waiting()) === 0;
      },
      'the last send',
      PATIENCE_MS,
    );
    const log = await stored(inbox.eventCursor);
    const kinds = new Set(log.map(({ kind }) => kind));
    expect([...kinds].filter((kind) => ![...TOLD, ...UNTOLD].includes(kind))).toEqual([]);
    const expected = log.filter(({ kind }) => TOLD.includes(kind)).map(({ cursor }) => cursor);
    for (const [number, subscriber] of subscribers.entries()) {
      await eventually(
        () => subscriber.cursors.length >= expected.length,
        `the last event at subscriber ${number}`,
        PATIENCE_MS,
      );
      expect(subscriber.cursors).toEqual(expected);
      expect(subscriber.refusals).toEqual([]);
    }
    console.log(
      `${seconds(began, stopped)} s: ${expected.length} events of ${writers.written} writes to ${SUBSCRIBERS} subscribers, ` +
        `${service.kills} kills, ${cutsOf(subscribers)} cuts; all had all ${seconds(stopped, Date.now())} s later`,
    );
    expect(expected.length).toBeGreaterThanOrEqual(LEAST.writes);
  } finally {
    await writers.stop();
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  }
}

function seconds(from: number, to: number): string {
  return ((to - from) / 1_000).toFixed(0);
}

async function waiting(): Promise<number> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query('SELECT FROM sends')).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

const TIMEOUT_MS = SECONDS * 1_000 + 240_000;

test(
  'everybody ends with the list of the database when processes wake each other by Postgres',
  async () => {
    await expectOneOrder({});
  },
  TIMEOUT_MS,
);

test.skipIf(!redisInstalled)(
  'everybody ends with the list of the database when they do by Redis, which dies as well (skipped without a redis-server)',
  async () => {
    redis = await Redis.start();
    await expectOneOrder({ REDIS_URL: redis.url }, () => redis?.replace() ?? Promise.resolve());
  },
  TIMEOUT_MS,
);
