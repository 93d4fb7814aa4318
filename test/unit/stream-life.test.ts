// What ends a gRPC stream from outside.
import { Metadata } from '@grpc/grpc-js';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AccessService } from '../../src/access/access.service.js';
import type { Caller } from '../../src/access/caller.js';
import { DRAINING, StreamLife } from '../../src/api/grpc-stream.js';
import { DomainError } from '../../src/errors.js';

const CALLER: Caller = { projectId: 'p', keyId: 'k' };

class Call extends EventEmitter {
  readonly cancelled = false;
  readonly metadata = Object.assign(new Metadata(), { caller: CALLER });

  constructor(private readonly deadline = Infinity) {
    super();
  }

  getDeadline(): number {
    return this.deadline;
  }

  getPeer(): string {
    return '127.0.0.1:4711';
  }
}

let life: StreamLife;
let authenticate: () => Promise<Caller>;

beforeEach(() => {
  vi.useFakeTimers();
  authenticate = async () => CALLER;
});
afterEach(() => {
  life.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function begin(call: Call): StreamLife {
  life = new StreamLife(call, { authenticate: () => authenticate() } as unknown as AccessService);
  return life;
}

test('goes on for as long as the credentials are good, also while the database is away', async () => {
  begin(new Call());
  await vi.advanceTimersByTimeAsync(60_000);
  authenticate = () => Promise.reject(new Error('away'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(life.signal.aborted).toBe(false);
});

test('ends within five seconds of the key being revoked', async () => {
  begin(new Call());
  const revoked = new DomainError('UNAUTHENTICATED', 'the key was revoked');
  authenticate = () => Promise.reject(revoked);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(life.signal.aborted).toBe(true);
  expect(life.ending).toBe(revoked);
});

test('ends when the token does', async () => {
  const call = new Call();
  call.metadata.caller = { ...CALLER, expiresAt: new Date(Date.now() + 3_001) };
  begin(call);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(life.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(life.ending).toMatchObject({ code: 'UNAUTHENTICATED', message: 'the token expired' });
});

test('ends at its deadline, with nobody to be told', async () => {
  begin(new Call(Date.now() + 1_000));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(life.signal.aborted).toBe(true);
  expect(life.ending).toBeNull();
});

test('ends when the server shuts down, and says so', () => {
  const call = new Call();
  begin(call);
  call.emit(DRAINING);
  expect(life.ending).toMatchObject({ code: 'UNAVAILABLE' });
});
