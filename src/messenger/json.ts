/** Far beyond any event of Meta's, and short of where JSON.stringify and Postgres overflow. */
const MAX_DEPTH = 100;

/** Digits outside a string that may not fit a number; PSIDs came as such in old data. */
const LONG_INTEGER = /[:[,\s]-?\d{16}/;

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
// TypeScript's library does not know the reviver's third argument yet.
const parseWith = JSON.parse as (text: string, reviver: Reviver) => unknown;

/**
 * What Meta sent as JSON that keeps its meaning and can be stored: integers above 2^53 come out as their digits in a
 * string, NUL and halves of surrogate pairs (which Postgres refuses) as U+FFFD, and what nests deeper than 100 levels is cut.
 * @throws SyntaxError when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  return storable(LONG_INTEGER.test(text) ? parseExactly(text) : (JSON.parse(text) as unknown), 0);
}

function parseExactly(text: string): unknown {
  try {
    return parseWith(text, (_key, value, { source }) =>
      typeof value === 'number' &&
      source !== undefined &&
      /^-?\d+$/.test(source) &&
      !Number.isSafeInteger(value)
        ? source
        : value,
    );
  } catch (error) {
    // A reviver recurses where plain parsing does not.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

function storable(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '[nested too deeply]';
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [wellFormed(key), storable(item, depth + 1)]),
  );
}

function wellFormed(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
