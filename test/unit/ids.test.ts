import { decodeTime } from 'ulidx';
import { afterEach, expect, test, vi } from 'vitest';
import { newId } from '../../src/ids.js';

afterEach(() => {
  vi.useRealTimers();
});

function setClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: ms });
}

test('ids ascend, also within a millisecond and when the clock is set back a little', () => {
  const now = Date.now();
  const ids = [0, 0, 5, 4, -9_000, 6].map((ms) => {
    setClock(now + ms);
    return newId();
  });
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('a clock that was wrong leaves no trace in the ids that are made once it is right', () => {
  const now = Date.now();
  setClock(now + 24 * 3_600_000);
  const ahead = newId();
  setClock(now);
  const ids = [newId(), newId()];
  expect(ids.map((id) => decodeTime(id))).toEqual([now, now]);
  expect(ids).toEqual([...ids].sort());
  expect([...ids, ahead].sort()).toEqual([...ids, ahead]);
});
