import { DomainError, type FieldViolation } from '../errors.js';

/**
 * Checks JSON that no class describes. Rules are values that are put together, and their types are held to those of the model,
 * so that a field without a rule does not compile.
 */

/** Gives the value back as the model has it, or undefined once it has told the place what is wrong. */
export type Rule<T> = (value: unknown, place: Place) => T | undefined;

/** A rule that applies when there is something; null counts as nothing, as in the JSON of protocol buffers. */
interface Optional<T> {
  optional: Rule<T>;
}

export type Fields<T> = {
  [K in keyof T]-?: undefined extends T[K] ? Optional<NonNullable<T[K]>> : Rule<T[K]>;
};

interface CheckOptions {
  /** Whether texts may hold `${…}`: then their form is only known once they are filled in. */
  placeholders: boolean;
}

const MAX_FAULTS = 20;
const PLACEHOLDER = /\$\{[^}]*\}/;

/** Where in the value a rule looks, and what was found wrong so far. */
class Place {
  constructor(
    private readonly path: string,
    readonly options: CheckOptions,
    private readonly faults: FieldViolation[],
  ) {}

  at(key: string | number): Place {
    const path = typeof key === 'number' ? `${this.path}[${key}]` : `${this.path}.${key}`;
    return new Place(path, this.options, this.faults);
  }

  /** @param what is said after the path: `must be a text`. */
  fail(rule: string, what: string): undefined {
    if (this.faults.length < MAX_FAULTS) {
      this.faults.push({ path: this.path, rule, message: `${this.path} ${what}` });
    }
    return undefined;
  }
}

/** @throws DomainError INVALID_ARGUMENT with the broken rules, at most 20. */
export function check<T>(rule: Rule<T>, value: unknown, path: string, options: CheckOptions): T {
  const faults: FieldViolation[] = [];
  const checked = rule(value, new Place(path, options, faults));
  if (checked !== undefined) return checked;
  const [first, ...more] = faults;
  const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
  throw new DomainError('INVALID_ARGUMENT', `${first?.message ?? path}${rest}`, faults);
}

export function optional<T>(rule: Rule<T>): Optional<T> {
  return { optional: rule };
}

/** A text that may be empty. */
export function anyText(max: number): Rule<string> {
  return (value, place) => {
    if (typeof value !== 'string') return place.fail('isString', 'must be a text');
    if (value.length > max) return place.fail('maxLength', `must be at most ${max} characters long`);
    // What Postgres cannot store.
    if (value.includes('\0') || !value.isWellFormed()) {
      return place.fail('text', 'has a NUL or half of a surrogate pair');
    }
    return value;
  };
}

/** A text with something to see in it. */
export function text(max: number): Rule<string> {
  return holds(anyText(max), 'isNotEmpty', 'must not be empty', (value) => /\S/.test(value));
}

/** @param what a text must be to pass `test`: `an http or https URL`. */
export function textLike(
  max: number,
  name: string,
  what: string,
  test: (value: string) => boolean,
): Rule<string> {
  const whole = text(max);
  const formed = holds(whole, name, `must be ${what}`, test);
  return (value, place) =>
    place.options.placeholders && typeof value === 'string' && PLACEHOLDER.test(value)
      ? whole(value, place)
      : formed(value, place);
}

export function number(min: number, max: number): Rule<number> {
  return (value, place) =>
    typeof value === 'number' && value >= min && value <= max
      ? value
      : place.fail('isNumber', `must be a number from ${min} to ${max}`);
}

export function oneOf<T extends string>(...values: T[]): Rule<T> {
  return (value, place) =>
    values.find((known) => known === value) ?? place.fail('isEnum', `must be one of ${values.join(', ')}`);
}

export function list<T>(item: Rule<T>, min: number, max: number): Rule<T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) return place.fail('isArray', 'must be a list');
    if (value.length < min) return place.fail('arrayMinSize', `must have at least ${min} items`);
    if (value.length > max) return place.fail('arrayMaxSize', `must have at most ${max} items`);
    return whole(value.map((one: unknown, index) => item(one, place.at(index))));
  };
}

export function map<T>(key: RegExp, item: Rule<T>, max: number): Rule<Record<string, T>> {
  return (value, place) => {
    if (!isObject(value)) return place.fail('isObject', 'must be an object');
    const names = Object.keys(value);
    if (names.length > max) return place.fail('maxSize', `must have at most ${max} keys`);
    if (!names.every((name) => key.test(name))) {
      return place.fail('key', `must have keys that match ${key.source}`);
    }
    const items = whole(names.map((name) => item(value[name], place.at(name))));
    // fromEntries makes properties of its own, also of __proto__.
    return items && Object.fromEntries(names.map((name, index) => [name, items[index] as T]));
  };
}

/** An object with these fields and no others. */
export function object<T extends object>(fields: Fields<T>): Rule<T> {
  const rules = new Map(Object.entries<Rule<unknown> | Optional<unknown>>(fields));
  const names = [...rules.keys()].join(', ');
  return (value, place) => {
    if (!isObject(value)) return place.fail('isObject', 'must be an object');
    const unknown = Object.keys(value).find((name) => !rules.has(name));
    if (unknown !== undefined) {
      const shown = JSON.stringify(unknown.slice(0, 40));
      return place.fail('whitelistValidation', `has no field ${shown}, only ${names}`);
    }
    const read = [...rules].flatMap(([name, rule]) => {
      const given = Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
      if (given !== undefined) {
        const checked = (typeof rule === 'function' ? rule : rule.optional)(given, place.at(name));
        return [checked === undefined ? undefined : ([name, checked] as const)];
      }
      return typeof rule === 'function' ? [place.at(name).fail('isDefined', 'is required')] : [];
    });
    const entries = whole(read);
    return entries && (Object.fromEntries(entries) as T);
  };
}

/** An object of which exactly one of these fields is set. */
export function exactlyOne<T extends object>(names: readonly (keyof T & string)[], rule: Rule<T>): Rule<T> {
  return holds(
    rule,
    'exactlyOne',
    `must have exactly one of ${names.join(', ')}`,
    (value) => names.filter((name) => value[name] !== undefined).length === 1,
  );
}

/** Adds to a rule; asked only of what passed it. */
export function holds<T>(rule: Rule<T>, name: string, what: string, test: (value: T) => boolean): Rule<T> {
  return (value, place) => {
    const checked = rule(value, place);
    return checked === undefined || test(checked) ? checked : place.fail(name, what);
  };
}

/** Nothing, when a part of it is wrong. */
function whole<T>(parts: (T | undefined)[]): T[] | undefined {
  return parts.includes(undefined) ? undefined : (parts as T[]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
