/** Seeded damage to JSON, for fuzzing: the same seed always gives the same values. */
export type Random = () => number;

/** Mulberry32: numbers from 0 to below 1. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** JSON text that JavaScript would not write by itself. */
const RAW = '@raw@';
const raw = (text: string): string => `${RAW}${text}${RAW}`;

export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(new RegExp(`"${RAW}([^"]*?)${RAW}"`, 'g'), '$1');
}

const NUMBERS: readonly unknown[] = [
  ...[0, -1, 1.5, 2 ** 53, 1e21, 1e308, 5e-324, -8.64e15, 8.64e15, 4_102_444_800_000],
  ...['1e400', '-0', '123456789012345678901234567890', '0.1e-999', '-9007199254740993'].map(raw),
];

/** No compression makes it short enough for an index. */
const noise = seeded(1);
const NOISE = Array.from({ length: 6_000 }, () => String.fromCharCode(33 + noise() * 90)).join('');

const TEXTS: readonly string[] = [
  ...['', ' ', '0', 'NaN', 'true', 'null', '\0', 'a\0b', '\ud800', 'x\udc00y', '\ufeff', '\u202e'],
  ...['👩‍👩‍👧‍👦', '🇸🇪'.repeat(50), '\u0300'.repeat(200), 'é'.repeat(501), 'x'.repeat(30_000), NOISE],
  ...['9999999999999999', '-000001-01-01T00:00:00Z', '+275760-09-13T00:00:00Z', '2026-02-31T25:00:00Z'],
  ...['page', 'parley:01ARZ3NDEKTSV4RRFFQ69G5FAV:0', '$.**', '{"a":1}', '../../etc/passwd'],
  ...['javascript:alert(1)', "'; DROP TABLE messages; --"],
];

const OTHERS: readonly unknown[] = [
  ...[null, true, false, [], {}, [[]], [null], [{}]],
  ...[{ id: {} }, { id: [] }, { '': '' }, { toString: 1 }, { constructor: { prototype: 1 } }],
];

const KEYS = (
  'id sender recipient timestamp message mid text attachments payload type url is_echo is_deleted metadata app_id ' +
  'quick_reply reply_to postback delivery read watermark mids coordinates lat long messaging standby changes field value ' +
  'referral reaction message_edit __proto__ constructor hasOwnProperty length \0 \ud83d'
).split(' ');

/** A copy of a JSON value with one to four damages: keys lost, renamed or added, types swapped, parts moved, repeated or buried. */
export function mutated<T>(random: Random, value: T): unknown {
  const root = { value: structuredClone(value) as unknown };
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) damage(random, root);
  return root.value;
}

type Parent = Record<string, unknown>;

function damage(random: Random, root: { value: unknown }): void {
  const places = placesOf(root);
  if (places.length === 0) return;
  const [parent, key] = pick(random, places);
  const other = (): unknown => {
    const [from, name] = pick(random, places);
    return copyOf(from[name]);
  };
  const child = parent[key];
  const put = (made: unknown): void => define(parent, key, made);
  const kinds: (() => void)[] = [
    () => put(nasty(random)),
    () => put(typeof child === 'string' ? pick(random, TEXTS) : nasty(random)),
    () => put(other()),
    () => put([child]),
    () => put({ [pick(random, KEYS)]: child }),
    () => put(typeof child === 'string' ? Number(child) || [...child] : JSON.stringify(child)),
    () => put(buried(random, child)),
    () =>
      put(
        Array.isArray(child)
          ? [...(child as unknown[]), ...(child as unknown[]), nasty(random)]
          : [child, child],
      ),
    () => (Array.isArray(parent) ? parent.splice(Number(key), 1) : delete parent[key]),
    () => (isParent(child) ? define(child, pick(random, KEYS), nasty(random)) : put(other())),
    () => {
      if (Array.isArray(parent)) parent.reverse();
      else {
        delete parent[key];
        define(parent, pick(random, KEYS), child);
      }
    },
  ];
  pick(random, kinds)();
}

/** What was buried several times is too deep to copy: nothing takes its place. */
function copyOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function nasty(random: Random): unknown {
  return structuredClone(pick<unknown>(random, pick(random, [NUMBERS, TEXTS, OTHERS])));
}

function buried(random: Random, value: unknown): unknown {
  const depth = pick(random, [3, 50, 101, 700]);
  let made = value;
  for (let level = 0; level < depth; level++) made = level % 2 === 0 ? [made] : { payload: made };
  return made;
}

/** Also `__proto__` as a key of its own. */
function define(parent: Parent, key: string, value: unknown): void {
  if (Array.isArray(parent) && !/^\d+$/.test(key)) parent.push(value);
  else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function isParent(value: unknown): value is Parent {
  return typeof value === 'object' && value !== null;
}

function placesOf(root: Parent): [Parent, string][] {
  const places: [Parent, string][] = [];
  const left: Parent[] = [root];
  for (let parent = left.pop(); parent; parent = left.pop()) {
    for (const key of Object.keys(parent)) {
      places.push([parent, key]);
      const child = parent[key];
      if (isParent(child)) left.push(child);
    }
  }
  return places;
}

/** A text with bytes changed, lost, doubled or added. */
export function mangled(random: Random, text: string): Buffer {
  let bytes = Buffer.from(text);
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
    const at = Math.floor(random() * (bytes.length + 1));
    const length = Math.floor(random() * 8);
    const noise = Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    bytes = pick(random, [
      () => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + length)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
      () => Buffer.concat([bytes, bytes.subarray(at)]),
      () => bytes.subarray(0, at),
      () =>
        Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(pick(random, ['\\', '"', '\\u0000', '\\ud800', ',', '}', '[']), 'utf8'),
          bytes.subarray(at),
        ]),
    ])();
  }
  return bytes;
}
