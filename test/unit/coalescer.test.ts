import { expect, test } from 'vitest';
import { Coalescer } from '../../src/database/coalescer.js';

/** Rounds that last until they are told to end. */
function rounds() {
  const seen: [string, number][][] = [];
  const errors: unknown[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const coalescer = new Coalescer<number>(
    (gathered) => {
      seen.push([...gathered]);
      return new Promise((resolve, reject) => ends.push({ resolve, reject }));
    },
    (error) => errors.push(error),
  );
  return { coalescer, seen, errors, ends };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what comes in one turn is one round, and what comes during a round is the next', async () => {
  const { coalescer, seen, ends } = rounds();
  coalescer.add('a', 1);
  coalescer.add('b', 2);
  await turn();
  coalescer.add('c', 3);
  coalescer.add('a', 4);
  coalescer.add('a', 5);
  await turn();
  expect(seen).toEqual([
    [
      ['a', 1],
      ['b', 2],
    ],
  ]);
  ends[0]?.resolve();
  await turn();
  expect(seen[1]).toEqual([
    ['c', 3],
    ['a', 5],
  ]);
});

test('a round that fails is told, and the next one runs', async () => {
  const { coalescer, seen, errors, ends } = rounds();
  coalescer.add('a', 1);
  await turn();
  coalescer.add('b', 2);
  ends[0]?.reject(new Error('no'));
  await turn();
  expect(errors).toMatchObject([{ message: 'no' }]);
  expect(seen[1]).toEqual([['b', 2]]);
});

test('it is idle once everything asked for has been done', async () => {
  const { coalescer, ends } = rounds();
  await coalescer.idle();
  coalescer.add('a', 1);
  await turn();
  coalescer.add('b', 2);
  let idle = false;
  void coalescer.idle().then(() => (idle = true));
  ends[0]?.resolve();
  await turn();
  expect(idle).toBe(false);
  ends[1]?.resolve();
  await turn();
  expect(idle).toBe(true);
});
