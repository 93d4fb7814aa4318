// npm run fuzz [-- payloads [seed]]: a million damaged webhooks, read by the parser alone and posted to a Parley of this run's own.
// None may be failed, cost a good event beside it, end the service or make it grow. What is refused for lack of time is told at the end.
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { faultIn } from '../support/damaged-callbacks.js';
import { jsonText, mutated, pick, type Random, seeded } from '../support/mutate.js';
import { childDied, lastOutput } from './child.js';
import { Machine, PAGE_ID, withClient } from './machine.js';
import { Memory, residentOfService, SAMPLES } from './memory.js';

const PAYLOADS = Number(process.argv[2] ?? 1_000_000);
const SEED = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const ENTRIES_PER_REQUEST = 20;
const CONNECTIONS = 8;
const DELIVERIES = 5;
const APP_SECRET = 'fuzz-app-secret';
const PAGE_OF_FIXTURES = '390001112223334';
const PERSON_OF_FIXTURES = '7100200300400500';
const PEOPLE = 1_000;

/** What grows without bound ends, instead of filling what the machine has. */
process.env.BENCH_NODE_OPTIONS ??= '--max-old-space-size=384';

const folder = resolve('test/fixtures/messenger');
const fixtures = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));

let machine: Machine | undefined;
let status = 0;
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => reject(new Error(`stopped by ${signal}`)));
});
try {
  console.log(`${PAYLOADS} damaged webhooks, seed ${SEED}`);
  await Promise.race([run(), interrupted, childDied]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(lastOutput());
  status = 1;
}
await machine?.stop();
process.exit(status);

async function run(): Promise<void> {
  await parse();
  machine = await Machine.start();
  await post(machine);
}

async function parse(): Promise<void> {
  const memory = new Memory('parser', () => process.memoryUsage().rss);
  for (let run = 0; run < PAYLOADS; run++) {
    const random = seeded(SEED + run);
    const fault = faultIn(random, pick(random, fixtures));
    if (fault !== null) throw new Error(`seed ${SEED + run}: ${fault}`);
    if (run % Math.ceil(PAYLOADS / SAMPLES) !== 0) continue;
    memory.sample();
    await new Promise(setImmediate);
  }
  memory.check();
}

async function post(machine: Machine): Promise<void> {
  const parley = await machine.parley('fuzz', { PARLEY_ROLES: 'api' });
  const appId = await parley.createApp();
  await parley.connectMessenger(appId, APP_SECRET);
  const memory = new Memory('service', residentOfService);
  const requests = Math.ceil(PAYLOADS / ENTRIES_PER_REQUEST);
  const began = performance.now();
  let next = 0;
  let ids = 0;
  let good = 0;
  const refusals: string[] = [];
  const connection = async (): Promise<void> => {
    while (next < requests) {
      const request = next++;
      if (request % Math.ceil(requests / SAMPLES) === 0) memory.sample();
      const first = ids;
      const body = callback(seeded(SEED + request), () => `m_good_${ids++}`);
      const within = ids - first;
      const deliver = async (): Promise<{ status: number; answer: string }> => {
        const response = await fetch(`${parley.url}/adapter/v1/${appId}/callback`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-hub-signature-256': signatureOf(body) },
          body,
        });
        return { status: response.status, answer: await response.text() };
      };
      let { status, answer } = await deliver();
      // As Meta does: a machine that had no time for it is asked again.
      for (let attempt = 1; status === 503 && attempt < DELIVERIES; attempt++) {
        refusals.push(`seed ${SEED + request} at ${new Date().toISOString()}: ${answer}`);
        await delay(attempt * 1_000);
        ({ status, answer } = await deliver());
      }
      // Damage may make a list too long to be Meta's: such a request is refused whole, and none of it is stored.
      if (status === 400 && answer.includes('holds more than')) continue;
      good += within;
      if (status !== 200)
        throw new Error(`seed ${SEED + request}: ${status} ${answer}: ${body.slice(0, 2_000)}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  const kept = await withClient(parley.databaseUrl, async (client) => {
    const { rows } = await client.query<{ kept: string }>(
      `SELECT count(*) AS kept FROM messages WHERE channel_message_id LIKE 'm\\_good\\_%'`,
    );
    return Number(rows[0]?.kept);
  });
  if (kept !== good) throw new Error(`${good - kept} of ${good} good events beside damaged ones were lost`);
  const seconds = (performance.now() - began) / 1000;
  console.log(`service: ${good} good events kept, ${Math.round(PAYLOADS / seconds)} payloads/s`);
  console.log(
    `service: ${refusals.length} deliveries refused for lack of time, and taken when they came again`,
  );
  for (const refusal of refusals) console.log(`  ${refusal}`);
  memory.check();
}

/** Entries with damage, and good events between and, where there still is a list, within them. */
function callback(random: Random, goodId: () => string): string {
  const item = (): object => ({
    sender: { id: `${PERSON_OF_FIXTURES}${Math.floor(random() * PEOPLE)}` },
    recipient: { id: PAGE_ID },
    timestamp: Date.now(),
    message: { mid: goodId(), text: 'still here' },
  });
  const own = (): object => ({ id: PAGE_ID, time: Date.now(), messaging: [item()] });
  const entries = Array.from({ length: ENTRIES_PER_REQUEST }, (): unknown => {
    const { entry } = JSON.parse(fixture(random)) as { entry: unknown[] };
    const damaged = mutated(random, entry[0]) as { id?: unknown; messaging?: unknown };
    // An entry of another page is ignored, whatever is in it.
    if (damaged?.id !== PAGE_ID || !Array.isArray(damaged.messaging)) return damaged;
    return { ...damaged, messaging: [item(), ...(damaged.messaging as unknown[]), item()] };
  });
  return jsonText({ object: 'page', entry: [own(), ...entries, own()] });
}

/** A webhook to the page with message ids of its own, from one of some people. */
function fixture(random: Random): string {
  const tag = Math.floor(random() * 1e12);
  return pick(random, fixtures)
    .replaceAll(PAGE_OF_FIXTURES, PAGE_ID)
    .replaceAll(PERSON_OF_FIXTURES, `${PERSON_OF_FIXTURES}${tag % PEOPLE}`)
    .replaceAll(/"(m_\w+)"/g, `"$1_${tag}"`);
}

function signatureOf(body: string): string {
  return `sha256=${createHmac('sha256', APP_SECRET).update(body).digest('hex')}`;
}
