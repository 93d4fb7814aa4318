import { randomFillSync } from 'node:crypto';
import { encodeTime, isValid, monotonicFactory, ulid } from 'ulidx';

/** Randomness is cheap by the page and dear by the number. */
const pool = new Uint32Array(1024);
let used = pool.length;

function random(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] as number) / 2 ** 32;
}

/** A clock that is set back further than this was wrong before. Ids follow it, instead of telling the wrong time until it has caught up. */
const MOST_AHEAD_MS = 10_000;

let next = monotonicFactory(random);
let latest = 0;

/**
 * A new ULID. Ids made by one process are strictly increasing, so that sorting by id is sorting by acceptance; but for a clock that is
 * set back by more than ten seconds.
 */
export function newId(): string {
  const now = Date.now();
  if (now < latest - MOST_AHEAD_MS) {
    next = monotonicFactory(random);
    latest = now;
  } else latest = Math.max(latest, now);
  return next(now);
}

/** A ULID of another time than now, for what was accepted elsewhere. Those of one millisecond are in no order. */
export function idAt(time: Date): string {
  return ulid(time.getTime(), random);
}

/** Not above any ULID of this time or later. */
export function lowestIdAt(time: Date): string {
  return encodeTime(Math.max(0, time.getTime()), 10).padEnd(26, '0');
}

export function isId(value: string): boolean {
  return isValid(value);
}
