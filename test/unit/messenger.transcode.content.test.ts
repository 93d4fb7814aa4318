import { describe, expect, test } from 'vitest';
import type { AppMessage, CardMessage, Choice, ListMessage } from '../../src/content/app-message.js';
import { DomainError } from '../../src/errors.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';

const MESSAGE_ID = '01JD0000000000000000000000';
const IMAGE = 'https://shop.example/hat.jpg';
const VIDEO = 'https://shop.example/hat.mp4';

function transcoded(message: AppMessage, quotes?: string): ReturnType<typeof transcode> {
  return transcode(message, {
    messageId: MESSAGE_ID,
    properties: {},
    ...(quotes === undefined ? {} : { quotes }),
  });
}

const said = (message: AppMessage): unknown[] => transcoded(message).payloads.map(({ message: one }) => one);
const notes = (message: AppMessage): string[] =>
  transcoded(message).notes.map(({ field, action }) => `${field}: ${action}`);

function violation(message: AppMessage): string | undefined {
  try {
    transcoded(message);
  } catch (error) {
    if (error instanceof DomainError) return error.fields[0]?.path;
    throw error;
  }
  return undefined;
}

const template = (payload: object): object => ({ attachment: { type: 'template', payload } });
const generic = (...elements: object[]): object => template({ template_type: 'generic', elements });
const buttons = (text: string, ...all: object[]): object =>
  template({ template_type: 'button', text, buttons: all });
const named = (text: string): Choice => ({ text_message: { text }, postback_data: text.slice(0, 1) });
const postback = (title: string): object => ({ type: 'postback', title, payload: title.slice(0, 1) });
const quick = (title: string): object => ({ content_type: 'text', title, payload: title.slice(0, 1) });
const link: Choice = { url_message: { title: 'Shop', url: 'https://shop.example' } };
const SHOP = { type: 'web_url', title: 'Shop', url: 'https://shop.example' };

describe('what Messenger has no button for', () => {
  test('an event for the calendar is a link to its page, and stands in the text', () => {
    const calendar_message = {
      title: 'Add to calendar',
      event_title: 'Winter sale',
      event_start: '2026-01-05T10:00:00Z',
      event_end: '2026-01-05T12:30:00+01:00',
      event_description: 'All hats',
      fallback_url: 'https://shop.example/sale',
    };
    const message = { choice_message: { text_message: { text: 'Come!' }, choices: [{ calendar_message }] } };
    expect(said(message)).toEqual([
      buttons(
        'Come!\n\n• Add to calendar (Winter sale, 2026-01-05 10:00 UTC – 2026-01-05 12:30 UTC+01:00, All hats)',
        { type: 'web_url', title: 'Add to calendar', url: 'https://shop.example/sale' },
      ),
    ]);
    expect(notes(message)).toEqual([
      expect.stringMatching(/calendar_message: .*fallback_url.*2026-01-05T10:00:00Z/) as string,
    ]);
  });

  test('a request for the location is a link to its page', () => {
    const share_location_message = { title: 'Where are you?', fallback_url: 'https://shop.example/here' };
    const message = {
      choice_message: { text_message: { text: 'Hej' }, choices: [{ share_location_message }] },
    };
    expect(said(message)).toEqual([
      buttons('Hej', { type: 'web_url', title: 'Where are you?', url: 'https://shop.example/here' }),
    ]);
    expect(notes(message)).toHaveLength(1);
  });
});

describe('a card', () => {
  test('cuts title and description at a character of 80, with the whole before', () => {
    const title = `${'x'.repeat(78)}👨‍👩‍👧`;
    const card_message = { title, description: 'y'.repeat(81), media_message: { url: IMAGE } };
    expect(said({ card_message })).toEqual([
      { text: `${title}\n${'y'.repeat(81)}` },
      generic({ title: `${'x'.repeat(78)}…`, subtitle: `${'y'.repeat(79)}…`, image_url: IMAGE }),
    ]);
    expect(notes({ card_message })).toEqual([
      'card_message.title: cut; sent whole before, as text',
      'card_message.description: cut; sent whole before, as text',
    ]);
  });

  test('of 80 characters stays', () => {
    const card_message = { title: 'x'.repeat(80), description: 'y'.repeat(80) };
    expect(said({ card_message })).toEqual([generic({ title: 'x'.repeat(80), subtitle: 'y'.repeat(80) })]);
  });

  test.each([
    ['https://shop.example/hat', 'taken for an image'],
    ['https://shop.example/hat.php?id=1', 'taken for an image'],
    ['https://shop.example/hat.gif', 'an image'],
  ])('with media at %s has it as its image: %s', (url) => {
    expect(said({ card_message: { title: 'Hat', media_message: { url } } })).toEqual([
      generic({ title: 'Hat', image_url: url }),
    ]);
  });

  test('without a title has media that is no image as an attachment, with replies under it', () => {
    const url = 'https://shop.example/hat.pdf';
    expect(said({ card_message: { media_message: { url }, choices: [named('Yes'), named('No')] } })).toEqual([
      { attachment: { type: 'file', payload: { url } }, quick_replies: [quick('Yes'), quick('No')] },
    ]);
  });

  test('without a title says titles that a media template cuts before it', () => {
    const card_message = { media_message: { url: VIDEO }, choices: [named('x'.repeat(21))] };
    const cut = { type: 'postback', title: `${'x'.repeat(19)}…`, payload: 'x' };
    expect(said({ card_message })).toEqual([
      { text: 'x'.repeat(21) },
      template({ template_type: 'media', elements: [{ media_type: 'video', url: VIDEO, buttons: [cut] }] }),
    ]);
  });

  test('notes that media of a media template are uploaded, unless they are on Facebook', () => {
    const at = (url: string): AppMessage => ({ card_message: { media_message: { url }, choices: [link] } });
    expect(notes(at(IMAGE))).toEqual([
      'card_message.media_message: uploaded first; sent as its attachment_id',
    ]);
    expect(notes(at('https://www.facebook.com/shop/photos/1'))).toEqual([]);
  });

  test('notes a height, which it has not', () => {
    expect(notes({ card_message: { title: 'Hat', description: 'Brown', height: 'TALL' } })).toEqual([
      'card_message.height: left out: TALL',
    ]);
  });
});

describe('a carousel', () => {
  const hat: CardMessage = { title: 'Hat', media_message: { url: IMAGE } };
  const HAT = { title: 'Hat', image_url: IMAGE };
  const carousel = (cards: CardMessage[], choices?: Choice[]): AppMessage => ({
    carousel_message: { cards, ...(choices ? { choices } : {}) },
  });

  test('has a card again for every 3 of its choices', () => {
    const four = { ...hat, choices: ['A', 'B', 'C', 'D'].map(named) };
    expect(said(carousel([four, hat]))).toEqual([
      generic({ ...HAT, buttons: ['A', 'B', 'C'].map(postback) }, { ...HAT, buttons: [postback('D')] }, HAT),
    ]);
    expect(said(carousel([...Array.from({ length: 9 }, () => hat), four]))).toEqual([
      generic(...Array.from({ length: 9 }, () => HAT), { ...HAT, buttons: ['A', 'B', 'C'].map(postback) }),
      generic({ ...HAT, buttons: [postback('D')] }),
    ]);
  });

  test('sends video, audio and files before the cards', () => {
    expect(said(carousel([hat, { ...hat, description: 'Brown', media_message: { url: VIDEO } }]))).toEqual([
      { attachment: { type: 'video', payload: { url: VIDEO } } },
      generic(HAT, { title: 'Hat', subtitle: 'Brown' }),
    ]);
  });

  test('takes a description for the title that is missing', () => {
    expect(said(carousel([{ description: 'Brown', choices: [link] }]))).toEqual([
      generic({ title: 'Brown', buttons: [SHOP] }),
    ]);
  });

  test('leaves cards that are no cards alone, in their place', () => {
    const cards = [
      hat,
      { title: 'Alone' },
      { choices: [named('Yes')] },
      { media_message: { url: VIDEO } },
      hat,
    ];
    expect(said(carousel(cards))).toEqual([
      generic(HAT),
      { text: 'Alone' },
      buttons('Yes', postback('Yes')),
      { attachment: { type: 'video', payload: { url: VIDEO } } },
      generic(HAT),
    ]);
  });

  test('of cards without a title says their texts', () => {
    expect(said(carousel([{ description: 'One' }, { description: 'Two' }]))).toEqual([
      { text: 'One' },
      { text: 'Two' },
    ]);
  });

  test('notes an empty card, and is refused with nothing else', () => {
    expect(notes(carousel([hat, {}]))).toEqual(['carousel_message.cards[1]: left out: the card is empty']);
    expect(violation(carousel([{}, { title: ' ' }]))).toBe('message.carouselMessage.cards');
    expect(violation(carousel([]))).toBe('message.carouselMessage.cards');
  });

  test('has outer replies under its last template, and other choices in one after it', () => {
    expect(said(carousel([hat], [named('More'), named('Stop')]))).toEqual([
      { ...generic(HAT), quick_replies: [quick('More'), quick('Stop')] },
    ]);
    expect(said(carousel([hat], [named('More'), link]))).toEqual([
      generic(HAT),
      buttons('More / Shop', postback('More'), SHOP),
    ]);
  });

  test('says outer replies whole where a button cuts them', () => {
    expect(said(carousel([hat], [named('x'.repeat(21)), named('No')]))).toEqual([
      generic(HAT),
      {
        text: `${'x'.repeat(21)} / No`,
        quick_replies: [{ ...quick('x'), title: `${'x'.repeat(19)}…` }, quick('No')],
      },
    ]);
  });

  test('counts its choices over all cards, and the outer ones after them, for data that no button carries', () => {
    const long: Choice = { text_message: { text: 'Pick' }, postback_data: 'x'.repeat(1001) };
    const [message] = said(
      carousel(
        [
          { ...hat, choices: [link, long] },
          { ...hat, choices: [long] },
        ],
        [long],
      ),
    );
    expect(JSON.stringify(message).match(/parley:\w+:\d+/g)).toEqual(
      [1, 2, 3].map((index) => `parley:${MESSAGE_ID}:${index}`),
    );
  });
});

describe('a list', () => {
  const list = (changes: Partial<ListMessage>): AppMessage => ({
    list_message: { title: 'Hats', sections: [], ...changes },
  });
  const pick = (
    title: string,
    description?: string,
  ): { choice: { title: string; postback_data: string } } => ({
    choice: { title, postback_data: title.slice(0, 1), ...(description ? { description } : {}) },
  });
  const FACEBOOK = { marketplace: 'FACEBOOK' };

  test('of choices is a text that says all of it, with quick replies', () => {
    const sections = [
      { title: 'Felt', items: [pick('Brown', 'Warm'), pick('Red')] },
      { items: [pick('Straw')] },
    ];
    expect(said(list({ description: 'All sizes', sections }))).toEqual([
      {
        text: 'Hats\n\nAll sizes\n\nFelt\n• Brown (Warm)\n• Red\n\n• Straw',
        quick_replies: ['Brown', 'Red', 'Straw'].map(quick),
      },
    ]);
  });

  test('with media shows a card for each choice, its own media first', () => {
    const media = { url: IMAGE };
    const items = [{ choice: { ...pick('Brown').choice, media } }, pick('Red', 'Warm')];
    expect(said(list({ media, sections: [{ title: 'Felt', items }] }))).toEqual([
      { attachment: { type: 'image', payload: { url: IMAGE } } },
      { text: 'Hats\n\nFelt' },
      generic(
        { title: 'Brown', image_url: IMAGE, buttons: [postback('Brown')] },
        { title: 'Red', subtitle: 'Warm', buttons: [postback('Red')] },
      ),
    ]);
  });

  test('of products has a template for each section, under its title', () => {
    const sections = [
      {
        title: 'Felt',
        items: [{ product: { id: '1', ...FACEBOOK, quantity: 2, item_price: 9.5, currency: 'EUR' } }],
      },
      { title: 'Straw', items: [{ product: { id: '2', ...FACEBOOK } }] },
    ];
    const message = list({ sections, message_properties: { catalog_id: 'c1', menu: 'Open' } });
    expect(said(message)).toEqual([
      { text: 'Hats\n\nFelt' },
      template({ template_type: 'product', elements: [{ id: '1' }] }),
      { text: 'Straw' },
      template({ template_type: 'product', elements: [{ id: '2' }] }),
    ]);
    expect(notes(message)).toEqual([
      'list_message.sections[0].items[0].product: left out: 2 × 9.5 EUR',
      'list_message.message_properties.menu: left out: Open',
      'list_message.message_properties.catalog_id: left out: c1',
    ]);
  });

  test('says products of another marketplace, and choices after products', () => {
    const other = { product: { id: 'hat-1', marketplace: 'GOOGLE', item_price: 5, currency: 'EUR' } };
    const sections = [{ items: [pick('Red')] }, { items: [other, { product: { id: '1', ...FACEBOOK } }] }];
    expect(said(list({ sections }))).toEqual([
      { text: 'Hats\n\n• hat-1 (GOOGLE, 5 EUR)' },
      template({ template_type: 'product', elements: [{ id: '1' }] }),
      { text: '• Red', quick_replies: [quick('Red')] },
    ]);
  });

  test.each<[what: string, changes: Partial<ListMessage>, path: string | undefined]>([
    ['nothing but a title', {}, undefined],
    ['nothing at all', { title: '' }, 'message.listMessage'],
    ['an item of no kind', { sections: [{ items: [{}] }] }, 'message.listMessage.sections[0].items[0]'],
    [
      'a choice without a title',
      { sections: [{ items: [{ choice: { title: ' ' } }] }] },
      'message.listMessage.sections[0].items[0].choice.title',
    ],
    [
      'a product without an id',
      { sections: [{ items: [{ product: { id: ' ', ...FACEBOOK } }] }] },
      'message.listMessage.sections[0].items[0].product.id',
    ],
  ])('of %s is refused where that says nothing', (_what, changes, path) => {
    expect(violation(list(changes))).toBe(path);
  });
});

test('a contact is a text with a line for each detail', () => {
  const contact_info_message = {
    name: { full_name: 'Ada Abe', first_name: 'Ada', last_name: 'Abe', prefix: 'Dr' },
    phone_numbers: [{ phone_number: '+46732000000', type: 'WORK' }, { phone_number: '+46732000001' }],
    addresses: [{ street: 'Main Street 1', zip: '21119', city: 'Malmö', country_code: 'SE', type: 'HOME' }],
    email_addresses: [{ email_address: 'ada@shop.example' }],
    organization: { company: 'Hats', department: 'Felt', title: 'Head' },
    urls: [{ url: 'https://shop.example/ada', type: 'WORK' }],
    birthday: '1990-12-31',
  };
  expect(said({ contact_info_message })).toEqual([
    {
      text: [
        'Ada Abe (Dr)',
        'Head, Felt, Hats',
        '+46732000000 (WORK)',
        '+46732000001',
        'ada@shop.example',
        'Main Street 1, 21119, Malmö, SE (HOME)',
        'https://shop.example/ada (WORK)',
        '1990-12-31',
      ].join('\n'),
    },
  ]);
  expect(violation({ contact_info_message: { name: { full_name: ' ' }, phone_numbers: [] } })).toBe(
    'message.contactInfoMessage',
  );
});

test('media of no extension are of the content type that their address asks for', () => {
  const typeOf = (url: string): unknown => said({ media_message: { url } });
  const at = 'https://store.example/1?X-Amz-Expires=60&response-content-type=';
  expect(typeOf(`${at}video%2Fmp4`)).toMatchObject([{ attachment: { type: 'video' } }]);
  expect(typeOf(`${at}image/png&a=b`)).toMatchObject([{ attachment: { type: 'image' } }]);
  expect(typeOf(`${at}application/pdf`)).toMatchObject([{ attachment: { type: 'file' } }]);
});

describe('what a message says for Messenger alone', () => {
  const explicit_channel_message = { MESSENGER: '{"text":"explicit"}' };
  const channel_specific_message = { MESSENGER: { message_type: 'TEXT', message: { text: 'specific' } } };
  const explicit_channel_omni_message = { MESSENGER: { text_message: { text: 'override' } } };
  const generics = { text_message: { text: 'generic' } };

  test.each<[string, AppMessage]>([
    [
      'explicit',
      { ...generics, explicit_channel_omni_message, channel_specific_message, explicit_channel_message },
    ],
    ['specific', { ...generics, explicit_channel_omni_message, channel_specific_message }],
    ['override', { ...generics, explicit_channel_omni_message }],
    [
      'generic',
      { ...generics, explicit_channel_omni_message: { VIBER: { text_message: { text: 'viber' } } } },
    ],
  ])('%s goes before what follows it', (text, message) => {
    expect(said(message)).toEqual([{ text }]);
  });

  test('is named by its place when it cannot be said', () => {
    const within = 'message.explicitChannelOmniMessage.MESSENGER';
    const omni = (MESSENGER: object): AppMessage => ({
      ...generics,
      explicit_channel_omni_message: { MESSENGER },
    });
    expect(violation(omni({ card_message: {} }))).toBe(`${within}.cardMessage`);
    expect(violation(omni({}))).toBe(within);
    expect(violation(omni({ template_reference: { template_id: 't' } }))).toBe(`${within}.templateReference`);
  });

  test.each(['omni_template', 'channel_template'])('a template comes rendered: a %s is refused', (kind) => {
    const reference = { template_id: 't' };
    const template_message = { [kind]: kind === 'omni_template' ? reference : { MESSENGER: reference } };
    expect(violation({ template_message })).toBe(
      kind === 'omni_template'
        ? 'message.templateMessage.omniTemplate'
        : 'message.templateMessage.channelTemplate.MESSENGER',
    );
  });
});

describe('an answer to a message', () => {
  const long = { reply_to: { message_id: '01JC' }, text_message: { text: 'x'.repeat(2001) } };

  test('quotes it over the first payload', () => {
    expect(transcoded(long, 'm_quoted').payloads).toEqual([
      { messaging_type: 'RESPONSE', message: { text: 'x'.repeat(2000) }, reply_to: { mid: 'm_quoted' } },
      { messaging_type: 'RESPONSE', message: { text: 'x' } },
    ]);
  });

  test('goes out without the quote, and says so, when Messenger never had the message', () => {
    const { payloads, notes: said } = transcoded(long);
    expect(payloads.some((payload) => 'reply_to' in payload)).toBe(false);
    expect(said.map(({ field }) => field)).toEqual(['text_message.text', 'reply_to']);
  });

  test('leaves a quote of its own to an explicit body', () => {
    const body = { message: { text: 'Hej' }, reply_to: { mid: 'm_own' } };
    const message = { explicit_channel_message: { MESSENGER: JSON.stringify(body) } };
    expect(transcoded(message, 'm_quoted').payloads).toEqual([body]);
  });
});
