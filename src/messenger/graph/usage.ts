import type { GraphAnswer } from './exchange.js';

/** Headers in which Graph says how much of an allowance is used. Source: graph-api/overview/rate-limiting. */
const USAGE_HEADERS = ['x-app-usage', 'x-page-usage', 'x-business-use-case-usage'];
const PERCENTAGES = ['call_count', 'total_time', 'total_cputime'];

const MINUTE = 60_000;
/** How long to wait when an allowance is used up and Graph does not say until when. */
const PAUSE = 5 * MINUTE;
const LONGEST_PAUSE = 24 * 60 * MINUTE;

type Headers = GraphAnswer['headers'];

/** How long an allowance stays used up, in ms; undefined while there is some left. Comes with every answer, also of what went well. */
export function usedUpFor(headers: Headers): number | undefined {
  return limited(Math.max(...USAGE_HEADERS.map((name) => usagePause(one(headers[name])))));
}

/** How long this call had better not be repeated, in ms; undefined when Graph does not say. */
export function retryAfterOf(headers: Headers, now = Date.now()): number | undefined {
  const value = one(headers['retry-after']);
  if (/^\d+$/.test(value)) return limited(Number(value) * 1000);
  const until = Date.parse(value);
  return Number.isNaN(until) ? undefined : limited(until - now);
}

/** The longer of the two: how long after a refusal for its rate Graph wants no more calls. */
export function pauseOf(headers: Headers, now = Date.now()): number | undefined {
  return limited(Math.max(usedUpFor(headers) ?? 0, retryAfterOf(headers, now) ?? 0));
}

function limited(ms: number): number | undefined {
  return ms > 0 ? Math.min(ms, LONGEST_PAUSE) : undefined;
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
