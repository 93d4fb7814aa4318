import { describe, expect, test } from 'vitest';
import {
  parseRetryAfter,
  pauseDelay,
  RETRY_DELAYS,
  retryDelay,
  verdictOf,
} from '../../src/webhooks/schedule.js';

const middle = (): number => 0.5;
const HOUR = 3_600_000;

describe('retryDelay', () => {
  test('follows 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, then gives up', () => {
    const delays = Array.from({ length: 10 }, (_, index) => retryDelay(index + 1, null, middle));
    expect(delays.map((delay) => delay && delay / 1000)).toEqual([
      5,
      300,
      1_800,
      7_200,
      18_000,
      36_000,
      50_400,
      72_000,
      86_400,
      null,
    ]);
  });

  test.each(RETRY_DELAYS.map((delay, index) => [index + 1, delay]))(
    'attempt %i varies by a fifth around %i ms',
    (attempts, delay) => {
      expect(retryDelay(attempts, null, () => 0)).toBe(delay * 0.8);
      expect(retryDelay(attempts, null, () => 1)).toBe(delay * 1.2);
    },
  );

  test('never comes sooner than the target asked for, nor sooner than the schedule', () => {
    expect(retryDelay(1, 120_000, middle)).toBe(120_000);
    expect(retryDelay(2, 1_000, middle)).toBe(300_000);
  });

  test('a target that always asks for more does not get more attempts', () => {
    expect(retryDelay(10, 1_000, middle)).toBeNull();
  });
});

describe('parseRetryAfter', () => {
  const now = new Date('2026-03-02T09:00:00Z');
  test.each<[string | undefined, number | null]>([
    [undefined, null],
    ['', null],
    ['soon', null],
    ['-5', null],
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Mon, 02 Mar 2026 09:02:00 GMT', 120_000],
    ['Mon, 02 Mar 2026 08:00:00 GMT', 0],
    ['99999999', 24 * HOUR],
    ['Wed, 01 Jan 2031 00:00:00 GMT', 24 * HOUR],
  ])('%j means %j ms', (header, wait) => {
    expect(parseRetryAfter(header, now)).toBe(wait);
  });
});

describe('verdictOf', () => {
  test.each([
    ['delivered', [200, 201, 202, 204, 299]],
    ['retry', [301, 302, 307, 408, 409, 425, 429, 500, 502, 503, 504, 599]],
    ['refused', [400, 401, 403, 404, 405, 413, 422, 451, 499]],
    ['gone', [410]],
  ])('%s: %j', (verdict, statuses) => {
    expect(statuses.map(verdictOf)).toEqual(statuses.map(() => verdict));
  });
});

test('a target that is down is left alone for half of its outage, 5 seconds to 5 minutes', () => {
  expect(pauseDelay(0, middle)).toBe(5_000);
  expect(pauseDelay(60_000, middle)).toBe(30_000);
  expect(pauseDelay(HOUR, middle)).toBe(300_000);
  expect(pauseDelay(HOUR, () => 1)).toBe(360_000);
});
