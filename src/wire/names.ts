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

/** JSON of the Conversation API, in either spelling of proto JSON, with our own names. */
export function camelNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      camelName(name),
      OPAQUE.has(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)) ? child : camelNames(child),
    ]),
  );
}
