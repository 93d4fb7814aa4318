/** Tolerant readers for fields that Meta sends in several forms. None of them throws. */

export type Fields = Record<string, unknown>;

export function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** An array as it is, a lone value as a list of one, nothing as none. */
export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return value === undefined || value === null ? [] : [value];
}

/** Longer than any id of Meta's; an index of Postgres takes no more than about 2,700 bytes. */
const MAX_ID_LENGTH = 500;

/** Ids come as strings or numbers; null for anything else. */
export function idOf(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH ? value : null;
}

/** A non-empty text, else ''. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Text that Meta may send as a number (payloads); null when there is none. */
export function payloadOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : null;
}

/** Below this a time is in seconds: as milliseconds it would lie before March 1973. */
const FIRST_MILLISECONDS = 1e11;

/** The end of year 9999, which is where timestamps of gRPC and ISO 8601 end. */
const LAST_MILLISECONDS = 253_402_300_799_999;

/** Milliseconds, seconds, either as a string, or ISO 8601; null when absent, zero or not a time since 1970. */
export function timeOf(value: unknown): Date | null {
  if (typeof value === 'string' && !/^\d+$/.test(value)) return validDate(new Date(value));
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number') return null;
  return validDate(new Date(number < FIRST_MILLISECONDS ? number * 1000 : number));
}

function validDate(date: Date): Date | null {
  const time = date.getTime();
  return time > 0 && time <= LAST_MILLISECONDS ? date : null;
}

/** `true`, which old data also spells as a string. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}
