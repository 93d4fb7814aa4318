import { LRUCache } from 'lru-cache';

/** Callers kept apart; one that was forgotten begins with a full bucket. */
const MAX_BUCKETS = 20_000;

/** Lets each key do something so many times at once, and then as often as its bucket fills up again. */
export class TokenBucket {
  /** When each bucket will be full again: all that there is to know of it. */
  private readonly fullAt: LRUCache<string, number>;
  private readonly msPerUse: number;

  constructor(
    private readonly burst: number,
    perSecond: number,
  ) {
    this.msPerUse = 1000 / perSecond;
    this.fullAt = new LRUCache({ max: MAX_BUCKETS, ttl: burst * this.msPerUse });
  }

  /** False when the bucket is empty. */
  take(key: string): boolean {
    const now = performance.now();
    const fullAt = Math.max(this.fullAt.get(key) ?? now, now) + this.msPerUse;
    if (fullAt - now > this.burst * this.msPerUse) return false;
    this.fullAt.set(key, fullAt);
    return true;
  }
}
