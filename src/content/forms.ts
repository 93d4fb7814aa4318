import { textLike } from './check.js';

/** Rules of texts that have a form. */

const MAX_URL = 2_048;
const MAX_LENGTH = 255;

const DATE_TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

export const url = textLike(
  MAX_URL,
  'isUrl',
  'an http or https URL',
  (value) => /^https?:\/\/\S+$/i.test(value) && URL.canParse(value),
);

export const dateTime = textLike(
  MAX_LENGTH,
  'isDateTime',
  'a time with zone such as 2026-01-31T09:30:00Z',
  (value) => isDay(DATE_TIME.exec(value)?.[1] ?? '') && !Number.isNaN(Date.parse(value)),
);

export const date = textLike(MAX_LENGTH, 'isDate', 'a date such as 2026-01-31', isDay);

export const phoneNumber = textLike(MAX_LENGTH, 'isPhoneNumber', 'an international phone number', (value) =>
  /^\+?[\d\s().-]{5,32}$/.test(value),
);

export const emailAddress = textLike(MAX_LENGTH, 'isEmail', 'an e-mail address', (value) =>
  /^[^\s@]+@[^\s@]+$/.test(value),
);

export const countryCode = textLike(MAX_LENGTH, 'isCountryCode', 'a country code of two letters', (value) =>
  /^[A-Za-z]{2}$/.test(value),
);

export const currency = textLike(MAX_LENGTH, 'isCurrency', 'a currency of three letters', (value) =>
  /^[A-Za-z]{3}$/.test(value),
);

/** JavaScript reads the 31st of February as a day in March. */
function isDay(value: string): boolean {
  const day = /^\d{4}-\d\d-\d\d$/.test(value) ? new Date(value) : null;
  return day !== null && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}
