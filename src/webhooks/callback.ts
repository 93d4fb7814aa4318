// What a customer is told of an event: trigger and body. Pure; the rows come from the event's snapshots, as they were then.
import type { EventKind, EventPayloads, Snapshot, StoredEvent } from '../events/event.js';
import { WebhookTrigger } from './trigger.js';

/** What of an app shapes its callbacks. */
export interface CallbackApp {
  processingMode: string;
  conversationMetadataReportView: string;
}

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

const NEVER = '1970-01-01T00:00:00Z';

/** Source: Conversation API, webhook triggers and bodies. A kind without a rule is not told to anybody. */
const RULES: { readonly [K in EventKind]: Rule<K> | null } = {
  'contact.created': {
    trigger: WebhookTrigger.CONTACT_CREATE,
    key: 'contact_create_notification',
    content: ({ payload }) => ({ contact: contactOf(payload.contact) }),
  },
  'contact.updated': {
    trigger: WebhookTrigger.CONTACT_UPDATE,
    key: 'contact_update_notification',
    content: ({ payload }) => ({ contact: contactOf(payload.contact) }),
  },
  'contact.deleted': {
    trigger: WebhookTrigger.CONTACT_DELETE,
    key: 'contact_delete_notification',
    content: ({ payload }) => ({ contact: contactOf(payload.contact) }),
  },
  'contact.merged': {
    trigger: WebhookTrigger.CONTACT_MERGE,
    key: 'contact_merge_notification',
    content: ({ payload }) => ({
      preserved_contact: contactOf(payload.preserved),
      deleted_contact: contactOf(payload.deleted),
    }),
  },
  'conversation.started': {
    trigger: WebhookTrigger.CONVERSATION_START,
    key: 'conversation_start_notification',
    timed: false,
    correlationOf: ({ conversation }) => [conversation],
    // A conversation begins before its first message is on it, and the API says so.
    content: ({ payload }) => ({
      conversation: conversationOf({ ...payload.conversation, activeChannel: 'CHANNEL_UNSPECIFIED' }),
    }),
  },
  'conversation.updated': null,
  'conversation.stopped': {
    trigger: WebhookTrigger.CONVERSATION_STOP,
    key: 'conversation_stop_notification',
    timed: false,
    correlationOf: ({ conversation }) => [conversation],
    content: ({ payload }) => ({ conversation: conversationOf(payload.conversation) }),
  },
  'conversation.deleted': {
    trigger: WebhookTrigger.CONVERSATION_DELETE,
    key: 'conversation_delete_notification',
    correlationOf: ({ conversation }) => [conversation],
    content: ({ payload }) => ({ conversation: conversationOf(payload.conversation) }),
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
  'channel.ignored': null,
  'channel.updated': null,
  'webhook.disabled': null,
};

/** Which webhooks hear of an event; null when none does. */
export function triggerOf(event: StoredEvent): WebhookTrigger | null {
  return ruleOf(event.kind, event)?.trigger ?? null;
}

/** Where an event goes instead of to the webhooks; null when it goes to them. */
export function callbackUrlOf(event: StoredEvent): string | null {
  return overrideOf(event.kind, event);
}

function overrideOf<K extends EventKind>(kind: K, event: StoredEvent<K>): string | null {
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
      ...(rule.timed === false ? {} : { accepted_time: timeOf(event.at) }),
      ...(eventTime === null ? {} : { event_time: timeOf(eventTime) }),
      project_id: event.projectId,
      message_metadata: rule.metadataOf ? metadataOf(rule.metadataOf(payload), app) : '',
      correlation_id: firstCorrelation(rule.correlationOf?.(payload) ?? []),
      [rule.key]: rule.content(event, app),
    },
  };
}

function ruleOf<K extends EventKind>(kind: K, event: StoredEvent<K>): Rule<K> | null {
  // Of an erased person only the place in the log is kept.
  if ('erased' in event.payload) return null;
  const rule: Rule<K> | null = RULES[kind];
  return rule && (rule.applies?.(payloadOf(event)) ?? true) ? rule : null;
}

function payloadOf<K extends EventKind>(event: StoredEvent<K>): EventPayloads[K] {
  return event.payload;
}

/** The conversation's own metadata, for apps that want it in their callbacks. */
function metadataOf(conversation: Snapshot, app: CallbackApp): string {
  if (app.conversationMetadataReportView !== 'FULL') return '';
  const { metadataJson } = conversation;
  return metadataJson ? JSON.stringify(metadataJson) : (text(conversation, 'metadata') ?? '');
}

function firstCorrelation(rows: Snapshot[]): string {
  return rows.map((row) => text(row, 'correlationId')).find((id) => id !== null && id !== '') ?? '';
}

function inboundMessageOf(message: Snapshot, app: CallbackApp): Record<string, unknown> {
  const { conversation_id, contact_id } = placeOf(message, app);
  return {
    id: message.id,
    direction: message.direction,
    contact_message: message.content,
    channel: message.channel,
    channel_identity: identityOf(message),
    conversation_id,
    contact_id,
    metadata: text(message, 'metadata') ?? '',
    accept_time: timeOf(text(message, 'acceptTime') ?? NEVER),
    sender_id: '',
    processing_mode: app.processingMode,
    injected: false,
  };
}

function submitNotificationOf(message: Snapshot, app: CallbackApp): Record<string, unknown> {
  const { conversation_id, contact_id } = placeOf(message, app);
  return {
    message_id: message.id,
    conversation_id,
    channel_identity: identityOf(message),
    contact_id,
    submitted_message: message.content,
    metadata: text(message, 'metadata') ?? '',
    processing_mode: app.processingMode,
  };
}

/** The content is one of `contact_event` and `contact_message_event`. */
function inboundEventOf(event: Snapshot, app: CallbackApp): Record<string, unknown> {
  const { conversation_id, contact_id } = placeOf(event, app);
  return {
    id: event.id,
    direction: event.direction,
    ...(event.content as Snapshot),
    channel_identity: identityOf(event),
    contact_id,
    conversation_id,
    accept_time: timeOf(text(event, 'acceptTime') ?? NEVER),
    processing_mode: app.processingMode,
  };
}

function deliveryReportOf(
  { message, status }: EventPayloads['message.updated'],
  app: CallbackApp,
): Record<string, unknown> {
  const { conversation_id, contact_id } = placeOf(message, app);
  const failed = message.status === 'FAILED' || message.status === 'SWITCHING_CHANNEL';
  const reason = status?.reason ?? message.reason;
  return {
    message_id: message.id,
    conversation_id,
    status: message.status,
    channel_identity: identityOf(message),
    contact_id,
    ...(failed && reason ? { reason } : {}),
    metadata: text(message, 'metadata') ?? '',
    processing_mode: app.processingMode,
  };
}

/** As a message's, without the conversation: that is how the API has it. */
function eventReportOf({ event }: EventPayloads['event.updated'], app: CallbackApp): Record<string, unknown> {
  return {
    event_id: event.id,
    status: event.status,
    channel_identity: identityOf(event),
    contact_id: placeOf(event, app).contact_id,
    ...(event.status === 'FAILED' && event.reason ? { reason: event.reason } : {}),
    metadata: text(event, 'metadata') ?? '',
    processing_mode: app.processingMode,
  };
}

function unsupportedOf(
  { id, appId, conversationId, contactId, payload }: StoredEvent<'channel.unsupported'>,
  app: CallbackApp,
): Record<string, unknown> {
  const { channel, identity, raw } = payload;
  const { conversation_id, contact_id } = placeOf({ conversationId, contactId }, app);
  return {
    channel,
    payload: typeof raw === 'string' ? raw : (JSON.stringify(raw) ?? ''),
    id,
    contact_id,
    conversation_id,
    channel_identity: { channel, identity, app_id: appId },
    processing_mode: app.processingMode,
  };
}

/** Contacts and conversations exist in CONVERSATION mode only. */
function placeOf(
  row: Snapshot,
  { processingMode }: CallbackApp,
): { conversation_id: string; contact_id: string } {
  if (processingMode === 'DISPATCH') return { conversation_id: '', contact_id: '' };
  return { conversation_id: text(row, 'conversationId') ?? '', contact_id: text(row, 'contactId') ?? '' };
}

function identityOf(row: Snapshot): Record<string, unknown> {
  return { channel: row.channel, identity: row.identity, app_id: text(row, 'appId') ?? '' };
}

function conversationOf(conversation: Snapshot): Record<string, unknown> {
  return {
    id: conversation.id,
    app_id: conversation.appId,
    contact_id: conversation.contactId,
    last_received: timeOf(text(conversation, 'lastReceived') ?? NEVER),
    active_channel: conversation.activeChannel,
    active: conversation.active,
    metadata: text(conversation, 'metadata') ?? '',
    metadata_json: conversation.metadataJson ?? null,
    correlation_id: text(conversation, 'correlationId') ?? '',
    active_channel_senders: [],
  };
}

function contactOf(contact: Snapshot): Record<string, unknown> {
  const identities = Array.isArray(contact.channelIdentities)
    ? (contact.channelIdentities as Snapshot[])
    : [];
  return {
    id: contact.id,
    channel_identities: identities.map(identityOf),
    channel_priority: contact.channelPriority ?? [],
    display_name: text(contact, 'displayName') || 'Unknown',
    email: text(contact, 'email') ?? '',
    external_id: text(contact, 'externalId') ?? '',
    metadata: text(contact, 'metadata') ?? '',
    language: text(contact, 'language') ?? 'UNSPECIFIED',
  };
}

function text(row: Snapshot, key: string): string | null {
  const value = row[key];
  return typeof value === 'string' ? value : null;
}

/** RFC 3339 in UTC; a zero fraction is left out. */
function timeOf(time: Date | string): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
