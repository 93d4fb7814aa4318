import { buildSchema, getIntrospectionQuery, parse, validate } from 'graphql';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { overLimits } from '../../src/api/graphql-limits.js';

const schema = buildSchema(readFileSync('src/schema.graphql', 'utf8'));

function refusal(query: string, variables: Record<string, unknown> = {}): string | null {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  return overLimits(schema, document, null, variables)?.message ?? null;
}

const inbox = (inner: string, args = 'first: 100'): string =>
  `query ($n: Int) { inbox(appId: "a", ${args}) { edges { node { id ${inner} } } } n: contacts(first: $n) { edges { cursor } } }`;
const messages = (args: string): string => `messages(${args}) { edges { node { id } } }`;
const nested = (size: string): string =>
  `messages(first: ${size}) { edges { node { conversation { ${messages(`first: ${size}`)} } } } }`;
/** Two levels each. */
const deep = (pairs: number, inner = 'id'): string =>
  `${'conversation { lastMessage { '.repeat(pairs)}${inner}${' } }'.repeat(pairs)}`;

test('a full page of conversations with contact, last message and a page of messages each may run', () => {
  expect(
    refusal(
      inbox(
        `contact { channelIdentities { identity } } lastMessage { content { ... on TextMessage { text } } } ${messages('last: 50')}`,
      ),
    ),
  ).toBeNull();
});

test('lists in lists in lists are refused', () => {
  expect(refusal(inbox(nested('100')))).toContain('50000 objects');
});

test('page sizes are counted as the variables say, and as the schema says where they say nothing', () => {
  expect(refusal(inbox(nested('$n'), 'first: $n'), { n: 10 })).toBeNull();
  expect(refusal(inbox(nested('$n'), 'first: $n'), { n: 100 })).toContain('objects');
  expect(refusal(inbox(nested('100'), 'first: $n'))).toContain('objects');
  const declared = inbox(nested('$n'), 'first: $n').replace('$n: Int', '$n: Int = 100');
  expect(refusal(declared)).toContain('objects');
  expect(refusal(declared, { n: 10 })).toBeNull();
});

test('a page size below one does not make the rest free', () => {
  expect(refusal(inbox(messages('first: -5')))).toBeNull();
  expect(refusal(inbox(nested('100'), 'first: -5'))).toBeNull();
  const both = `messages(first: -5, last: 100) { edges { node { conversation { ${nested('100')} } } } }`;
  expect(refusal(inbox(both))).toContain('objects');
});

test('many aliases of one list are as many lists', () => {
  const alias = (i: number): string =>
    `a${i}: inbox(appId: "a", first: 100) { edges { node { ${messages('first: 100')} } } }`;
  expect(refusal(`{ ${alias(0)} }`)).toBeNull();
  expect(refusal(`{ ${[0, 1, 2].map(alias).join(' ')} }`)).toContain('objects');
});

test('an operation of more than a hundred aliases is refused, also when a fragment has them', () => {
  const aliases = (many: number): string =>
    Array.from({ length: many }, (_, i) => `a${i}: __typename b${i}: id`).join(' ');
  const query = (many: number): string =>
    `{ app(id: "a") { ...Names } conversation(id: "c") { app { ...Names } } } fragment Names on App { ${aliases(many)} }`;
  expect(refusal(query(50))).toBeNull();
  expect(refusal(query(110))).toContain('100 aliases');
});

test('a mutation document makes at most twenty mutations, also when fragments hold them', () => {
  const input = '{ appId: "a", recipient: { contactId: "c" }, message: { textMessage: { text: "Hi" } } }';
  const sends = (many: number): string =>
    Array.from(
      { length: many },
      (_, i) => `s${i}: sendMessage(input: ${input}) { messageId message { id } }`,
    ).join(' ');
  expect(refusal(`mutation { ${sends(20)} }`)).toBeNull();
  expect(refusal(`mutation { ${sends(21)} }`)).toContain('mutation');
  expect(refusal(`mutation { ...All } fragment All on Mutation { ${sends(50)} }`)).toContain('mutation');
});

test('a query deeper than fifteen levels is refused, also when fragments make it so', () => {
  const message = (inner: string): string => `{ message(id: "m") { ${inner} } }`;
  expect(refusal(message(deep(6, 'contact { id }')))).toBeNull();
  expect(refusal(message(deep(7)))).toContain('15 levels deep');
  const spread = `${message(deep(4, '...F'))} fragment F on Message { ${deep(3)} }`;
  expect(refusal(spread)).toContain('15 levels deep');
  const inline = message(deep(6, '... on Message { ... on Message { contact { id } } }'));
  expect(refusal(inline)).toBeNull();
});

test('fragments of fragments end soon', () => {
  const bomb = (levels: number, spread: (next: number) => string): string => {
    const fragments = Array.from(
      { length: levels },
      (_, i) => `fragment F${i} on Message { ${spread(i + 1)} }`,
    );
    return `{ message(id: "m") { ...F0 } } ${fragments.join(' ')} fragment F${levels} on Message { id }`;
  };
  const both = (next: number): string => `...F${next} ... on Message { ...F${next} }`;
  const started = performance.now();
  expect(refusal(bomb(40, both))).toContain('10000 fields');
  const lists = (next: number): string =>
    `conversation { a: lastMessage { ...F${next} } b: lastMessage { ...F${next} } }`;
  expect(refusal(bomb(40, lists))).toContain('levels deep');
  // Doubling forty times would take years; this leaves room for the slowest of machines.
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('introspection is left to the limits of GraphQL itself', () => {
  expect(refusal(getIntrospectionQuery())).toBeNull();
});

test('only the operation that is to run counts', () => {
  const document = parse(
    `query Small { app(id: "a") { id } } query Large { message(id: "m") { ${deep(10)} } }`,
  );
  expect(overLimits(schema, document, 'Small', {})).toBeNull();
  expect(overLimits(schema, document, 'Large', {})).not.toBeNull();
});

test('variables of the wrong type are left to the execution, which tells of each', () => {
  const document = parse(
    'query ($id: ID!, $n: Int!) { app(id: $id) { id } contacts(first: $n) { edges { cursor } } }',
  );
  expect(overLimits(schema, document, null, { n: 'many' })).toBeNull();
});
