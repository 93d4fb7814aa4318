/** `${key}` in any text of a message. */
const PLACEHOLDER = /\$\{([^}]*)\}/g;

export const VARIABLE_KEY = /^[\p{L}\p{N}_.-]{1,64}$/u;

/** The keys that the texts of a JSON value name, each once, in order of appearance. */
export function placeholdersIn(value: unknown): string[] {
  const keys = new Set<string>();
  mapTexts(value, (text) => {
    for (const [, key = ''] of text.matchAll(PLACEHOLDER)) keys.add(key);
    return text;
  });
  return [...keys];
}

/**
 * The same JSON value with its placeholders filled in, all at once: a value that holds `${…}` itself is left as it is.
 * @throws RangeError when more than `maxLength` characters would be filled in.
 */
export function fillIn<T>(value: T, values: ReadonlyMap<string, string>, maxLength: number): T {
  let left = maxLength;
  return mapTexts(value, (text) =>
    text.replace(PLACEHOLDER, (placeholder, key: string) => {
      const filled = values.get(key);
      if (filled === undefined) return placeholder;
      left -= filled.length;
      if (left < 0) throw new RangeError(`more than ${maxLength} characters are filled in`);
      return filled;
    }),
  ) as T;
}

/** Keys of objects stay as they are. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]));
}
