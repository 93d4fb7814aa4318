// What callbacks say of rows, field by field. Source: Conversation API, webhook bodies.
import type { EventPayloads, Snapshot, StoredEvent } from '../events/event.js';

/** What of an app shapes its callbacks. */
export interface CallbackApp {
  processingMode: string;
  conversationMetadataReportView: string;
}

const NEVER = '1970-01-01T00:00:00Z';

/** The conversation's own metadata, for apps that want it in their callbacks. */
export function metadataOf(conversation: Snapshot, app: CallbackApp): string {
  if (app.conversationMetadataReportView !== 'FULL') return '';
  const { metadataJson } = conversation;
  return metadataJson ? JSON.stringify(metadataJson) : (text(conversation, 'metadata') ?? '');
}

export function firstCorrelation(rows: Snapshot[]): string {
  return rows.map((row) => text(row, 'correlationId')).find((id) => id !== null && id !== '') ?? '';
}

export function inboundMessageOf(message: Snapshot, app: CallbackApp): Record<string, unknown> {
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

export function submitNotificationOf(message: Snapshot, app: CallbackApp): Record<string, unknown> {
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
export function inboundEventOf(event: Snapshot, app: CallbackApp): Record<string, unknown> {
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

export function deliveryReportOf(
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
export function eventReportOf(
  { event }: EventPayloads['event.updated'],
  app: CallbackApp,
): Record<string, unknown> {
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

export function unsupportedOf(
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

export function conversationOf(conversation: Snapshot): Record<string, unknown> {
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

export function contactOf(contact: Snapshot): Record<string, unknown> {
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

export function text(row: Snapshot, key: string): string | null {
  const value = row[key];
  return typeof value === 'string' ? value : null;
}

/** RFC 3339 in UTC; a zero fraction is left out. */
export function timeOf(time: Date | string): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
