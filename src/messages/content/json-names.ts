import { snakeName } from '../../wire/names.js';

type SnakeCase<S extends string> = S extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${SnakeCase<Rest>}`
    : `_${Lowercase<First>}${SnakeCase<Rest>}`
  : S;

/** The type of `jsonNames`; an enum becomes its values. */
export type JsonNames<T> = T extends Date
  ? string
  : T extends string
    ? `${T}`
    : T extends (infer Item)[]
      ? JsonNames<Item>[]
      : T extends object
        ? { [K in keyof T & string as SnakeCase<K>]: JsonNames<NonNullable<T[K]>> }
        : T;

/**
 * An input as the Conversation API's JSON: names in snake_case, what was not given left out, times in ISO 8601.
 * Not for maps, whose keys are data.
 */
export function jsonNames<T extends object>(input: T): JsonNames<T> {
  return renamed(input) as JsonNames<T>;
}

function renamed(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child != null)
      .map(([name, child]) => [snakeName(name), renamed(child)]),
  );
}
