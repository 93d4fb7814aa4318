import { describe, expect, test } from 'vitest';
import type { AppMessage } from '../../src/content/app-message.js';
import type { ContactMessage } from '../../src/content/contact-message.js';
import { reason } from '../../src/content/reason.js';
import { textsOf } from '../../src/content/said.js';
import { SAID } from '../support/content-said.js';

/** Keys of texts that nobody reads in a message. That each field of the model is decided upon, the compiler sees to. */
const UNSEEN = new Set(
  'url thumbnail_url fallback_url event_start event_end postback_data display_mode height type country_code birthday id marketplace currency catalog_id template_id version language_code picture_url message_id'.split(
    ' ',
  ),
);

function strings(value: unknown, key: string): { key: string; text: string }[] {
  if (typeof value === 'string') return [{ key, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => strings(inner, Array.isArray(value) ? key : name));
}

describe('the texts of a message', () => {
  const generic = SAID.filter(({ stored }) =>
    Object.keys(stored).every((key) => !/^(explicit_|channel_specific|agent)/.test(key)),
  );

  test.each(generic)('$what: all that is read, and nothing else', ({ stored }) => {
    const expected = strings(stored, '').filter(
      ({ key, text }) => text !== '' && !(UNSEEN.has(key) && !isContactUrl(stored, text)),
    );
    expect(
      textsOf(stored as AppMessage)
        .filter((text) => text !== '')
        .sort(),
    ).toEqual(expected.map(({ text }) => text).sort());
  });

  test('most kinds of content are among them', () => {
    expect(new Set(generic.flatMap(({ stored }) => Object.keys(stored))).size).toBeGreaterThanOrEqual(8);
  });

  test("a channel's own payload shows what its keys say is text", () => {
    const payload = {
      attachment: { payload: { elements: [{ title: 'Hat', subtitle: 'Blue', image_url: 'x' }] } },
      text: 'Look',
    };
    expect(textsOf({ explicit_channel_message: { MESSENGER: JSON.stringify(payload) } }).sort()).toEqual([
      'Blue',
      'Hat',
      'Look',
    ]);
    expect(textsOf({ explicit_channel_message: { MESSENGER: 'no JSON' } })).toEqual([]);
    expect(
      textsOf({
        channel_specific_message: { MESSENGER: { message_type: 'RECEIPT', message: { title: 'Paid' } } },
      }),
    ).toEqual(['Paid']);
    expect(textsOf({ explicit_channel_omni_message: { SMS: { text_message: { text: 'Short' } } } })).toEqual([
      'Short',
    ]);
  });

  test('what a person says: captions and products by their text, a choice by its title, what is unknown by nothing', () => {
    const said: [ContactMessage, Record<string, unknown> | null, string[]][] = [
      [{ media_card_message: { url: 'https://e.com/a.png', caption: 'My hat' } }, null, ['My hat']],
      [{ product_response_message: { products: [], title: 'Hats' } }, null, ['Hats']],
      [
        { choice_response_message: { message_id: '', postback_data: 'SIZE_L' } },
        { title: 'Large' },
        ['Large'],
      ],
      [{ choice_response_message: { message_id: '', postback_data: 'Large' } }, null, ['Large']],
      [
        {
          fallback_message: {
            raw_message: '{"text":"raw"}',
            reason: reason('UNKNOWN', 'odd'),
          },
        },
        null,
        [],
      ],
    ];
    for (const [content, channelData, texts] of said) expect(textsOf(content, channelData)).toEqual(texts);
  });
});

/** The addresses on a person's card are read. */
function isContactUrl(stored: Record<string, unknown>, text: string): boolean {
  const card = stored.contact_info_message as { urls?: { url: string }[] } | undefined;
  return card?.urls?.some(({ url }) => url === text) ?? false;
}
