import { type Deadline, Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AccessService } from '../access/access.service.js';
import { DomainError } from '../errors.js';
import { hostOf } from './access.guard.js';

/** Event on the calls of streams when the server begins to shut down. */
export const DRAINING = 'draining';
/** Every so often the credentials of a stream must still be good. */
const CHECK_MS = 15_000;
/** Timers take no longer delays. */
const LONGEST_MS = 2 ** 31 - 1;

/** What is asked of any call. */
export interface AnyCall {
  readonly cancelled: boolean;
  getDeadline(): Deadline;
}

/** What is asked of the call of a stream. */
export interface StreamCall extends AnyCall {
  readonly metadata: Metadata;
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
  private readonly check: NodeJS.Timeout;
  private readonly expiry: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: StreamCall,
    private readonly access: AccessService,
  ) {
    call.once('cancelled', () => this.end(null));
    call.once(DRAINING, () =>
      this.end(new DomainError('UNAVAILABLE', 'this server shuts down; go on with another stream')),
    );
    // grpc-js tells of a deadline only once the client has read all before it.
    const left = Number(call.getDeadline()) - Date.now();
    if (left < Infinity) this.expiry = setTimeout(() => this.end(null), Math.min(left, LONGEST_MS));
    this.check = setInterval(() => void this.recheck(), CHECK_MS).unref();
    if (isAbandoned(call)) this.end(null);
  }

  /** To be called when the stream has ended, whichever way. */
  close(): void {
    clearTimeout(this.expiry);
    clearInterval(this.check);
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
