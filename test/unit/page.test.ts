import { expect, test } from 'vitest';
import { toConnection } from '../../src/api/connection.js';
import { decodeCursor, encodeCursor, keysetOf, pageOf, type PageRequest } from '../../src/page.js';

const keysOf = (row: string): string[] => [row];

/** The list `a b c d e`, read as a service reads it. */
function read(request: PageRequest) {
  const keyset = keysetOf(request, 1);
  const [position] = keyset.position ?? [];
  const rows = ['a', 'b', 'c', 'd', 'e'].filter(
    (row) => position === undefined || (keyset.backward ? row < position : row > position),
  );
  if (keyset.backward) rows.reverse();
  return toConnection(pageOf(rows.slice(0, keyset.limit + 1), keyset, keysOf));
}

function nodes(request: PageRequest): string {
  return read(request)
    .edges.map((edge) => edge.node)
    .join('');
}

test('reads forward and backward, always in list order', () => {
  expect(nodes({ first: 2 })).toBe('ab');
  expect(nodes({ first: 2, after: encodeCursor(['b']) })).toBe('cd');
  expect(nodes({ last: 2 })).toBe('de');
  expect(nodes({ last: 2, before: encodeCursor(['d']) })).toBe('bc');
  expect(nodes({})).toBe('abcde');
});

test('says whether there is more on either side', () => {
  expect(read({ first: 2 }).pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  expect(read({ first: 5 }).pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  expect(read({ first: 2, after: encodeCursor(['b']) }).pageInfo).toMatchObject({
    hasNextPage: true,
    hasPreviousPage: true,
  });
  expect(read({ last: 2 }).pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  expect(read({ last: 2, before: encodeCursor(['c']) }).pageInfo).toMatchObject({
    hasNextPage: true,
    hasPreviousPage: false,
  });
});

test('gives the cursors of the first and the last edge, and null when there is none', () => {
  const { edges, pageInfo } = read({ first: 3 });
  expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0]?.cursor, edges[2]?.cursor]);
  expect(read({ after: encodeCursor(['e']) }).pageInfo).toMatchObject({ startCursor: null, endCursor: null });
});

test.each<[PageRequest, string]>([
  [{ first: 0 }, 'first'],
  [{ first: 101 }, 'first'],
  [{ first: 1.5 }, 'first'],
  [{ last: -1 }, 'last'],
  [{ first: 1, last: 1 }, 'last'],
  [{ last: 1, after: 'x' }, 'after'],
  [{ first: 1, before: 'x' }, 'before'],
  [{ after: 'nonsense' }, 'after'],
  [{ after: encodeCursor(['a', 'b']) }, 'after'],
  [{ before: encodeCursor(['a\0']) }, 'before'],
])('%j is refused', (request, path) => {
  expect(() => keysetOf(request, 1)).toThrow(
    expect.objectContaining({ fields: [expect.objectContaining({ path })] }) as Error,
  );
});

test('a cursor holds any keys and needs no escaping in a URL', () => {
  const keys = ['2026-01-31T09:30:00.000Z', '💬 "quoted"'];
  expect(encodeCursor(keys)).toMatch(/^[\w-]+$/);
  expect(decodeCursor(encodeCursor(keys), 2)).toEqual(keys);
});
