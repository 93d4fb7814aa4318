import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildService, freePort, type ServiceProcess, startService } from '../support/child.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { echoItem, type GraphSend, startTestGraph, taken, type TestGraph } from '../support/graph.js';
import { envelope, newPsid, sign, textItem } from '../support/messenger.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const PROJECT = 'crash-project';
const KEY = { id: 'crash-key', secret: 'crash-secret-0123456789' };
const PAGE = '700000000000001';
const APP_SECRET = 'app-secret-of-the-page';
const AUTHORIZATION = `Basic ${Buffer.from(`${KEY.id}:${KEY.secret}`).toString('base64')}`;

let entry: string;
let dataDir: string;
let database: TestDatabase;
let graph: TestGraph;
let receiver: Receiver;
/** The services that run now, by their ports. */
let services: Map<number, ServiceProcess>;
let kills: number;
let encryptionKey: string;
let appId: string;

beforeAll(async () => {
  entry = await buildService();
  dataDir = await mkdtemp(join(tmpdir(), 'parley-crash-'));
}, 180_000);
beforeEach(async () => {
  database = await createTestDatabase();
  graph = await startTestGraph();
  receiver = await startReceiver();
  encryptionKey = randomBytes(32).toString('base64');
  services = new Map();
  kills = 0;
});
afterEach(async () => {
  for (const service of services.values()) await service.kill();
  await graph.stop();
  await receiver.close();
  await database.drop();
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** On another port each time: while nobody listens there, the old one may be taken by somebody who calls. */
async function start(): Promise<number> {
  const port = await freePort();
  const service = await startService(entry, {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    GRPC_PORT: '0',
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: '8',
    PARLEY_DATA_DIR: dataDir,
    PARLEY_ENCRYPTION_KEY: encryptionKey,
    PARLEY_BOOTSTRAP_PROJECT_ID: PROJECT,
    PARLEY_BOOTSTRAP_KEY_ID: KEY.id,
    PARLEY_BOOTSTRAP_KEY_SECRET: KEY.secret,
    PARLEY_ALLOW_PRIVATE_TARGETS: '1',
    GRAPH_API_URL: graph.url,
    // Echoes come again as soon as the service is back, but on a busy machine that may take its time.
    ECHO_GRACE_SECONDS: '5',
    LOG_LEVEL: 'warn',
  });
  services.set(port, service);
  return port;
}

async function kill(port: number): Promise<void> {
  kills += 1;
  await services.get(port)?.kill();
  services.delete(port);
}

/** The address of a service that lives, as a load balancer knows it. */
function address(): string {
  const ports = [...services.keys()];
  return `http://127.0.0.1:${ports[Math.floor(Math.random() * ports.length)] ?? 1}`;
}

async function graphql<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
  const response = await fetch(`${address()}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: AUTHORIZATION },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  const { data, errors } = (await response.json()) as { data: T | null; errors?: unknown };
  if (errors || !data) throw new Error(JSON.stringify(errors ?? 'no data'));
  return data;
}

async function setUp(): Promise<void> {
  const { createApp } = await graphql<{ createApp: { id: string } }>(`
    mutation {
      createApp(input: { displayName: "Crash" }) {
        id
      }
    }
  `);
  appId = createApp.id;
  const { connectChannel } = await graphql<{ connectChannel: { state: string } }>(
    `
      mutation ($input: ConnectChannelInput!) {
        connectChannel(input: $input) {
          state
        }
      }
    `,
    { input: { appId, channel: 'MESSENGER', token: 'any', callbackSecret: APP_SECRET, pageId: PAGE } },
  );
  expect(connectChannel.state).toBe('ACTIVE');
  await graphql(
    `
      mutation ($input: CreateWebhookInput!) {
        createWebhook(input: $input) {
          id
        }
      }
    `,
    {
      input: { appId, target: `${receiver.url}/hook`, triggers: ['MESSAGE_INBOUND', 'MESSAGE_DELIVERY'] },
    },
  );
}

/** Posts a callback as Meta does: again, until it is answered with 200. */
async function post(...items: unknown[]): Promise<void> {
  const body = JSON.stringify(envelope(PAGE, ...items));
  await eventually(
    async () => {
      const response = await fetch(`${address()}/adapter/v1/${appId}/callback`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-hub-signature-256': sign(body, APP_SECRET) },
        body,
        signal: AbortSignal.timeout(10_000),
      });
      return response.status === 200;
    },
    'a callback that is answered with 200',
    120_000,
  );
}

/** Callbacks, sends and echoes from many sides until it is told to stop; keeps what the service has promised. */
class Load {
  /** Channel ids of messages whose callback was answered with 200. */
  readonly received: string[] = [];
  /** By person, the ids of accepted sends in their order. */
  readonly accepted = new Map<string, string[]>();
  /** What the channel has taken and will deliver. */
  readonly taken: GraphSend[] = [];
  private readonly people = Array.from({ length: 6 }, newPsid);
  private readonly work: Promise<void>[];
  private readonly echoes: Promise<void>[] = [];
  /** Calls in the middle of which their process died. */
  private cut = 0;
  private running = true;

  constructor() {
    graph.answer = async (send) => {
      const before = kills;
      await sleep(40 + Math.random() * 80);
      // Who dies in the middle of a call does not know whether it was taken. Every second one is not.
      if (kills > before && (this.cut += 1) % 2 === 1) return 'drop';
      this.taken.push(send);
      this.echoes.push(post(echoItem(send)));
      // The answer comes before, with or after the echo.
      await sleep(Math.random() * 40);
      return taken(send);
    };
    this.work = [
      ...Array.from({ length: 6 }, () => this.write()),
      ...this.people.slice(0, 4).map((psid) => this.send(psid)),
    ];
  }

  get acknowledged(): number {
    return this.received.length + [...this.accepted.values()].flat().length;
  }

  /** Runs until so much more has been promised. */
  async goOn(promises: number): Promise<void> {
    const until = this.acknowledged + promises;
    await eventually(() => this.acknowledged >= until, `${promises} more promises`, 60_000);
  }

  async end(): Promise<void> {
    this.running = false;
    await Promise.all(this.work);
    await eventually(() => this.acceptedIds.length <= this.taken.length, 'the last send', 60_000);
  }

  async allEchoes(): Promise<void> {
    await Promise.all(this.echoes);
  }

  get acceptedIds(): string[] {
    return [...this.accepted.values()].flat();
  }

  private async write(): Promise<void> {
    while (this.running) {
      const mids = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => `m_${randomUUID()}`);
      await post(
        ...mids.map((mid) => {
          const psid = this.people[Math.floor(Math.random() * this.people.length)] ?? '';
          return textItem(PAGE, psid, `text of ${mid}`, mid);
        }),
      );
      this.received.push(...mids);
    }
  }

  private async send(psid: string): Promise<void> {
    const ids: string[] = [];
    this.accepted.set(psid, ids);
    for (let number = 0; this.running; number += 1) {
      const waiting = (): number => number - this.taken.filter((send) => send.psid === psid).length;
      await eventually(() => waiting() < 5 || !this.running, 'the sends before', 120_000);
      const input = {
        appId,
        recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
        message: { textMessage: { text: `${psid} ${number}` } },
        idempotencyKey: randomUUID(),
      };
      const id = await eventually(
        async () =>
          (
            await graphql<{ sendMessage: { messageId: string } }>(
              `
                mutation ($input: SendMessageInput!) {
                  sendMessage(input: $input) {
                    messageId
                  }
                }
              `,
              { input },
            )
          ).sendMessage.messageId,
        'acceptance',
        120_000,
      );
      ids.push(id);
    }
  }
}

async function query<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows as T[];
  } finally {
    await client.end();
  }
}

/** Everything that was promised is there, exactly once, and everybody was told. */
async function expectPromisesKept(load: Load): Promise<void> {
  // In: stored once, counted once.
  const stored = await query<{ mid: string }>(
    `SELECT channel_message_id AS mid FROM messages WHERE app_id = $1 AND direction = 'TO_APP'`,
    [appId],
  );
  expect(stored.map(({ mid }) => mid).sort()).toEqual([...load.received].sort());
  expect(
    await query(
      `SELECT c.id FROM conversations c WHERE c.unread_count <> (SELECT count(*) FROM messages m
         WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND m.direction = 'TO_APP')`,
    ),
  ).toEqual([]);

  // Out: on the channel once, in the order of acceptance.
  await eventually(
    async () =>
      (await query(`SELECT id FROM messages WHERE direction = 'TO_CONTACT' AND status = 'QUEUED'`)).length ===
      0,
    'the end of all sends',
    60_000,
  );
  await load.allEchoes();
  for (const [psid, ids] of load.accepted) {
    const texts = load.taken.filter((send) => send.psid === psid).map(({ text }) => text);
    expect(texts).toEqual(ids.map((_, number) => `${psid} ${number}`));
  }
  const ours = await query<{ id: string; status: string; sent_by: string }>(
    `SELECT id, status, sent_by FROM messages WHERE app_id = $1 AND direction = 'TO_CONTACT' ORDER BY id`,
    [appId],
  );
  expect(ours.map(({ id }) => id)).toEqual([...load.acceptedIds].sort());
  expect(new Set(ours.map(({ status, sent_by }) => `${status} ${sent_by}`))).toEqual(
    new Set(['QUEUED_ON_CHANNEL API']),
  );

  // Told: one event a change, whatever process made it.
  const events = await query<{ kind: string; id: string; count: number }>(
    `SELECT kind, coalesce(payload -> 'message' ->> 'id', conversation_id, contact_id) AS id, count(*)::int AS count
     FROM events WHERE app_id = $1 AND kind <> 'channel.updated' GROUP BY 1, 2`,
    [appId],
  );
  expect(events.filter(({ count }) => count !== 1)).toEqual([]);
  const told = (kind: string): number => events.filter((event) => event.kind === kind).length;
  expect(told('message.added')).toBe(stored.length + ours.length);
  expect(told('message.updated')).toBe(ours.length);
  expect(told('contact.created')).toBe(told('conversation.started'));

  // Customers: every event at least once, under the one id that it has.
  const due = await query<{ id: string; message: string }>(
    `SELECT id, payload -> 'message' ->> 'id' AS message FROM events
     WHERE app_id = $1 AND (kind = 'message.updated' OR (kind = 'message.added' AND payload -> 'message' ->> 'direction' = 'TO_APP'))`,
    [appId],
  );
  const delivered = (): Set<unknown> =>
    new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
  await eventually(() => due.every(({ id }) => delivered().has(id)), 'the last webhook', 60_000);
  const idsOf = new Map<string, Set<unknown>>();
  for (const { headers, body } of receiver.requests) {
    const { message, message_delivery_report: report } = JSON.parse(body) as {
      message?: { id: string };
      message_delivery_report?: { message_id: string; status: string };
    };
    const about = message?.id ?? `${report?.message_id} ${report?.status}`;
    idsOf.set(about, (idsOf.get(about) ?? new Set()).add(headers['webhook-id']));
  }
  expect([...idsOf].filter(([, ids]) => ids.size !== 1)).toEqual([]);
}

test('kill -9 under load, three times: whatever was acknowledged is kept, sent and told', async () => {
  let port = await start();
  await setUp();
  const load = new Load();
  for (let crash = 0; crash < 3; crash += 1) {
    await load.goOn(40 + Math.floor(Math.random() * 150));
    await kill(port);
    port = await start();
  }
  await load.goOn(40);
  await load.end();
  await expectPromisesKept(load);
  expect(await services.get(port)?.stop()).toBe(0);
  services.delete(port);
}, 300_000);

test('what a killed process was doing, another one takes over without being told', async () => {
  const first = await start();
  await start();
  await setUp();
  const load = new Load();
  await load.goOn(80 + Math.floor(Math.random() * 100));
  await kill(first);
  await load.goOn(80);
  await load.end();
  await expectPromisesKept(load);
}, 300_000);

test('SIGTERM under load: the process ends well within 10 seconds, and nothing is lost or sent twice', async () => {
  const port = await start();
  await setUp();
  const load = new Load();
  const slow = graph.answer;
  // Some calls are under way when the signal comes, and some of them take longer than the process waits.
  graph.answer = async (send: GraphSend) => {
    if (Math.random() < 0.1) await sleep(3_000);
    return slow(send);
  };
  await load.goOn(60);
  const began = Date.now();
  expect(await services.get(port)?.stop()).toBe(0);
  expect(Date.now() - began).toBeLessThan(10_000);
  services.delete(port);
  await start();
  await load.goOn(20);
  await load.end();
  await expectPromisesKept(load);
}, 300_000);
