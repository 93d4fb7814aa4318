import { expect, test } from 'vitest';
import { GroupCommit, type GroupCommitOptions } from '../../src/messages/group-commit.js';

interface Transaction {
  items: string[];
  commit(): void;
  fail(error: Error): void;
}

const away = new Error('away');
const LIMITS = { batch: 4, inFlight: 1, waiting: 100 };

/** A group whose transactions end when the test says so. */
function manual(options: Partial<GroupCommitOptions<string>> = {}): {
  group: GroupCommit<string, string>;
  running: Transaction[];
  begun: string[][];
} {
  const running: Transaction[] = [];
  const begun: string[][] = [];
  const group = new GroupCommit<string, string>(
    (items) =>
      new Promise((resolve, reject) => {
        begun.push(items);
        const end = (): void => void running.splice(running.indexOf(transaction), 1);
        const transaction = {
          items,
          commit: () => (end(), resolve(items.map((item) => `stored ${item}`))),
          fail: (error: Error) => (end(), reject(error)),
        };
        running.push(transaction);
      }),
    (error) => error === away,
    { ...LIMITS, ...options },
  );
  return { group, running, begun };
}

/** A group that refuses every batch with one of `poisons` in it. */
function poisoned(...poisons: string[]): { group: GroupCommit<string, string>; begun: string[][] } {
  const begun: string[][] = [];
  const group = new GroupCommit<string, string>(
    async (items) => {
      begun.push(items);
      await Promise.resolve();
      const poison = items.find((item) => poisons.includes(item));
      if (poison) throw new Error(`cannot store ${poison}`);
      return items.map((item) => `stored ${item}`);
    },
    (error) => error === away,
    { ...LIMITS, batch: 64 },
  );
  return { group, begun };
}

/** Lets everything run that waits for promises only. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a lone item is committed at once', async () => {
  const { group, begun } = manual();
  void group.submit('a');
  await settled();
  expect(begun).toEqual([['a']]);
});

test('what comes together shares a batch', async () => {
  const { group, begun } = manual();
  for (const item of ['a', 'b', 'c']) void group.submit(item);
  await settled();
  expect(begun).toEqual([['a', 'b', 'c']]);
});

test('what waits while a batch commits forms the next one, each with its own result', async () => {
  const { group, running, begun } = manual();
  const results = [group.submit('a')];
  await settled();
  results.push(...['b', 'c', 'd', 'e', 'f'].map((item) => group.submit(item)));
  await settled();
  expect(begun).toEqual([['a']]);
  running[0]?.commit();
  await settled();
  expect(begun).toEqual([['a'], ['b', 'c', 'd', 'e']]);
  running[0]?.commit();
  await settled();
  running[0]?.commit();
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((item) => `stored ${item}`));
});

test('no more transactions run at the same time than allowed', async () => {
  const { group, running, begun } = manual({ inFlight: 2, batch: 1 });
  const all = Promise.all(['a', 'b', 'c', 'd'].map((item) => group.submit(item)));
  await settled();
  expect(running.map(({ items }) => items)).toEqual([['a'], ['b']]);
  running[1]?.commit();
  await settled();
  expect(running.map(({ items }) => items)).toEqual([['a'], ['c']]);
  while (running.length > 0) {
    running[0]?.commit();
    await settled();
  }
  await all;
  expect(begun).toHaveLength(4);
});

test('a batch runs beside another only when as much waits as the other took', async () => {
  const { group, running, begun } = manual({ inFlight: 2 });
  const submit = (...items: string[]): Promise<string>[] => items.map((item) => group.submit(item));
  const all = submit('a');
  await settled();
  all.push(...submit('b'));
  await settled();
  all.push(...submit('c', 'd', 'e', 'f'));
  await settled();
  expect(begun).toEqual([['a'], ['b']]);
  running[0]?.commit();
  await settled();
  expect(begun).toEqual([['a'], ['b'], ['c', 'd', 'e', 'f']]);
  running[0]?.commit();
  all.push(...submit('g', 'h', 'i'));
  await settled();
  expect(running.map(({ items }) => items)).toEqual([['c', 'd', 'e', 'f']]);
  all.push(...submit('j'));
  await settled();
  expect(running.map(({ items }) => items)).toEqual([
    ['c', 'd', 'e', 'f'],
    ['g', 'h', 'i', 'j'],
  ]);
  while (running.length > 0) {
    running[0]?.commit();
    await settled();
  }
  await Promise.all(all);
});

test('heavy items share a transaction only up to the limit, and one above it goes alone', async () => {
  const { group, running, begun } = manual({ weigh: (item) => item.length });
  const all = Promise.all(['aaa', 'bb', 'c', 'a huge one', 'd'].map((item) => group.submit(item)));
  await settled();
  while (running.length > 0) {
    running[0]?.commit();
    await settled();
  }
  await all;
  expect(begun).toEqual([['aaa'], ['bb', 'c'], ['a huge one'], ['d']]);
});

test('items of one lane keep their order, and do not hold up those of others', async () => {
  const { group, running, begun } = manual({ inFlight: 2, laneOf: (item) => item.slice(0, 1) });
  const submit = (...items: string[]): Promise<string>[] => items.map((item) => group.submit(item));
  const all = submit('a1');
  await settled();
  all.push(...submit('a2', 'a3', 'b1'));
  await settled();
  expect(begun).toEqual([['a1'], ['b1']]);
  running[1]?.commit();
  await settled();
  expect(running.map(({ items }) => items)).toEqual([['a1']]);
  running[0]?.commit();
  await settled();
  expect(running.map(({ items }) => items)).toEqual([['a2', 'a3']]);
  running[0]?.commit();
  await Promise.all(all);
});

test('an item that breaks its batch is found by halving and fails alone', async () => {
  const { group, begun } = poisoned('13', '40');
  const items = Array.from({ length: 64 }, (_, index) => String(index));
  const results = await Promise.allSettled(items.map((item) => group.submit(item)));
  const failed = results.flatMap((result, index) => (result.status === 'rejected' ? [items[index]] : []));
  expect(failed).toEqual(['13', '40']);
  expect(results[13]).toMatchObject({ reason: new Error('cannot store 13') });
  expect(results[14]).toEqual({ status: 'fulfilled', value: 'stored 14' });
  // Two culprits among 64 cost two paths down the tree, not 64 transactions.
  expect(begun.length).toBeLessThan(30);
});

test('past the limit items are refused at once, and taken again when there is room', async () => {
  const { group, running } = manual({ waiting: 3 });
  const accepted = [group.submit('a')];
  await settled();
  accepted.push(...['b', 'c', 'd'].map((item) => group.submit(item)));
  await expect(group.submit('e')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  running[0]?.commit();
  await settled();
  const late = group.submit('e');
  running[0]?.commit();
  await settled();
  running[0]?.commit();
  expect(await late).toBe('stored e');
  await Promise.all(accepted);
});

test('the limit counts weight, but one heavy item is taken when nothing waits', async () => {
  const { group, running } = manual({ waiting: 3, weigh: (item) => item.length });
  const first = group.submit('a');
  await settled();
  const heavy = group.submit('heavy item');
  await expect(group.submit('b')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  running[0]?.commit();
  await settled();
  running[0]?.commit();
  expect(await Promise.all([first, heavy])).toEqual(['stored a', 'stored heavy item']);
});

test('when the database is away the whole batch is told so, and not tried in halves', async () => {
  const { group, running, begun } = manual();
  const first = group.submit('a');
  await settled();
  const others = ['b', 'c', 'd'].map((item) => group.submit(item));
  running[0]?.commit();
  await first;
  await settled();
  running[0]?.fail(away);
  const results = await Promise.allSettled(others);
  expect(results.map((result) => (result as PromiseRejectedResult).reason as object)).toEqual(
    others.map(() => expect.objectContaining({ code: 'UNAVAILABLE' }) as object),
  );
  expect(begun).toEqual([['a'], ['b', 'c', 'd']]);
  const next = group.submit('e');
  await settled();
  running[0]?.commit();
  expect(await next).toBe('stored e');
});

test('what was given up before its batch began is not committed, nor does it delay or displace others', async () => {
  const { group, running, begun } = manual({ waiting: 3 });
  const gone = new Set<string>();
  const submit = (item: string): Promise<string> => group.submit(item, () => gone.has(item));
  void submit('first');
  await settled();
  const kept = submit('kept');
  const dropped = ['dropped', 'also dropped'].map((item) => submit(item).catch((error: unknown) => error));
  await expect(submit('too many')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  gone.add('dropped');
  // The place of one that was given up is free.
  const late = submit('late');
  expect(await dropped[0]).toMatchObject({ code: 'CANCELLED' });
  gone.add('also dropped');
  running[0]?.commit();
  await settled();
  expect(begun).toEqual([['first'], ['kept', 'late']]);
  expect(await dropped[1]).toMatchObject({ code: 'CANCELLED' });
  // Once in a batch it is done, whoever waits for it.
  gone.add('kept');
  running[0]?.commit();
  expect(await Promise.all([kept, late])).toEqual(['stored kept', 'stored late']);
});
