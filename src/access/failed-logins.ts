import { LRUCache } from 'lru-cache';
import { DomainError } from '../errors.js';

const WINDOW_MS = 60_000;
/** Failures within a window before an access key is refused unseen. */
const PER_KEY = 10;
/** An address may be a proxy that stands for many callers, so it gets more. */
const PER_ADDRESS = 100;
/** Counters kept; a flood of made-up key ids pushes out old counters rather than memory. */
const MAX_COUNTERS = 20_000;

/** Counts failed logins by access key and by remote address, each in windows of a minute. */
export class FailedLogins {
  private readonly counts = new LRUCache<string, number>({
    max: MAX_COUNTERS,
    ttl: WINDOW_MS,
    noUpdateTTL: true,
  });

  add(keyId: string, address: string): void {
    for (const counter of [`key ${keyId}`, `address ${address}`]) {
      this.counts.set(counter, (this.counts.get(counter) ?? 0) + 1);
    }
  }

  /** @throws DomainError RESOURCE_EXHAUSTED while there were too many. */
  assertFew(keyId: string, address: string): void {
    const many =
      (this.counts.get(`key ${keyId}`) ?? 0) >= PER_KEY ||
      (this.counts.get(`address ${address}`) ?? 0) >= PER_ADDRESS;
    if (many)
      throw new DomainError('RESOURCE_EXHAUSTED', 'too many failed logins; wait a minute and try again');
  }
}
