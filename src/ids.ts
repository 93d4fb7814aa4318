import { monotonicFactory, isValid } from 'ulidx';

const next = monotonicFactory();

/** A new ULID. Ids made by one process are strictly increasing, so that sorting by id is sorting by acceptance. */
export function newId(): string {
  return next();
}

export function isId(value: string): boolean {
  return isValid(value);
}
