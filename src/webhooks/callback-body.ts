// What callbacks say of rows, field by field. Source: Conversation API, webhook bodies.
import { eventWire } from '../wire/event.js';
import { messageWire } from '../wire/message.js';
import { identityWire, modeOf, placeWire } from '../wire/row.js';
import type { EventPayloads, Snapshot, StoredEvent } from '../events/event.js';

/** What of an app shapes its callbacks. */
export interface CallbackApp {
  processingMode: string;
  conversationMetadataReportView: string;
}

/** The conversation's own metadata, for apps that want it in their callbacks. */
export function metadataOf(conversation: Snapshot, app: CallbackApp): string {
  if (app.conversationMetadataReportView !== 'FULL') return '';
  const { metadataJson } = conversation;
  return metadataJson ? JSON.stringify(metadataJson) : (text(conversation, 'metadata') ?? '');
}

export function firstCorrelation(rows: Snapshot[]): string {
  return rows.map((row) => text(row, 'correlationId')).find((id) => id !== null && id !== '') ?? '';
}

/** As the message itself, with its channel beside it. */
export function inboundMessageOf(message: Snapshot, app: CallbackApp): Record<string, unknown> {
  const { id, direction, contact_message, ...rest } = messageWire(message, app.processingMode);
  return { id, direction, contact_message, channel: message.channel, ...rest };
}

export function submitNotificationOf(message: Snapshot, app: CallbackApp): Record<string, unknown> {
  const { conversation_id, contact_id } = placeWire(message, app.processingMode);
  return {
    message_id: message.id,
    conversation_id,
    channel_identity: identityWire(message),
    contact_id,
    submitted_message: message.content,
    metadata: text(message, 'metadata') ?? '',
    processing_mode: modeOf(message, app.processingMode),
  };
}

export function inboundEventOf(event: Snapshot, app: CallbackApp): Record<string, unknown> {
  return eventWire(event, app.processingMode);
}

export function deliveryReportOf(
  { message, status }: EventPayloads['message.updated'],
  app: CallbackApp,
): Record<string, unknown> {
  const { conversation_id, contact_id } = placeWire(message, app.processingMode);
  const failed = message.status === 'FAILED' || message.status === 'SWITCHING_CHANNEL';
  const reason = status?.reason ?? message.reason;
  return {
    message_id: message.id,
    conversation_id,
    status: message.status,
    channel_identity: identityWire(message),
    contact_id,
    ...(failed && reason ? { reason } : {}),
    metadata: text(message, 'metadata') ?? '',
    processing_mode: modeOf(message, app.processingMode),
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
    channel_identity: identityWire(event),
    contact_id: placeWire(event, app.processingMode).contact_id,
    ...(event.status === 'FAILED' && event.reason ? { reason: event.reason } : {}),
    metadata: text(event, 'metadata') ?? '',
    processing_mode: modeOf(event, app.processingMode),
  };
}

export function capabilityOf(capability: Snapshot): Record<string, unknown> {
  return {
    request_id: capability.requestId,
    contact_id: text(capability, 'contactId') ?? '',
    channel: capability.channel,
    identity: capability.identity,
    capability_status: capability.status,
    channel_capabilities: [],
    ...(capability.reason ? { reason: capability.reason } : {}),
  };
}

export function unsupportedOf(
  { id, appId, conversationId, contactId, payload }: StoredEvent<'channel.unsupported'>,
  app: CallbackApp,
): Record<string, unknown> {
  const { channel, identity, raw } = payload;
  const { conversation_id, contact_id } = placeWire({ conversationId, contactId }, app.processingMode);
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

export function text(row: Snapshot, key: string): string | null {
  const value = row[key];
  return typeof value === 'string' ? value : null;
}
