import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { sendMessage, textBytes } from './grpc-service.js';
import { type Machine, withClient } from './machine.js';
import { inTurn, type Result, resultOf, throughput } from './measure.js';
import type { Parley } from './parley.js';
import { personAt } from './people.js';
import { quieten } from './quieten.js';

const IN_FLIGHT = 64;
const SECONDS = 4;
/** For the sends that a round leaves behind. */
const QUIET_SECONDS = 3;

/**
 * `SendMessage` with a text, 64 calls in flight: both sides accept and store. On the second line Parley also sends the messages meanwhile, with
 * a worker in the same process, which the baseline has nothing to compare with.
 */
export async function grpcUnary(machine: Machine): Promise<Result[]> {
  const whole = await ParleyContestant.start(machine, 'grpc_unary', 'api,worker');
  const api = await ParleyContestant.start(machine, 'grpc_unary_api', 'api');
  const baselineUrl = await machine.database('grpc_unary_baseline');
  const address = await machine.server('grpc-unary.baseline.js', {
    DATABASE_URL: baselineUrl,
  });
  const baseline = new Caller(address, new Metadata(), 'bench');
  const figures = await inTurn(
    { parley: () => whole.run(), baseline: () => baseline.run(), api: () => api.run() },
    () => machine.analyze([whole.parley.databaseUrl, api.parley.databaseUrl, baselineUrl]),
  );
  await whole.check();
  await api.check();
  baseline.close();
  return [
    resultOf('grpc-unary', 'req/s', { parley: figures.api, baseline: figures.baseline }),
    resultOf('grpc-unary-and-send', 'req/s', figures),
  ];
}

class ParleyContestant {
  private constructor(
    readonly parley: Parley,
    private readonly caller: Caller,
    private readonly works: boolean,
  ) {}

  static async start(machine: Machine, database: string, roles: string): Promise<ParleyContestant> {
    const parley = await machine.parley(database, { PARLEY_ROLES: roles });
    const appId = await parley.createApp();
    await parley.connectMessenger(appId, 'bench-app-secret');
    const metadata = new Metadata();
    metadata.set('authorization', parley.authorization);
    return new ParleyContestant(parley, new Caller(parley.grpc, metadata, appId), roles.includes('worker'));
  }

  async run(): Promise<number> {
    const figure = await this.caller.run();
    await quieten(this.parley.databaseUrl, 'sends', this.works ? QUIET_SECONDS : 0);
    return figure;
  }

  /** @throws Error when an accepted message was not stored. */
  async check(): Promise<void> {
    this.caller.close();
    const stored = await withClient(this.parley.databaseUrl, async (client) => {
      const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM messages');
      return Number(rows[0]?.count);
    });
    if (stored !== this.caller.accepted)
      throw new Error(`grpc-unary: ${this.caller.accepted} messages were accepted, ${stored} are stored`);
  }
}

/** Calls one server over one connection; the requests are bytes before the clock starts, and the answers stay bytes. */
class Caller {
  accepted = 0;
  private readonly client: Client;
  private readonly requests: Buffer[];
  private turn = 0;

  constructor(
    address: string,
    private readonly metadata: Metadata,
    appId: string,
  ) {
    this.client = new Client(address, credentials.createInsecure());
    this.requests = Array.from({ length: 2_000 }, (_, turn) =>
      textBytes(appId, personAt(turn), `Yes, number ${turn} is still available in blue.`),
    );
  }

  run(): Promise<number> {
    return throughput(Array<undefined>(IN_FLIGHT).fill(undefined), SECONDS, () => this.call());
  }

  close(): void {
    this.client.close();
  }

  private call(): Promise<void> {
    this.turn = (this.turn + 1) % this.requests.length;
    const request = this.requests[this.turn] as Buffer;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        sendMessage.path,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        request,
        this.metadata,
        (error) => {
          if (error) {
            reject(error);
            return;
          }
          this.accepted += 1;
          resolve();
        },
      );
    });
  }
}
