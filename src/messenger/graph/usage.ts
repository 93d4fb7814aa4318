import type { GraphAnswer } from './exchange.js';

/** Headers in which Graph says how much of an allowance is used. Source: graph-api/overview/rate-limiting. */
const USAGE_HEADERS = ['x-app-usage', 'x-page-usage', 'x-business-use-case-usage'];
const PERCENTAGES = ['call_count', 'total_time', 'total_cputime'];

const MINUTE = 60_000;
/** How long to wait when an allowance is used up and Graph does not say until when. */
const PAUSE = 5 * MINUTE;
const LONGEST_PAUSE = 24 * 60 * MINUTE;

/** How long Graph wants no more calls, in ms; undefined when it says nothing of the kind. */
export function pauseOf(headers: GraphAnswer['headers'], now = Date.now()): number | undefined {
  const pauses = [
    retryAfter(one(headers['retry-after']), now),
    ...USAGE_HEADERS.map((name) => usagePause(one(headers[name]))),
  ];
  const longest = Math.max(0, ...pauses);
  return longest > 0 ? Math.min(longest, LONGEST_PAUSE) : undefined;
}

/** Seconds or a date. */
function retryAfter(value: string, now: number): number {
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const until = Date.parse(value);
  return Number.isNaN(until) ? 0 : until - now;
}

/** Finds the percentages and waits wherever they stand: the business header nests them in lists by id. */
function usagePause(value: string): number {
  let longest = 0;
  try {
    JSON.parse(value, (key, found: unknown) => {
      if (typeof found !== 'number') return found;
      if (key === 'estimated_time_to_regain_access') longest = Math.max(longest, found * MINUTE);
      if (PERCENTAGES.includes(key) && found >= 100) longest = Math.max(longest, PAUSE);
      return found;
    });
  } catch {
    // A header that cannot be read says nothing.
  }
  return longest;
}

function one(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
