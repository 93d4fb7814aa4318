const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits between the attempts at a delivery; after the last it is DEAD. Source: the sample schedule of Standard Webhooks. */
export const RETRY_DELAYS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** A webhook that has known nothing but failures for this long is disabled. */
export const DISABLE_AFTER = 5 * 24 * HOUR;

const LONGEST_RETRY_AFTER = 24 * HOUR;
const SHORTEST_PAUSE = 5 * SECOND;
const LONGEST_PAUSE = 5 * MINUTE;
const JITTER = 0.2;

/** 4xx that may be different next time: timeout, conflict, too early, too many requests. */
const WORTH_RETRYING = new Set([408, 409, 425, 429]);

/** What a status of the target means: taken, worth another try, refused for good, or no longer wanted at all (410). */
export type Verdict = 'delivered' | 'retry' | 'refused' | 'gone';

export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  if (status === 410) return 'gone';
  return status >= 400 && status < 500 && !WORTH_RETRYING.has(status) ? 'refused' : 'retry';
}

/**
 * How long to wait after the given number of failed attempts, in ms; null when that was the last.
 * @param retryAfter what the target asked for, in ms: never sooner than that.
 */
export function retryDelay(
  attempts: number,
  retryAfter: number | null,
  random: () => number = Math.random,
): number | null {
  const delay = RETRY_DELAYS[attempts - 1];
  return delay === undefined ? null : Math.max(jittered(delay, random), retryAfter ?? 0);
}

/** A `Retry-After` header (seconds or a date) in ms from now, a day at most; null when there is none that can be read. */
export function parseRetryAfter(header: string | undefined, now: Date): number | null {
  const text = header?.trim() ?? '';
  if (text === '') return null;
  // Dates begin with the name of a day; JavaScript would read much else as one.
  const date = /^[A-Z]/i.test(text) ? Date.parse(text) : NaN;
  const wait = /^\d+$/.test(text) ? Number(text) * SECOND : date - now.getTime();
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER);
}

/** How long to leave a target alone that cannot be reached: half of the time it has been failing, 5 seconds to 5 minutes. */
export function pauseDelay(failingFor: number, random: () => number = Math.random): number {
  return jittered(Math.min(Math.max(failingFor / 2, SHORTEST_PAUSE), LONGEST_PAUSE), random);
}

/** A fifth more or less, so that what failed together does not come back together. */
function jittered(delay: number, random: () => number): number {
  return Math.round(delay * (1 - JITTER + 2 * JITTER * random()));
}
