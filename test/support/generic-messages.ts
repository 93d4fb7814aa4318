import fc from 'fast-check';
import type {
  AppMessage,
  CardMessage,
  Choice,
  GenericContent,
  MediaMessage,
} from '../../src/content/app-message.js';

/** Pieces that are hard to cut: marks, joiners, flags, both directions, links, every kind of white space. */
const fragment = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    ...[
      '👨‍👩‍👧‍👦',
      '🇸🇪🇩🇰',
      '👍🏽',
      'e\u0301\u0323',
      'ศรี',
      'שלום, מה שלומך?',
      'مرحبا كيف الحال',
      '日本語の文です。',
      '한국어',
    ],
    ...[
      '\u200d',
      '\ufe0f',
      '\u202e',
      'https://shop.example/a/b?c=d#e',
      '. ',
      '! ',
      '? "x." ',
      '\n',
      '\r\n',
      '\n\n',
    ],
    ...['\t', '\u00a0', '\u2028', ' \u0301', '   ', 'word ', 'Hello, '],
  ),
);
const prose = fc.array(fragment, { maxLength: 6 }).map((parts) => parts.join(''));

/** Texts of exactly a limit, one less and one more. */
function atLimit(...limits: number[]): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom('x', '🙂', 'ab ', '字', 'e\u0301', '👨‍👩‍👧'),
      fc.constantFrom(...limits.flatMap((limit) => [limit - 1, limit, limit + 1])),
    )
    .map(([unit, length]) => unit.repeat(length).slice(0, length).toWellFormed());
}

const filled = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  arbitrary.map((text) => (text.trim() === '' ? `${text}x` : text));
const title = filled(fc.oneof(prose, atLimit(20), atLimit(80, 640)));
const text = fc.oneof({ weight: 3, arbitrary: prose }, atLimit(80), atLimit(640, 2000), fc.constant(''));
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const webUrl = fc
  .tuple(
    fc.nat(),
    fc.constantFrom(
      '',
      '.jpg',
      '.png',
      '.mp4',
      '.mp3',
      '.pdf',
      '.html',
      '?response-content-type=video%2Fmp4',
    ),
  )
  .map(([id, end]) => `https://shop.example/${id}${end}`);
const media = fc.record(
  { url: webUrl, thumbnail_url: webUrl, filename_override: fc.constantFrom('a.jpg', 'b.mp4', 'Ünder 1') },
  { requiredKeys: ['url'] },
) satisfies fc.Arbitrary<MediaMessage>;
const coordinates = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});
const time = fc.constantFrom('2026-01-05T10:00:00Z', '2026-02-28T23:59:59.999+05:30', 'tomorrow');
const location = fc.record({ title, label: prose, coordinates });
const data = optional(fc.oneof(fc.string({ maxLength: 10 }), atLimit(1000)));

const replying = title.map((said): Choice => ({ text_message: { text: said } }));
const choice: fc.Arbitrary<Choice> = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: replying },
      fc.record({ title, url: webUrl }).map((url_message): Choice => ({ url_message })),
      fc
        .record({ title, phone_number: fc.stringMatching(/^\+?[1-9]\d{6,14}$/) })
        .map((call_message): Choice => ({ call_message })),
      location.map((location_message): Choice => ({ location_message })),
      fc
        .record({
          title,
          event_title: title,
          event_start: time,
          event_end: time,
          event_description: prose,
          fallback_url: webUrl,
        })
        .map((calendar_message): Choice => ({ calendar_message })),
      fc
        .record({ title, fallback_url: webUrl })
        .map((share_location_message): Choice => ({ share_location_message })),
    ),
    data,
  )
  .map(([kind, postback_data]) => (postback_data === undefined ? kind : { ...kind, postback_data }));

/** Up to one more than quick replies hold, so past the ten of the Conversation API too. */
const choices = (least: number, most: number): fc.Arbitrary<Choice[]> =>
  fc.oneof(
    fc.array(choice, { minLength: least, maxLength: Math.min(most, 7) }),
    fc.array(replying, { minLength: least, maxLength: most }),
  );

const card: fc.Arbitrary<CardMessage> = fc.record(
  {
    title: text,
    description: text,
    media_message: media,
    choices: choices(0, 11),
    height: fc.constantFrom('TALL', 'UNSPECIFIED_HEIGHT'),
  },
  { requiredKeys: [] },
);
const says = ({ title: named, description, media_message, choices: picks }: CardMessage): boolean =>
  Boolean(named?.trim() || description?.trim() || media_message || picks?.length);

const item = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ title, description: text, media, postback_data: fc.string() }, { requiredKeys: ['title'] })
      .map((picked) => ({ choice: picked })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ title, description: prose }).map((picked) => ({ choice: picked })),
  },
);
const product = fc
  .record(
    {
      id: filled(fc.string({ maxLength: 12 })),
      marketplace: fc.constantFrom('FACEBOOK', 'Facebook', 'GOOGLE'),
      quantity: fc.integer({ min: 1, max: 9 }),
      item_price: fc.constantFrom(9.99, 100),
      currency: fc.constantFrom('EUR', 'SEK'),
    },
    { requiredKeys: ['id', 'marketplace'] },
  )
  .map((offered) => ({ product: offered }));
const plainItem = title.map((named) => ({ choice: { title: named } }));
const section = fc.record(
  {
    title: text,
    items: fc.oneof(
      fc.array(item, { minLength: 1, maxLength: 5 }),
      fc.array(plainItem, { minLength: 1, maxLength: 15 }),
      fc.array(product, { minLength: 1, maxLength: 12 }),
    ),
  },
  { requiredKeys: ['items'] },
);
const typed = optional(fc.constantFrom('WORK', 'HOME'));
const name = filled(prose);

/** Any valid content, by its kind. */
export const CONTENTS = {
  text_message: filled(fc.oneof(prose, atLimit(2000, 4000), atLimit(640))).map((said) => ({
    text_message: { text: said },
  })),
  media_message: media.map((media_message) => ({ media_message })),
  choice_message: fc
    .record(
      { text_message: text.map((said) => ({ text: said })), choices: choices(1, 14) },
      { requiredKeys: ['choices'] },
    )
    .map((choice_message) => ({ choice_message })),
  card_message: card.filter(says).map((card_message) => ({ card_message })),
  carousel_message: fc
    .record(
      { cards: fc.array(card, { minLength: 1, maxLength: 5 }), choices: choices(0, 3) },
      { requiredKeys: ['cards'] },
    )
    .filter(({ cards, choices: outer }) => cards.some(says) || Boolean(outer?.length))
    .map((carousel_message) => ({ carousel_message })),
  list_message: fc
    .record(
      {
        title,
        description: text,
        media,
        sections: fc.array(section, { minLength: 1, maxLength: 3 }),
        message_properties: fc.record({ catalog_id: fc.constant('c1'), menu: title }, { requiredKeys: [] }),
      },
      { requiredKeys: ['title', 'sections'] },
    )
    .map((list_message) => ({ list_message })),
  location_message: location.map((location_message) => ({ location_message })),
  contact_info_message: fc
    .record({
      name: fc.record({ full_name: name, first_name: prose, suffix: prose }, { requiredKeys: ['full_name'] }),
      phone_numbers: fc.array(fc.record({ phone_number: name, type: typed }), { minLength: 1, maxLength: 3 }),
      addresses: fc.array(fc.record({ city: prose, street: text, zip: prose, country_code: prose }), {
        maxLength: 2,
      }),
      email_addresses: fc.array(fc.record({ email_address: name, type: typed }), { maxLength: 2 }),
      organization: fc.record({ company: prose, title: text }),
      urls: fc.array(fc.record({ url: webUrl, type: typed }), { maxLength: 2 }),
      birthday: fc.constant('1990-12-31'),
    })
    .map((contact_info_message) => ({ contact_info_message })),
} satisfies Record<keyof GenericContent, fc.Arbitrary<AppMessage>>;
