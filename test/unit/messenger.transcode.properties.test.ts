import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { AppMessage } from '../../src/content/app-message.js';
import { withAttachments } from '../../src/messenger/assets/media-template.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';
import { judgeSend, type Facts } from '../../src/sandbox/judge/envelope.js';
import { CONTENTS } from '../support/generic-messages.js';

/** Over all kinds 20,000 cases. */
const RUNS = { numRuns: 20_000 / Object.keys(CONTENTS).length };
const MESSAGE_ID = '01JD0000000000000000000000';
const FACTS: Facts = {
  person: () => ({ blocked: false, silentFor: 0 }),
  attachment: (id) => (id === '1' ? 'image' : 'video'),
  message: () => true,
  replied: () => false,
  persona: () => true,
};
/** What is no text to read, or is read in another form: a place on a map, data that come back, a kind, a height that is none. */
const NOT_TEXT = new Set(['postback_data', 'latitude', 'longitude', 'marketplace', 'height']);

type Json = Record<string, unknown>;

function strings(value: unknown, not = new Set<string>()): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (not.has(key) ? [] : strings(inner, not)));
}

/** White space may go where a text is broken, so it does not count. */
const bare = (text: string): string => text.replace(/\s+/g, '');

/** What a person reads in order, and what else is told: labels, addresses, notes. */
function told({ payloads, notes }: ReturnType<typeof transcode>): {
  read: string;
  told: Set<string>;
  noted: string;
} {
  const read: string[] = [];
  const other: string[] = [];
  for (const { message } of payloads as { message: Json }[]) {
    const payload = (message.attachment as { payload?: Json } | undefined)?.payload;
    read.push(...strings([message.text, payload?.text]));
    other.push(
      ...strings(message.quick_replies),
      ...strings([payload?.url, payload?.buttons, payload?.elements]),
    );
  }
  return {
    read: bare(read.join('')),
    told: new Set(other.map(bare)),
    noted: bare(notes.map(({ action }) => action).join('\n')),
  };
}

function missing(message: AppMessage): string | undefined {
  const said = told(transcode(message, { messageId: MESSAGE_ID, properties: {} }));
  return strings(message, NOT_TEXT)
    .map(bare)
    .find(
      (text) =>
        !said.read.includes(text) &&
        !said.told.has(text) &&
        !said.noted.includes(text) &&
        !phoned(text, said.told),
    );
}

const phoned = (text: string, shown: Set<string>): boolean => shown.has(`+${text}`);

/** How many ways there are to answer: each choice is offered. */
function offered(message: AppMessage): number {
  const { choice_message, card_message, carousel_message, list_message } = message;
  return [
    choice_message?.choices,
    card_message?.choices,
    carousel_message?.choices,
    ...(carousel_message?.cards.map(({ choices }) => choices) ?? []),
    list_message?.sections.flatMap(({ items }) => items.filter(({ choice }) => choice)),
    message.location_message && [0],
  ].reduce((sum, choices) => sum + (choices?.length ?? 0), 0);
}

function buttons(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, inner]) =>
      sum +
      ((key === 'buttons' || key === 'quick_replies') && Array.isArray(inner)
        ? inner.length
        : buttons(inner)),
    0,
  );
}

describe.each(Object.entries(CONTENTS))('any %s', (_kind, contents: fc.Arbitrary<AppMessage>) => {
  test('becomes payloads that the sandbox accepts, says everything, offers every choice, and is the same every time', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (message) => {
        const context = { messageId: MESSAGE_ID, properties: {} };
        const given = JSON.stringify(message);
        const transcoded = transcode(message, context);
        for (const payload of transcoded.payloads) {
          const sent = await withAttachments(payload, ({ type }) =>
            Promise.resolve(type === 'image' ? '1' : '2'),
          );
          const refusal = judgeSend({ ...sent, recipient: { id: '7100200300400500' } }, FACTS);
          if (refusal) throw new Error(`${refusal.message}: ${JSON.stringify(payload)}`);
        }
        const lost = missing(message);
        if (lost !== undefined)
          throw new Error(`lost ${JSON.stringify(lost)}: ${JSON.stringify(transcoded)}`);
        if (buttons(transcoded.payloads) !== offered(message)) throw new Error(JSON.stringify(transcoded));
        // Quick replies vanish with the next message, so that only the last may have some.
        const vanish = transcoded.payloads
          .slice(0, -1)
          .find(({ message: said }) => 'quick_replies' in (said as Json));
        if (vanish) throw new Error(`replies that vanish: ${JSON.stringify(transcoded)}`);
        const again = JSON.stringify(transcode(JSON.parse(given) as AppMessage, context));
        if (again !== JSON.stringify(transcoded) || JSON.stringify(message) !== given) {
          throw new Error('another time it is something else');
        }
      }),
      RUNS,
    );
  });
});
