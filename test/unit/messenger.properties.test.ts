import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InboundEvent } from '../../src/channels/channel.js';
import type { AppMessage, Choice } from '../../src/content/app-message.js';
import { parseCallback } from '../../src/messenger/ingest/envelope.js';
import { parseJson } from '../../src/messenger/json.js';
import { splitText } from '../../src/messenger/transcode/grapheme.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';
import { judgeSend } from '../../src/sandbox/judge/envelope.js';

const RUNS = { numRuns: 2_000 };
const MESSAGE_ID = '01JD0000000000000000000000';

/** Pieces that are hard to cut: marks, joiners, flags, both directions, links, every kind of white space. */
const fragment = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    '👨‍👩‍👧‍👦',
    '🇸🇪🇩🇰',
    '👍🏽',
    'e\u0301\u0323',
    'ศรี',
    'שלום, מה שלומך?',
    'مرحبا كيف الحال',
    '日本語の文です。',
    '한국어',
    '\u200d',
    '\ufe0f',
    '\u202e',
    'https://shop.example/a/b?c=d#e',
    'www.shop.example/ü',
    '. ',
    '! ',
    '? "x." ',
    '\n',
    '\r\n',
    '\n\n',
    '\t',
    '\u00a0',
    '\u2028',
    ' \u0301',
    '   ',
  ),
  // Long runs without a place to break.
  fc
    .tuple(
      fc.constantFrom('x', '🙂', '字', 'é', '\u0301', ' ', 'https://a.b/'),
      fc.integer({ min: 100, max: 900 }),
    )
    .map(([unit, count]) => unit.repeat(count)),
);
const prose = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(''));

/** Texts of exactly a limit, one less and one more. */
const atLimit = (limit: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom('x', '🙂', 'ab ', '字', 'e\u0301'), fc.integer({ min: limit - 1, max: limit + 1 }))
    .map(([unit, length]) =>
      unit
        .repeat(length)
        .slice(0, length)
        .replace(/[\ud800-\udbff]$/, 'x'),
    );

const filled = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  arbitrary.filter((text) => text.trim() !== '');
const title = filled(
  fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), atLimit(20), prose),
);
const data = fc.oneof(fc.string({ maxLength: 30 }), atLimit(1000));
const webUrl = fc.webUrl({ withFragments: true, withQueryParameters: true });

const choice: fc.Arbitrary<Choice> = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: title.map((text): Choice => ({ text_message: { text } })) },
      fc.record({ title, url: webUrl }).map((url_message): Choice => ({ url_message })),
      fc
        .record({ title, phone_number: fc.stringMatching(/^\+?[1-9]\d{6,14}$/) })
        .map((call_message): Choice => ({ call_message })),
      fc
        .record({
          title,
          label: prose,
          coordinates: fc.record({
            latitude: fc.double({ min: -90, max: 90, noNaN: true }),
            longitude: fc.double({ min: -180, max: 180, noNaN: true }),
          }),
        })
        .map((location_message): Choice => ({ location_message })),
    ),
    fc.option(data, { nil: undefined }),
  )
  .map(([kind, postback_data]) => (postback_data === undefined ? kind : { ...kind, postback_data }));

const question = fc.oneof(prose, atLimit(640), atLimit(2000), fc.constant(''));
const choices = fc.oneof(
  fc.array(choice, { minLength: 1, maxLength: 16 }),
  fc.array(
    title.map((text): Choice => ({ text_message: { text } })),
    { minLength: 12, maxLength: 15 },
  ),
);
const appMessage: fc.Arbitrary<AppMessage> = fc.oneof(
  filled(fc.oneof(prose, atLimit(2000), atLimit(4000))).map((text) => ({ text_message: { text } })),
  fc.tuple(webUrl, fc.constantFrom('', '/a.jpg', '/a.mp4', '/a.mp3', '/a.pdf')).map(([url, path]) => ({
    media_message: { url: url.replace(/[?#].*$/, '').replace(/\/$/, '') + path },
  })),
  fc.record({ text: question, choices }).map(({ text, choices }) => ({
    choice_message: { choices, ...(text === '' ? {} : { text_message: { text } }) },
  })),
);

interface Said {
  text?: string;
  quick_replies?: { content_type: string; title: string; payload: string }[];
  attachment?: {
    type: string;
    payload: {
      url?: string;
      text?: string;
      buttons?: { type: string; title: string; url?: string; payload?: string }[];
    };
  };
}

function said(message: AppMessage): Said[] {
  return transcode(message, { messageId: MESSAGE_ID, properties: {} }).payloads.map(
    ({ message: one }) => one as Said,
  );
}

function within(text: string | undefined, limit: number): void {
  expect(text?.trim()).not.toBe('');
  expect(text?.length).toBeGreaterThan(0);
  expect(text?.length).toBeLessThanOrEqual(limit);
  expect(text?.isWellFormed()).toBe(true);
}

/** Meta's limits, from the pages on the Send API, quick replies, buttons and the button template. */
function holdsLimits(message: Said): void {
  expect([message.text, message.attachment].filter((content) => content !== undefined)).toHaveLength(1);
  if (message.text !== undefined) within(message.text, 2000);
  if (message.quick_replies) {
    expect(message.quick_replies.length).toBeGreaterThan(0);
    expect(message.quick_replies.length).toBeLessThanOrEqual(13);
    for (const reply of message.quick_replies) {
      expect(reply.content_type).toBe('text');
      within(reply.title, 20);
      expect(reply.payload.length).toBeLessThanOrEqual(1000);
    }
  }
  const { type, payload } = message.attachment ?? {};
  if (type === 'template') {
    within(payload?.text, 640);
    expect(payload?.buttons?.length).toBeGreaterThan(0);
    expect(payload?.buttons?.length).toBeLessThanOrEqual(3);
    for (const button of payload?.buttons ?? []) {
      within(button.title, 20);
      if (button.type === 'web_url') expect(new URL(button.url ?? '').protocol).toMatch(/^https?:$/);
      else if (button.type === 'phone_number') expect(button.payload).toMatch(/^\+\d{7,15}$/);
      else {
        expect(button.type).toBe('postback');
        within(button.payload, 1000);
      }
    }
  } else if (type !== undefined) {
    expect(['image', 'video', 'audio', 'file']).toContain(type);
    expect(new URL(payload?.url ?? '').protocol).toMatch(/^https?:$/);
  }
}

/** White space may go at a break, so it does not count. */
function bare(text: string): string {
  return text.replace(/\s+/g, '');
}

function textOf({ text, attachment }: Said): string {
  return text ?? attachment?.payload.text ?? '';
}

function titleOf(one: Choice): string {
  return one.text_message?.text ?? (one.url_message ?? one.call_message ?? one.location_message)?.title ?? '';
}

describe('transcode, whatever the message', () => {
  test("keeps to Meta's limits, and the sandbox agrees", () => {
    const facts = {
      person: () => ({ blocked: false, silentFor: 0 }),
      attachment: () => undefined,
      message: () => true,
      replied: () => false,
      persona: () => true,
    };
    fc.assert(
      fc.property(appMessage, (message) => {
        const { payloads } = transcode(message, { messageId: MESSAGE_ID, properties: {} });
        expect(payloads.length).toBeGreaterThan(0);
        for (const payload of payloads) {
          holdsLimits(payload.message as Said);
          expect(judgeSend({ ...payload, recipient: { id: '7100200300400500' } }, facts)).toBeUndefined();
        }
      }),
      RUNS,
    );
  });

  test('loses no text, no choice and no address', () => {
    fc.assert(
      fc.property(appMessage, (message) => {
        const messages = said(message);
        const read = bare(messages.map(textOf).join(''));
        if (message.text_message) expect(read).toBe(bare(message.text_message.text));
        if (message.media_message)
          expect(messages).toMatchObject([{ attachment: { payload: { url: message.media_message.url } } }]);
        if (!message.choice_message) return;
        const { text_message, choices } = message.choice_message;
        expect(read.startsWith(bare(text_message?.text ?? ''))).toBe(true);
        const buttons = messages.flatMap((one) => [
          ...(one.quick_replies ?? []),
          ...(one.attachment?.payload.buttons ?? []),
        ]);
        expect(buttons).toHaveLength(choices.length);
        for (const [index, one] of choices.entries()) {
          const button = buttons[index] as { title: string; url?: string; payload?: string };
          expect(button.title === titleOf(one) || read.includes(bare(titleOf(one)))).toBe(true);
          expect(read).toContain(bare(one.location_message?.label ?? ''));
          if (one.url_message) expect(button.url).toBe(one.url_message.url);
          if (one.call_message)
            expect(button.payload).toBe(`+${one.call_message.phone_number.replace('+', '')}`);
          if (one.text_message) {
            const wanted = one.postback_data ?? `${MESSAGE_ID}_${one.text_message.text}`;
            expect(button.payload).toBe(
              wanted.trim() === '' || wanted.length > 1000 ? `parley:${MESSAGE_ID}:${index}` : wanted,
            );
          }
        }
      }),
      RUNS,
    );
  });

  test('says the same every time', () => {
    fc.assert(
      fc.property(appMessage, (message) => {
        const context = { messageId: MESSAGE_ID, properties: {} };
        expect(transcode(structuredClone(message), context)).toEqual(transcode(message, context));
      }),
      { numRuns: 300 },
    );
  });
});

test('splitText drops only white space, and cuts inside no character', () => {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const text = fc.oneof(
    prose,
    fc.array(fragment, { maxLength: 3 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 120 }), (whole, limit) => {
      const segments = [...segmenter.segment(whole)];
      const starts = new Set([...segments.map(({ index }) => index), whole.length]);
      const wide = segments.filter(({ segment }) => segment.length > limit);
      let position = 0;
      for (const piece of splitText(whole, limit)) {
        expect(piece.length).toBeLessThanOrEqual(limit);
        const at = whole.indexOf(piece, position);
        expect(whole.slice(position, at).trim()).toBe('');
        position = at + piece.length;
        const cutsWide = wide.some(
          ({ index, segment }) => index < position && position < index + segment.length,
        );
        expect(starts.has(position) || cutsWide).toBe(true);
      }
      expect(whole.slice(position).trim()).toBe('');
    }),
    RUNS,
  );
});

const FIXTURES = join(import.meta.dirname, '../fixtures/messenger');
const bodies = readdirSync(FIXTURES).map(
  (file) => JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as unknown,
);
const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<fc.JsonValue>(
    null,
    '',
    0,
    -1,
    1e300,
    12345678901234567000,
    [],
    {},
    [[]],
    { id: {} },
    'x'.repeat(600),
    '\0',
  ),
);

/** A JSON value with one part of it, found by a seed, replaced by another value. */
function mutate(value: unknown, seed: number, by: unknown): unknown {
  if (typeof value !== 'object' || value === null || seed % 5 === 0) return by;
  const keys = Object.keys(value);
  const key = keys[seed % keys.length];
  if (key === undefined) return by;
  const changed = mutate((value as Record<string, unknown>)[key], Math.floor(seed / 5), by);
  return Array.isArray(value)
    ? value.map((item: unknown, index) => (String(index) === key ? changed : item))
    : { ...value, [key]: changed };
}

const mutated = fc
  .tuple(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(), anything), { minLength: 1, maxLength: 4 }))
  .map(([body, changes]) => changes.reduce((value, [seed, by]) => mutate(value, seed, by), body));

function read(body: unknown): InboundEvent[] {
  return parseCallback(parseJson(JSON.stringify(body))).flatMap(({ events }) => events);
}

function isWhole(event: InboundEvent): void {
  expect(event.identity.length).toBeLessThanOrEqual(500);
  expect(event.at === null || !Number.isNaN(event.at.getTime())).toBe(true);
  if (event.kind === 'message' || event.kind === 'echo') {
    expect(event.identity).not.toBe('');
    expect(event.channelMessageId).not.toBe('');
    expect(Object.keys(event.content)).toHaveLength(1);
  }
  expect(JSON.stringify(event)).not.toMatch(/\\u0000|\\ud[89a-f]/);
}

describe('parseCallback, whatever the body', () => {
  test('never throws, and gives whole events', () => {
    fc.assert(
      fc.property(fc.oneof(anything, mutated), (body) => {
        for (const event of read(body)) isWhole(event);
      }),
      RUNS,
    );
  });

  test('keeps every event between its neighbours, understood or not', () => {
    const good = (mid: string): object => ({
      sender: { id: '7' },
      timestamp: 1763712000123,
      message: { mid, text: mid },
    });
    const items = mutated.map(
      (body) => (body as { entry?: { messaging?: unknown[] }[] } | null)?.entry?.[0]?.messaging?.[0],
    );
    fc.assert(
      fc.property(fc.oneof(anything, items), (poison: unknown) => {
        const body = {
          object: 'page',
          entry: [{ id: '1', messaging: [good('before'), poison ?? null, good('after')] }],
        };
        const events = read(body);
        expect(events[0]).toMatchObject({ kind: 'message', channelMessageId: 'before' });
        expect(events.at(-1)).toMatchObject({ kind: 'message', channelMessageId: 'after' });
        if (poison !== undefined && poison !== null) expect(events.length).toBeGreaterThan(2);
      }),
      RUNS,
    );
  });
});
