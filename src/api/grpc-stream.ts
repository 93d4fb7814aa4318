import { type Deadline, Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type AccessService, CALLER_CACHE_MS } from '../access/access.service.js';
import { DomainError } from '../errors.js';
import { type Carrier, hostOf } from './access.guard.js';

/** Event on the calls of streams when the server begins to shut down. */
export const DRAINING = 'draining';
/** Timers take no longer delays. */
const LONGEST_MS = 2 ** 31 - 1;

/** What is asked of any call. */
export interface AnyCall {
  readonly cancelled: boolean;
  getDeadline(): Deadline;
}

/** What is asked of the call of a stream. */
export interface StreamCall extends AnyCall {
  readonly metadata: Metadata & Carrier;
  getPeer(): string;
  once(event: 'cancelled' | typeof DRAINING, listener: () => void): unknown;
}

/** Parameter of a gRPC handler: the call itself. */
export const CurrentCall = createParamDecorator((_data: unknown, context: ExecutionContext): unknown => {
  // Handlers get data, metadata and call; a handler of a whole stream gets the call alone.
  const args = context.getArgs<unknown[]>();
  return args[1] instanceof Metadata ? args[2] : args[0];
});

/** Whether nobody waits for the answer any more: the call was cancelled, or its deadline has passed. */
export function isAbandoned(call: AnyCall): boolean {
  return call.cancelled || Number(call.getDeadline()) <= Date.now();
}

/** @throws DomainError CANCELLED when nobody waits for the answer any more. */
export function assertAwaited(call: AnyCall): void {
  if (isAbandoned(call))
    throw new DomainError('CANCELLED', 'the call was cancelled, or its deadline has passed');
}

/** What ends a stream from outside: its client, its deadline, credentials that are good no more, a server that shuts down. */
export class StreamLife {
  private readonly controller = new AbortController();
  /** Aborted when the stream has to end. */
  readonly signal = this.controller.signal;
  /** What to tell the client then; null when nobody is there to be told. */
  ending: DomainError | null = null;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly call: StreamCall,
    private readonly access: AccessService,
  ) {
    call.once('cancelled', () => this.end(null));
    call.once(DRAINING, () =>
      this.end(new DomainError('UNAVAILABLE', 'this server shuts down; go on with another stream')),
    );
    // grpc-js tells of a deadline only once the client has read all before it.
    this.endAt(Number(call.getDeadline()), null);
    const expiresAt = call.metadata.caller?.expiresAt;
    if (expiresAt) this.endAt(expiresAt.getTime(), new DomainError('UNAUTHENTICATED', 'the token expired'));
    this.timers.push(setInterval(() => void this.recheck(), CALLER_CACHE_MS).unref());
    if (isAbandoned(call)) this.end(null);
  }

  /** To be called when the stream has ended, whichever way. */
  close(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private endAt(time: number, error: DomainError | null): void {
    const left = time - Date.now();
    if (left < Infinity) this.timers.push(setTimeout(() => this.end(error), Math.min(left, LONGEST_MS)));
  }

  private end(error: DomainError | null): void {
    if (this.signal.aborted) return;
    this.ending = error;
    this.controller.abort();
  }

  /** A database that is away for a moment ends nothing. */
  private async recheck(): Promise<void> {
    const [authorization] = this.call.metadata.get('authorization');
    try {
      await this.access.authenticate(authorization?.toString(), hostOf(this.call.getPeer()));
    } catch (error) {
      if (error instanceof DomainError && error.code === 'UNAUTHENTICATED') this.end(error);
    }
  }
}
