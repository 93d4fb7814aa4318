import { Metadata } from '@grpc/grpc-js';
import { StreamClient } from './grpc-stream-client.js';
import { messageService } from './grpc-service.js';
import { type Machine, withClient } from './machine.js';
import { inTurn, type Result, resultOf } from './measure.js';
import { Memory, residentOfService, SAMPLES } from './memory.js';
import { personAt } from './people.js';
import { quieten } from './quieten.js';

const IN_FLIGHT = 1_000;
const SECONDS = 4;
const REQUESTS = 2_000;
const MILLION = 1_000_000;
const MILLION_PEOPLE = 1_000;

const sendMessages = messageService.SendMessages as NonNullable<(typeof messageService)[string]>;

/** `SendMessages` with texts on one stream, as fast as results come: both sides accept and store, and the worker is elsewhere. */
export async function grpcStream(machine: Machine): Promise<Result[]> {
  const parley = await machine.parley('grpc_stream', { PARLEY_ROLES: 'api' });
  const appId = await parley.createApp();
  await parley.connectMessenger(appId, 'bench-app-secret');
  const baselineUrl = await machine.database('grpc_stream_baseline');
  const address = await machine.server('grpc-stream.baseline.js', { DATABASE_URL: baselineUrl });
  const ours = new Contestant(parley.grpc, metadataOf(parley.authorization), appId);
  const theirs = new Contestant(address, new Metadata(), 'bench');
  const figures = await inTurn(
    {
      parley: async () => {
        const figure = await ours.run();
        await quieten(parley.databaseUrl, 'sends', 0);
        return figure;
      },
      baseline: () => theirs.run(),
    },
    () => machine.analyze([parley.databaseUrl, baselineUrl]),
  );
  for (const contestant of [ours, theirs]) contestant.close();
  const stored = await countOf(parley.databaseUrl);
  if (stored !== ours.accepted)
    throw new Error(`grpc-stream: ${ours.accepted} messages were accepted, ${stored} are stored`);
  return [resultOf('grpc-stream', 'msg/s', figures)];
}

/** A million sends through one stream: the service must not grow, and each recipient gets theirs in order. BENCH_SENDS sets another number. */
export async function grpcStreamMillion(machine: Machine): Promise<Result[]> {
  const total = Number(process.env.BENCH_SENDS ?? MILLION);
  const parley = await machine.parley('grpc_stream_million', { PARLEY_ROLES: 'api' });
  const appId = await parley.createApp();
  await parley.connectMessenger(appId, 'bench-app-secret');
  const client = new StreamClient(parley.grpc, metadataOf(parley.authorization));
  const memory = new Memory('service', residentOfService);
  let results = 0;
  const began = performance.now();
  await client.stream(numbered(appId, total), Infinity, () => {
    results += 1;
    if (results % Math.floor(total / SAMPLES) === 0) memory.sample();
  });
  const perSecond = total / ((performance.now() - began) / 1000);
  client.close();
  memory.check();
  const disordered = await withClient(parley.databaseUrl, async (database) => {
    const { rows } = await database.query<{ count: string }>(
      `SELECT count(*) FROM (
         SELECT (metadata)::int AS turn, lag(metadata::int) OVER (PARTITION BY identity ORDER BY id) AS before FROM messages) m
       WHERE before >= turn`,
    );
    return Number(rows[0]?.count);
  });
  const stored = await countOf(parley.databaseUrl);
  if (disordered > 0 || stored !== total)
    throw new Error(`grpc-stream-million: ${stored} of ${total} stored, ${disordered} out of order`);
  console.log(
    `${total} sends, ${Math.round(perSecond)} a second, in order for each of ${MILLION_PEOPLE} recipients`,
  );
  return [];
}

class Contestant {
  accepted = 0;
  private readonly client: StreamClient;
  private readonly requests: Buffer[];

  constructor(address: string, metadata: Metadata, appId: string) {
    this.client = new StreamClient(address, metadata);
    this.requests = Array.from({ length: REQUESTS }, (_, turn) => requestBytes(appId, personAt(turn), turn));
  }

  /** Messages per second. */
  async run(): Promise<number> {
    const began = performance.now();
    const until = began + SECONDS * 1000;
    const results = await this.client.stream(this.until(until), IN_FLIGHT, () => undefined);
    this.accepted += results;
    return results / ((performance.now() - began) / 1000);
  }

  close(): void {
    this.client.close();
  }

  private *until(end: number): Generator<Buffer> {
    for (let turn = 0; performance.now() < end; turn++) yield this.requests[turn % REQUESTS] as Buffer;
  }
}

function* numbered(appId: string, total: number): Generator<Buffer> {
  for (let turn = 0; turn < total; turn++) yield requestBytes(appId, personAt(turn % MILLION_PEOPLE), turn);
}

function requestBytes(appId: string, identity: string, turn: number): Buffer {
  return sendMessages.requestSerialize({
    appId,
    recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity }] } },
    message: { textMessage: { text: `Yes, number ${turn} is still available in blue.` } },
    messageMetadata: String(turn),
  });
}

function metadataOf(authorization: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', authorization);
  return metadata;
}

function countOf(databaseUrl: string): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM messages');
    return Number(rows[0]?.count);
  });
}
