import { invalid } from '../errors.js';

const MAX_DEPTH = 40;

/** Whose members are data: their names stay as they are. */
const OPAQUE: ReadonlySet<string> = new Set([
  'channel_properties',
  'channel_specific_message',
  'conversation_metadata',
  'explicit_channel_message',
  'metadata_json',
  'parameter_mappings',
  'parameters',
  'payload',
]);

/** What members are called in our own spelling; of maps only those names that are data look so. */
const MEMBER = /^[a-z][A-Za-z\d]*$/;

/** A member's name in our own spelling; names of maps (MESSENGER, de-DE) are not touched by it. */
export function camelName(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A member's name in the API's spelling. */
export function snakeName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * JSON of the Conversation API, in either spelling of proto JSON, with our own names.
 * @throws DomainError INVALID_ARGUMENT when it is nested deeper than any request, which only means to exhaust the stack.
 */
export function camelNames(value: unknown): unknown {
  return renamed(value, camelName, 0);
}

/** The same with the API's names, for what is kept with them. @throws DomainError INVALID_ARGUMENT */
export function wireNames(value: unknown): unknown {
  return renamed(value, (name) => (MEMBER.test(name) ? snakeName(name) : name), 0);
}

/** An object of our own with the API's names. Not for content and maps, whose names are data. */
export function snakeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [snakeName(name), snakeNames(child)]),
  );
}

function renamed(value: unknown, rename: (name: string) => string, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) {
    throw invalid('', 'depth', `the request is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      rename(name),
      OPAQUE.has(snakeName(name)) ? child : renamed(child, rename, depth + 1),
    ]),
  );
}
