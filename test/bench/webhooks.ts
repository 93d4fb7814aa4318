import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from './machine.js';
import { inTurn, type Result, resultOf } from './measure.js';
import { Parley } from './parley.js';

/** What arrived at the good targets since it was last asked for. */
export interface Arrivals {
  /** In ms, from the moment the person's message was posted to us. */
  delays: number[];
  /** Since the beginning. */
  outOfOrder: number;
  doubles: number;
}

const APPS = 10;
/** Per app; with the bad ones there are 50 targets. */
const GOOD = 2;
const BAD = ['hangs', 'refuses', 'fails'];
const APP_SECRET = 'bench-app-secret';
/** Far below what the machine can do: it is about who waits for whom. */
const PER_SECOND = 50;
const SECONDS = 4;
const PEOPLE_PER_APP = 5;
const PATIENCE_MS = 20_000;
/** Nobody listens there. */
const REFUSING = '127.0.0.1:2';

/**
 * How late the events of ten apps arrive at 20 targets that answer, 99th percentile, while 10 others hang, 10 refuse and 10 answer 500;
 * the baseline is the same without those.
 */
export async function webhooks(machine: Machine): Promise<Result[]> {
  const plagued = await Contestant.start(machine, 'webhooks', BAD);
  const alone = await Contestant.start(machine, 'webhooks_alone', []);
  const figures = await inTurn({ parley: () => plagued.run(), baseline: () => alone.run() }, () =>
    machine.analyze([plagued.parley.databaseUrl, alone.parley.databaseUrl]),
  );
  return [resultOf('webhooks', 'ms', figures)];
}

class Contestant {
  private number = 0;

  private constructor(
    readonly parley: Parley,
    private readonly targets: string,
    private readonly apps: readonly string[],
  ) {}

  static async start(machine: Machine, database: string, bad: readonly string[]): Promise<Contestant> {
    const targets = await machine.server('webhooks.targets.js', {});
    const parley = await Parley.start(await machine.database(database), targets, {});
    const apps: string[] = [];
    for (let index = 0; index < APPS; index++) {
      const appId = await parley.createApp();
      await parley.connectMessenger(appId, APP_SECRET, pageOf(index));
      for (let good = 0; good < GOOD; good++) await parley.createWebhook(appId, `/good/${index}/${good}`);
      for (const kind of bad)
        await parley.createWebhook(appId, `/${kind}/${index}`, kind === 'refuses' ? REFUSING : undefined);
      apps.push(appId);
    }
    return new Contestant(parley, targets, apps);
  }

  /** The 99th percentile of the delays. @throws Error when an event did not arrive, or not in order. */
  async run(): Promise<number> {
    const count = PER_SECOND * SECONDS;
    const began = Date.now();
    // What is posted before the last was answered has no order, so each page posts one after the other.
    const pages = this.apps.map(async (_, index) => {
      for (let turn = index; turn < count; turn += APPS) {
        await delay(Math.max(began + (turn * 1000) / PER_SECOND - Date.now(), 0));
        await this.post(turn);
      }
    });
    await Promise.all(pages);
    const delays: number[] = [];
    for (const until = Date.now() + PATIENCE_MS; delays.length < count * GOOD; await delay(20)) {
      const arrivals = await this.arrivals();
      delays.push(...arrivals.delays);
      if (arrivals.outOfOrder > 0) throw new Error(`webhooks: ${arrivals.outOfOrder} events out of order`);
      if (Date.now() > until) throw new Error(`webhooks: ${delays.length} of ${count * GOOD} events arrived`);
    }
    return delays.toSorted((a, b) => a - b)[Math.ceil(delays.length * 0.99) - 1] ?? NaN;
  }

  private async arrivals(): Promise<Arrivals> {
    return (await (await fetch(`http://${this.targets}/arrivals`)).json()) as Arrivals;
  }

  /** The next word of somebody; apps take turns, so that all targets have their share. */
  private async post(turn: number): Promise<void> {
    const index = turn % APPS;
    const person = Math.floor(turn / APPS) % PEOPLE_PER_APP;
    const [now, number] = [Date.now(), (this.number += 1)];
    const item = {
      sender: { id: String(7_400_000_000_000_000 + person) },
      recipient: { id: pageOf(index) },
      timestamp: now,
      message: { mid: `m_${number}`, text: `${number} ${now}` },
    };
    const body = JSON.stringify({
      object: 'page',
      entry: [{ id: pageOf(index), time: now, messaging: [item] }],
    });
    const signature = createHmac('sha256', APP_SECRET).update(body).digest('hex');
    const response = await fetch(`${this.parley.url}/adapter/v1/${this.apps[index]}/callback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
      body,
    });
    if (!response.ok) throw new Error(`webhooks: Parley answered ${response.status}`);
  }
}

function pageOf(index: number): string {
  return String(108_900_000_001_000 + index);
}
