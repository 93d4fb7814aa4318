import { getIntrospectionQuery, parse } from 'graphql';
import { expect, test } from 'vitest';
import { overLimits } from '../../src/api/graphql-limits.js';

function refusal(query: string, variables: Record<string, unknown> = {}): string | null {
  return overLimits(parse(query), null, variables)?.message ?? null;
}

const inbox = (inner: string, args = '(first: 100)'): string =>
  `query ($n: Int) { inbox${args} { edges { node { ${inner} } } } }`;
const messages = (args: string): string => `messages${args} { edges { node { id } } }`;

test('a full page of conversations with contact, last message and a page of messages each may run', () => {
  expect(
    refusal(
      inbox(
        `contact { channelIdentities { identity } } lastMessage { content { text } } ${messages('(last: 50)')}`,
      ),
    ),
  ).toBeNull();
});

test('lists in lists in lists are refused', () => {
  const nested = `messages(first: 100) { edges { node { conversation { ${messages('(first: 100)')} } } } }`;
  expect(refusal(inbox(nested))).toContain('50000 objects');
});

test('page sizes are counted as the variables say', () => {
  const nested = `messages(first: $n) { edges { node { conversation { ${messages('(first: $n)')} } } } }`;
  expect(refusal(inbox(nested, '(first: $n)'), { n: 10 })).toBeNull();
  expect(refusal(inbox(nested, '(first: $n)'), { n: 100 })).toContain('objects');
  expect(refusal(inbox(nested, '(first: $n)'))).toContain('objects');
});

test('a page size below one does not make the rest free', () => {
  const nested = `messages(first: 100) { edges { node { conversation { ${messages('(first: 100)')} } } } }`;
  expect(refusal(inbox(inbox(nested).slice(17, -2), '(first: -5)'))).toContain('objects');
});

test('many aliases of one list are as many lists', () => {
  const alias = (i: number): string =>
    `a${i}: inbox(first: 100) { edges { node { ${messages('(first: 100)')} } } }`;
  expect(refusal(`{ ${alias(0)} }`)).toBeNull();
  expect(refusal(`{ ${[0, 1, 2, 3].map(alias).join(' ')} }`)).toContain('objects');
});

test('a query deeper than fifteen levels is refused, also when fragments make it so', () => {
  const deep = (levels: number): string => '{ a '.repeat(levels) + '}'.repeat(levels);
  expect(refusal(deep(15))).toBeNull();
  expect(refusal(deep(16))).toContain('16 levels deep');
  expect(refusal(`{ a ${'{ a '.repeat(9)} { ...F } ${'}'.repeat(9)} } fragment F on X ${deep(8)}`)).toContain(
    'levels deep',
  );
});

test('fragments of fragments are weighed once each, or this would not end', () => {
  const fragments = Array.from(
    { length: 40 },
    (_, i) => `fragment F${i} on X { a { ...F${i + 1} } b { ...F${i + 1} } }`,
  );
  expect(refusal(`{ ...F0 } ${fragments.join(' ')} fragment F40 on X { id }`)).toContain('deep');
});

test('introspection is left to the limits of GraphQL itself', () => {
  expect(refusal(getIntrospectionQuery())).toBeNull();
});

test('only the operation that is to run counts', () => {
  const document = parse(`query Small { a } query Large { ${'b { '.repeat(20)} c ${'}'.repeat(20)} }`);
  expect(overLimits(document, 'Small', {})).toBeNull();
  expect(overLimits(document, 'Large', {})).not.toBeNull();
});
