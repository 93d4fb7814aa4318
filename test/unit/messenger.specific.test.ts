import { describe, expect, test } from 'vitest';
import type { TranscodeContext } from '../../src/channels/channel.js';
import { DomainError } from '../../src/errors.js';
import { renderSpecific } from '../../src/messenger/specific/specific.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';

type Json = Record<string, unknown>;

const MESSAGE = 'message.channelSpecificMessage.MESSENGER.message';
const context = (properties: Record<string, string> = {}): TranscodeContext => ({
  messageId: '01JD0000000000000000000000',
  properties,
});
const render = (message_type: string, message: Json, properties: Record<string, string> = {}) =>
  renderSpecific({ message_type, message }, context(properties));
const said = (message_type: string, message: Json) => render(message_type, message).messages;
const template = (template_type: string, payload: Json): Json => ({
  attachment: { type: 'template', payload: { template_type, ...payload } },
});
const x = (count: number): string => 'x'.repeat(count);
const of = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

const reply = { content_type: 'text', title: 'Red', payload: 'RED' };
const postback = { type: 'postback', title: 'Yes', payload: 'YES' };
const url = 'https://shop.example/';
const card = { title: 'Hat', subtitle: 'Brown' };
const receipt = {
  recipient_name: 'Ada Abe',
  order_number: '1001',
  currency: 'EUR',
  payment_method: 'Visa 2345',
  summary: { total_cost: 56.14, subtotal: '50.00' },
};
const question = { id: 'q_1', type: 'csat', score_option: 'five_stars', title: 'How was it?' };
const feedback = {
  title: 'Rate us',
  subtitle: 'One question',
  button_title: 'Rate',
  feedback_screens: [{ questions: [question] }],
  business_privacy: { url: 'https://shop.example/privacy' },
};

/** The field and rule that a message breaks. */
function broken(message_type: string, message: Json, properties: Record<string, string> = {}): string[] {
  try {
    render(message_type, message, properties);
  } catch (error) {
    if (error instanceof DomainError) return error.fields.map(({ path, rule }) => `${path} ${rule}`);
    throw error;
  }
  return [];
}

describe("a message in Messenger's own words", () => {
  test('is a text with quick replies: with an image, with the phone number, with the e-mail', () => {
    const message = {
      text: 'Pick a colour, or leave us your number',
      quick_replies: [
        { ...reply, image_url: 'https://shop.example/red.png' },
        { content_type: 'text', title: '', payload: '', image_url: 'https://shop.example/blue.png' },
        { content_type: 'user_phone_number' },
        { content_type: 'user_email' },
      ],
    };
    expect(said('TEXT', message)).toEqual([message]);
  });

  test('is media by address or by saved id, to be saved or not, with quick replies', () => {
    const saving = { type: 'video', url: 'https://shop.example/a.mp4', is_reusable: true };
    expect(said('ATTACHMENT', saving)).toEqual([
      { attachment: { type: 'video', payload: { url: 'https://shop.example/a.mp4', is_reusable: true } } },
    ]);
    expect(
      said('ATTACHMENT', { type: 'file', attachment_id: '687799999980546', quick_replies: [reply] }),
    ).toEqual([
      { attachment: { type: 'file', payload: { attachment_id: '687799999980546' } }, quick_replies: [reply] },
    ]);
  });

  test('is several images at once, or a sticker', () => {
    const attachments = of(2, { type: 'image', payload: { url: 'https://shop.example/1.jpg' } });
    expect(said('ATTACHMENT', { attachments })).toEqual([{ attachments }]);
    expect(said('STICKER', { sticker_id: 369239263222822 })).toEqual([{ sticker_id: 369239263222822 }]);
  });

  test('has every kind of button', () => {
    const buttons = [
      {
        type: 'web_url',
        title: 'Shop',
        url,
        webview_height_ratio: 'tall',
        messenger_extensions: true,
        fallback_url: 'https://shop.example/fallback',
        webview_share_button: 'hide',
      },
      { type: 'phone_number', title: 'Call', payload: '+46700000000' },
      { type: 'game_play', title: 'Play', payload: '{"level":3}', game_metadata: { player_id: '1' } },
    ];
    const login = [{ type: 'account_link', url: 'https://shop.example/login' }, { type: 'account_unlink' }];
    expect(said('BUTTON_TEMPLATE', { text: 'What now?', buttons, quick_replies: [reply] })).toEqual([
      { ...template('button', { text: 'What now?', buttons }), quick_replies: [reply] },
    ]);
    expect(said('GENERIC_TEMPLATE', { elements: [{ title: 'Bank', buttons: login }] })).toEqual([
      template('generic', { elements: [{ title: 'Bank', buttons: login }] }),
    ]);
  });

  test.each<[string, string, Json]>([
    [
      'GENERIC_TEMPLATE',
      'generic',
      {
        elements: [{ ...card, image_url: url, default_action: { type: 'web_url', url } }],
        image_aspect_ratio: 'square',
        sharable: true,
      },
    ],
    [
      'MEDIA_TEMPLATE',
      'media',
      { elements: [{ media_type: 'image', attachment_id: '1', buttons: [postback] }] },
    ],
    [
      'RECEIPT_TEMPLATE',
      'receipt',
      {
        ...receipt,
        timestamp: '1428444852',
        elements: [{ title: 'Shirt', price: 0, quantity: 2, currency: 'EUR' }],
        address: {
          street_1: 'Storgatan 1',
          street_2: '',
          city: 'Umeå',
          postal_code: '90326',
          state: 'AC',
          country: 'SE',
        },
        adjustments: [{ name: 'New customer', amount: -5 }],
      },
    ],
    ['COUPON_TEMPLATE', 'coupon', { title: '10 % off', coupon_code: 'TEN', coupon_url: url, payload: 'c1' }],
    ['PRODUCT_TEMPLATE', 'product', { elements: [{ id: '2984305174935812' }] }],
    ['IMAGE_GRID_TEMPLATE', 'image_grid', { elements: [{ images: of(2, { url }), title: 'Rooms' }] }],
    ['CUSTOMER_FEEDBACK_TEMPLATE', 'customer_feedback', { ...feedback, expires_in_days: 3 }],
    [
      'CUSTOMER_INFORMATION_TEMPLATE',
      'customer_information',
      { business_privacy: { url }, countries: ['US'], purpose: 'SHIPPING' },
    ],
    ['INSTANT_FORM_TEMPLATE', 'instant_form', { form_id: '987654321098765' }],
  ])('is a %s', (type, templateType, payload) => {
    expect(render(type, payload)).toEqual({ messages: [template(templateType, payload)], notes: [] });
  });

  test('is an approved utility template, which brings its messaging type', () => {
    const utility = {
      name: 'order_update',
      language: { code: 'en' },
      components: [{ type: 'body', parameters: [{ type: 'text', text: '566701' }] }],
    };
    const specific = { message_type: 'UTILITY_TEMPLATE', message: utility };
    const message = { channel_specific_message: { MESSENGER: specific } };
    expect(transcode(message, context()).payloads).toEqual([
      { messaging_type: 'UTILITY', message: { template: utility } },
    ]);
    expect(transcode(message, context({ MESSENGER_MESSAGING_TYPE: 'UTILITY' })).payloads).toHaveLength(1);
    const tag = { MESSENGER_MESSAGE_TAG: 'HUMAN_AGENT' };
    expect(broken('UTILITY_TEMPLATE', utility, tag)).toEqual([
      'channelProperties.MESSENGER_MESSAGE_TAG utility',
    ]);
    expect(broken('TEXT', { text: 'Hi' }, { MESSENGER_MESSAGING_TYPE: 'UTILITY' })).toEqual([
      'channelProperties.MESSENGER_MESSAGING_TYPE isIn',
    ]);
  });

  test('says that media from elsewhere is uploaded first, and that opt-in requests ended', () => {
    const elements = [{ media_type: 'image', url: 'https://shop.example/a.png' }];
    expect(render('MEDIA_TEMPLATE', { elements }).notes).toMatchObject([
      { field: 'channel_specific_message.MESSENGER.message.elements[0].url' },
    ]);
    const facebook = [{ media_type: 'video', url: 'https://business.facebook.com/page/videos/1' }];
    expect(render('MEDIA_TEMPLATE', { elements: facebook }).notes).toEqual([]);
    expect(render('NOTIFICATION_MESSAGES', { title: 'Weekly deals', payload: 'WEEKLY' })).toEqual({
      messages: [template('notification_messages', { title: 'Weekly deals', payload: 'WEEKLY' })],
      notes: [
        {
          field: 'channel_specific_message.MESSENGER.message_type',
          rule: expect.stringContaining('2026-02-10') as string,
          action: 'sent as asked',
        },
      ],
    });
  });
});

const button = (changes: Json): Json => ({ text: 'Pick', buttons: [{ ...postback, ...changes }] });
const web = (changes: Json): Json => ({
  text: 'Pick',
  buttons: [{ type: 'web_url', title: 'Shop', url, ...changes }],
});
const replies = (...quick_replies: Json[]): Json => ({ text: 'Pick', quick_replies });
const ask = (changes: Json): Json => ({
  ...feedback,
  feedback_screens: [{ questions: [{ ...question, ...changes }] }],
});

describe('what Meta would refuse is refused before, by field and rule:', () => {
  test.each<[type: string, message: Json, field: string, rule: string]>([
    ['TEXT', { text: x(2001) }, '.text', 'maxLength'],
    ['TEXT', { text: ' ' }, '.text', 'required'],
    ['TEXT', { text: '\ud83d' }, '.text', 'string'],
    ['TEXT', {}, '.text', 'required'],
    ['TEXT', { text: 'Hi', metadata: 'mine' }, '.metadata', 'unknown'],
    ['TEXT', replies(), '.quick_replies', 'arrayMinSize'],
    ['TEXT', replies(...of(14, reply)), '.quick_replies', 'arrayMaxSize'],
    ['TEXT', replies(reply, { ...reply, title: x(21) }), '.quick_replies[1].title', 'maxLength'],
    ['TEXT', replies({ ...reply, payload: x(1001) }), '.quick_replies[0].payload', 'maxLength'],
    ['TEXT', replies({ ...reply, payload: '' }), '.quick_replies[0].payload', 'required'],
    ['TEXT', replies({ ...reply, image_url: 'red.png' }), '.quick_replies[0].image_url', 'url'],
    ['TEXT', replies({ content_type: 'location' }), '.quick_replies[0].content_type', 'isIn'],
    ['TEXT', replies({ content_type: 'user_email', title: 'x' }), '.quick_replies[0].title', 'unknown'],
    ['ATTACHMENT', { type: 'template', url }, '.type', 'isIn'],
    ['ATTACHMENT', { type: 'image' }, '', 'exactlyOne'],
    ['ATTACHMENT', { type: 'image', url, attachment_id: '1' }, '', 'exactlyOne'],
    ['ATTACHMENT', { type: 'image', url: 'ftp://shop.example/a.png' }, '.url', 'url'],
    ['ATTACHMENT', { type: 'image', attachment_id: 'abc' }, '.attachment_id', 'id'],
    [
      'ATTACHMENT',
      { attachments: of(11, { type: 'image', payload: { url } }) },
      '.attachments',
      'arrayMaxSize',
    ],
    ['ATTACHMENT', { attachments: [{ type: 'video', payload: { url } }] }, '.attachments[0].type', 'isIn'],
    ['STICKER', { sticker_id: 'thumb' }, '.sticker_id', 'id'],
    ['BUTTON_TEMPLATE', { ...button({}), text: x(641) }, '.text', 'maxLength'],
    ['BUTTON_TEMPLATE', { text: 'Pick', buttons: of(4, postback) }, '.buttons', 'arrayMaxSize'],
    ['BUTTON_TEMPLATE', button({ title: x(21) }), '.buttons[0].title', 'maxLength'],
    ['BUTTON_TEMPLATE', button({ type: 'element_share' }), '.buttons[0].type', 'isIn'],
    ['BUTTON_TEMPLATE', button({ type: 'constructor' }), '.buttons[0].type', 'isIn'],
    ['BUTTON_TEMPLATE', button({ type: 'phone_number', payload: '0701' }), '.buttons[0].payload', 'matches'],
    ['BUTTON_TEMPLATE', web({ url: '/shop' }), '.buttons[0].url', 'url'],
    ['BUTTON_TEMPLATE', web({ webview_height_ratio: 'huge' }), '.buttons[0].webview_height_ratio', 'isIn'],
    [
      'BUTTON_TEMPLATE',
      web({ url: 'http://shop.example', messenger_extensions: true }),
      '.buttons[0].url',
      'https',
    ],
    ['BUTTON_TEMPLATE', web({ fallback_url: url }), '.buttons[0].fallback_url', 'extensions'],
    [
      'BUTTON_TEMPLATE',
      { text: 'Log in', buttons: [{ type: 'account_link', url: 'http://shop.example' }] },
      '.buttons[0].url',
      'https',
    ],
    ['GENERIC_TEMPLATE', { elements: of(11, card) }, '.elements', 'arrayMaxSize'],
    ['GENERIC_TEMPLATE', { elements: [{ title: 'Hat' }] }, '.elements[0]', 'atLeastOne'],
    ['GENERIC_TEMPLATE', { elements: [{ ...card, title: x(81) }] }, '.elements[0].title', 'maxLength'],
    ['GENERIC_TEMPLATE', { elements: [card], image_aspect_ratio: 'wide' }, '.image_aspect_ratio', 'isIn'],
    ['MEDIA_TEMPLATE', { elements: [{ media_type: 'audio', url }] }, '.elements[0].media_type', 'isIn'],
    ['MEDIA_TEMPLATE', { elements: [{ media_type: 'image' }] }, '.elements[0]', 'exactlyOne'],
    ['RECEIPT_TEMPLATE', { ...receipt, currency: 'euro' }, '.currency', 'matches'],
    ['RECEIPT_TEMPLATE', { ...receipt, summary: { subtotal: 1 } }, '.summary.total_cost', 'required'],
    ['RECEIPT_TEMPLATE', { ...receipt, timestamp: 1428444852 }, '.timestamp', 'matches'],
    [
      'RECEIPT_TEMPLATE',
      { ...receipt, elements: of(101, { title: 'Hat', price: 1 }) },
      '.elements',
      'arrayMaxSize',
    ],
    ['COUPON_TEMPLATE', { title: 'Ten off' }, '', 'atLeastOne'],
    ['COUPON_TEMPLATE', { title: 'Ten off', coupon_code: 'TEN OFF' }, '.coupon_code', 'matches'],
    ['PRODUCT_TEMPLATE', { elements: of(11, { id: '1' }) }, '.elements', 'arrayMaxSize'],
    ['PRODUCT_TEMPLATE', { elements: [{ id: ' ' }] }, '.elements[0].id', 'required'],
    [
      'IMAGE_GRID_TEMPLATE',
      { elements: [{ images: of(7, { url }) }] },
      '.elements[0].images',
      'arrayMaxSize',
    ],
    [
      'IMAGE_GRID_TEMPLATE',
      { elements: [{ images: of(2, { url, is_hero_image: true }) }] },
      '.elements[0].images',
      'hero',
    ],
    ['CUSTOMER_FEEDBACK_TEMPLATE', { ...feedback, title: 'See www.shop.example' }, '.title', 'noUrl'],
    ['CUSTOMER_FEEDBACK_TEMPLATE', { ...feedback, expires_in_days: 8 }, '.expires_in_days', 'integer'],
    [
      'CUSTOMER_FEEDBACK_TEMPLATE',
      ask({ score_option: 'zero_to_ten' }),
      '.feedback_screens[0].questions[0].score_option',
      'isIn',
    ],
    [
      'CUSTOMER_FEEDBACK_TEMPLATE',
      ask({ title: 'Why?' }),
      '.feedback_screens[0].questions[0].title',
      'minLength',
    ],
    ['UTILITY_TEMPLATE', { name: 'order update', language: { code: 'en' } }, '.name', 'matches'],
    ['UTILITY_TEMPLATE', { name: 'order' }, '.language', 'required'],
  ])('%s %j', (type, message, field, rule) => {
    expect(broken(type, message)).toEqual([`${MESSAGE}${field} ${rule}`]);
  });

  test.each(['RECEIPT', 'list', 'toString', ''])('the message type "%s"', (type) => {
    expect(broken(type, {})).toEqual(['message.channelSpecificMessage.MESSENGER.messageType isIn']);
  });

  test('the tag CUSTOMER_FEEDBACK with anything but a survey', () => {
    const tag = { MESSENGER_MESSAGE_TAG: 'CUSTOMER_FEEDBACK' };
    expect(broken('TEXT', { text: 'Hi' }, tag)).toEqual(['channelProperties.MESSENGER_MESSAGE_TAG feedback']);
    expect(broken('CUSTOMER_FEEDBACK_TEMPLATE', feedback, tag)).toEqual([]);
  });
});

describe('the channel properties', () => {
  const agent = {
    type: 'HUMAN' as const,
    display_name: 'Ada Abe',
    picture_url: 'https://shop.example/ada.png',
  };
  const payload = (properties: Record<string, string>, from: object = {}) =>
    transcode({ text_message: { text: 'Hi' }, ...from }, context(properties));

  test('name a persona, for each payload', () => {
    const text = `${x(1990)} ${x(1990)}`;
    const { payloads } = payload({ MESSENGER_PERSONA_ID: '210987654321098' }, { text_message: { text } });
    expect(payloads).toHaveLength(2);
    for (const one of payloads) expect(one).toMatchObject({ persona_id: '210987654321098' });
  });

  test('make the agent a persona, where it has a name and a picture', () => {
    const asked = payload({ MESSENGER_PERSONA: 'AGENT' }, { agent: { ...agent, display_name: x(60) } });
    expect(asked.payloads).toMatchObject([
      { persona: { name: `${x(49)}…`, profile_picture_url: 'https://shop.example/ada.png' } },
    ]);
    expect(asked.notes).toMatchObject([{ field: 'agent' }]);
    const nameless = payload({ MESSENGER_PERSONA: 'AGENT' }, { agent: { type: 'BOT' } });
    expect(nameless.payloads).toEqual([{ messaging_type: 'RESPONSE', message: { text: 'Hi' } }]);
    expect(nameless.notes).toMatchObject([{ action: 'sent without a persona' }]);
    expect(payload({}, { agent }).payloads).toEqual([
      { messaging_type: 'RESPONSE', message: { text: 'Hi' } },
    ]);
  });

  test('send to a notification token', () => {
    const { payloads } = payload({ MESSENGER_NOTIFICATION_MESSAGES_TOKEN: '345678' });
    expect(payloads).toEqual([
      {
        messaging_type: 'RESPONSE',
        recipient: { notification_messages_token: '345678' },
        message: { text: 'Hi' },
      },
    ]);
  });

  test.each([
    ['MESSENGER_PERSONA_ID', 'ada', 'matches'],
    ['MESSENGER_PERSONA', 'ME', 'isIn'],
    ['MESSENGER_NOTIFICATION_MESSAGES_TOKEN', 'two words', 'matches'],
  ])('refuse %s %s', (key, value, rule) => {
    expect(() => payload({ [key]: value })).toThrow(
      expect.objectContaining({
        fields: [expect.objectContaining({ path: `channelProperties.${key}`, rule })],
      }),
    );
  });
});
