import { badParam, GraphError, type Refusal } from '../graph.error.js';

/** Judges one value; `at` is its place in Meta's notation, such as `message[quick_replies][0][title]`. */
export interface Rule<T> {
  (value: unknown, at: string): Refusal | undefined;
  /** Carries the accepted type only; no rule has this property. */
  readonly accepts?: T;
}

export type Accepted<R> = R extends Rule<infer T> ? T : never;

type Rules = Record<string, Rule<unknown>>;
type Shape<R extends Rules, O extends Rules> = { [K in keyof R]: Accepted<R[K]> } & {
  [K in keyof O]?: Accepted<O[K]>;
};

export type JsonObject = Record<string, unknown>;

/** Returns the value with its accepted type, or throws the refusal. */
export function accept<T>(rule: Rule<T>, value: unknown, at = ''): T {
  const refusal = rule(value, at);
  if (refusal) throw new GraphError(refusal);
  return value as T;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function within(at: string, key: string | number): string {
  return at === '' ? String(key) : `${at}[${key}]`;
}

export const anything: Rule<unknown> = () => undefined;

export const object: Rule<JsonObject> = (value, at) =>
  isObject(value) ? undefined : badParam(`Param ${at} must be a JSON object`);

export const boolean: Rule<boolean> = (value, at) =>
  typeof value === 'boolean' ? undefined : badParam(`Param ${at} must be a boolean`);

/** Text of `min` to `max` UTF-16 units: never fewer than the code points, so it holds whichever unit Meta counts. */
export function text(max: number, min = 1): Rule<string> {
  return (value, at) => {
    if (typeof value !== 'string') return badParam(`Param ${at} must be a string`);
    // Half an emoji, left by a careless cut, does not survive UTF-8.
    if (!value.isWellFormed()) return badParam(`Param ${at} must be a valid UTF-8 string`);
    if (value.length > max) return badParam(`Length of param ${at} must be less than or equal to ${max}`);
    if (value.length < min) return badParam(`Length of param ${at} must be greater than or equal to ${min}`);
    return undefined;
  };
}

/** For strings that have no published limit. */
export const anyText = text(Number.MAX_SAFE_INTEGER);

export function matching(pattern: RegExp, what: string): Rule<string> {
  return (value, at) =>
    typeof value === 'string' && pattern.test(value) ? undefined : badParam(`Param ${at} must be ${what}`);
}

/** Decimal ids come as strings, and as numbers in old code. */
export const id: Rule<string | number> = (value, at) =>
  (typeof value === 'string' && /^\d+$/.test(value)) || (Number.isSafeInteger(value) && Number(value) > 0)
    ? undefined
    : badParam(`Param ${at} must be a valid ID string (e.g., "123")`);

export function number(min = -Number.MAX_VALUE, max = Number.MAX_VALUE): Rule<number> {
  return (value, at) =>
    typeof value === 'number' && value >= min && value <= max
      ? undefined
      : badParam(`Param ${at} must be a number from ${min} to ${max}`);
}

export function integer(min: number, max: number): Rule<number> {
  return (value, at) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : badParam(`Param ${at} must be an integer from ${min} to ${max}`);
}

/** An amount of money: a number or a string that holds one. */
export const amount: Rule<number | string> = (value, at) =>
  typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
    ? undefined
    : badParam(`Param ${at} must be a number`);

export function oneOf<const V extends string>(...values: V[]): Rule<V> {
  return (value, at) =>
    (values as unknown[]).includes(value)
      ? undefined
      : badParam(`Param ${at} must be one of {${values.join(', ')}}`);
}

export function url(...protocols: ('http' | 'https')[]): Rule<string> {
  const allowed = protocols.length > 0 ? protocols : ['http', 'https'];
  return (value, at) => {
    const parsed = typeof value === 'string' ? URL.parse(value) : null;
    return parsed && parsed.hostname !== '' && allowed.includes(parsed.protocol.slice(0, -1))
      ? undefined
      : badParam(`Param ${at} should represent a valid URL (${allowed.join(', ')})`);
  };
}

export function list<T>(min: number, max: number, item: Rule<T>): Rule<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return badParam(`Param ${at} must be an array`);
    if (value.length < min) return badParam(`Param ${at} must have at least ${min} elements`);
    if (value.length > max) return badParam(`Param ${at} has too many elements: at most ${max}`);
    return first(value.entries(), ([index, entry]) => item(entry, within(at, index)));
  };
}

/** An object with these keys; `open` lets unknown keys pass, which Meta does only at the top of a call. */
export function shape<R extends Rules, O extends Rules>(
  required: R,
  optional: O,
  open: 'open' | 'closed' = 'closed',
): Rule<Shape<R, O>> {
  return (value, at) => {
    if (!isObject(value)) return badParam(`Param ${at} must be a JSON object`);
    const missing = Object.keys(required).find((key) => value[key] === undefined);
    if (missing !== undefined) return badParam(`The parameter ${within(at, missing)} is required`);
    const rules: Rules = { ...required, ...optional };
    const unknown = Object.keys(value).filter((key) => !Object.hasOwn(rules, key));
    if (open === 'closed' && unknown.length > 0) {
      return badParam(`Invalid keys "${unknown.join(', ')}" were found in param "${at}".`);
    }
    return first(Object.entries(rules), ([key, rule]) =>
      value[key] === undefined ? undefined : rule(value[key], within(at, key)),
    );
  };
}

/** A rule that holds beside another one, over a value already known to have the right shape. */
export function also<T>(rule: Rule<T>, further: (value: T, at: string) => Refusal | undefined): Rule<T> {
  return (value, at) => rule(value, at) ?? further(value as T, at);
}

/** Picks the rule by a field of the value, such as a button's `type`. */
export function byField<T>(field: string, rules: Record<string, Rule<T>>): Rule<T> {
  return (value, at) => {
    if (!isObject(value)) return badParam(`Param ${at} must be a JSON object`);
    const kind = value[field];
    const rule = typeof kind === 'string' && Object.hasOwn(rules, kind) ? rules[kind] : undefined;
    return rule
      ? rule(value, at)
      : badParam(`Param ${within(at, field)} must be one of {${Object.keys(rules).join(', ')}}`);
  };
}

export function first<T>(items: Iterable<T>, judge: (item: T) => Refusal | undefined): Refusal | undefined {
  for (const item of items) {
    const refusal = judge(item);
    if (refusal) return refusal;
  }
  return undefined;
}
