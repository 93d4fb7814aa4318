import { createHmac, randomBytes } from 'node:crypto';
import { HttpConnection, postBytes } from './http-connection.js';
import { type Machine, PAGE_ID, withClient } from './machine.js';
import { inTurn, type Result, resultOf, throughput } from './measure.js';
import type { Parley } from './parley.js';
import { personAt as knownAt } from './people.js';
import { quieten } from './quieten.js';

const CONNECTIONS = 64;
const SECONDS = 4;
const APP_SECRET = 'bench-app-secret';
const TARGETS = ['/hook/one', '/hook/two'];
/** More than a round can take; the few that are left over are for the next. */
const PREPARED = 20_000;
/** For the deliveries that a round leaves behind. */
const QUIET_SECONDS = 5;

type PersonAt = (turn: number) => string;

/** Text webhooks as Meta sends them, 64 at a time. Parley also calls two webhook targets, which the lines with `-api` leave to others. */
export async function ingest(machine: Machine): Promise<Result[]> {
  const whole = await ParleyContestant.start(machine, 'ingest', 'api,worker');
  const api = await ParleyContestant.start(machine, 'ingest_api', 'api');
  const baselineUrl = await machine.database('ingest_baseline');
  const address = await machine.server('ingest.baseline.js', {
    DATABASE_URL: baselineUrl,
    APP_SECRET,
  });
  const baseline = new Sender(`http://${address}/`);
  const figures = await inTurn(
    { parley: () => whole.run(), baseline: () => baseline.run(), api: () => api.run() },
    () => machine.analyze([whole.parley.databaseUrl, api.parley.databaseUrl, baselineUrl]),
  );
  await whole.check();
  await api.check();
  return [
    resultOf('ingest', 'req/s', figures),
    resultOf('ingest-api', 'req/s', { parley: figures.api, baseline: figures.baseline }),
  ];
}

export class ParleyContestant {
  private dropped = 0;

  private constructor(
    readonly parley: Parley,
    private readonly sender: Sender,
    private readonly works: boolean,
  ) {}

  static async start(
    machine: Machine,
    database: string,
    roles: string,
    { graph = 'ok', personAt = knownAt }: { graph?: 'ok' | 'slow' | 'down'; personAt?: PersonAt } = {},
  ): Promise<ParleyContestant> {
    const parley = await machine.parley(database, { PARLEY_ROLES: roles }, graph);
    const appId = await parley.createApp();
    await parley.connectMessenger(appId, APP_SECRET);
    for (const path of TARGETS) await parley.createWebhook(appId, path);
    const sender = new Sender(`${parley.url}/adapter/v1/${appId}/callback`, personAt);
    return new ParleyContestant(parley, sender, roles.includes('worker'));
  }

  async run(): Promise<number> {
    const figure = await this.sender.run();
    this.dropped += await quieten(
      this.parley.databaseUrl,
      'webhook_deliveries_pending',
      this.works ? QUIET_SECONDS : 0,
    );
    return figure;
  }

  /** @throws Error when an answered webhook has not had its full effect. */
  async check(): Promise<void> {
    const { answered } = this.sender;
    const expected = { messages: answered, events: answered, deliveries: answered * TARGETS.length };
    const found = await withClient(this.parley.databaseUrl, async (client) => {
      const { rows } = await client.query<Record<string, string>>(
        `SELECT (SELECT count(*) FROM messages) AS messages,
           (SELECT count(*) FROM events WHERE kind = 'message.added') AS events,
           (SELECT count(*) FROM webhook_deliveries) AS deliveries`,
      );
      return rows[0] ?? {};
    });
    const actual = {
      messages: Number(found.messages),
      events: Number(found.events),
      deliveries: Number(found.deliveries) + this.dropped,
    };
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      throw new Error(
        `ingest: stored ${JSON.stringify(actual)}, but what was answered is ${JSON.stringify(expected)}`,
      );
    }
  }
}

/** Sends webhooks to one address, each once. */
class Sender {
  /** How many were answered with 200. */
  answered = 0;
  private prepared: Buffer[] = [];
  private turn = 0;

  constructor(
    private readonly url: string,
    private readonly personAt: PersonAt = knownAt,
  ) {}

  /** On connections of this round's own: servers close those that idle through the others' turns. */
  async run(): Promise<number> {
    while (this.prepared.length < PREPARED) this.prepared.push(this.webhook());
    const connections = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => HttpConnection.open(this.url)),
    );
    const figure = await throughput(connections, SECONDS, (connection) => this.send(connection));
    for (const connection of connections) connection.close();
    return figure;
  }

  private async send(connection: HttpConnection): Promise<void> {
    const { status } = await connection.exchange(this.prepared.pop() ?? this.webhook());
    if (status !== 200) throw new Error(`ingest: ${this.url} answered ${status}`);
    this.answered += 1;
  }

  private webhook(): Buffer {
    this.turn += 1;
    const now = Date.now();
    const message = {
      sender: { id: this.personAt(this.turn) },
      recipient: { id: PAGE_ID },
      timestamp: now,
      message: {
        mid: `m_${randomBytes(72).toString('base64url')}`,
        text: `Hello, is number ${this.turn} still available in blue?`,
      },
    };
    const body = JSON.stringify({
      object: 'page',
      entry: [{ id: PAGE_ID, time: now, messaging: [message] }],
    });
    const signature = createHmac('sha256', APP_SECRET).update(body).digest('hex');
    return postBytes(this.url, { 'x-hub-signature-256': `sha256=${signature}` }, body);
  }
}
