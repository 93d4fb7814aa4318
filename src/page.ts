import { invalid } from './errors.js';

/** Largest page of any list. */
export const MAX_PAGE_SIZE = 100;

/** A request for part of a list: forward with `first`/`after`, backward with `last`/`before`. */
export interface PageRequest {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
}

/** One page of a keyset-paged list, in list order whichever way it was read. */
export interface Page<T> {
  items: { cursor: string; node: T }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** A page request once checked: how many, which way, and the decoded position to start from (exclusive). */
export interface Keyset {
  limit: number;
  backward: boolean;
  position: string[] | null;
}

/** Position of a row in a list as an opaque string: base64url of its sort keys, safe in an unescaped query string. */
export function encodeCursor(keys: readonly string[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/** @throws DomainError INVALID_ARGUMENT naming `path` when the text is not a cursor of `length` keys. */
export function decodeCursor(cursor: string, length: number, path = 'after'): string[] {
  let keys: unknown;
  try {
    keys = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    keys = null;
  }
  if (!Array.isArray(keys) || keys.length !== length || !keys.every(isKey)) {
    throw invalid(path, 'cursor', `${path} is not a cursor of this list; pass one that this list returned`);
  }
  return keys;
}

/** Postgres takes no text with a NUL. */
function isKey(key: unknown): key is string {
  return typeof key === 'string' && !key.includes('\0');
}

/** Checks a page request against the rules of every list: `first` or `last`, 1 to 100, with its own kind of cursor. */
export function keysetOf(request: PageRequest, keys: number, defaultSize = 25): Keyset {
  const backward = request.last != null || (request.before != null && request.first == null);
  if (request.first != null && request.last != null) {
    throw invalid('last', 'exclusive', 'first and last cannot be used together');
  }
  if (backward && request.after != null)
    throw invalid('after', 'exclusive', 'after goes with first, before with last');
  if (!backward && request.before != null)
    throw invalid('before', 'exclusive', 'before goes with last, after with first');
  const path = backward ? 'last' : 'first';
  const limit = (backward ? request.last : request.first) ?? defaultSize;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    throw invalid(path, 'range', `${path} must be between 1 and ${MAX_PAGE_SIZE}`);
  }
  const cursor = backward ? request.before : request.after;
  return {
    limit,
    backward,
    position: cursor == null ? null : decodeCursor(cursor, keys, backward ? 'before' : 'after'),
  };
}

/** Makes a page of rows read with `limit + 1`, in reading order (reversed when backward). */
export function pageOf<T>(rows: T[], keyset: Keyset, keysOf: (row: T) => string[]): Page<T> {
  const more = rows.length > keyset.limit;
  const kept = more ? rows.slice(0, keyset.limit) : rows;
  if (keyset.backward) kept.reverse();
  return {
    items: kept.map((node) => ({ cursor: encodeCursor(keysOf(node)), node })),
    hasNextPage: keyset.backward ? keyset.position !== null : more,
    hasPreviousPage: keyset.backward ? more : keyset.position !== null,
  };
}
