// Every trigger of the reference: what is sent for it, or why Parley has nothing to send.
import { describe, expect, test } from 'vitest';
import { callbackOf } from '../../src/webhooks/callback.js';
import { sampleOf } from '../../src/webhooks/sample.js';
import { WebhookTrigger } from '../../src/webhooks/trigger.js';

const PLACE = { projectId: 'p-1', appId: '01K9Z3Q4T6V8X0Z2B4D6F8H0JM' };
const APP = { processingMode: 'CONVERSATION', conversationMetadataReportView: 'NONE' };

const WHO = ['channel_identity', 'contact_id', 'conversation_id', 'processing_mode'];
const CONTACT = [
  'channel_identities',
  'channel_priority',
  'display_name',
  'email',
  'external_id',
  'id',
  'language',
  'metadata',
];
const CONVERSATION = [
  'active',
  'active_channel',
  'active_channel_senders',
  'app_id',
  'contact_id',
  'correlation_id',
  'id',
  'last_received',
  'metadata',
  'metadata_json',
];

/** Source: Conversation API, webhook triggers: the body's key, and the fields under it (and under what is in brackets). */
const SENT: [WebhookTrigger, string, string[], Record<string, string[]>?][] = [
  [
    WebhookTrigger.MESSAGE_INBOUND,
    'message',
    [
      ...WHO,
      'accept_time',
      'channel',
      'contact_message',
      'direction',
      'id',
      'injected',
      'metadata',
      'sender_id',
    ],
  ],
  [
    WebhookTrigger.MESSAGE_SUBMIT,
    'message_submit_notification',
    [...WHO, 'message_id', 'metadata', 'submitted_message'],
    { submitted_message: ['text_message'] },
  ],
  [
    WebhookTrigger.MESSAGE_DELIVERY,
    'message_delivery_report',
    [...WHO, 'message_id', 'metadata', 'status'],
    { channel_identity: ['app_id', 'channel', 'identity'] },
  ],
  [
    WebhookTrigger.EVENT_INBOUND,
    'event',
    [...WHO, 'accept_time', 'contact_event', 'direction', 'id'],
    { contact_event: ['composing_event'] },
  ],
  [
    WebhookTrigger.EVENT_DELIVERY,
    'event_delivery_report',
    ['channel_identity', 'contact_id', 'event_id', 'metadata', 'processing_mode', 'status'],
  ],
  [
    WebhookTrigger.CONVERSATION_START,
    'conversation_start_notification',
    ['conversation'],
    { conversation: CONVERSATION },
  ],
  [
    WebhookTrigger.CONVERSATION_STOP,
    'conversation_stop_notification',
    ['conversation'],
    { conversation: CONVERSATION },
  ],
  [
    WebhookTrigger.CONVERSATION_DELETE,
    'conversation_delete_notification',
    ['conversation'],
    { conversation: CONVERSATION },
  ],
  [WebhookTrigger.CONTACT_CREATE, 'contact_create_notification', ['contact'], { contact: CONTACT }],
  [WebhookTrigger.CONTACT_UPDATE, 'contact_update_notification', ['contact'], { contact: CONTACT }],
  [WebhookTrigger.CONTACT_DELETE, 'contact_delete_notification', ['contact'], { contact: CONTACT }],
  [
    WebhookTrigger.CONTACT_MERGE,
    'contact_merge_notification',
    ['deleted_contact', 'preserved_contact'],
    { deleted_contact: CONTACT, preserved_contact: CONTACT },
  ],
  [
    WebhookTrigger.CAPABILITY,
    'capability_notification',
    ['capability_status', 'channel', 'channel_capabilities', 'contact_id', 'identity', 'request_id'],
  ],
  [WebhookTrigger.UNSUPPORTED, 'unsupported_callback', [...WHO, 'channel', 'id', 'payload']],
];

/** Taken in a webhook's list, so that what was set up elsewhere can be moved here, and never sent. */
const NOT_SENT: Record<string, WebhookTrigger[]> = {
  'the zero value': [WebhookTrigger.UNSPECIFIED_TRIGGER],
  "Smart Conversations is the vendor's own analysis": [
    WebhookTrigger.MESSAGE_INBOUND_SMART_CONVERSATION_REDACTION,
    WebhookTrigger.SMART_CONVERSATION,
    WebhookTrigger.SMART_CONVERSATIONS,
  ],
  'an identity belongs to one contact': [WebhookTrigger.CONTACT_IDENTITIES_DUPLICATION],
  'only WhatsApp ever had them': [
    WebhookTrigger.OPT_IN,
    WebhookTrigger.OPT_OUT,
    WebhookTrigger.CHANNEL_EVENT,
  ],
  'there is neither recording nor a batch service': [
    WebhookTrigger.RECORD_NOTIFICATION,
    WebhookTrigger.BATCH_STATUS_UPDATE,
  ],
};

/** What may stand beside the body's key. */
const ENVELOPE = [
  'accepted_time',
  'app_id',
  'correlation_id',
  'event_time',
  'message_metadata',
  'project_id',
];

const keys = (value: unknown): string[] => Object.keys(value as object).sort();

test('there is no trigger beyond those told and those explained', () => {
  const named = [...SENT.map(([trigger]) => trigger), ...Object.values(NOT_SENT).flat()];
  expect(named.toSorted()).toEqual(Object.values(WebhookTrigger).toSorted());
});

describe.each(SENT)('%s', (trigger, key, fields, below = {}) => {
  const event = sampleOf(trigger, PLACE);
  const callback = event && callbackOf(event, APP);

  test(`is told by ${key} and no other key, with these fields and no others`, () => {
    expect(callback?.trigger).toBe(trigger);
    const { [key]: content, ...envelope } = callback?.body ?? {};
    expect(keys(content)).toEqual(fields.toSorted());
    for (const [name, inner] of Object.entries(below))
      expect(keys((content as Record<string, unknown>)[name])).toEqual(inner.toSorted());
    expect(keys(envelope).filter((name) => !ENVELOPE.includes(name))).toEqual([]);
    expect(envelope).toMatchObject({
      app_id: PLACE.appId,
      project_id: PLACE.projectId,
      message_metadata: '',
      correlation_id: '',
    });
  });

  test('survives a receiver that parses and writes it again', () => {
    const text = JSON.stringify(callback?.body);
    expect(JSON.stringify(JSON.parse(text))).toBe(text);
  });
});

describe.each(Object.entries(NOT_SENT))('%s, so that', (_why, triggers) => {
  test.each(triggers)('%s is never sent', (trigger) => {
    expect(sampleOf(trigger, PLACE)).toBeNull();
  });
});
