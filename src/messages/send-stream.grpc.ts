import type { ServerDuplexStream } from '@grpc/grpc-js';
import { rpcStatus } from '../api/error.grpc.js';
import { explain } from '../api/explain.js';
import { isAbandoned, type StreamLife } from '../api/grpc-stream.js';
import type { SendMessageRequest__Output as SendMessageRequest } from '../generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResult } from '../generated/proto/parley/conversation/v1/SendMessageResult.js';
import type { Accepted, SendCommand } from './command.js';
import { sendResponseOf } from './send-request.grpc.js';

export type SendStreamCall = ServerDuplexStream<SendMessageRequest, SendMessageResult>;

/** Most requests of a stream that wait for their results to be written. */
export const MOST_IN_FLIGHT = 1_000;

export interface SendStreamWork {
  commandOf(request: SendMessageRequest): Promise<SendCommand>;
  send(command: SendCommand, abandoned: () => boolean): Promise<Accepted>;
  /** While true, a stream has one request in flight at a time. */
  readonly crowded: boolean;
}

/** A request whose result has not been written. */
interface Slot {
  clientRef: string;
  result: SendMessageResult | null;
}

/** One call of SendMessages: reads no faster than results are written, and writes them in the order of the requests. */
export class SendStream {
  private readonly slots: Slot[] = [];
  private writable = true;
  private wake: () => void = () => undefined;
  private readonly abandoned = (): boolean => isAbandoned(this.call);

  constructor(
    private readonly call: SendStreamCall,
    private readonly life: StreamLife,
    private readonly work: SendStreamWork,
  ) {
    const wake = (): void => this.wake();
    for (const event of ['readable', 'end', 'close']) call.on(event, wake);
    life.signal.addEventListener('abort', wake);
    call.on('drain', () => {
      this.writable = true;
      this.flush();
    });
  }

  /**
   * Until the last result is written, or nobody is there to read it.
   * @throws DomainError when the stream has to end otherwise.
   */
  async run(): Promise<void> {
    for (let request = await this.next(); request; request = await this.next()) await this.accept(request);
    while (this.slots.length > 0 && !this.abandoned()) await this.change();
    if (this.abandoned()) return;
    if (this.life.ending) throw this.life.ending;
    this.call.end();
  }

  /** Null when there are no more, or no more may be read. */
  private async next(): Promise<SendMessageRequest | null> {
    while (!this.life.signal.aborted && !this.call.destroyed) {
      if (this.hasRoom()) {
        const request = this.call.read() as SendMessageRequest | null;
        if (request) return request;
        if (this.call.readableEnded) return null;
      }
      await this.change();
    }
    return null;
  }

  private hasRoom(): boolean {
    const { length } = this.slots;
    return length === 0 || (length < MOST_IN_FLIGHT && !this.work.crowded);
  }

  /** Done when the request waits to be stored: only then is the next one looked at, so that their order is kept. */
  private async accept(request: SendMessageRequest): Promise<void> {
    const slot: Slot = { clientRef: request.clientRef ?? '', result: null };
    this.slots.push(slot);
    try {
      const command = await this.work.commandOf(request);
      this.work.send(command, this.abandoned).then(
        (accepted) => this.settle(slot, { response: sendResponseOf(accepted) }),
        (error: unknown) => this.fail(slot, error),
      );
    } catch (error) {
      this.fail(slot, error);
    }
  }

  private fail(slot: Slot, error: unknown): void {
    this.settle(slot, { error: rpcStatus(explain(error)) });
  }

  private settle(slot: Slot, result: SendMessageResult): void {
    slot.result = slot.clientRef === '' ? result : { clientRef: slot.clientRef, ...result };
    this.flush();
  }

  private flush(): void {
    if (this.abandoned()) this.slots.length = 0;
    while (this.writable && this.slots[0]?.result) {
      this.writable = this.call.write(this.slots[0].result);
      this.slots.shift();
    }
    this.wake();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
