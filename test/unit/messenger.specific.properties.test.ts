import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DomainError } from '../../src/errors.js';
import { withAttachments } from '../../src/messenger/assets/media-template.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';
import { judgeSend, savedMedia } from '../../src/sandbox/judge/envelope.js';
import type { Message } from '../../src/sandbox/judge/message.js';

type Json = Record<string, unknown>;
type Shape = Record<string, fc.Arbitrary<unknown>>;

const RUNS = { numRuns: 8_000 };

/** Now and then something else altogether. */
function noisy(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 300, arbitrary: value },
    {
      weight: 1,
      arbitrary: fc.constantFrom<unknown>(
        '',
        ' ',
        0,
        -1,
        null,
        true,
        [],
        {},
        '\ud800',
        'https://',
        '__proto__',
      ),
    },
  );
}

function shape(required: Shape, optional: Shape = {}): fc.Arbitrary<unknown> {
  const all = { ...required, ...optional, extra: fc.constant(1) };
  const noise = Object.fromEntries(Object.entries(all).map(([key, value]) => [key, noisy(value)]));
  const record = fc.record(noise, { requiredKeys: Object.keys(required) });
  // A key that nobody knows, now and then.
  return fc.tuple(record, fc.integer({ max: 150, min: 0 })).map(([value, dice]) => {
    const { extra, ...rest } = value;
    return dice === 0 ? { ...rest, extra } : rest;
  });
}

/** Around its limit, in units of one, two and more UTF-16 units. */
const text = (limit: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 60, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: Math.min(limit, 20) }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('x', '🙂', 'e\u0301', 'ش'), fc.integer({ min: -1, max: 1 }))
        .map(([unit, more]) => unit.repeat(Math.ceil((limit + more) / unit.length)).slice(0, limit + more)),
    },
  );
const url = fc.oneof(
  { weight: 60, arbitrary: fc.webUrl({ withQueryParameters: true, validSchemes: ['https', 'http'] }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('https://www.facebook.com/a/videos/1', 'HTTPS://x.y', ' https://x.y', 'x.y'),
  },
);
const id = fc.oneof(fc.stringMatching(/^[1-9]\d{3,16}$/), fc.integer({ min: 1 }));
const list = (item: fc.Arbitrary<unknown>, max: number): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 19, arbitrary: fc.array(item, { minLength: 1, maxLength: Math.min(max, 4) }) },
    { weight: 1, arbitrary: fc.array(item, { minLength: max, maxLength: max + 1 }) },
  );
/** One of the good values; in one of a hundred a bad one. */
const mostly = (good: unknown[], ...bad: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 99, arbitrary: only(...good) }, { weight: 1, arbitrary: only(...bad) });
const only = (...values: unknown[]): fc.Arbitrary<unknown> => fc.constantFrom(...values);

const webview = {
  webview_height_ratio: only('compact', 'tall', 'full'),
  messenger_extensions: only(true, false),
  fallback_url: url,
  webview_share_button: only('hide'),
};
const title = text(20);
const web = shape({ type: only('web_url'), title, url }, webview);
const postback = shape({ type: only('postback'), title, payload: text(1000) });
const button = fc.oneof(
  web,
  postback,
  shape({
    type: only('phone_number'),
    title,
    payload: mostly(['+46700000000'], '+12', '0701', '+1555555123456789'),
  }),
  shape({ type: only('account_link'), url }),
  shape({ type: only('account_unlink') }),
  shape({ type: only('game_play'), title }, { payload: text(1000), game_metadata: only({ a: 1 }) }),
  shape({ type: only('audio_call') }, { title }),
);
const buttons = list(button, 3);
const reply = fc.oneof(
  shape(
    { content_type: only('text'), title, payload: fc.oneof(text(1000), fc.integer()) },
    { image_url: url },
  ),
  shape({ content_type: only('text'), image_url: url }, { title: text(20), payload: only('', 'x') }),
  shape({ content_type: mostly(['user_phone_number', 'user_email'], 'location') }),
);
const replies = { quick_replies: list(reply, 13) };
const flag = only(true, false);
const amount = mostly([0, 12.5, '12.50', -3, Number.MAX_VALUE], '1,5', '12.');
const days = mostly([1, 3, 7], 0, 8);
const line = text(80);

const MESSAGES: Record<string, fc.Arbitrary<unknown>> = {
  TEXT: shape({ text: text(2000) }, replies),
  ATTACHMENT: fc.oneof(
    shape({ type: only('image', 'audio', 'video', 'file'), url }, { is_reusable: flag, ...replies }),
    shape({ type: only('image', 'audio', 'video', 'file'), attachment_id: id }, replies),
    shape({ attachments: list(shape({ type: only('image'), payload: shape({ url }) }), 10) }),
  ),
  STICKER: shape({ sticker_id: id }),
  BUTTON_TEMPLATE: shape({ text: text(640), buttons }, { sharable: flag, ...replies }),
  GENERIC_TEMPLATE: shape(
    {
      elements: list(
        shape(
          { title: line },
          {
            subtitle: line,
            image_url: url,
            default_action: shape({ type: only('web_url'), url }, webview),
            buttons,
          },
        ),
        10,
      ),
    },
    { image_aspect_ratio: only('horizontal', 'square'), sharable: flag, ...replies },
  ),
  MEDIA_TEMPLATE: shape(
    {
      elements: fc.tuple(
        fc.oneof(
          shape({ media_type: only('image', 'video'), url }, { buttons }),
          shape({ media_type: mostly(['image', 'video'], 'audio'), attachment_id: id }, { buttons }),
        ),
      ),
    },
    { sharable: flag, ...replies },
  ),
  RECEIPT_TEMPLATE: shape(
    {
      recipient_name: line,
      order_number: line,
      currency: mostly(['EUR', 'USD'], 'eur'),
      payment_method: line,
      summary: shape({ total_cost: amount }, { subtotal: amount, shipping_cost: amount, total_tax: amount }),
    },
    {
      sharable: flag,
      merchant_name: line,
      timestamp: mostly(['1428444852', '0'], 'now'),
      order_url: url,
      elements: list(
        shape(
          { title: line, price: amount },
          { subtitle: line, quantity: days, currency: only('EUR'), image_url: url },
        ),
        100,
      ),
      address: shape(
        { street_1: line, city: line, postal_code: line, state: line, country: mostly(['SE'], 'Sweden') },
        { street_2: line },
      ),
      adjustments: list(shape({}, { name: line, amount }), 5),
      ...replies,
    },
  ),
  COUPON_TEMPLATE: shape(
    { title: line },
    {
      subtitle: line,
      coupon_code: mostly(['TEN'], 'T E N', ''),
      coupon_url: url,
      coupon_url_button_title: line,
      coupon_pre_message: line,
      image_url: url,
      payload: line,
      ...replies,
    },
  ),
  PRODUCT_TEMPLATE: shape({ elements: list(shape({ id }), 10) }, replies),
  IMAGE_GRID_TEMPLATE: shape({
    elements: fc.tuple(
      shape(
        {
          images: list(
            shape(
              { url },
              {
                is_hero_image: flag,
                action: fc.oneof(
                  shape({ type: only('web_url'), url }),
                  shape({ type: only('postback'), payload: text(1000), text: line }),
                ),
              },
            ),
            6,
          ),
        },
        { title: text(45), subtitle: line, buttons: list(fc.oneof(web, postback), 3) },
      ),
    ),
  }),
  CUSTOMER_FEEDBACK_TEMPLATE: shape(
    {
      title: text(65),
      subtitle: line,
      button_title: title,
      feedback_screens: fc.tuple(
        shape({
          questions: fc.tuple(
            shape(
              { id: mostly(['q_1'], 'q-1', 'x'.repeat(81)), type: only('csat', 'nps', 'ces', 'free_form') },
              {
                title: fc.oneof(text(85), mostly(['How was it?'], 'www.x.y?', 'Why')),
                score_label: mostly(['neg_pos', 'none'], 'bad'),
                score_option: only('five_stars', 'zero_to_ten', 'one_to_seven'),
                follow_up: shape({ type: only('free_form') }, { placeholder: text(65) }),
              },
            ),
          ),
        }),
      ),
      business_privacy: shape({ url }),
    },
    { expires_in_days: days },
  ),
  CUSTOMER_INFORMATION_TEMPLATE: shape(
    { business_privacy: shape({ url }) },
    { countries: list(mostly(['US', 'BR'], 'SE'), 3), expires_in_days: days, purpose: only('SHIPPING') },
  ),
  INSTANT_FORM_TEMPLATE: shape({ form_id: id }),
  UTILITY_TEMPLATE: shape(
    { name: mostly(['order_update'], 'order update'), language: shape({ code: only('en', 'en_US') }) },
    {
      components: list(
        shape(
          { type: mostly(['header', 'body', 'buttons'], 'foot') },
          { parameters: list(shape({ type: line, text: line }), 3) },
        ),
        3,
      ),
    },
  ),
};

/** What the judge says to the message as it leaves, or null when Parley refuses it itself. */
async function verdict(type: string, message: Json): Promise<unknown[] | null> {
  let payloads: Json[];
  try {
    const specific = { MESSENGER: { message_type: type, message } };
    const context = { messageId: '01JD0000000000000000000000', properties: {} };
    payloads = transcode({ channel_specific_message: specific }, context).payloads;
  } catch (error) {
    if (error instanceof DomainError && error.fields.length === 1) return null;
    throw error;
  }
  const ready = await Promise.all(
    payloads.map((payload) => withAttachments(payload, () => Promise.resolve('77'))),
  );
  return ready.map((payload) => {
    const saved = new Map(savedMedia(payload.message as Message).map((one) => [one.id, one.type]));
    return judgeSend(
      { ...payload, recipient: { id: '7100200300400500' } },
      {
        person: () => ({ blocked: false, silentFor: 0 }),
        attachment: (attachment) => saved.get(attachment),
        persona: () => false,
        message: () => false,
        replied: () => false,
      },
    );
  });
}

test.each(Object.entries(MESSAGES))('whatever Parley takes as %s, Meta takes', async (type, messages) => {
  let taken = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(messages, async (message) => {
      const judged = await verdict(type, message as Json);
      if (judged === null) refused += 1;
      else taken += 1;
      for (const refusal of judged ?? []) expect(refusal).toBeUndefined();
    }),
    { numRuns: Math.ceil(RUNS.numRuns / Object.keys(MESSAGES).length) },
  );
  // Neither only good messages nor only bad ones.
  expect(taken).toBeGreaterThan(10);
  expect(refused).toBeGreaterThan(5);
});
