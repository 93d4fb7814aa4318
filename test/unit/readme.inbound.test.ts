import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InboundEvent } from '../../src/channels/channel.js';
import { ATTACHMENTS } from '../../src/messenger/ingest/attachment.js';
import { parseCallback, READERS } from '../../src/messenger/ingest/envelope.js';
import { parseJson } from '../../src/messenger/json.js';
import { outcomeOfParsed } from '../support/webhook-outcomes.js';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const FIXTURES = join(import.meta.dirname, '../fixtures/messenger');

/** The table of the README, line by line. */
const HEADING = '## What a person can do on Messenger';
const rows = (README.slice(README.indexOf(HEADING) + HEADING.length).split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** Webhooks of each line, by the beginning of the line; together they become all that the line says, and nothing else. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  'a text,': ['text', 'reply', 'text-with-nlp', 'text-with-unknown-keys', 'reply-to-story'],
  'a picture,': ['image', 'video', 'audio', 'file', 'file-with-name'],
  'media and': ['image-with-text'],
  'several attachments': ['several-attachments'],
  'a sticker': ['sticker', 'sticker-as-image', 'sticker-with-image-twin'],
  'the thumb,': ['sticker-id-only', 'thumb-without-picture', 'like-heart'],
  'a reel,': ['reel', 'reel-relative-url', 'post', 'story-mention', 'share-of-instagram'],
  'a shared link': ['link', 'link-old-form', 'share-of-a-page'],
  'a location': ['location', 'location-with-title'],
  'a product': ['product-template'],
  'a cart': ['order', 'change-order'],
  'an appointment,': ['appointment-booking', 'template-of-buttons', 'attachment-of-unknown-type'],
  'content that': ['message-is-unsupported'],
  'a quick reply,': ['quick-reply', 'postback', 'postback-with-mid'],
  'a button of another app,': ['standby-postback', 'standby-postback-empty'],
  'arriving by an m.me link': ['referral', 'postback-with-referral'],
  'arriving by an ad,': [
    ...['referral-ads', 'referral-lead', 'referral-code', 'text-with-referral'],
    ...['text-with-ad-referral', 'postback-with-ad-referral'],
  ],
  'a reaction,': ['reaction', 'reaction-removed', 'reaction-removed-without-more'],
  'changing a message': ['message-edit'],
  'taking a message back': ['message-deleted', 'echo-deleted'],
  receiving: ['delivery', 'read'],
  agreeing: ['optin', 'optin-one-time', 'optin-notification-messages', 'optout'],
  linking: ['account-linking'],
  'the thread': ['pass-thread-control', 'take-thread-control', 'request-thread-control'],
  'answering a survey': [
    'messaging-feedback',
    'response-feedback',
    'customer-information',
    'lead-form',
    'coupon',
  ],
  'what Meta has ended': ['game-play', 'payment', 'checkout-update', 'pre-checkout', 'message-request'],
  'a new comment': ['change-comment', 'change-instagram-comment', 'change-instagram-live-comment'],
  "a visitor's new post": ['change-post'],
  'what the Page inbox': ['echo-of-page-inbox', 'echo-of-other-app'],
  'comments that are edited,': [
    ...['change-comment-edited', 'change-like', 'change-ratings', 'change-mention', 'change-leadgen'],
  ],
  'what the page itself': ['change-comment-of-page'],
  'an event of nobody': [
    ...['policy-enforcement', 'app-roles', 'optin-user-ref', 'sender-user-ref-only'],
    'policy-enforcement-old-key',
  ],
  'what nobody knows': ['unknown-event', 'event-not-an-object', 'delivery-empty'],
};

/** What the table says for what becomes of an event. */
const WORDS: Readonly<Partial<Record<string, string>>> = {
  edit: 'editedAt',
  unsend: 'deletedAt',
  unsupported: 'UNSUPPORTED',
  'echo of PAGE_INBOX': 'PAGE_INBOX',
  'echo of OTHER_APP': 'OTHER_APP',
};

function wordOf(event: InboundEvent): string {
  const outcome = outcomeOfParsed(event);
  return WORDS[outcome] ?? outcome.replace(/^(generic_event) .*/, '$1');
}

const words = (cell = ''): string[] => [...cell.matchAll(/`([\w.-]+)`/g)].map(([, word]) => word ?? '');
/** Where the table says in which field something stands. */
const isField = (word: string): boolean => word.includes('.') || word === 'id';

test.each(Object.entries(SAMPLES))('%s … becomes what the README says', (beginning, names) => {
  const lines = rows.filter(([, doing]) => doing?.startsWith(beginning));
  expect(lines).toHaveLength(1);
  const becoming = names.flatMap((name) => {
    const body = parseJson(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
    return parseCallback(body).flatMap(({ events }) => events.map(wordOf));
  });
  const said = words(lines[0]?.[3]).filter((word) => !isField(word));
  expect([...new Set(becoming)].sort()).toEqual([...new Set(said)].sort());
});

test('every line of the table is tried', () => {
  const tried = rows.filter(([, doing]) =>
    Object.keys(SAMPLES).some((beginning) => doing?.startsWith(beginning)),
  );
  expect(tried).toHaveLength(rows.length);
  expect(rows.length).toBeGreaterThan(30);
});

test('every kind and every attachment that has a reader stands in the table', () => {
  const named = new Set(rows.flatMap(([, , webhook]) => words(webhook)));
  const read = [...READERS.map(([key]) => key), ...Object.keys(ATTACHMENTS)];
  expect(read.filter((key) => !named.has(key))).toEqual([]);
});

const REFERENCE = join(import.meta.dirname, '../../../shared/reference/messenger-platform.md');

test.skipIf(!existsSync(REFERENCE))(
  'every event of the reference has a reader (skipped where it is not beside the checkout)',
  () => {
    const reference = readFileSync(REFERENCE, 'utf8');
    const section = reference.slice(reference.indexOf('### 12.5')).split('\n### ')[0] ?? '';
    const keys = section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => words(line.split('|')[1]));
    const read = new Set(READERS.map(([key]) => key));
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter((key) => !read.has(key))).toEqual([]);
  },
);
