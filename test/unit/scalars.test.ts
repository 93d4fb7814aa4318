import { parseValue } from 'graphql';
import { expect, test } from 'vitest';
import { DateTime, Json } from '../../src/api/scalars.js';

test.each([
  ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.000Z'],
  ['2026-01-31T09:30:00.123456Z', '2026-01-31T09:30:00.123Z'],
  ['2026-01-31T09:30:00+05:30', '2026-01-31T04:00:00.000Z'],
  ['2024-02-29T23:59:59-01:00', '2024-03-01T00:59:59.000Z'],
])('DateTime reads %s', (text, expected) => {
  expect(DateTime.parseValue(text).toISOString()).toBe(expected);
  expect(DateTime.parseLiteral(parseValue(`"${text}"`)).toISOString()).toBe(expected);
});

test.each([
  '2026-02-29T00:00:00Z',
  '2026-02-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T25:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01',
  'yesterday',
  '',
  1_700_000_000,
  null,
  {},
])('DateTime refuses %j', (value) => {
  expect(() => DateTime.parseValue(value)).toThrow('ISO 8601');
});

test('DateTime shows dates and stored ISO texts in UTC, and no invalid date', () => {
  expect(DateTime.serialize(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
  expect(DateTime.serialize('1970-01-01T01:00:00+01:00')).toBe('1970-01-01T00:00:00.000Z');
  expect(() => DateTime.serialize(new Date(NaN))).toThrow('ISO 8601');
});

test('JSON takes and gives any value, by literal with variables inside', () => {
  const value = { a: [1, 'x', null, true], b: { c: 1.5 } };
  expect(Json.parseValue(value)).toEqual(value);
  expect(Json.serialize(value)).toEqual(value);
  const literal = Json.parseLiteral(parseValue('{a: [1, "x", null, true], b: {c: $number}}'), {
    number: 1.5,
  });
  expect(JSON.parse(JSON.stringify(literal))).toEqual(value);
});
