import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateOf, structFields, structObject, timestamp } from '../../src/api/well-known.js';

test('any JSON object survives the way through a Struct', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      expect(structObject(structFields(object))).toEqual(object);
    }),
  );
});

test('any time survives the way through a Timestamp', () => {
  const limits = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z') };
  fc.assert(
    fc.property(fc.date({ ...limits, noInvalidDate: true }), (date) => {
      expect(dateOf(timestamp(date))).toEqual(date);
    }),
  );
});

test('what is left out of a Timestamp is zero', () => {
  expect(dateOf({}).toISOString()).toBe('1970-01-01T00:00:00.000Z');
});

test.each([
  { what: 'before the year 1', seconds: '-62135596801' },
  { what: 'after the year 9999', seconds: '253402300800' },
  { what: 'out of all bounds', seconds: '9223372036854775807' },
])('a time $what is invalid', ({ seconds }) => {
  expect(dateOf({ seconds }).getTime()).toBeNaN();
});
