import { invalid, type DomainError } from '../../errors.js';

/**
 * Checks one value of a message that is written in Messenger's own words; `at` is its path below the message, such as
 * `.elements[0].title`. @throws DomainError INVALID_ARGUMENT naming the field.
 */
export type Check = (value: unknown, at: string) => void;

type Checks = Readonly<Record<string, Check>>;
export type Json = Record<string, unknown>;

/** The keys inside are Messenger's own, so that every face names them as they are written. */
const MESSAGE = 'message.channelSpecificMessage.MESSENGER.message';

export function broken(at: string, rule: string, message: string): DomainError {
  return invalid(`${MESSAGE}${at}`, rule, message);
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of `min` to `max` characters, not blank. Limits count UTF-16 units: Meta does not say what it counts, and these are most. */
export function text(max = Number.MAX_SAFE_INTEGER, min = 1): Check {
  return (value, at) => {
    if (typeof value !== 'string' || !value.isWellFormed()) throw broken(at, 'string', 'must be a text');
    if (value.length > max) throw broken(at, 'maxLength', `must have at most ${max} characters`);
    if (value.trim() === '') throw broken(at, 'required', 'must not be empty');
    if (value.length < min) throw broken(at, 'minLength', `must have at least ${min} characters`);
  };
}

/** Text that may be empty. */
export const anyText: Check = (value, at) => {
  if (value !== '') text()(value, at);
};

export function withoutUrl(check: Check): Check {
  return (value, at) => {
    check(value, at);
    if (/https?:|www\./i.test(value as string)) throw broken(at, 'noUrl', 'must not contain a URL');
  };
}

export function matching(pattern: RegExp, what: string): Check {
  return (value, at) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw broken(at, 'matches', `must be ${what}`);
  };
}

export function oneOf(...allowed: string[]): Check {
  return (value, at) => {
    if (typeof value !== 'string' || !allowed.includes(value)) {
      throw broken(at, 'isIn', `must be one of ${allowed.join(', ')}`);
    }
  };
}

export const webUrl: Check = (value, at) => {
  const url = typeof value === 'string' && /^https?:\/\/\S+$/i.test(value) ? URL.parse(value) : null;
  if (!url || !(value as string).isWellFormed()) throw broken(at, 'url', 'must be an http or https URL');
};

export const httpsUrl: Check = (value, at) => {
  webUrl(value, at);
  if (!(value as string).startsWith('https:')) throw broken(at, 'https', 'must be an https URL');
};

/** Decimal ids come as strings, and as numbers where they fit. */
export const id: Check = (value, at) => {
  const valid =
    typeof value === 'string' ? /^\d+$/.test(value) : Number.isSafeInteger(value) && Number(value) > 0;
  if (!valid) throw broken(at, 'id', 'must be an id: digits');
};

export const flag: Check = (value, at) => {
  if (typeof value !== 'boolean') throw broken(at, 'boolean', 'must be true or false');
};

export function integer(min: number, max: number): Check {
  return (value, at) => {
    if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
      throw broken(at, 'integer', `must be a whole number from ${min} to ${max}`);
    }
  };
}

/** Of money: a number, or its decimals as a string. */
export const amount: Check = (value, at) => {
  const valid =
    typeof value === 'string' ? /^-?\d+(\.\d+)?$/.test(value) : typeof value === 'number' && isFinite(value);
  if (!valid) throw broken(at, 'amount', 'must be an amount such as 12.50');
};

export const object: Check = (value, at) => {
  if (!isObject(value)) throw broken(at, 'object', 'must be an object');
};

export function list(min: number, max: number, item: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value)) throw broken(at, 'array', 'must be a list');
    if (value.length < min) throw broken(at, 'arrayMinSize', `must have at least ${min}`);
    if (value.length > max) throw broken(at, 'arrayMaxSize', `must have at most ${max}`);
    value.forEach((entry, index) => item(entry, `${at}[${index}]`));
  };
}

/** An object of these keys and no others: Meta refuses the ones it does not know. */
export function fields(required: Checks, optional: Checks = {}, further: Check = () => undefined): Check {
  const known = new Map(Object.entries({ ...required, ...optional }));
  return (value, at) => {
    if (!isObject(value)) throw broken(at, 'object', 'must be an object');
    for (const key of Object.keys(required)) {
      if (!Object.hasOwn(value, key)) throw broken(`${at}.${key}`, 'required', 'is required');
    }
    for (const [key, entry] of Object.entries(value)) {
      const check = known.get(key);
      if (!check) throw broken(`${at}.${key}`, 'unknown', `is none of ${[...known.keys()].join(', ')}`);
      check(entry, `${at}.${key}`);
    }
    further(value, at);
  };
}

/** Chooses the check by a key of the value, such as a button's `type`. */
export function byKey(key: string, checks: Checks): Check {
  const known = new Map(Object.entries(checks));
  return (value, at) => {
    if (!isObject(value)) throw broken(at, 'object', 'must be an object');
    const kind = value[key];
    const check = typeof kind === 'string' ? known.get(kind) : undefined;
    if (!check) throw broken(`${at}.${key}`, 'isIn', `must be one of ${[...known.keys()].join(', ')}`);
    check(value, at);
  };
}

/** Exactly one of the keys. */
export function eitherOf(...keys: string[]): Check {
  return (value, at) => {
    const given = keys.filter((key) => Object.hasOwn(value as Json, key));
    if (given.length !== 1) throw broken(at, 'exactlyOne', `must have exactly one of ${keys.join(', ')}`);
  };
}

/** At least one of the keys. */
export function someOf(...keys: string[]): Check {
  return (value, at) => {
    if (!keys.some((key) => Object.hasOwn(value as Json, key))) {
      throw broken(at, 'atLeastOne', `must have at least one of ${keys.join(', ')}`);
    }
  };
}
