import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeSend, type Facts } from '../../src/sandbox/judge/envelope.js';
import { upload } from '../../src/sandbox/judge/attachments.js';

const HOUR = 3_600_000;
const psid = '7396619290372809';

const facts: Facts = {
  person: (id) => (/^\d+$/.test(id) ? { blocked: false, silentFor: 0 } : undefined),
  attachment: (id) => (({ '11': 'image', '12': 'video', '13': 'file' }) as const)[id],
  persona: (id) => id === '21',
  message: (mid) => mid === 'm_known',
  replied: (activity) => activity === 'answered_1',
};

const silentFor = (milliseconds: number): Facts => ({
  ...facts,
  person: () => ({ blocked: false, silentFor: milliseconds }),
});

type Json = Record<string, unknown>;

const send = (message: Json, envelope: Json = {}): Json => ({
  recipient: { id: psid },
  message,
  ...envelope,
});
const withTemplate = (payload: Json, envelope: Json = {}): Json =>
  send({ attachment: { type: 'template', payload } }, envelope);
const of = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const x = (count: number): string => 'x'.repeat(count);

const postback = { type: 'postback', title: 'Yes', payload: 'YES' };
const webUrl = { type: 'web_url', title: 'Open', url: 'https://example.com/' };
const card = { title: 'Hat', subtitle: 'Brown' };
const reply = { content_type: 'text', title: 'Red', payload: 'RED' };
const receipt = {
  template_type: 'receipt',
  recipient_name: 'Ada Abe',
  order_number: '1',
  currency: 'EUR',
  payment_method: 'Visa',
  summary: { total_cost: 10 },
};
const question = { id: 'q_1', type: 'csat' };
const feedback = {
  template_type: 'customer_feedback',
  title: 'Rate us',
  subtitle: 'One question',
  button_title: 'Rate',
  feedback_screens: [{ questions: [question] }],
  business_privacy: { url: 'https://example.com/privacy' },
};
const withQuestion = (changes: Json) =>
  withTemplate({ ...feedback, feedback_screens: [{ questions: [{ ...question, ...changes }] }] });
const image = { url: 'https://example.com/1.jpg' };
const grid = (element: Json) => withTemplate({ template_type: 'image_grid', elements: [element] });
const withButton = (button: Json) =>
  withTemplate({ template_type: 'button', text: 'Choose', buttons: [button] });
const withReply = (changes: Json) => send({ text: 'Pick', quick_replies: [{ ...reply, ...changes }] });
const media = (element: Json) => withTemplate({ template_type: 'media', elements: [element] });
const coupon = { template_type: 'coupon', title: 'Ten off', coupon_code: 'TEN' };

/** Rule, the last body that is accepted, the first that is not, and the code and subcode it fails with. */
type Row = [rule: string, accepted: Json, refused: unknown, code?: number, subcode?: number];

function table(rows: Row[]): void {
  it.each(rows)('%s', (_rule, accepted, refused, code = 100, subcode) => {
    expect(judgeSend(accepted, facts)).toBeUndefined();
    expect(judgeSend(refused, facts)).toMatchObject({ code, ...(subcode === undefined ? {} : { subcode }) });
  });
}

describe('the judge, on the envelope,', () => {
  table([
    ['wants a recipient', send({ text: 'Hi' }), { message: { text: 'Hi' } }],
    [
      'wants one way to name the person',
      send({ text: 'Hi' }, { recipient: { user_ref: 'r' } }),
      send({ text: 'Hi' }, { recipient: { id: psid, user_ref: 'r' } }),
    ],
    [
      'knows no person whose id is not digits',
      send({ text: 'Hi' }),
      send({ text: 'Hi' }, { recipient: { id: 'USER' } }),
      100,
      2018001,
    ],
    [
      'takes ids as numbers',
      send({ text: 'Hi' }, { recipient: { id: 982337261802700 } }),
      send({ text: 'Hi' }, { recipient: { id: 1.5 } }),
    ],
    [
      'answers a comment once',
      send({ text: 'Hi' }, { recipient: { comment_id: 'c_1' } }),
      send({ text: 'Hi' }, { recipient: { comment_id: 'answered_1' } }),
      10900,
    ],
    [
      'has no phone number matching',
      send({ text: 'Hi' }),
      send({ text: 'Hi' }, { recipient: { phone_number: '+15550100' } }),
      200,
      2018027,
    ],
    [
      'has no notification tokens',
      send({ text: 'Hi' }),
      send({ text: 'Hi' }, { recipient: { notification_messages_token: 't' } }),
    ],
    [
      'wants a message or an action',
      { recipient: { id: psid }, sender_action: 'typing_on' },
      { recipient: { id: psid } },
    ],
    [
      'takes message or action, not both',
      send({ text: 'Hi' }),
      send({ text: 'Hi' }, { sender_action: 'typing_on' }),
      100,
      2018014,
    ],
    [
      'knows the sender actions',
      { recipient: { id: psid }, sender_action: 'MARK_SEEN' },
      { recipient: { id: psid }, sender_action: 'wave' },
    ],
    [
      'wants an emoji to react',
      { recipient: { id: psid }, sender_action: 'react', payload: { message_id: 'm_known', reaction: '❤️' } },
      {
        recipient: { id: psid },
        sender_action: 'react',
        payload: { message_id: 'm_known', reaction: 'love' },
      },
    ],
    [
      'wants a known message to react to',
      { recipient: { id: psid }, sender_action: 'unreact', payload: { message_id: 'm_known' } },
      { recipient: { id: psid }, sender_action: 'unreact', payload: { message_id: 'm_other' } },
    ],
    [
      'keeps payload for reactions',
      { recipient: { id: psid }, sender_action: 'typing_off' },
      { recipient: { id: psid }, sender_action: 'typing_off', payload: { message_id: 'm_known' } },
    ],
    [
      'quotes known messages',
      send({ text: 'Hi' }, { reply_to: { mid: 'm_known' } }),
      send({ text: 'Hi' }, { reply_to: { mid: 'm_other' } }),
    ],
    [
      'knows the personas of the page',
      send({ text: 'Hi' }, { persona_id: '21' }),
      send({ text: 'Hi' }, { persona_id: '22' }),
    ],
    [
      'knows the messaging types',
      send({ text: 'Hi' }, { messaging_type: 'UPDATE' }),
      send({ text: 'Hi' }, { messaging_type: 'NON_PROMOTIONAL_SUBSCRIPTION' }),
    ],
    [
      'knows the notification types',
      send({ text: 'Hi' }, { notification_type: 'NO_PUSH' }),
      send({ text: 'Hi' }, { notification_type: 'LOUD' }),
    ],
    [
      'passes or releases a thread',
      send({ text: 'Hi' }, { thread_control: { control_type: 'pass', app_id: '1' } }),
      send({ text: 'Hi' }, { thread_control: { control_type: 'take' } }),
    ],
    [
      'takes a tag with MESSAGE_TAG only',
      send({ text: 'Hi' }, { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' }),
      send({ text: 'Hi' }, { messaging_type: 'RESPONSE', tag: 'HUMAN_AGENT' }),
    ],
    [
      'wants a tag with MESSAGE_TAG',
      send({ text: 'Hi' }),
      send({ text: 'Hi' }, { messaging_type: 'MESSAGE_TAG' }),
    ],
    [
      'ignores unknown fields beside the message',
      send({ text: 'Hi' }, { client: 'me' }),
      send({ text: 'Hi', client: 'me' }),
    ],
  ]);

  it.each(['CONFIRMED_EVENT_UPDATE', 'ACCOUNT_UPDATE', 'POST_PURCHASE_UPDATE', 'SHIPPING_UPDATE'])(
    'refuses the removed tag %s with code 100',
    (tag) => {
      const refusal = judgeSend(send({ text: 'Hi' }, { messaging_type: 'MESSAGE_TAG', tag }), facts);
      expect(refusal).toMatchObject({ code: 100 });
      expect(refusal).not.toHaveProperty('subcode', expect.any(Number));
    },
  );

  it('refuses the subscription tag for want of permission', () => {
    const body = send({ text: 'Hi' }, { messaging_type: 'MESSAGE_TAG', tag: 'NON_PROMOTIONAL_SUBSCRIPTION' });
    expect(judgeSend(body, facts)).toMatchObject({ code: 10, subcode: 2018065 });
  });

  it('refuses a person who blocked the page', () => {
    const blocked = { ...facts, person: () => ({ blocked: true, silentFor: 0 }) };
    expect(judgeSend(send({ text: 'Hi' }), blocked)).toMatchObject({ code: 551, subcode: 1545041 });
  });
});

describe('the judge, on the window,', () => {
  const tagged = (tag: string) => send({ text: 'Hi' }, { messaging_type: 'MESSAGE_TAG', tag });

  it('closes it 24 hours after the last message of the person', () => {
    expect(judgeSend(send({ text: 'Hi' }), silentFor(24 * HOUR))).toBeUndefined();
    expect(judgeSend(send({ text: 'Hi' }), silentFor(24 * HOUR + 1))).toMatchObject({
      code: 10,
      subcode: 2018278,
    });
  });

  it('lets a human agent answer for 7 days', () => {
    expect(judgeSend(tagged('HUMAN_AGENT'), silentFor(7 * 24 * HOUR))).toBeUndefined();
    expect(judgeSend(tagged('HUMAN_AGENT'), silentFor(7 * 24 * HOUR + 1))).toMatchObject({
      code: 10,
      subcode: 2018278,
    });
  });

  it('keeps the tag CUSTOMER_FEEDBACK for the feedback template', () => {
    const envelope = { messaging_type: 'MESSAGE_TAG', tag: 'CUSTOMER_FEEDBACK' };
    expect(judgeSend(withTemplate(feedback, envelope), silentFor(48 * HOUR))).toBeUndefined();
    expect(judgeSend(tagged('CUSTOMER_FEEDBACK'), silentFor(48 * HOUR))).toMatchObject({ code: 100 });
  });

  it('lets utility templates through at any time', () => {
    const template = { name: 'order_update', language: { code: 'en' } };
    const utility = send({ template }, { messaging_type: 'UTILITY' });
    expect(judgeSend(utility, silentFor(90 * 24 * HOUR))).toBeUndefined();
  });

  it('fails sender actions with a subcode of their own', () => {
    const action = { recipient: { id: psid }, sender_action: 'typing_on' };
    expect(judgeSend(action, silentFor(24 * HOUR + 1))).toMatchObject({ code: 100, subcode: 2018048 });
  });
});

describe('the judge, on text and quick replies,', () => {
  table([
    ['counts text to 2000', send({ text: x(2000) }), send({ text: x(2001) })],
    [
      'counts text in UTF-16 units where they are more',
      send({ text: '😀'.repeat(1000) }),
      send({ text: '😀'.repeat(1001) }),
    ],
    ['wants whole characters', send({ text: '😀' }), send({ text: '\ud83d' })],
    ['refuses an empty message', send({ text: '.' }), send({ text: '' }), 100, 2018034],
    ['refuses a message without content', send({ text: '.' }), send({ metadata: 'm' }), 100, 2018034],
    [
      'takes one kind of content',
      send({ text: 'Hi' }),
      send({ text: 'Hi', attachment: { type: 'image', payload: image } }),
    ],
    [
      'takes stickers alone',
      send({ sticker_id: 369239263222822 }),
      send({ sticker_id: 369239263222822, text: 'Hi' }),
    ],
    [
      'keeps metadata under 1000',
      send({ text: 'Hi', metadata: x(999) }),
      send({ text: 'Hi', metadata: x(1000) }),
    ],
    [
      'takes 13 quick replies',
      send({ text: 'Pick', quick_replies: of(13, () => reply) }),
      send({ text: 'Pick', quick_replies: of(14, () => reply) }),
    ],
    ['wants at least one quick reply', withReply({}), send({ text: 'Pick', quick_replies: [] })],
    ['counts quick reply titles to 20', withReply({ title: x(20) }), withReply({ title: x(21) })],
    [
      'wants a title or an image',
      withReply({ title: '', payload: '', image_url: image.url }),
      withReply({ title: '' }),
    ],
    ['counts quick reply payloads to 1000', withReply({ payload: x(1000) }), withReply({ payload: x(1001) })],
    ['wants a payload', withReply({ payload: 7 }), withReply({ payload: '' })],
    [
      'has no location quick reply',
      send({ text: 'Pick', quick_replies: [{ content_type: 'user_email' }] }),
      send({ text: 'Pick', quick_replies: [{ content_type: 'location' }] }),
    ],
    [
      'puts quick replies under an attachment',
      send({ attachment: { type: 'image', payload: image }, quick_replies: [reply] }),
      send({ sticker_id: '1', quick_replies: [reply] }),
    ],
    [
      'wants UTILITY for a utility template',
      send({ template: { name: 'a', language: { code: 'en' } } }, { messaging_type: 'UTILITY' }),
      send({ template: { name: 'a', language: { code: 'en' } } }, { messaging_type: 'RESPONSE' }),
    ],
    [
      'wants a template with UTILITY',
      send({ text: 'Hi' }, { messaging_type: 'RESPONSE' }),
      send({ text: 'Hi' }, { messaging_type: 'UTILITY' }),
    ],
  ]);
});

describe('the judge, on attachments,', () => {
  const attachment = (type: string, payload: Json) => send({ attachment: { type, payload } });
  table([
    ['knows the types', attachment('audio', image), attachment('document', image)],
    ['wants a valid URL', attachment('image', image), attachment('image', { url: 'example.com/1.jpg' })],
    [
      'fetches http and https',
      attachment('file', { url: 'http://example.com/a.pdf' }),
      attachment('file', { url: 'ftp://example.com/a.pdf' }),
    ],
    ['wants a URL or an id', attachment('video', { attachment_id: '12' }), attachment('video', {})],
    [
      'takes a URL or an id',
      attachment('image', image),
      attachment('image', { ...image, attachment_id: '11' }),
    ],
    [
      'names unknown keys',
      attachment('image', { ...image, is_reusable: true }),
      attachment('image', { ...image, is_public: true }),
    ],
    [
      'wants an attachment of its own',
      attachment('image', { attachment_id: 11 }),
      attachment('image', { attachment_id: '99' }),
      100,
      2018074,
    ],
    [
      'wants an attachment of the same type',
      attachment('file', { attachment_id: '13' }),
      attachment('file', { attachment_id: '11' }),
      100,
      2018047,
    ],
    [
      'takes 10 images',
      send({ attachments: of(10, () => ({ type: 'image', payload: image })) }),
      send({ attachments: of(11, () => ({ type: 'image', payload: image })) }),
    ],
    [
      'takes several images only',
      send({ attachments: [{ type: 'image', payload: image }] }),
      send({ attachments: [{ type: 'video', payload: image }] }),
    ],
  ]);

  it('takes uploads of media only', () => {
    const body = (type: string) => ({ message: { attachment: { type, payload: { is_reusable: true } } } });
    expect(upload(body('video'), '')).toBeUndefined();
    expect(upload(body('template'), '')).toMatchObject({ code: 100 });
  });
});

describe('the judge, on buttons,', () => {
  table([
    [
      'counts titles to 20',
      withButton({ ...postback, title: x(20) }),
      withButton({ ...postback, title: x(21) }),
    ],
    ['wants a title', withButton(postback), withButton({ type: 'postback', payload: 'YES' })],
    [
      'counts postback payloads to 1000',
      withButton({ ...postback, payload: x(1000) }),
      withButton({ ...postback, payload: x(1001) }),
    ],
    ['wants a postback payload', withButton(postback), withButton({ type: 'postback', title: 'Yes' })],
    ['wants a valid URL', withButton(webUrl), withButton({ ...webUrl, url: 'javascript:alert(1)' })],
    [
      'knows the webview heights',
      withButton({ ...webUrl, webview_height_ratio: 'tall' }),
      withButton({ ...webUrl, webview_height_ratio: 'huge' }),
    ],
    [
      'wants https with extensions',
      withButton({ ...webUrl, messenger_extensions: true }),
      withButton({ ...webUrl, url: 'http://example.com/', messenger_extensions: true }),
    ],
    [
      'keeps fallback_url for extensions',
      withButton({ ...webUrl, messenger_extensions: true, fallback_url: image.url }),
      withButton({ ...webUrl, fallback_url: image.url }),
    ],
    [
      'wants international phone numbers',
      withButton({ type: 'phone_number', title: 'Call', payload: '+15105551234' }),
      withButton({ type: 'phone_number', title: 'Call', payload: '0510 555 1234' }),
    ],
    [
      'logs in over https',
      withButton({ type: 'account_link', url: 'https://example.com/' }),
      withButton({ type: 'account_link', url: 'http://example.com/' }),
    ],
    [
      'logs out without a title',
      withButton({ type: 'account_unlink' }),
      withButton({ type: 'account_unlink', title: 'Out' }),
    ],
    [
      'has no share button',
      withButton({ type: 'game_play', title: 'Play' }),
      withButton({ type: 'element_share' }),
    ],
  ]);
});

describe('the judge, on templates,', () => {
  const buttonTemplate = (changes: Json) =>
    withTemplate({ template_type: 'button', text: 'Choose', buttons: [postback], ...changes });
  const generic = (element: Json, payload: Json = {}) =>
    withTemplate({ template_type: 'generic', elements: [element], ...payload });
  const receiptWith = (changes: Json) => withTemplate({ ...receipt, ...changes });
  const item = { title: 'Hat', price: 0 };
  const address = { street_1: '1 Way', city: 'Town', postal_code: '1', state: 'CA', country: 'US' };

  table([
    ['button: counts text to 640', buttonTemplate({ text: x(640) }), buttonTemplate({ text: x(641) })],
    [
      'button: takes 3 buttons',
      buttonTemplate({ buttons: of(3, () => postback) }),
      buttonTemplate({ buttons: of(4, () => postback) }),
    ],
    ['button: wants a button', buttonTemplate({}), buttonTemplate({ buttons: [] })],
    [
      'generic: takes 10 elements',
      generic(card, { elements: of(10, () => card) }),
      generic(card, { elements: of(11, () => card) }),
    ],
    ['generic: wants an element', generic(card), generic(card, { elements: [] })],
    ['generic: counts titles to 80', generic({ ...card, title: x(80) }), generic({ ...card, title: x(81) })],
    [
      'generic: counts subtitles to 80',
      generic({ ...card, subtitle: x(80) }),
      generic({ ...card, subtitle: x(81) }),
    ],
    [
      'generic: wants more than a title',
      generic({ title: 'Hat', image_url: image.url }),
      generic({ title: 'Hat' }),
    ],
    [
      'generic: takes 3 buttons',
      generic({ title: 'Hat', buttons: of(3, () => postback) }),
      generic({ title: 'Hat', buttons: of(4, () => postback) }),
    ],
    [
      'generic: default action has no title',
      generic({ title: 'Hat', default_action: { type: 'web_url', url: image.url } }),
      generic({ title: 'Hat', default_action: webUrl }),
    ],
    [
      'generic: knows the aspect ratios',
      generic(card, { image_aspect_ratio: 'square' }),
      generic(card, { image_aspect_ratio: 'round' }),
    ],
    [
      'media: takes one element',
      media({ media_type: 'image', attachment_id: '11' }),
      withTemplate({
        template_type: 'media',
        elements: of(2, () => ({ media_type: 'image', attachment_id: '11' })),
      }),
    ],
    [
      'media: has no audio',
      media({ media_type: 'video', attachment_id: '12' }),
      media({ media_type: 'audio', attachment_id: '12' }),
      100,
      2018182,
    ],
    [
      'media: wants a Facebook URL',
      media({ media_type: 'video', url: 'https://www.facebook.com/p/videos/1' }),
      media({ media_type: 'video', url: 'https://notfacebook.com/1' }),
      100,
      2018185,
    ],
    [
      'media: wants a URL or an id',
      media({ media_type: 'image', attachment_id: '11' }),
      media({ media_type: 'image' }),
      100,
      2018187,
    ],
    [
      'media: wants an attachment of its own',
      media({ media_type: 'image', attachment_id: '11' }),
      media({ media_type: 'image', attachment_id: '99' }),
      100,
      2018074,
    ],
    [
      'media: takes 3 buttons',
      media({ media_type: 'image', attachment_id: '11', buttons: of(3, () => postback) }),
      media({ media_type: 'image', attachment_id: '11', buttons: of(4, () => postback) }),
    ],
    ['receipt: wants a total', receiptWith({}), receiptWith({ summary: { subtotal: 10 } })],
    [
      'receipt: takes 100 items',
      receiptWith({ elements: of(100, () => item) }),
      receiptWith({ elements: of(101, () => item) }),
    ],
    [
      'receipt: wants a price',
      receiptWith({ elements: [item] }),
      receiptWith({ elements: [{ title: 'Hat' }] }),
    ],
    ['receipt: wants an order number', receiptWith({}), receiptWith({ order_number: undefined })],
    [
      'receipt: wants a two-letter country',
      receiptWith({ address }),
      receiptWith({ address: { ...address, country: 'USA' } }),
    ],
    [
      'receipt: wants its time in seconds, as text',
      receiptWith({ timestamp: '1428444852' }),
      receiptWith({ timestamp: '2015-04-07' }),
    ],
    [
      'product: takes 10 products',
      withTemplate({ template_type: 'product', elements: of(10, () => ({ id: '1' })) }),
      withTemplate({ template_type: 'product', elements: of(11, () => ({ id: '1' })) }),
    ],
    [
      'product: wants a product id',
      withTemplate({ template_type: 'product', elements: [{ id: '1' }] }),
      withTemplate({ template_type: 'product', elements: [{ id: ' ' }] }),
      100,
      2018320,
    ],
    [
      'coupon: counts titles to 80',
      withTemplate({ ...coupon, title: x(80) }),
      withTemplate({ ...coupon, title: x(81) }),
    ],
    [
      'coupon: wants a code or a URL',
      withTemplate({ template_type: 'coupon', title: 'Ten', coupon_url: image.url }),
      withTemplate({ template_type: 'coupon', title: 'Ten' }),
    ],
    [
      'coupon: has no space in its code',
      withTemplate(coupon),
      withTemplate({ ...coupon, coupon_code: 'TEN OFF' }),
    ],
    [
      'image_grid: takes 6 images',
      grid({ images: of(6, () => image) }),
      grid({ images: of(7, () => image) }),
    ],
    ['image_grid: wants 2 images', grid({ images: of(2, () => image) }), grid({ images: [image] })],
    [
      'image_grid: has one hero',
      grid({ images: [{ ...image, is_hero_image: true }, image] }),
      grid({ images: of(2, () => ({ ...image, is_hero_image: true })) }),
    ],
    [
      'image_grid: counts titles to 45',
      grid({ images: of(2, () => image), title: x(45) }),
      grid({ images: of(2, () => image), title: x(46) }),
    ],
    [
      'image_grid: has two kinds of buttons',
      grid({ images: of(2, () => image), buttons: [webUrl, postback] }),
      grid({
        images: of(2, () => image),
        buttons: [{ type: 'phone_number', title: 'Call', payload: '+15105551234' }],
      }),
    ],
    [
      'customer_feedback: counts titles to 65',
      withTemplate({ ...feedback, title: x(65) }),
      withTemplate({ ...feedback, title: x(66) }),
    ],
    [
      'customer_feedback: has no URL in its title',
      withTemplate(feedback),
      withTemplate({ ...feedback, title: 'See https://a.io' }),
    ],
    [
      'customer_feedback: has one screen',
      withTemplate(feedback),
      withTemplate({ ...feedback, feedback_screens: [] }),
    ],
    [
      'customer_feedback: wants the privacy policy',
      withTemplate(feedback),
      withTemplate({ ...feedback, business_privacy: undefined }),
    ],
    [
      'customer_feedback: fits options to questions',
      withQuestion({ score_option: 'five_emojis' }),
      withQuestion({ score_option: 'zero_to_ten' }),
    ],
    [
      'customer_feedback: wants 5 characters to ask',
      withQuestion({ title: 'How??' }),
      withQuestion({ title: 'How?' }),
    ],
    [
      'customer_feedback: lasts 7 days',
      withTemplate({ ...feedback, expires_in_days: 7 }),
      withTemplate({ ...feedback, expires_in_days: 8 }),
    ],
    [
      'customer_information: knows its countries',
      withTemplate({ template_type: 'customer_information', business_privacy: image, countries: ['US'] }),
      withTemplate({ template_type: 'customer_information', business_privacy: image, countries: ['DE'] }),
    ],
    [
      'instant_form: wants a form id',
      withTemplate({ template_type: 'instant_form', form_id: '1' }),
      withTemplate({ template_type: 'instant_form', form_id: 'f' }),
      1,
      2018382,
    ],
  ]);

  it.each([
    'list',
    'open_graph',
    'airline_itinerary',
    'airline_update',
    'one_time_notif_req',
    'notification_messages',
  ])('refuses the removed type %s', (template_type) => {
    const refusal = judgeSend(withTemplate({ template_type, elements: [card] }), facts);
    expect(refusal).toMatchObject({ code: 100, message: expect.stringContaining('[template_type]') });
  });

  it('names the place of the fault as Meta does', () => {
    expect(
      judgeSend(generic({ ...card, buttons: [postback, { ...postback, title: x(21) }] }), facts)?.message,
    ).toBe(
      '(#100) Length of param message[attachment][payload][elements][0][buttons][1][title] must be less than or equal to 20',
    );
  });
});

const corpus = join(import.meta.dirname, '../../../shared/fixtures/send-requests');

describe.skipIf(!existsSync(corpus))(
  'the judge, on the corpus of public requests (skipped when it is not there),',
  () => {
    const lines = existsSync(corpus)
      ? readFileSync(join(corpus, 'INDEX.jsonl'), 'utf8').trim().split('\n')
      : [];
    const requests = lines.map((line) => JSON.parse(line) as { file: string; status: 'current' | 'legacy' });
    const anyone: Facts = {
      person: () => ({ blocked: false, silentFor: 0 }),
      attachment: () => undefined,
      persona: () => true,
      message: () => true,
      replied: () => false,
    };

    /** Some sources print placeholders where a real request has a URL or an id. */
    function filledIn(value: unknown, key = ''): unknown {
      if (Array.isArray(value)) return value.map((entry) => filledIn(entry, key));
      if (typeof value === 'object' && value !== null) {
        return Object.fromEntries(
          Object.entries(value).map(([name, entry]) => [name, filledIn(entry, name)]),
        );
      }
      if (key === 'url' && typeof value === 'string' && !URL.canParse(value)) return 'https://example.com/';
      return key === 'id' && value !== undefined && /^<.*>$/.test(value as string) ? '1' : value;
    }

    it.each(requests)('finds $file $status', ({ file, status }) => {
      const body = filledIn(JSON.parse(readFileSync(join(corpus, file), 'utf8')));
      const used = /"(?:media_)?type":"(image|audio|video|file)"/.exec(JSON.stringify(body))?.[1];
      const owner = { ...anyone, attachment: () => used as 'image' | undefined };
      const refusal = judgeSend(body, owner);
      if (status === 'current') expect(refusal).toBeUndefined();
      else expect(refusal).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
    });
  },
);
