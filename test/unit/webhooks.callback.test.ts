import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventKind, EventPayloads, Snapshot, StoredEvent } from '../../src/events/event.js';
import type { CallbackApp } from '../../src/webhooks/callback-body.js';
import { callbackOf, triggerOf } from '../../src/webhooks/callback.js';

type Json = Record<string, unknown>;

const FIXTURES = join(import.meta.dirname, '../fixtures/webhooks');
const APP_ID = '01K9Z3Q4T6V8X0Z2B4D6F8H0JM';
const PROJECT_ID = '7d0f2a54-3c1b-4e6d-9a8f-5b2c4d6e8f01';
const CONTACT_ID = '01K9Z4A0B2D4F6H8K0N2Q4S6T8';
const CONVERSATION_ID = '01K9Z4A1C3E5G7J9M1P3R5T7V9';
const ASKED_ID = '01K9Z48X0Z2B4D6F8H0K2N4Q6S';

const PLAIN: CallbackApp = { processingMode: 'CONVERSATION', conversationMetadataReportView: 'NONE' };
const FULL: CallbackApp = { ...PLAIN, conversationMetadataReportView: 'FULL' };

/** Every key of the reference's table: a body holds exactly one of them. */
const KINDS = [
  'message',
  'message_redaction',
  'message_submit_notification',
  'message_delivery_report',
  'event',
  'event_delivery_report',
  'conversation_start_notification',
  'conversation_stop_notification',
  'conversation_delete_notification',
  'contact_create_notification',
  'contact_delete_notification',
  'contact_update_notification',
  'contact_merge_notification',
  'duplicated_contact_identities_notification',
  'capability_notification',
  'opt_in_notification',
  'opt_out_notification',
  'channel_event_notification',
  'unsupported_callback',
  'smart_conversation_notification',
  'record_notification',
];

const conversation: Snapshot = {
  projectId: PROJECT_ID,
  id: CONVERSATION_ID,
  appId: APP_ID,
  contactId: CONTACT_ID,
  active: true,
  activeChannel: 'MESSENGER',
  lastReceived: '2026-03-02T09:15:20.000Z',
  metadata: '',
  metadataJson: null,
  correlationId: '',
  status: 'OPEN',
  unreadCount: 1,
};

const contact: Snapshot = {
  projectId: PROJECT_ID,
  id: CONTACT_ID,
  displayName: '',
  email: '',
  externalId: '',
  language: 'UNSPECIFIED',
  metadata: '',
  channelPriority: ['MESSENGER'],
  channelIdentities: [{ channel: 'MESSENGER', identity: '6193847502618843', appId: APP_ID }],
};

function message(fields: Snapshot): Snapshot {
  return {
    projectId: PROJECT_ID,
    id: '01K9Z4B2D4F6H8K0N2Q4S6T8W0',
    appId: APP_ID,
    conversationId: CONVERSATION_ID,
    contactId: CONTACT_ID,
    direction: 'TO_APP',
    channel: 'MESSENGER',
    identity: '6193847502618843',
    channelMessageId: 'm_1',
    content: { text_message: { text: 'Is the blue one still there?' } },
    status: null,
    reason: null,
    sentBy: 'CONTACT',
    metadata: '',
    correlationId: '',
    acceptTime: '2026-03-02T09:15:20.409Z',
    channelTime: '2026-03-02T09:15:19.882Z',
    ...fields,
  };
}

function sent(status: string, fields: Snapshot = {}): Snapshot {
  return message({ id: ASKED_ID, direction: 'TO_CONTACT', sentBy: 'API', status, ...fields });
}

/** An event of the app's own, such as typing. */
function appEvent(status: string, fields: Snapshot = {}): Snapshot {
  return {
    projectId: PROJECT_ID,
    id: '01K9Z4C0E2G4J6M8P1R3T5V7X9',
    appId: APP_ID,
    conversationId: CONVERSATION_ID,
    contactId: CONTACT_ID,
    direction: 'TO_CONTACT',
    channel: 'MESSENGER',
    identity: '6193847502618843',
    content: { composing_event: {} },
    status,
    reason: null,
    metadata: 'desk 4',
    acceptTime: '2026-03-02T09:15:19.882Z',
    ...fields,
  };
}

function event<K extends EventKind>(kind: K, payload: EventPayloads[K]): StoredEvent {
  return {
    projectId: PROJECT_ID,
    appId: APP_ID,
    id: '01K9Z4B3E5G7J9M1P3R5T7V9X1',
    at: new Date('2026-03-02T09:15:20.417Z'),
    kind,
    conversationId: CONVERSATION_ID,
    contactId: CONTACT_ID,
    payload,
    position: { xact: 700n, seq: 12n },
  } as StoredEvent;
}

const inbound = (content: Json, fields: Snapshot = {}): StoredEvent =>
  event('message.added', { message: message({ content, ...fields }), conversation });
const report = (status: string, fields: Snapshot = {}): StoredEvent =>
  event('message.updated', {
    message: sent(status, fields),
    conversation,
    status: { at: '2026-03-02T09:15:19.882Z', reason: null },
  });

function fixture(name: string): Json {
  return JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as Json;
}

/** The paths of an object in the order in which JSON would write them. */
function paths(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, child]) => [
    `${prefix}/${key}`,
    ...paths(child, `${prefix}/${key}`),
  ]);
}

describe('bodies', () => {
  test.each<[string, string, StoredEvent]>([
    ['conversation-start', 'CONVERSATION_START', event('conversation.started', { conversation })],
    [
      'text-with-channel',
      'MESSAGE_INBOUND',
      inbound({ text_message: { text: 'Is the blue one still there?' } }),
    ],
    ['text', 'MESSAGE_INBOUND', inbound({ text_message: { text: 'Is the blue one still there?' } })],
    [
      'location',
      'MESSAGE_INBOUND',
      inbound({
        location_message: { title: '', coordinates: { latitude: 48.2082, longitude: 16.3738 }, label: '' },
      }),
    ],
    ['media', 'MESSAGE_INBOUND', inbound({ media_message: { url: 'https://media.example/blue.jpg' } })],
    [
      'media-card',
      'MESSAGE_INBOUND',
      inbound({ media_card_message: { url: 'https://media.example/blue.jpg', caption: 'this one' } }),
    ],
    [
      'choice-response',
      'MESSAGE_INBOUND',
      inbound({ choice_response_message: { message_id: ASKED_ID, postback_data: 'colour_blue' } }),
    ],
    ['delivery-read', 'MESSAGE_DELIVERY', report('READ')],
    [
      'delivery-failed',
      'MESSAGE_DELIVERY',
      report('FAILED', {
        reason: {
          code: 'OUTSIDE_ALLOWED_SENDING_WINDOW',
          description: 'Messenger: the person has not written within 24 hours',
          sub_code: 'UNSPECIFIED_SUB_CODE',
        },
      }),
    ],
    [
      'unsupported',
      'UNSUPPORTED',
      event('channel.unsupported', {
        channel: 'MESSENGER',
        identity: '6193847502618843',
        raw: { sender: { id: '6193847502618843' }, poll: { answer: 'é' } },
      }),
    ],
    [
      'event-delivery-failed',
      'EVENT_DELIVERY',
      event('event.updated', {
        event: appEvent('FAILED', {
          reason: {
            code: 'UNSUPPORTED_OPERATION',
            description: 'Messenger has no such event',
            sub_code: 'UNSPECIFIED_SUB_CODE',
          },
        }),
        conversation,
      }),
    ],
    ['contact-create', 'CONTACT_CREATE', event('contact.created', { contact })],
  ])('%s is told field by field, in the published order', (name, trigger, stored) => {
    const callback = callbackOf(stored, PLAIN);
    const expected = fixture(name);
    expect(callback?.trigger).toBe(trigger);
    expect(triggerOf(stored)).toBe(trigger);
    expect(callback?.body).toMatchObject(expected);
    const published = paths(expected);
    expect(paths(callback?.body).filter((path) => published.includes(path))).toEqual(published);
    expect(Object.keys(callback?.body ?? {}).filter((key) => KINDS.includes(key))).toHaveLength(1);
  });

  test('a body has every field of the envelope and of the message, and no other', () => {
    expect(callbackOf(inbound({ text_message: { text: 'hi' } }), PLAIN)?.body).toEqual({
      app_id: APP_ID,
      accepted_time: '2026-03-02T09:15:20.417Z',
      event_time: '2026-03-02T09:15:19.882Z',
      project_id: PROJECT_ID,
      message_metadata: '',
      correlation_id: '',
      message: {
        id: '01K9Z4B2D4F6H8K0N2Q4S6T8W0',
        direction: 'TO_APP',
        contact_message: { text_message: { text: 'hi' } },
        channel: 'MESSENGER',
        channel_identity: { channel: 'MESSENGER', identity: '6193847502618843', app_id: APP_ID },
        conversation_id: CONVERSATION_ID,
        contact_id: CONTACT_ID,
        metadata: '',
        accept_time: '2026-03-02T09:15:20.409Z',
        sender_id: '',
        processing_mode: 'CONVERSATION',
        injected: false,
      },
    });
  });

  test("an event's report has these fields and no other: neither conversation nor, unless it failed, reason", () => {
    const reported = event('event.updated', { event: appEvent('QUEUED_ON_CHANNEL'), conversation });
    expect(callbackOf(reported, PLAIN)?.body).toEqual({
      app_id: APP_ID,
      accepted_time: '2026-03-02T09:15:20.417Z',
      project_id: PROJECT_ID,
      message_metadata: '',
      correlation_id: '',
      event_delivery_report: {
        event_id: '01K9Z4C0E2G4J6M8P1R3T5V7X9',
        status: 'QUEUED_ON_CHANNEL',
        channel_identity: { channel: 'MESSENGER', identity: '6193847502618843', app_id: APP_ID },
        contact_id: CONTACT_ID,
        metadata: 'desk 4',
        processing_mode: 'CONVERSATION',
      },
    });
    const dispatched = callbackOf(reported, { ...PLAIN, processingMode: 'DISPATCH' })?.body;
    expect(dispatched).toMatchObject({
      event_delivery_report: { contact_id: '', processing_mode: 'DISPATCH' },
    });
  });

  test('the start of a conversation carries no time, even where the channel is known', () => {
    const body = callbackOf(event('conversation.started', { conversation }), PLAIN)?.body;
    expect(body).not.toHaveProperty('accepted_time');
    expect(body).not.toHaveProperty('event_time');
  });

  test('a conversation without messages was last active at the beginning of time', () => {
    const body = callbackOf(
      event('conversation.stopped', { conversation: { ...conversation, lastReceived: null, active: false } }),
      PLAIN,
    )?.body as { conversation_stop_notification: { conversation: Json } };
    expect(body.conversation_stop_notification.conversation).toMatchObject({
      last_received: '1970-01-01T00:00:00Z',
      active: false,
      active_channel: 'MESSENGER',
    });
  });

  test('a time that the channel did not give is left out', () => {
    const body = callbackOf(inbound({ text_message: { text: 'hi' } }, { channelTime: null }), PLAIN)?.body;
    expect(body).not.toHaveProperty('event_time');
  });

  test('a failure has its reason, from the event or else from the message; other reports have none', () => {
    const reason = {
      code: 'CHANNEL_FAILURE' as const,
      description: 'Messenger: down',
      sub_code: 'UNSPECIFIED_SUB_CODE' as const,
    };
    const failed = callbackOf(
      event('message.updated', { message: sent('FAILED'), conversation, status: { at: null, reason } }),
      PLAIN,
    )?.body;
    expect(failed).toMatchObject({ message_delivery_report: { status: 'FAILED', reason } });
    expect(
      callbackOf(report('DELIVERED', { reason }), PLAIN)?.body.message_delivery_report,
    ).not.toHaveProperty('reason');
  });

  test("a choice's message carries the metadata of the message that offered it", () => {
    const answer = inbound(
      { choice_response_message: { message_id: ASKED_ID, postback_data: 'x' } },
      { metadata: 'order 7' },
    );
    expect(callbackOf(answer, PLAIN)?.body).toMatchObject({ message: { metadata: 'order 7' } });
  });

  test('an unsupported event that was a text already is passed on as it is', () => {
    const body = callbackOf(
      event('channel.unsupported', { channel: 'MESSENGER', identity: '', raw: 'not JSON' }),
      PLAIN,
    )?.body;
    expect(body).toMatchObject({
      unsupported_callback: { payload: 'not JSON', channel_identity: { identity: '' } },
    });
  });
});

describe('metadata and correlation', () => {
  const tagged = { ...conversation, metadataJson: { plan: 'gold' }, correlationId: 'c-1' };
  const first = event('message.added', { message: message({}), conversation: tagged });

  test("the conversation's metadata go with what comes in, for apps that ask for them", () => {
    expect(callbackOf(first, FULL)?.body).toMatchObject({ message_metadata: '{"plan":"gold"}' });
    expect(callbackOf(first, PLAIN)?.body).toMatchObject({ message_metadata: '' });
  });

  test('metadata in the older form, a text, go as they are', () => {
    const old = { ...conversation, metadata: 'plan=gold' };
    const stored = event('message.added', { message: message({}), conversation: old });
    expect(callbackOf(stored, FULL)?.body).toMatchObject({ message_metadata: 'plan=gold' });
  });

  test('a delivery report has no conversation metadata', () => {
    const stored = event('message.updated', {
      message: sent('READ'),
      conversation: tagged,
      status: { at: null, reason: null },
    });
    expect(callbackOf(stored, FULL)?.body).toMatchObject({ message_metadata: '' });
  });

  test("what comes in has the conversation's correlation id, a report that of its message first", () => {
    expect(callbackOf(first, PLAIN)?.body).toMatchObject({ correlation_id: 'c-1' });
    const own = event('message.updated', {
      message: sent('READ', { correlationId: 'm-1' }),
      conversation: tagged,
      status: { at: null, reason: null },
    });
    expect(callbackOf(own, PLAIN)?.body).toMatchObject({ correlation_id: 'm-1' });
  });
});

describe('what nobody is told', () => {
  test.each<[string, StoredEvent]>([
    ['a message of the business', event('message.added', { message: sent('QUEUED'), conversation })],
    [
      'a message from the page inbox',
      event('message.added', {
        message: sent('QUEUED_ON_CHANNEL', { sentBy: 'PAGE_INBOX' }),
        conversation,
      }),
    ],
    ['a message that is queued', report('QUEUED')],
    ['a receipt of a message that others sent', report('READ', { sentBy: 'PAGE_INBOX' })],
    [
      'an edit',
      event('message.updated', { message: message({ editedAt: '2026-03-02T09:16:00.000Z' }), conversation }),
    ],
    ['an event that is queued', event('event.added', { event: appEvent('QUEUED'), conversation })],
    ['a change of the inbox state', event('conversation.updated', { conversation })],
    [
      'an event of a foreign account',
      event('channel.ignored', { channel: 'MESSENGER', accountId: '1', raw: {} }),
    ],
    ['the state of a channel', event('channel.updated', { channel: {} })],
    ['what was erased', event('message.added', { erased: true } as never)],
  ])('%s', (_what, stored) => {
    expect(triggerOf(stored)).toBeNull();
    expect(callbackOf(stored, PLAIN)).toBeNull();
  });
});

test('an app in DISPATCH mode shows neither contact nor conversation', () => {
  const body = callbackOf(inbound({ text_message: { text: 'hi' } }), {
    ...PLAIN,
    processingMode: 'DISPATCH',
  })?.body;
  expect(body).toMatchObject({
    message: { conversation_id: '', contact_id: '', processing_mode: 'DISPATCH' },
  });
});

test('contacts and conversations that end are told with the whole object', () => {
  expect(callbackOf(event('contact.deleted', { contact }), PLAIN)?.body).toMatchObject({
    contact_delete_notification: { contact: { id: CONTACT_ID } },
  });
  expect(
    callbackOf(event('contact.updated', { contact: { ...contact, displayName: 'Ada' } }), PLAIN)?.body,
  ).toMatchObject({
    contact_update_notification: { contact: { display_name: 'Ada' } },
  });
  expect(callbackOf(event('conversation.deleted', { conversation }), PLAIN)?.body).toMatchObject({
    accepted_time: '2026-03-02T09:15:20.417Z',
    conversation_delete_notification: { conversation: { id: CONVERSATION_ID } },
  });
});

describe('what a person does beside speaking', () => {
  const act = (fields: Snapshot): StoredEvent => ({
    projectId: PROJECT_ID,
    appId: APP_ID,
    id: '01K9Z4C3E5G7J9M1P3R5T7V9X1',
    kind: 'event.added',
    at: new Date('2026-03-02T09:15:21.250Z'),
    position: { xact: 1n, seq: 1n },
    conversationId: CONVERSATION_ID,
    contactId: CONTACT_ID,
    payload: { event: message({ id: '01K9Z4C4F6H8K0N2Q4S6T8W0Y2', ...fields }), conversation },
  });

  test.each([
    { contact_event: { generic_event: { payload: { type: 'optin' } } } },
    {
      contact_message_event: {
        reaction_event: {
          emoji: '👍',
          action: 'REACTION_ACTION_REACT',
          message_id: ASKED_ID,
          reaction_category: 'like',
        },
      },
    },
  ])('is an EVENT_INBOUND with its content beside its place: %j', (content) => {
    const callback = callbackOf(act({ content, direction: 'TO_APP' }), PLAIN);
    expect(callback?.trigger).toBe('EVENT_INBOUND');
    expect(Object.keys(callback?.body ?? {}).filter((key) => KINDS.includes(key))).toEqual(['event']);
    const event = callback?.body.event as Json;
    expect(event).toMatchObject({ ...content, id: '01K9Z4C4F6H8K0N2Q4S6T8W0Y2', direction: 'TO_APP' });
    expect(Object.keys(event).sort()).toEqual(
      [
        ...['id', 'direction', 'channel_identity', 'contact_id', 'conversation_id', 'accept_time'],
        ...['processing_mode', ...Object.keys(content)],
      ].sort(),
    );
  });

  test('is not told when it was the app that did it', () => {
    expect(callbackOf(act({ content: { composing_event: {} }, direction: 'TO_CONTACT' }), PLAIN)).toBeNull();
  });
});
