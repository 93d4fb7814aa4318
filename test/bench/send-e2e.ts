import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { Pool } from 'undici';
import { sendMessage, textBytes } from './grpc-service.js';
import { type Machine, PAGE_ID } from './machine.js';
import { inTurn, latency, type Result, resultOf, throughput } from './measure.js';
import { Parley } from './parley.js';
import { personAt } from './people.js';

const IN_FLIGHT = 64;
const SECONDS = 4;
const ALONE_SECONDS = 2;
const PATIENCE_MS = 30_000;

/**
 * From a send, over gRPC, to the call at a stand-in for the Graph API that it leads to: first with 64 messages on their way at any time,
 * then one after the other. The baseline is a bare undici client that makes the same calls.
 */
export async function sendE2e(machine: Machine): Promise<Result[]> {
  const parley = await ParleySender.start(machine);
  const bare = await BareSender.start(machine);
  const together = await inTurn({ parley: () => manyAtOnce(parley), baseline: () => manyAtOnce(bare) }, () =>
    machine.analyze([parley.databaseUrl]),
  );
  const alone = await inTurn({ parley: () => oneByOne(parley), baseline: () => oneByOne(bare) });
  parley.close();
  await bare.close();
  return [resultOf('send-e2e', 'msg/s', together), resultOf('send-e2e-alone', 'ms', alone)];
}

interface Sender {
  /** Resolves when the call has arrived. */
  send(): Promise<void>;
}

function manyAtOnce(sender: Sender): Promise<number> {
  return throughput(Array<undefined>(IN_FLIGHT).fill(undefined), SECONDS, () => sender.send());
}

function oneByOne(sender: Sender): Promise<number> {
  return latency(ALONE_SECONDS, () => sender.send());
}

class ParleySender implements Sender {
  private turn = 0;

  private constructor(
    readonly databaseUrl: string,
    private readonly appId: string,
    private readonly client: Client,
    private readonly metadata: Metadata,
    private readonly calls: Calls,
  ) {}

  static async start(machine: Machine): Promise<ParleySender> {
    const graph = await machine.server('send-e2e.graph.js', { PAGE_ID });
    const parley = await Parley.start(await machine.database('send_e2e'), graph, {});
    const appId = await parley.createApp();
    await parley.connectMessenger(appId, 'bench-app-secret');
    const metadata = new Metadata();
    metadata.set('authorization', parley.authorization);
    const client = new Client(parley.grpc, credentials.createInsecure());
    return new ParleySender(parley.databaseUrl, appId, client, metadata, await Calls.at(graph));
  }

  async send(): Promise<void> {
    const turn = (this.turn += 1);
    const text = textOf(turn);
    const called = this.calls.of(text);
    await new Promise<void>((resolve, reject) => {
      this.client.makeUnaryRequest(
        sendMessage.path,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        textBytes(this.appId, personAt(turn), text),
        this.metadata,
        (error) => (error ? reject(error) : resolve()),
      );
    });
    await called;
  }

  close(): void {
    this.client.close();
  }
}

class BareSender implements Sender {
  private turn = 0;

  private constructor(
    private readonly pool: Pool,
    private readonly calls: Calls,
  ) {}

  static async start(machine: Machine): Promise<BareSender> {
    const graph = await machine.server('send-e2e.graph.js', { PAGE_ID });
    return new BareSender(new Pool(`http://${graph}`, { connections: IN_FLIGHT }), await Calls.at(graph));
  }

  async send(): Promise<void> {
    const turn = (this.turn += 1);
    const text = textOf(turn);
    const called = this.calls.of(text);
    const { body } = await this.pool.request({
      method: 'POST',
      path: '/v25.0/me/messages',
      headers: { 'content-type': 'application/json', authorization: 'Bearer bench-token' },
      body: JSON.stringify({
        recipient: { id: personAt(turn) },
        messaging_type: 'RESPONSE',
        message: { text, metadata: `bench-${turn}` },
      }),
    });
    await body.dump();
    await called;
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/** Hears from the stand-in which messages it was called with. */
class Calls {
  private readonly awaited = new Map<string, () => void>();

  static async at(graph: string): Promise<Calls> {
    const { body } = await fetch(`http://${graph}/calls`);
    if (!body) throw new Error('the stand-in does not tell of its calls');
    const calls = new Calls();
    const lines = createInterface({ input: Readable.fromWeb(body) });
    lines.on('line', (text) => calls.awaited.get(text)?.());
    // It ends with its process.
    lines.on('error', () => undefined);
    return calls;
  }

  /** @throws Error when no call with this text comes. */
  of(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`send-e2e: no call for "${text}"`)), PATIENCE_MS);
      this.awaited.set(text, () => {
        clearTimeout(timer);
        this.awaited.delete(text);
        resolve();
      });
    });
  }
}

function textOf(turn: number): string {
  return `Yes, number ${turn} is still available in blue.`;
}
