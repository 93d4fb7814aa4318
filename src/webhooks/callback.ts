// What a customer is told of an event: trigger and body. Pure; the rows come from the event's snapshots, as they were then.
import type { EventKind, EventPayloads, RecordedEvent, Snapshot, StoredEvent } from '../events/event.js';
import {
  type CallbackApp,
  capabilityOf,
  deliveryReportOf,
  eventReportOf,
  firstCorrelation,
  inboundEventOf,
  inboundMessageOf,
  metadataOf,
  submitNotificationOf,
  text,
  unsupportedOf,
} from './callback-body.js';
import { contactWire } from '../wire/contact.js';
import { conversationWire } from '../wire/conversation.js';
import { wireTime } from '../wire/row.js';
import { WebhookTrigger } from './trigger.js';

export interface Callback {
  trigger: WebhookTrigger;
  body: Record<string, unknown>;
}

/** How events of a kind are told. */
interface Rule<K extends EventKind> {
  trigger: WebhookTrigger;
  /** The body's one key that tells receivers what it is; never a second one of its kind. */
  key: string;
  /** False for those of the kind that nobody is told of. */
  applies?(payload: EventPayloads[K]): boolean;
  /** False where the API's own bodies have no `accepted_time`. */
  timed?: false;
  /** The channel's own time, where it gave one. */
  eventTime?(payload: EventPayloads[K]): string | null;
  /** Where `message_metadata` (what comes in only) and `correlation_id` are taken from. */
  metadataOf?(payload: EventPayloads[K]): Snapshot;
  correlationOf?(payload: EventPayloads[K]): Snapshot[];
  /** Where it goes instead of to the webhooks, when its send said so. */
  callbackUrlOf?(payload: EventPayloads[K]): Snapshot;
  content(event: StoredEvent<K>, app: CallbackApp): Record<string, unknown>;
}

/** Source: Conversation API, webhook triggers and bodies. A kind without a rule is not told to anybody. */
const RULES: { readonly [K in EventKind]: Rule<K> | null } = {
  'contact.created': {
    trigger: WebhookTrigger.CONTACT_CREATE,
    key: 'contact_create_notification',
    content: ({ payload }) => ({ contact: contactWire(payload.contact) }),
  },
  'contact.updated': {
    trigger: WebhookTrigger.CONTACT_UPDATE,
    key: 'contact_update_notification',
    content: ({ payload }) => ({ contact: contactWire(payload.contact) }),
  },
  'contact.deleted': {
    trigger: WebhookTrigger.CONTACT_DELETE,
    key: 'contact_delete_notification',
    content: ({ payload }) => ({ contact: contactWire(payload.contact) }),
  },
  'contact.merged': {
    trigger: WebhookTrigger.CONTACT_MERGE,
    key: 'contact_merge_notification',
    content: ({ payload }) => ({
      preserved_contact: contactWire(payload.preserved),
      deleted_contact: contactWire(payload.deleted),
    }),
  },
  'conversation.started': {
    trigger: WebhookTrigger.CONVERSATION_START,
    key: 'conversation_start_notification',
    timed: false,
    correlationOf: ({ conversation }) => [conversation],
    // A conversation begins before its first message is on it, and the API says so.
    content: ({ payload }) => ({
      conversation: conversationWire({ ...payload.conversation, activeChannel: 'CHANNEL_UNSPECIFIED' }),
    }),
  },
  'conversation.updated': null,
  'conversation.stopped': {
    trigger: WebhookTrigger.CONVERSATION_STOP,
    key: 'conversation_stop_notification',
    timed: false,
    correlationOf: ({ conversation }) => [conversation],
    content: ({ payload }) => ({ conversation: conversationWire(payload.conversation) }),
  },
  'conversation.deleted': {
    trigger: WebhookTrigger.CONVERSATION_DELETE,
    key: 'conversation_delete_notification',
    correlationOf: ({ conversation }) => [conversation],
    content: ({ payload }) => ({ conversation: conversationWire(payload.conversation) }),
  },
  'message.added': {
    trigger: WebhookTrigger.MESSAGE_INBOUND,
    key: 'message',
    // What the business itself sent is known to its sender, or was written elsewhere; history is no news.
    applies: ({ message }) => message.direction === 'TO_APP' && message.injected !== true,
    eventTime: ({ message }) => text(message, 'channelTime'),
    metadataOf: ({ conversation }) => conversation,
    correlationOf: ({ conversation }) => [conversation],
    content: ({ payload }, app) => inboundMessageOf(payload.message, app),
  },
  'message.submitted': {
    trigger: WebhookTrigger.MESSAGE_SUBMIT,
    key: 'message_submit_notification',
    correlationOf: ({ message }) => [message],
    content: ({ payload }, app) => submitNotificationOf(payload.message, app),
  },
  'message.updated': {
    trigger: WebhookTrigger.MESSAGE_DELIVERY,
    key: 'message_delivery_report',
    applies: ({ message, status }) =>
      status !== undefined &&
      message.sentBy === 'API' &&
      typeof message.status === 'string' &&
      message.status !== 'QUEUED',
    eventTime: ({ status }) => status?.at ?? null,
    correlationOf: ({ message, conversation }) => [message, conversation],
    callbackUrlOf: ({ message }) => message,
    content: ({ payload }, app) => deliveryReportOf(payload, app),
  },
  'event.added': {
    trigger: WebhookTrigger.EVENT_INBOUND,
    key: 'event',
    // What the app itself did is known to it.
    applies: ({ event }) => event.direction === 'TO_APP',
    eventTime: ({ event }) => text(event, 'channelTime'),
    metadataOf: ({ conversation }) => conversation,
    correlationOf: ({ conversation }) => [conversation],
    content: ({ payload }, app) => inboundEventOf(payload.event, app),
  },
  'event.updated': {
    trigger: WebhookTrigger.EVENT_DELIVERY,
    key: 'event_delivery_report',
    correlationOf: ({ conversation }) => [conversation],
    callbackUrlOf: ({ event }) => event,
    content: ({ payload }, app) => eventReportOf(payload, app),
  },
  'channel.unsupported': {
    trigger: WebhookTrigger.UNSUPPORTED,
    key: 'unsupported_callback',
    content: (event, app) => unsupportedOf(event, app),
  },
  'capability.reported': {
    trigger: WebhookTrigger.CAPABILITY,
    key: 'capability_notification',
    content: ({ payload }) => capabilityOf(payload.capability),
  },
  'channel.ignored': null,
  'channel.updated': null,
  'webhook.disabled': null,
  'note.added': null,
  'note.updated': null,
  'note.deleted': null,
};

/** Which webhooks hear of an event; null when none does. */
export function triggerOf(event: RecordedEvent): WebhookTrigger | null {
  return ruleOf(event.kind, event)?.trigger ?? null;
}

/** Where an event goes instead of to the webhooks; null when it goes to them. */
export function callbackUrlOf(event: RecordedEvent): string | null {
  return overrideOf(event.kind, event);
}

function overrideOf<K extends EventKind>(kind: K, event: RecordedEvent<K>): string | null {
  const row = ruleOf(kind, event)?.callbackUrlOf?.(payloadOf(event));
  return row ? text(row, 'callbackUrl') : null;
}

export function callbackOf(event: StoredEvent, app: CallbackApp): Callback | null {
  return build(event.kind, event, app);
}

function build<K extends EventKind>(kind: K, event: StoredEvent<K>, app: CallbackApp): Callback | null {
  const rule = ruleOf(kind, event);
  if (!rule) return null;
  const payload = payloadOf(event);
  const eventTime = rule.eventTime?.(payload) ?? null;
  return {
    trigger: rule.trigger,
    body: {
      app_id: event.appId,
      ...(rule.timed === false ? {} : { accepted_time: wireTime(event.at) }),
      ...(eventTime === null ? {} : { event_time: wireTime(eventTime) }),
      project_id: event.projectId,
      message_metadata: rule.metadataOf ? metadataOf(rule.metadataOf(payload), app) : '',
      correlation_id: firstCorrelation(rule.correlationOf?.(payload) ?? []),
      [rule.key]: rule.content(event, app),
    },
  };
}

function ruleOf<K extends EventKind>(kind: K, event: RecordedEvent<K>): Rule<K> | null {
  // Of an erased person only the place in the log is kept.
  if ('erased' in event.payload) return null;
  const rule: Rule<K> | null = RULES[kind];
  return rule && (rule.applies?.(payloadOf(event)) ?? true) ? rule : null;
}

function payloadOf<K extends EventKind>(event: RecordedEvent<K>): EventPayloads[K] {
  return event.payload;
}
