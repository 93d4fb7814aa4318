// Templates without a database: what they may say, and how it is filled in.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TemplateReference } from '../../src/content/app-message.js';
import { templateContentOf, type TemplateContent } from '../../src/content/template-content.js';
import { DomainError } from '../../src/errors.js';
import { fillIn, placeholdersIn } from '../../src/templates/placeholders.js';
import { render, type Renderable } from '../../src/templates/render.js';
import { TemplateError } from '../../src/templates/template-error.js';
import type { TemplateTranslation } from '../../src/templates/template.entity.js';

const RUNS = { numRuns: 2_000 };

/** One of everything, as the Conversation API's reference has it. */
const CONTENTS: TemplateContent[] = [
  { text_message: { text: 'Hello ${name}' } },
  {
    media_message: {
      url: 'https://example.org/${file}.png',
      thumbnail_url: 'https://example.org/t.png',
      filename_override: 'a.png',
    },
  },
  {
    card_message: {
      title: 'Title',
      description: 'Description',
      media_message: { url: 'https://example.org/a.png' },
      height: 'TALL',
      choices: [
        { text_message: { text: 'Yes' }, postback_data: 'yes' },
        { url_message: { title: 'Open', url: '${link}' } },
        { call_message: { title: 'Call', phone_number: '+15551231234' } },
        { location_message: { title: 'Map', label: 'Here', coordinates: { latitude: 1.5, longitude: -2 } } },
        {
          calendar_message: {
            title: 'Add',
            event_start: '2026-01-31T09:30:00Z',
            event_end: '2026-01-31T10:30:00+01:00',
            event_title: 'Visit',
            event_description: 'Bring ${thing}',
            fallback_url: 'https://example.org',
          },
        },
        { share_location_message: { title: 'Where?', fallback_url: 'https://example.org' } },
      ],
    },
  },
  {
    carousel_message: {
      cards: [{ title: 'One' }, { description: 'Two' }],
      choices: [{ text_message: { text: 'Neither' }, display_mode: 'DISPLAY_MODE_UNSPECIFIED' }],
    },
  },
  {
    choice_message: {
      text_message: { text: 'Well?' },
      choices: [{ text_message: { text: 'Yes' }, display_mode: 'PERSISTENT' }],
    },
  },
  {
    list_message: {
      title: 'Menu',
      description: 'Of ${day}',
      media: { url: 'https://example.org/a.png' },
      sections: [
        { title: 'Main', items: [{ choice: { title: 'Soup', description: 'Hot', postback_data: 'soup' } }] },
      ],
      message_properties: { menu: 'Choose' },
    },
  },
  {
    list_message: {
      title: 'Shop',
      sections: [
        {
          items: [
            { product: { id: '1', marketplace: 'FACEBOOK', quantity: 2, item_price: 9.5, currency: 'EUR' } },
          ],
        },
      ],
      message_properties: { catalog_id: 'c' },
    },
  },
  { location_message: { title: 'Shop', label: '${street}', coordinates: { latitude: -90, longitude: 180 } } },
  {
    contact_info_message: {
      name: { full_name: 'Ann ${last}', first_name: 'Ann' },
      phone_numbers: [{ phone_number: '+15551231234', type: 'WORK' }],
      addresses: [{ city: 'Oslo', country_code: 'NO' }],
      email_addresses: [{ email_address: 'ann@example.org' }],
      organization: { company: 'Shop' },
      urls: [{ url: 'https://example.org' }],
      birthday: '1990-02-28',
    },
  },
  {
    template_message: {
      omni_template: { template_id: 'other', version: 'latest', parameters: { name: '${name}' } },
      channel_template: { WHATSAPP: { template_id: 'w', parameters: { 'body[1]text': '${name}' } } },
    },
  },
];

function refusal(value: unknown, placeholders = true): { path: string; rule: string }[] {
  try {
    templateContentOf(value, 'message', placeholders);
  } catch (error) {
    if (error instanceof DomainError) return error.fields.map(({ path, rule }) => ({ path, rule }));
    throw error;
  }
  return [];
}

const choices = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ text_message: { text: `${i}` } }));

describe('the content of a template', () => {
  test.each(CONTENTS.map((content) => [Object.keys(content).join(), content] as const))(
    'is kept as it is: %s',
    (_kind, content) => {
      expect(templateContentOf(content, 'message', true)).toEqual(content);
    },
  );

  test('may have null where nothing is set, which goes', () => {
    const given = { text_message: { text: 'Hi' }, media_message: null };
    expect(templateContentOf(given, 'message', true)).toEqual({ text_message: { text: 'Hi' } });
  });

  const REFUSED: [value: unknown, path: string, rule: string][] = [
    ['Hello', 'message', 'isObject'],
    [[], 'message', 'isObject'],
    [{}, 'message', 'exactlyOne'],
    [{ text_message: { text: 'a' }, media_message: { url: 'https://a.example' } }, 'message', 'exactlyOne'],
    [{ textMessage: { text: 'a' } }, 'message', 'whitelistValidation'],
    [{ text_message: {} }, 'message.text_message.text', 'isDefined'],
    [{ text_message: { text: 7 } }, 'message.text_message.text', 'isString'],
    [{ text_message: { text: ' \n' } }, 'message.text_message.text', 'isNotEmpty'],
    [{ text_message: { text: 'x'.repeat(30_001) } }, 'message.text_message.text', 'maxLength'],
    [{ text_message: { text: 'a\0' } }, 'message.text_message.text', 'text'],
    [{ text_message: { text: 'a\ud83d' } }, 'message.text_message.text', 'text'],
    [{ media_message: { url: 'ftp://example.org/a' } }, 'message.media_message.url', 'isUrl'],
    [{ media_message: { url: 'javascript:alert(1)' } }, 'message.media_message.url', 'isUrl'],
    [{ card_message: { height: 'TALL' } }, 'message.card_message', 'isNotEmpty'],
    [{ card_message: { title: 'a', height: 'HUGE' } }, 'message.card_message.height', 'isEnum'],
    [{ card_message: { title: 'a', choices: choices(11) } }, 'message.card_message.choices', 'arrayMaxSize'],
    [{ carousel_message: { cards: [] } }, 'message.carousel_message.cards', 'arrayMinSize'],
    [
      { carousel_message: { cards: Array(11).fill({ title: 'a' }) } },
      'message.carousel_message.cards',
      'arrayMaxSize',
    ],
    [
      { carousel_message: { cards: [{ title: 'a' }], choices: choices(4) } },
      'message.carousel_message.choices',
      'arrayMaxSize',
    ],
    [
      {
        carousel_message: {
          cards: [{ title: 'a' }],
          choices: [{ text_message: { text: 'a' }, display_mode: 'PERSISTENT' }],
        },
      },
      'message.carousel_message.choices[0]',
      'notAllowed',
    ],
    [{ choice_message: { choices: choices(11) } }, 'message.choice_message.choices', 'arrayMaxSize'],
    [{ choice_message: { choices: [] } }, 'message.choice_message.choices', 'arrayMinSize'],
    [
      { choice_message: { choices: [{ postback_data: 'a' }] } },
      'message.choice_message.choices[0]',
      'exactlyOne',
    ],
    [
      { choice_message: { choices: [{ call_message: { title: 'a', phone_number: 'home' } }] } },
      'message.choice_message.choices[0].call_message.phone_number',
      'isPhoneNumber',
    ],
    [
      {
        choice_message: {
          choices: [
            {
              calendar_message: {
                title: 'a',
                event_start: '2026-02-30T09:00:00Z',
                event_end: '2026-03-01T09:00:00Z',
                event_title: 'a',
                fallback_url: 'https://example.org',
              },
            },
          ],
        },
      },
      'message.choice_message.choices[0].calendar_message.event_start',
      'isDateTime',
    ],
    [
      {
        choice_message: {
          choices: [
            {
              calendar_message: {
                title: 'a',
                event_start: '2026-03-02T09:00:00Z',
                event_end: '2026-03-01T09:00:00Z',
                event_title: 'a',
                fallback_url: 'https://example.org',
              },
            },
          ],
        },
      },
      'message.choice_message.choices[0].calendar_message',
      'notBefore',
    ],
    [
      { location_message: { title: 'a', coordinates: { latitude: 91, longitude: 0 } } },
      'message.location_message.coordinates.latitude',
      'isNumber',
    ],
    [
      { location_message: { title: 'a', coordinates: { latitude: '1', longitude: 0 } } },
      'message.location_message.coordinates.latitude',
      'isNumber',
    ],
    [
      {
        list_message: {
          title: 'a',
          sections: [
            { items: [{ choice: { title: 'a' } }, { product: { id: '1', marketplace: 'FACEBOOK' } }] },
          ],
          message_properties: { catalog_id: 'c' },
        },
      },
      'message.list_message.sections[0].items',
      'sameKind',
    ],
    [
      {
        list_message: {
          title: 'a',
          sections: [{ items: [{ product: { id: '1', marketplace: 'FACEBOOK' } }] }],
        },
      },
      'message.list_message',
      'catalogId',
    ],
    [
      {
        contact_info_message: {
          name: { full_name: 'a' },
          phone_numbers: [{ phone_number: '+15551231234' }],
          birthday: '1990-02-30',
        },
      },
      'message.contact_info_message.birthday',
      'isDate',
    ],
    [
      { contact_info_message: { name: { full_name: 'a' }, phone_numbers: [] } },
      'message.contact_info_message.phone_numbers',
      'arrayMinSize',
    ],
    [{ template_message: {} }, 'message.template_message', 'atLeastOne'],
    [
      { template_message: { channel_template: { 'a b': { template_id: 'a' } } } },
      'message.template_message.channel_template',
      'key',
    ],
  ];
  test.each(REFUSED.map(([value, path, rule]) => [path, rule, value] as const))(
    'is refused where %s breaks the rule %s',
    (path, rule, value) => {
      expect(refusal(value)).toEqual([{ path, rule }]);
    },
  );

  test('is told of everything that is wrong with it, within bounds', () => {
    expect(
      refusal({ choice_message: { choices: [{ text_message: {} }, { text_message: { text: 1 } }] } }),
    ).toEqual([
      { path: 'message.choice_message.choices[0].text_message.text', rule: 'isDefined' },
      { path: 'message.choice_message.choices[1].text_message.text', rule: 'isString' },
    ]);
    const items = Array.from({ length: 100 }, () => ({ choice: {} }));
    expect(refusal({ list_message: { title: 'a', sections: [{ items }] } })).toHaveLength(20);
  });

  test('may have placeholders for what has a form only as long as it is a template', () => {
    const value = { media_message: { url: '${address}' } };
    expect(refusal(value, true)).toEqual([]);
    expect(refusal(value, false)).toEqual([{ path: 'message.media_message.url', rule: 'isUrl' }]);
  });

  test('never makes the check throw anything else, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...CONTENTS), (junk, content) => {
        const [field] = Object.keys(content);
        expect(refusal(junk).length).toBeGreaterThan(0);
        for (const path of [field ?? '', '__proto__', 'constructor']) {
          const value: unknown = JSON.parse(JSON.stringify({ [path]: junk }));
          expect(refusal(value).length).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
  });
});

function translation(
  languageCode: string,
  version: string,
  text: string,
  keys: string[] = [],
): TemplateTranslation {
  return {
    languageCode,
    version,
    message: { text_message: { text } },
    variables: keys.map((key) => ({ key, previewValue: '' })),
    channelTemplateOverrides: {},
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
}

const GREETING: Renderable = {
  id: 'greeting',
  defaultTranslation: 'en-US',
  translations: [
    translation('en_US', '10', 'Hi ${name}!', ['name']),
    translation('en_US', '9', 'Hello ${name}!', ['name']),
    translation('de', '1', 'Hallo ${name} ${surname}!', ['name', 'surname', 'unused']),
  ],
};

function said(reference: Partial<TemplateReference>, template = GREETING): string | undefined {
  return render(template, { template_id: template.id, ...reference }).text_message?.text;
}

function failure(reference: Partial<TemplateReference>, template = GREETING): TemplateError {
  try {
    said(reference, template);
  } catch (error) {
    if (error instanceof TemplateError) return error;
  }
  throw new Error('it did not fail with a TemplateError');
}

describe('render', () => {
  const parameters = { name: 'Ann' };

  test('takes the newest version of the default language unless told otherwise', () => {
    expect(said({ parameters })).toBe('Hi Ann!');
    expect(said({ parameters, version: 'latest' })).toBe('Hi Ann!');
    expect(said({ parameters, version: '', language_code: '' })).toBe('Hi Ann!');
    expect(said({ parameters, version: '9' })).toBe('Hello Ann!');
  });

  test.each(['en-US', 'en_US', 'EN-us', 'en_us'])(
    'knows the language %s in any spelling',
    (language_code) => {
      expect(said({ parameters, language_code })).toBe('Hi Ann!');
    },
  );

  test.each([
    { language_code: 'fr' },
    { language_code: 'en' },
    { version: '1' },
    { language_code: 'de', version: '9' },
    { language_code: 'de', version: '__proto__' },
  ])('fails for a language or version that is not there: %j', (reference) => {
    const { reason } = failure({ ...reference, parameters });
    expect(reason.code).toBe('TEMPLATE_NON_EXISTING_LANGUAGE_OR_VERSION');
    expect(reason.description).toContain('en_US version 10, en_US version 9, de version 1');
  });

  test('names the parameters that are missing, also of variables that no text uses', () => {
    const { reason } = failure({ language_code: 'de', parameters });
    expect(reason.code).toBe('TEMPLATE_INSUFFICIENT_PARAMETERS');
    expect(reason.description).toMatch(/missing: surname, unused$/);
  });

  test('does not take what every object has for a parameter', () => {
    const template = {
      ...GREETING,
      translations: [translation('en-US', '1', '${constructor}${__proto__}', ['constructor', '__proto__'])],
    };
    expect(failure({}, template).reason.description).toMatch(/missing: constructor, __proto__$/);
    const own = JSON.parse('{"constructor": "a", "__proto__": "b"}') as Record<string, string>;
    expect(said({ parameters: own }, template)).toBe('ab');
  });

  test('ignores parameters that no variable asks for', () => {
    expect(said({ parameters: { ...parameters, other: 'x' } })).toBe('Hi Ann!');
  });

  test('fills in what looks like a placeholder or a pattern as it is', () => {
    expect(said({ parameters: { name: "${name} $& $1 $$ $' ${other}" } })).toBe(
      "Hi ${name} $& $1 $$ $' ${other}!",
    );
  });

  test('refuses what breaks the rules of messages once it is filled in', () => {
    const media = { ...translation('en', '1', '', ['file']), message: { media_message: { url: '${file}' } } };
    const template = { id: 'media', defaultTranslation: 'en', translations: [media] };
    const file = 'https://example.org/a.png';
    expect(render(template, { template_id: 'media', parameters: { file } })).toEqual({
      media_message: { url: file },
    });
    const { reason } = failure({ parameters: { file: 'javascript:alert(1)' } }, template);
    expect(reason).toMatchObject({
      code: 'BAD_REQUEST',
      description: 'template media, en version 1: message.media_message.url must be an http or https URL',
    });
  });

  test('does not let a parameter that is used often grow beyond bounds', () => {
    const text = '${a}'.repeat(7_000);
    const template = { ...GREETING, translations: [translation('en-US', '1', text, ['a'])] };
    expect(said({ parameters: { a: 'xy' } }, template)).toHaveLength(14_000);
    expect(failure({ parameters: { a: 'x'.repeat(30_000) } }, template).reason).toMatchObject({
      code: 'BAD_REQUEST',
      description: expect.stringMatching(/more than 200000 characters are filled in$/) as string,
    });
  });

  test('leaves the template as it was', () => {
    const before = structuredClone(GREETING);
    said({ parameters });
    expect(GREETING).toEqual(before);
  });
});

describe('placeholders, whatever the message', () => {
  const key = fc.constantFrom('name', 'a', 'b.c', '__proto__', 'constructor', 'größe');
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    key.map((name) => `\${${name}}`),
    fc.constantFrom('$', '${', '}', '$$', '$&', '{'),
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.constantFrom(null, true, 1.5),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3 }),
    ),
  }));
  const values = fc
    .array(fc.tuple(key, text), { maxLength: 6 })
    .map((entries) => new Map(entries as [string, string][]));

  /** Texts of a value in order, and the value with every text taken out. */
  function taken(whole: unknown): { texts: string[]; rest: string } {
    const texts: string[] = [];
    const rest = JSON.stringify(whole, (_, part: unknown) =>
      typeof part === 'string' ? `#${texts.push(part)}` : part,
    );
    return { texts, rest };
  }

  /** The same by hand: cut at the placeholders, and put the values between. */
  function byHand(whole: string, given: ReadonlyMap<string, string>): string {
    return whole
      .split(/(\$\{[^}]*\})/)
      .map((part, index) => (index % 2 === 1 ? (given.get(part.slice(2, -1)) ?? part) : part))
      .join('');
  }

  test('are filled in once, in texts alone, and nothing else changes', () => {
    fc.assert(
      fc.property(value, values, (whole, given) => {
        const before = taken(whole);
        const after = taken(fillIn(whole, given, 100_000));
        expect(after.rest).toBe(before.rest);
        expect(after.texts).toEqual(before.texts.map((one) => byHand(one, given)));
      }),
      RUNS,
    );
  });

  test('are found wherever there are texts', () => {
    fc.assert(
      fc.property(value, (whole) => {
        const keys = taken(whole).texts.flatMap((one) =>
          one.split(/\$\{([^}]*)\}/).filter((_, index) => index % 2 === 1),
        );
        expect(placeholdersIn(whole)).toEqual([...new Set(keys)]);
      }),
      RUNS,
    );
  });
});
