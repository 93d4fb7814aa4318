import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InboundEvent } from '../../src/channels/channel.js';
import type { AppMessage } from '../../src/content/app-message.js';
import type { ContactMessage } from '../../src/content/contact-message.js';
import { countEvents, isCallback, parseCallback } from '../../src/messenger/ingest/envelope.js';
import { parseJson } from '../../src/messenger/json.js';
import {
  choiceReference,
  metadataOf,
  parseChoiceReference,
  referenceOf,
} from '../../src/messenger/reference.js';
import { expectedOutcomes, outcomeOfParsed } from '../support/webhook-outcomes.js';

const FIXTURES = join(import.meta.dirname, '../fixtures/messenger');
const PAGE = '390001112223334';
const PSID = '7100200300400500';
const AT = new Date(1763712000123);
const CDN = 'https://scontent.example.net/';

function fixture(name: string): unknown {
  return parseJson(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
}

/** Without what is beside their content, see messenger.ingest.events.test.ts. */
function eventsOf(name: string): InboundEvent[] {
  return parseCallback(fixture(name))
    .flatMap(({ events }) => events)
    .map((event) => ({ ...event, details: undefined }));
}

function message(content: ContactMessage, more: object = {}): object {
  return { kind: 'message', identity: PSID, at: AT, channelMessageId: 'm_first', content, ...more };
}

function text(text: string, more: object = {}): object {
  return message({ text_message: { text } }, more);
}

function choice(postback_data: string, more: object = {}): object {
  return message({ choice_response_message: { message_id: '', postback_data } }, more);
}

function media(file: string, more: object = {}): object {
  return message({ media_message: { url: `${CDN}${file}` } }, more);
}

function place(latitude: number, longitude: number, title = ''): ContactMessage {
  return { location_message: { title, label: '', coordinates: { latitude, longitude } } };
}

function fallback(raw: unknown, more: object = {}): object {
  const reason = {
    code: 'UNSUPPORTED_OPERATION',
    description: expect.stringMatching(/^Messenger delivered/) as string,
    sub_code: 'UNSPECIFIED_SUB_CODE',
  };
  const raw_message = JSON.stringify(raw);
  return { ...message({}), content: { fallback_message: { raw_message, reason } }, ...more };
}

function receipt(
  status: string,
  watermark: Date | null,
  channelMessageIds: string[],
  more: object = {},
): object {
  return { kind: 'receipt', identity: PSID, at: AT, status, watermark, channelMessageIds, ...more };
}

function echo(content: AppMessage, origin: string, more: object = {}): object {
  return { kind: 'echo', identity: PSID, at: AT, channelMessageId: 'm_echo', content, origin, ...more };
}

/** The one unsupported event of a fixture, with the raw item that it must keep. */
function unsupported(raw: unknown, identity = PSID, at: Date | null = AT): object {
  return { kind: 'unsupported', identity, at, raw, key: expect.stringMatching(/^[0-9a-f]{32}$/) as string };
}

function rawItem(name: string): unknown {
  const { entry } = fixture(name) as { entry: { messaging?: unknown[]; changes?: unknown[] }[] };
  return (entry[0]?.messaging ?? entry[0]?.changes)?.[0];
}

function unsupportedItem(name: string, identity = PSID): [string, object[]] {
  return [name, [unsupported(rawItem(name), identity)]];
}

const SHOES = 'https://shop.example/shoes';
const INBOX: AppMessage = { text_message: { text: 'Hi, Ann here' } };
const ENTRY_TIME = { at: new Date(1763712000523) };

describe('parseCallback', () => {
  test.each<[sentence: string, name: string, expected: object[]]>([
    ['a text is a text message', 'text', [text('Är butiken öppen? 🙂')]],
    ['unknown keys beside a text do not matter', 'text-with-unknown-keys', [text('hello')]],
    ['a reply names the message it quotes', 'reply', [text('this one', { replyTo: 'm_earlier' })]],
    ['a reply to a story quotes no message', 'reply-to-story', [text('nice')]],
    ['a quick reply answers a choice', 'quick-reply', [choice('COLOUR_RED')]],
    ['a quick reply with a number as payload is the same', 'quick-reply-number-payload', [choice('2')]],
    ['a quick reply without payload gives its title', 'quick-reply-without-payload', [choice('Red')]],
    [
      'what is attached to a quick reply follows it',
      'quick-reply-with-image',
      [choice('COLOUR_RED'), media('red.png', { channelMessageId: 'm_first#1' })],
    ],
    ['an image is media', 'image', [media('cat.jpg')]],
    ['a video is media', 'video', [media('cat.mp4')]],
    ['a voice clip is media', 'audio', [media('voice.mp4')]],
    ['a file is media', 'file', [media('bill.pdf')]],
    [
      'media with a text is a media card',
      'image-with-text',
      [message({ media_card_message: { url: `${CDN}cat.jpg`, caption: 'look' } })],
    ],
    ['the URL of old data is found beside the payload', 'image-url-beside-payload', [media('cat.jpg')]],
    ['an image without URL is kept raw', 'image-without-url', [fallback({ type: 'image', payload: {} })]],
    [
      'every attachment becomes a message, the text goes with the first',
      'several-attachments',
      [
        message({ media_card_message: { url: `${CDN}1.jpg`, caption: 'both' } }),
        media('2.mp4', { channelMessageId: 'm_first#1' }),
        fallback({ type: 'hologram', payload: { depth: 3 } }, { channelMessageId: 'm_first#2' }),
      ],
    ],
    ['a sticker is media', 'sticker', [media('thumb.png')]],
    ['a sticker in the form of an image is media', 'sticker-as-image', [media('thumb.png')]],
    ['a sticker that comes twice counts once', 'sticker-with-image-twin', [media('thumb.png')]],
    ['a location has empty title and label', 'location', [message(place(55.610479, 13.002873))]],
    ['a location keeps its title', 'location-with-title', [message(place(0, -13.5, 'Pinned location'))]],
    [
      'a text beside a location is a message of its own',
      'location-with-text',
      [text('here'), message(place(1.5, 2.5), { channelMessageId: 'm_first#1' })],
    ],
    [
      'a location without coordinates is kept raw',
      'location-without-coordinates',
      [fallback({ type: 'location', payload: {} })],
    ],
    ['a shared link is its title and address', 'link', [text(`Shoes\n${SHOES}`)]],
    ['a shared link of old data is the same', 'link-old-form', [text(`Shoes\n${SHOES}`)]],
    ['an address in capitals is found', 'link-url-in-capitals', [text(`Shoes\n${SHOES}`)]],
    [
      'an address that the text holds is not repeated',
      'link-in-text',
      [text('have you seen shop.example/shoes?')],
    ],
    ["the target of Facebook's redirect is not repeated", 'link-behind-redirect', [text(SHOES)]],
    ['an address that the text lacks is added', 'link-beside-text', [text(`these please\n${SHOES}`)]],
    [
      'a share without address is kept raw',
      'link-without-url',
      [fallback({ type: 'fallback', title: 'Attachment unavailable' })],
    ],
    ['a reel is media', 'reel', [message({ media_message: { url: 'https://www.facebook.com/reel/55/' } })]],
    [
      'a reel with a path alone gets its host',
      'reel-relative-url',
      [message({ media_message: { url: 'https://www.instagram.com/reel/55/' } })],
    ],
    ['a shared post is media', 'post', [message({ media_message: { url: 'https://www.facebook.com/p/1' } })]],

    [
      'an attachment of an unknown type is kept raw',
      'attachment-of-unknown-type',
      [fallback({ type: 'hologram', payload: { url: `${CDN}x`, depth: 3 } })],
    ],
    ['an attachment that is no object is kept raw', 'attachment-not-an-object', [fallback('image')]],
    ['a message without content is kept raw', 'message-without-content', [fallback({ mid: 'm_first' })]],
    [
      'content that Messenger withholds is kept raw',
      'message-is-unsupported',
      [fallback({ mid: 'm_first', is_unsupported: true })],
    ],
    [
      'a message without id gets a derived one',
      'message-without-mid',
      [
        text('no id', {
          channelMessageId: expect.stringMatching(`^message:${PSID}:${AT.getTime()}:[0-9a-f]{32}$`),
        }),
      ],
    ],
    ['a message with neither id nor content is unsupported', ...unsupportedItem('message-empty-object')],
    ['a message of nobody is unsupported', ...unsupportedItem('message-without-sender', '')],
    ['an event of a person not yet known is unsupported', ...unsupportedItem('sender-user-ref-only', '')],
    [
      'a postback answers a choice under a derived id',
      'postback',
      [
        choice('GET_STARTED', {
          channelMessageId: expect.stringMatching(`^postback:${PSID}:${AT.getTime()}:[0-9a-f]{32}$`),
        }),
      ],
    ],
    [
      'a postback with an id keeps it',
      'postback-with-mid',
      [choice('GET_STARTED', { channelMessageId: 'm_tap' })],
    ],
    [
      'a postback in standby has its title',
      'standby-postback',
      [choice('Opening hours', { channelMessageId: expect.stringMatching(/^postback:/) as string })],
    ],
    ['a text in standby is a text', 'standby-text', [text('to the other app')]],
    ['a delivery names messages and a watermark', 'delivery', [receipt('DELIVERED', AT, ['m_1', 'm_2'])]],
    [
      'a delivery without time has that of its entry',
      'delivery-without-mids',
      [receipt('DELIVERED', AT, [], ENTRY_TIME)],
    ],
    ['a watermark may be a string', 'delivery-watermark-string', [receipt('DELIVERED', AT, [])]],
    ['a delivery of old data names one message', 'delivery-single-mid', [receipt('DELIVERED', AT, ['m_1'])]],
    ['a delivery that says nothing is unsupported', ...unsupportedItem('delivery-empty')],
    ['a read receipt has a watermark', 'read', [receipt('READ', AT, [])]],
    [
      'a read receipt of Instagram names a message',
      'read-mid',
      [receipt('READ', null, ['m_1'], { identity: '5566' })],
    ],
    [
      'an echo of our own send gives the reference back',
      'echo-of-ours',
      [echo({ text_message: { text: 'Hi' } }, 'OTHER_APP', { reference: '01JD0000000000000000000000:0' })],
    ],
    ['an echo of the Page inbox says so', 'echo-of-page-inbox', [echo(INBOX, 'PAGE_INBOX')]],
    [
      'the shorter id of the Page inbox counts too',
      'echo-of-page-inbox-short-id',
      [echo(INBOX, 'PAGE_INBOX')],
    ],
    ['an echo without app is of the Page inbox', 'echo-without-app-id', [echo(INBOX, 'PAGE_INBOX')]],
    [
      'an echo of another app has no reference',
      'echo-of-other-app',
      [echo({ text_message: { text: 'Hi' } }, 'OTHER_APP')],
    ],
    [
      'an echo of an image is media',
      'echo-image',
      [echo({ media_message: { url: `${CDN}cat.jpg` } }, 'OTHER_APP')],
    ],
    ['an echo without id is unsupported', ...unsupportedItem('echo-without-mid')],
    ['ids may be numbers', 'ids-as-numbers', [text('hello')]],
    ['a time may be in seconds', 'timestamp-in-seconds', [text('hello', { at: new Date(1763712000000) })]],
    ['a time may be a string', 'timestamp-as-string', [text('hello')]],
    ['a time may be ISO 8601', 'timestamp-iso', [text('hello', { at: new Date('2025-11-21T08:00:00Z') })]],
    ['a time of zero is none', 'timestamp-zero', [text('hello', ENTRY_TIME)]],
    ['a time may be absent', 'timestamp-absent', [text('hello', { at: null })]],
    [
      "the dashboard's test of a messaging field is that event",
      'change-messages',
      [
        text('test_message', {
          identity: '12334',
          at: new Date(1763712000000),
          channelMessageId: 'test_message_id',
        }),
      ],
    ],
    ['an opt-in of nobody is unsupported', ...unsupportedItem('optin-user-ref', '')],
    ['a policy notice is unsupported', ...unsupportedItem('policy-enforcement', '')],
    ['an unknown event is unsupported', ...unsupportedItem('unknown-event')],
    ['an empty event is unsupported', 'event-empty-object', [unsupported({}, '', ENTRY_TIME.at)]],
    [
      'an event that is no object is unsupported',
      'event-not-an-object',
      [unsupported('telepathy', '', ENTRY_TIME.at)],
    ],
    ['an empty callback has no events', 'entry-empty', []],
    ['an entry without events has none', 'entry-without-events', []],
    [
      'an entry of an unknown form is unsupported',
      'entry-with-changed-fields',
      [unsupported({ id: PAGE, time: AT.getTime(), changed_fields: ['feed'] }, '')],
    ],
    ['an entry that is no object is unsupported', 'entry-not-an-object', [unsupported('surprise', '', null)]],
    [
      'good events survive bad neighbours',
      'poison-between-good-events',
      [
        text('one'),
        unsupported(expect.objectContaining({ sender: { id: [PSID] } }), ''),
        unsupported(7, ''),
        text('three', { channelMessageId: 'm_third' }),
      ],
    ],
    [
      'a plain text of Instagram is a text',
      'instagram-text',
      [text('hej', { identity: '5566', at: new Date('2025-11-21T08:00:00Z'), channelMessageId: 'm_ig' })],
    ],
  ])('%s', (_sentence, name, expected) => {
    expect(eventsOf(name)).toEqual(expected);
  });

  test.each(['echo-template', 'echo-image-with-text'])('%s keeps what has no generic form raw', (name) => {
    const [event] = eventsOf(name);
    const { message: raw } = rawItem(name) as { message: unknown };
    expect(event).toMatchObject({ kind: 'echo', origin: 'OTHER_APP' });
    const content = (event as { content: AppMessage }).content;
    expect(Object.keys(content)).toEqual(['explicit_channel_message']);
    expect(JSON.parse(content.explicit_channel_message?.MESSENGER ?? '')).toEqual(raw);
  });

  test('entries keep their page and themselves apart', () => {
    const entries = parseCallback(fixture('several-entries'));
    const { entry: raw } = fixture('several-entries') as { entry: unknown[] };
    expect(entries.map(({ accountId }) => accountId)).toEqual([PAGE, '390009998887776']);
    expect(entries.map((entry) => entry.raw)).toEqual(raw);
    expect(entries.map(({ events }) => events.length)).toEqual([1, 1]);
  });

  test('a tap on another button at the same time has another id', () => {
    const idOf = (postback: object): string => {
      const item = { sender: { id: PSID }, timestamp: 1763712000123, postback };
      const [entry] = parseCallback({ object: 'page', entry: [{ id: PAGE, messaging: [item] }] });
      return (entry?.events[0] as { channelMessageId: string }).channelMessageId;
    };
    expect(idOf({ payload: 'A' })).toBe(idOf({ payload: 'A', title: 'changed' }));
    expect(idOf({ payload: 'A' })).not.toBe(idOf({ payload: 'B' }));
  });

  test('an id too long to be one is not taken for one', () => {
    const item = { sender: { id: 'x'.repeat(501) }, message: { mid: 'm', text: 'hello' } };
    const [entry] = parseCallback({ object: 'page', entry: [{ id: PAGE, messaging: [item] }] });
    expect(entry?.events).toMatchObject([{ kind: 'unsupported', identity: '' }]);
  });

  test.each([
    -1,
    1e300,
    '253402300800000',
    '12345-01-01T00:00:00Z',
    '1969-12-31T00:00:00Z',
    'soon',
    true,
    [1],
  ])('the time %j is none', (timestamp) => {
    const item = { sender: { id: PSID }, timestamp, message: { mid: 'm', text: 'hello' } };
    const [entry] = parseCallback({ object: 'page', entry: [{ id: PAGE, messaging: [item] }] });
    expect(entry?.events).toMatchObject([{ kind: 'message', at: null }]);
  });

  test.each([
    [90.1, 0],
    [0, -180.1],
    [1e300, 0],
    ['', 0],
    [null, 0],
  ])('%j, %j is no place', (lat, long) => {
    const attachments = [{ type: 'location', payload: { coordinates: { lat, long } } }];
    const item = { sender: { id: PSID }, message: { mid: 'm', attachments } };
    const [entry] = parseCallback({ object: 'page', entry: [{ id: PAGE, messaging: [item] }] });
    expect(entry?.events).toMatchObject([{ content: { fallback_message: {} } }]);
  });
});

test('a message of more attachments than anybody sends makes no more messages than a long one, and loses nothing', () => {
  const attachments = Array.from({ length: 30_000 }, (_, index) => ({
    type: 'image',
    payload: { url: `https://x/${index}` },
  }));
  const item = { sender: { id: PSID }, message: { mid: 'm', text: 'Look', attachments } };
  const [entry] = parseCallback({ object: 'page', entry: [{ id: PAGE, messaging: [item] }] });
  const events = entry?.events ?? [];
  expect(events).toHaveLength(51);
  expect(events[0]).toMatchObject({
    content: { media_card_message: { url: 'https://x/0', caption: 'Look' } },
  });
  expect(events[49]).toMatchObject({
    channelMessageId: 'm#49',
    content: { media_message: { url: 'https://x/49' } },
  });
  const last = events[50] as { content: { fallback_message: { raw_message: string } } };
  expect(JSON.parse(last.content.fallback_message.raw_message)).toEqual(attachments.slice(50));
});

describe('isCallback and countEvents', () => {
  test.each([
    [{ object: 'page' }, true],
    [{ object: 'instagram', entry: [] }, true],
    [{ object: 'whatsapp_business_account' }, false],
    [{}, false],
    [[], false],
    [null, false],
    ['page', false],
  ])('%j is a callback: %s', (body, expected) => {
    expect(isCallback(body)).toBe(expected);
  });

  test('every list of every entry counts', () => {
    const entry = { messaging: [1, 2], standby: [3], changes: [4, 5, 6] };
    expect(countEvents({ object: 'page', entry: [entry, {}, null] })).toBe(9);
    expect(countEvents(null)).toBe(0);
  });
});

describe('parseJson', () => {
  test('an id that a number cannot hold keeps its digits', () => {
    expect(
      parseJson(
        '{"id":12345678901234567,"safe":9007199254740991,"f":0.1234567890123456,"s":"12345678901234567"}',
      ),
    ).toEqual({
      id: '12345678901234567',
      safe: 9007199254740991,
      f: 0.1234567890123456,
      s: '12345678901234567',
    });
    expect(parseJson('[-12345678901234567]')).toEqual(['-12345678901234567']);
  });

  test('what Postgres refuses is replaced, in keys and in values', () => {
    expect(parseJson('{"a\\u0000":"x\\u0000\\ud800y","b":"\\ud83d\\ude42"}')).toEqual({
      'a\ufffd': 'x\ufffd\ufffdy',
      b: '🙂',
    });
  });

  test('a key named __proto__ stays a key', () => {
    const parsed = parseJson('{"__proto__":{"admin":true}}') as object;
    expect(Object.keys(parsed)).toEqual(['__proto__']);
    expect('admin' in parsed).toBe(false);
  });

  test.each([
    ['lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['lists and long numbers', '[12345678901234567,'.repeat(100_000) + '1' + ']'.repeat(100_000)],
    ['objects', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
  ])('deep %s are cut and can be written again', (_what, text) => {
    expect(JSON.stringify(parseJson(text)).length).toBeLessThan(5_000);
  });

  test.each(['', '{', 'hello', '{"a":1}}'])('%j is refused', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});

describe('references', () => {
  test('a reference comes back from metadata, what is not ours does not', () => {
    expect(referenceOf(metadataOf('01J:2'))).toBe('01J:2');
    expect([referenceOf('conv:42'), referenceOf(undefined), referenceOf(7)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('a choice reference comes back as message and index', () => {
    expect(parseChoiceReference(choiceReference('01JD', 12))).toEqual({ messageId: '01JD', index: 12 });
    expect(['parley:', 'parley:01JD', 'parley:01JD:x', 'x'].map(parseChoiceReference)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

/** Real webhooks, where they lie beside the checkout; they are not ours to copy. */
const CORPUS = join(import.meta.dirname, '../../../shared/fixtures');

describe.skipIf(!existsSync(CORPUS))(
  'the shared corpus (skipped where it is not beside the checkout)',
  () => {
    test.each(['messenger-webhooks', 'instagram-webhooks'])(
      'every file of %s becomes what it has to',
      (folder) => {
        const index = readFileSync(join(CORPUS, folder, 'INDEX.jsonl'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { file: string; kind: string });
        const outcomes = index.map(({ file, kind }) => {
          const body = parseJson(readFileSync(join(CORPUS, folder, file), 'utf8'));
          if (kind === 'negative_unknown_object') return [file, isCallback(body) ? ['taken'] : []];
          const events = new Map(
            parseCallback(body)
              .flatMap((entry) => entry.events)
              .map((event) => [idOf(event), event]),
          );
          return [file, [...events.values()].map(outcomeOfParsed).sort()];
        });
        const expected = index.map(({ file, kind }, position) => {
          if (kind === 'negative_unknown_object') return [file, []];
          const [object] = folder.replace('messenger', 'page').split('-');
          return [file, expectedOutcomes({ file, kind }, outcomes[position]?.[1]?.length ?? 0, object)];
        });
        expect(index.length).toBeGreaterThan(10);
        expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
      },
    );
  },
);

/** The same for what is the same when it comes again. */
function idOf(event: InboundEvent): string {
  if ('key' in event) return event.key;
  if ('channelMessageId' in event) return `${event.kind} ${event.channelMessageId}`;
  return JSON.stringify(event);
}
