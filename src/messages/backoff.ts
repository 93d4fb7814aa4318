const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/** When to try again after `attempts` failures: doubling from a second to five minutes, with a jitter of a fifth. */
export function backoff(attempts: number, random: () => number = Math.random): number {
  const step = Math.min(FIRST_MS * 2 ** Math.max(0, attempts - 1), LONGEST_MS);
  return Math.round(step * (0.8 + 0.4 * random()));
}
