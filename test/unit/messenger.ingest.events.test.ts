// What people do beside saying something, and what Meta tells beside a content. The contents: messenger.ingest.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InboundEvent } from '../../src/channels/channel.js';
import { parseCallback } from '../../src/messenger/ingest/envelope.js';
import { parseJson } from '../../src/messenger/json.js';

type Json = Record<string, unknown>;

const FIXTURES = join(import.meta.dirname, '../fixtures/messenger');
const PAGE = '390001112223334';
const PSID = '7100200300400500';
const AT = new Date(1763712000123);
const POSTED = new Date(1763711990000);
const CDN = 'https://scontent.example.net/';

function fixture(name: string): unknown {
  return parseJson(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
}

function eventsOf(name: string): InboundEvent[] {
  return parseCallback(fixture(name)).flatMap(({ events }) => events);
}

function firstOf(name: string): InboundEvent & { key?: string; details?: Json; content?: Json } {
  const [event] = eventsOf(name);
  if (!event) throw new Error(`${name} has no event`);
  return event as InboundEvent & { content?: Json };
}

/** The item of a fixture that holds one, or the value of its change. */
function rawOf(name: string): Json {
  const { entry } = fixture(name) as { entry: Record<string, (Json & { value?: Json })[]>[] };
  const item = (entry[0]?.messaging ?? entry[0]?.standby ?? entry[0]?.changes)?.[0];
  return item?.value ?? (item as Json);
}

function read(item: unknown): InboundEvent[] {
  const body = { object: 'page', entry: [{ id: PAGE, messaging: [item] }] };
  return parseCallback(body).flatMap(({ events }) => events);
}

const generic = (type: string, fields: Json): Json => ({
  contact_event: { generic_event: { payload: { type, ...fields } } },
});

function event(content: Json, more: Json = {}): Json {
  return { kind: 'event', identity: PSID, at: AT, key: expect.any(String) as string, content, ...more };
}

function shortlink(fields: Json, more: Json = {}): Json {
  const link = {
    payload: '',
    ref: 'summer',
    source: 'SHORTLINK',
    type: 'OPEN_THREAD',
    existing_thread: true,
  };
  return event({ contact_message_event: { shortlink_activated_event: { ...link, ...fields } } }, more);
}

function comment(fields: Json, more: Json): Json {
  const said = { id: '88_2', text: 'Still available?', comment_type: 'FEED', user: 'Ann' };
  return event(
    { contact_event: { comment_event: { ...said, ...fields } } },
    { at: POSTED, key: 'comment:88_2', ...more },
  );
}

function message(content: Json, more: Json = {}): Json {
  return { kind: 'message', identity: PSID, at: AT, channelMessageId: 'm_first', content, ...more };
}

const text = (said: string, more: Json = {}): Json => message({ text_message: { text: said } }, more);

function echo(more: Json): Json {
  const common = { kind: 'echo', identity: PSID, at: AT, channelMessageId: 'm_echo' };
  return { ...common, content: { text_message: { text: 'Hi' } }, origin: 'OTHER_APP', ...more };
}

const choice = (postback_data: string, more: Json): Json =>
  message(
    { choice_response_message: { message_id: '', postback_data } },
    { channelMessageId: expect.any(String) as string, ...more },
  );

const about = (kind: string, more: Json): Json => ({ kind, identity: PSID, at: AT, ...more });
const unsupported = (more: Json = {}): Json =>
  expect.objectContaining({ kind: 'unsupported', ...more }) as Json;
const AD = rawOf('referral-ads').referral as Json;
const OTHER_APP = { app_id: '1517776481860111' };

describe('what people do beside saying something', () => {
  test.each<[sentence: string, name: string, expected: Json[]]>([
    [
      'a reaction names its message and sign',
      'reaction',
      [about('reaction', { channelMessageId: 'm_1', reaction: { emoji: '❤', category: 'love' } })],
    ],
    [
      'a reaction without emoji gets that of its category',
      'reaction-without-emoji',
      [about('reaction', { channelMessageId: 'm_1', reaction: { emoji: '😮', category: 'wow' } })],
    ],
    [
      'a reaction of a category that is new is another one',
      'reaction-of-new-category',
      [about('reaction', { channelMessageId: 'm_1', reaction: { emoji: '🫶', category: 'other' } })],
    ],
    [
      'a reaction taken away leaves none',
      'reaction-removed',
      [about('reaction', { channelMessageId: 'm_1', reaction: null })],
    ],
    [
      'a reaction taken away needs no more than its message',
      'reaction-removed-without-more',
      [about('reaction', { channelMessageId: 'm_1', reaction: null })],
    ],
    ["a reaction of the page is not the person's", 'reaction-of-page', [unsupported({ identity: PSID })]],
    ['a reaction to nothing is unsupported', 'reaction-without-mid', [unsupported({ identity: PSID })]],
    [
      'an edit gives the new text and its count',
      'message-edit',
      [about('edit', { channelMessageId: 'm_1', text: 'size L', revision: 1 })],
    ],
    [
      'an edit may count in digits',
      'message-edit-count-in-digits',
      [about('edit', { channelMessageId: 'm_1', text: 'size L', revision: 2 })],
    ],
    [
      'an edit may come without count',
      'message-edit-without-count',
      [about('edit', { channelMessageId: 'm_1', text: '', revision: null })],
    ],
    ['an edit without text is unsupported', 'message-edit-without-text', [unsupported({ identity: PSID })]],
    ['a deleted message is unsent', 'message-deleted', [about('unsend', { channelMessageId: 'm_first' })]],
    ['a deleted echo is unsent too', 'echo-deleted', [about('unsend', { channelMessageId: 'm_echo' })]],
    ['a link activates a thread that exists', 'referral', [shortlink({})]],
    ['a referral without source is of a link', 'referral-without-source', [shortlink({})]],
    [
      'what a link says beside stays in the details',
      'referral-guest',
      [
        shortlink(
          { source: 'SHORT-URL' },
          { details: { referer_uri: 'https://shop.example/', is_guest_user: false } },
        ),
      ],
    ],
    ["an ad keeps Meta's fields", 'referral-ads', [event(generic('referral', { referral: AD }))]],
    [
      'a lead keeps its answers',
      'referral-lead',
      [
        event(
          generic('referral', {
            referral: { source: 'ADS', type: 'LEAD_COMPLETE', ad_id: '60' },
            lead: { data: [{ question: 'Size?', answer: 'L' }] },
          }),
        ),
      ],
    ],
    [
      'a scanned code is no link',
      'referral-code',
      [
        event(
          generic('referral', { referral: { ref: 'desk 7', source: 'MESSENGER_CODE', type: 'OPEN_THREAD' } }),
        ),
      ],
    ],
    ['a referral that says nothing is unsupported', 'referral-empty', [unsupported({ identity: PSID })]],
    [
      'a product of the shop comes along with the question',
      'text-with-referral',
      [
        text('Is this in stock?'),
        event(generic('referral', { referral: { product: { id: '2984' } } }), { key: 'referral:m_first' }),
      ],
    ],
    [
      'an ad comes along with the first message',
      'text-with-ad-referral',
      [text('Hi'), event(generic('referral', { referral: AD }), { key: 'referral:m_first' })],
    ],
    [
      'a link comes along with Get Started in a thread that is new',
      'postback-with-referral',
      [
        choice('GET_STARTED', { channelMessageId: 'm_tap', details: { title: 'Get started' } }),
        shortlink(
          { payload: 'GET_STARTED', title: 'Get started', existing_thread: false },
          { key: 'referral:m_tap' },
        ),
      ],
    ],
    [
      'an ad comes along with Get Started',
      'postback-with-ad-referral',
      [choice('GET_STARTED', {}), event(generic('referral', { referral: AD }))],
    ],
    [
      'a tap without payload and title is an event',
      'postback-empty',
      [event(generic('postback', { postback: {} }))],
    ],
    [
      'a tap in standby is one too',
      'standby-postback-empty',
      [event(generic('postback', { postback: {} }), { details: { standby: true } })],
    ],
    [
      'a cart is products, with all that Meta says of them beside',
      'order',
      [
        message(
          {
            product_response_message: {
              products: [
                { id: '123', marketplace: 'FACEBOOK', quantity: 2, item_price: 11.5, currency: 'SEK' },
                { id: 'SKU-2', marketplace: 'FACEBOOK', quantity: 1, item_price: 7 },
              ],
              title: 'by Friday',
            },
          },
          {
            channelMessageId: expect.stringMatching(/^order:/) as string,
            details: { order: rawOf('order').order },
          },
        ),
      ],
    ],
    [
      "the dashboard's test of a cart is one",
      'change-order',
      [
        message(
          { product_response_message: { products: [{ id: '1', marketplace: 'FACEBOOK', quantity: 1 }] } },
          {
            channelMessageId: expect.any(String) as string,
            details: { order: { products: [{ id: '1', quantity: 1 }] } },
          },
        ),
      ],
    ],
    [
      'a product of the shop is a product',
      'product-template',
      [
        text('this?'),
        message(
          { product_response_message: { products: [{ id: '1', marketplace: 'FACEBOOK' }], title: 'Shoe' } },
          {
            channelMessageId: 'm_first#1',
            details: {
              attachment: { type: 'template', product: { elements: [{ id: '1', title: 'Shoe' }] } },
            },
          },
        ),
      ],
    ],
    [
      'a comment can be answered by its id',
      'change-comment',
      [
        comment(
          { commented_on: 'https://www.facebook.com/shop/posts/88' },
          {
            details: {
              ...rawOf('change-comment'),
              comment_id: undefined,
              message: undefined,
            },
          },
        ),
      ],
    ],
    [
      'a comment of old data names its author otherwise',
      'change-comment-old-form',
      [
        comment(
          { commented_on: `https://www.facebook.com/${PAGE}_88` },
          { details: expect.objectContaining({ parent_id: `${PAGE}_88`, sender_name: 'Ann' }) as Json },
        ),
      ],
    ],
    [
      'a comment on something that Meta does not name is one all the same',
      'change-feed',
      [
        comment(
          { id: '1_2', text: 'first!', commented_on: '' },
          {
            identity: '44',
            key: 'comment:1_2',
            at: new Date(1763712000000),
            details: expect.any(Object) as Json,
          },
        ),
      ],
    ],
    [
      'a comment on Instagram is one too',
      'change-instagram-comment',
      [
        comment(
          { id: '178', text: 'Price?', user: 'ann', commented_on: '' },
          {
            key: 'comment:178',
            at: new Date(1763712000000),
            details: { from: { id: PSID, username: 'ann' }, media: { id: '55', media_product_type: 'FEED' } },
          },
        ),
      ],
    ],
    [
      'a comment on a live video says so',
      'change-instagram-live-comment',
      [
        comment(
          { id: '179', text: 'Hej', user: 'ann', commented_on: '', comment_type: 'LIVE' },
          { key: 'comment:179', at: new Date(1763712000000), details: expect.any(Object) as Json },
        ),
      ],
    ],
    [
      "a visitor's post is an event that a private reply can answer",
      'change-post',
      [event(generic('feed', { feed: rawOf('change-post') }), { at: POSTED, key: `post:${PAGE}_89` })],
    ],
    ['a comment of the page is nothing to answer', 'change-comment-of-page', [unsupported({ identity: '' })]],
    ['a comment of nobody cannot be answered', 'change-comment-of-nobody', [unsupported({ identity: '' })]],
    ['an edited comment is nothing new', 'change-comment-edited', [unsupported({ identity: '' })]],
    ["the dashboard's test of a comment is nobody's", 'change-comment-of-dashboard', [unsupported()]],
    ['a like is no conversation', 'change-like', [unsupported({ identity: '' })]],
    ['a rating is no conversation', 'change-ratings', [unsupported({ identity: '' })]],
    ['a mention names nobody', 'change-mention', [unsupported({ identity: '' })]],
    ['a lead of a form names nobody', 'change-leadgen', [unsupported({ identity: '' })]],
  ])('%s', (_sentence, name, expected) => {
    expect(eventsOf(name)).toEqual(expected);
  });

  test.each([
    ['optin', 'optin'],
    ['optin-one-time', 'optin'],
    ['optin-notification-messages', 'optin'],
    ['optout', 'optout'],
    ['account-linking', 'account_linking'],
    ['pass-thread-control', 'pass_thread_control'],
    ['take-thread-control', 'take_thread_control'],
    ['request-thread-control', 'request_thread_control'],
    ['response-feedback', 'response_feedback'],
    ['messaging-feedback', 'messaging_feedback'],
    ['customer-information', 'messaging_customer_information'],
    ['lead-form', 'form'],
    ['coupon', 'template'],
    ['game-play', 'game_play'],
    ['payment', 'payment'],
    ['checkout-update', 'checkout_update'],
    ['pre-checkout', 'pre_checkout'],
    ['message-request', 'message_request'],
    ['order-without-products', 'order'],
  ])("%s keeps Meta's fields below its kind", (name, key) => {
    const fields = rawOf(name)[key];
    expect(fields).toBeDefined();
    expect(eventsOf(name)).toEqual([event(generic(key, { [key]: fields }))]);
  });

  test('the old spelling of a policy notice is the same kind', () => {
    const notice = { action: 'block', reason: 'Spam' };
    expect(eventsOf('policy-enforcement-old-key')).toEqual([
      event(generic('policy_enforcement', { policy_enforcement: notice })),
    ]);
  });

  test('an event of nobody is unsupported', () => {
    for (const name of ['app-roles', 'optin-user-ref', 'policy-enforcement'])
      expect(eventsOf(name)).toEqual([unsupported({ identity: '', raw: rawOf(name) })]);
  });

  test('a redelivered event has the same key, in standby as well; another one has another', () => {
    expect(firstOf('optin').key).toBe(firstOf('optin').key);
    expect(firstOf('postback-empty').key).toBe(firstOf('standby-postback-empty').key);
    const keys = ['optin', 'optin-one-time', 'account-linking', 'referral', 'referral-ads', 'change-post'];
    expect(new Set(keys.map((name) => firstOf(name).key)).size).toBe(keys.length);
  });

  test('without a time of its own, an event that comes again later is another one', () => {
    const item = { sender: { id: PSID }, account_linking: { status: 'unlinked' } };
    const keys = [1, 1, 2].map((seconds) => {
      const [entry] = parseCallback({ entry: [{ id: PAGE, time: 1763712000 + seconds, messaging: [item] }] });
      return (entry?.events[0] as { key: string }).key;
    });
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).not.toBe(keys[2]);
  });
});

describe('what Meta tells beside a content', () => {
  const attachment = (fields: Json): Json => ({ details: { attachment: fields } });
  const media = (url: string, more: Json): Json => message({ media_message: { url } }, more);

  test.each<[sentence: string, name: string, expected: Json[]]>([
    ['a plain text has nothing beside it', 'text', [text('Är butiken öppen? 🙂')]],
    ['the type of media is told', 'audio', [media(`${CDN}voice.mp4`, attachment({ type: 'audio' }))]],
    [
      'every attachment has its own',
      'several-attachments',
      [
        message(
          { media_card_message: { url: `${CDN}1.jpg`, caption: 'both' } },
          attachment({ type: 'image' }),
        ),
        media(`${CDN}2.mp4`, { channelMessageId: 'm_first#1', ...attachment({ type: 'video' }) }),
        message(expect.objectContaining({}) as Json, { channelMessageId: 'm_first#2' }),
      ],
    ],
    [
      'a reel has its title and id',
      'reel',
      [
        media(
          'https://www.facebook.com/reel/55/',
          attachment({ type: 'reel', title: 'Ours', reel_video_id: 55 }),
        ),
      ],
    ],
    [
      'the name of a file is its own',
      'file-with-name',
      [
        message(
          { media_message: { url: `${CDN}x7`, filename_override: 'bill.pdf' } },
          attachment({ type: 'file', title: 'bill.pdf' }),
        ),
      ],
    ],
    [
      'the map of a location stays',
      'location-with-title',
      [
        message(
          {
            location_message: {
              title: 'Pinned location',
              label: '',
              coordinates: { latitude: 0, longitude: -13.5 },
            },
          },
          attachment({ type: 'location', title: 'Pinned location', url: 'https://maps.example/' }),
        ),
      ],
    ],
    [
      'the title of a link stays where the text takes its place',
      'link-beside-text',
      [
        text(
          'these please\nhttps://shop.example/shoes',
          attachment(expect.objectContaining({ type: 'fallback' }) as Json),
        ),
      ],
    ],
    [
      'a thumb without picture is a thumb',
      'thumb-without-picture',
      [text('👍', attachment({ type: 'sticker', sticker_id: '369239383222810' }))],
    ],
    [
      'a thumb that is no attachment is a thumb',
      'sticker-id-only',
      [text('👍', { details: { sticker_id: 369239263222822 } })],
    ],
    [
      'another sticker without picture is kept raw',
      'sticker-id-of-another',
      [
        message({
          fallback_message: {
            raw_message: '{"mid":"m_first","sticker_id":842488328414943}',
            reason: expect.any(Object) as Json,
          },
        }),
      ],
    ],
    [
      'a heart of Instagram is a heart',
      'like-heart',
      [text('❤️', { channelMessageId: 'm_ig', ...attachment({ type: 'like_heart' }) })],
    ],
    [
      'a mention in a story is media, and says that it is of a story',
      'story-mention',
      [
        media('https://lookaside.fbsbx.com/story?id=1', {
          channelMessageId: 'm_ig',
          ...attachment({ type: 'story_mention' }),
        }),
      ],
    ],
    [
      'what Instagram shares is media',
      'share-of-instagram',
      [
        media('https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1', {
          channelMessageId: 'm_ig',
          ...attachment({ type: 'share' }),
        }),
      ],
    ],
    [
      'a shared page is a link',
      'share-of-a-page',
      [text('Shoes\nhttps://shop.example/shoes', attachment({ type: 'share', title: 'Shoes' }))],
    ],
    [
      'an appointment is kept raw',
      'appointment-booking',
      [message({ fallback_message: expect.any(Object) as Json })],
    ],
    [
      'a template is kept raw',
      'template-of-buttons',
      [message({ fallback_message: expect.any(Object) as Json })],
    ],
    [
      'results of language processing, and tags, are kept',
      'text-with-nlp',
      [
        text('see you at 4pm', {
          details: {
            nlp: (rawOf('text-with-nlp').message as Json).nlp,
            tags: [{ source: 'customer_chat_plugin' }],
          },
        }),
      ],
    ],
    [
      'commands and fields of tomorrow are kept',
      'text-with-unknown-keys',
      [
        text('hello', {
          details: {
            nlp: { entities: {} },
            commands: [{ name: 'flights' }],
            mood: { a: [1] },
            hop_context: { app_id: 1 },
          },
        }),
      ],
    ],
    [
      'who came by a checkbox is told',
      'text-after-checkbox',
      [
        text('Hi', {
          details: { prior_message: { source: 'checkbox_plugin', identifier: 'UR-1' }, user_ref: 'UR-1' },
        }),
      ],
    ],
    [
      'the way through other apps is told, also where the entry has it',
      'text-with-hop-context-on-entry',
      [text('Hi', { details: { hop_context: { app_id: 2653153441517780, metadata: '' } } })],
    ],
    [
      'who answers themselves is told',
      'reply-to-self',
      [text('and this one?', { replyTo: 'm_earlier', details: { reply_to: { is_self_reply: true } } })],
    ],
    [
      'the story that is answered is told',
      'reply-to-story',
      [text('nice', { details: { reply_to: { story: { id: '9', url: `${CDN}story.jpg` } } } })],
    ],
    [
      'the title of a quick reply is told',
      'quick-reply',
      [choice('COLOUR_RED', { channelMessageId: 'm_first', details: { title: 'Red' } })],
    ],
    ['standby is told', 'standby-text', [text('to the other app', { details: { standby: true } })]],
    [
      'standby is told in the form of a change',
      'change-standby',
      [text('Hi', { details: { standby: true } })],
    ],
    ['an echo in standby says so', 'echo-in-standby', [echo({ details: { standby: true, ...OTHER_APP } })]],
    [
      'an echo names the other app and what it noted',
      'echo-of-other-app',
      [echo({ details: { ...OTHER_APP, metadata: 'conv:42' } })],
    ],
    [
      'an echo names the message that it quotes',
      'echo-reply',
      [echo({ replyTo: 'm_first', details: { reply_to: { is_self_reply: false }, ...OTHER_APP } })],
    ],
    [
      'an echo with its sides swapped is of the page all the same',
      'echo-with-sides-swapped',
      [echo({ origin: 'PAGE_INBOX' })],
    ],
    [
      'a message of the page is its echo without the flag too',
      'echo-without-flag',
      [echo({ origin: 'PAGE_INBOX' })],
    ],
  ])('%s', (_sentence, name, expected) => {
    expect(eventsOf(name)).toEqual(expected);
  });

  test('a key named __proto__ stays out of it', () => {
    const body = parseJson(
      `{"entry":[{"messaging":[{"sender":{"id":"1"},"message":{"mid":"m","text":"t","__proto__":{"standby":true}}}]}]}`,
    );
    const [event] = parseCallback(body).flatMap(({ events }) => events);
    expect(event).not.toHaveProperty('details');
  });
});

test('a second event in the same item is kept beside the first', () => {
  const [event] = read({
    sender: { id: PSID },
    message: { mid: 'm', text: 't' },
    optin: { ref: 'x' },
  });
  expect(event).toMatchObject({ kind: 'message', details: { optin: { ref: 'x' } } });
});

test('every fixture is named in a test of ingestion', () => {
  const tests = ['messenger.ingest.test.ts', 'messenger.ingest.events.test.ts'];
  const written = tests.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('');
  const names = readdirSync(FIXTURES).map((file) => file.replace(/\.json$/, ''));
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !written.includes(`'${name}'`))).toEqual([]);
});
