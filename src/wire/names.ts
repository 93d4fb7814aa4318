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

/** A member's name in our own spelling; names of maps (MESSENGER, de-DE) are not touched by it. */
export function camelName(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * JSON of the Conversation API, in either spelling of proto JSON, with our own names.
 * @throws DomainError INVALID_ARGUMENT when it is nested deeper than any request, which only means to exhaust the stack.
 */
export function camelNames(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) {
    throw invalid('', 'depth', `the request is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(value)) return value.map((item) => camelNames(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      camelName(name),
      OPAQUE.has(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
        ? child
        : camelNames(child, depth + 1),
    ]),
  );
}

/** An object of our own with the API's names. Not for content and maps, whose names are data. */
export function snakeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeNames(child),
    ]),
  );
}
