// Events of the log as messages of the protos.
import { structFields, timestamp, type TimestampFields } from '../api/well-known.js';
import type { Reason } from '../content/reason.js';
import { encodePosition } from '../events/cursor.js';
import type { EventKind, EventPayloads, Snapshot, StoredEvent } from '../events/event.js';
import type { Contact } from '../generated/proto/parley/conversation/v1/Contact.js';
import type { Conversation } from '../generated/proto/parley/conversation/v1/Conversation.js';
import type { ConversationEvent } from '../generated/proto/parley/conversation/v1/ConversationEvent.js';
import type { Event } from '../generated/proto/parley/conversation/v1/Event.js';
import type { EventDeliveryReport } from '../generated/proto/parley/conversation/v1/EventDeliveryReport.js';
import type { Message as MessageFields } from '../generated/proto/parley/conversation/v1/Message.js';
import type { MessageDeliveryReport } from '../generated/proto/parley/conversation/v1/MessageDeliveryReport.js';
import type { MessageSubmitNotification } from '../generated/proto/parley/conversation/v1/MessageSubmitNotification.js';
import type { UnsupportedCallback } from '../generated/proto/parley/conversation/v1/UnsupportedCallback.js';
import { contentFieldsOf, protoFieldsOf } from '../messages/content/content.grpc.js';
import { messageFieldsOf } from '../messages/message-fields.grpc.js';
import type { Message } from '../messages/message.entity.js';
import { contactWire } from '../wire/contact.js';
import { conversationWire } from '../wire/conversation.js';
import { eventWire } from '../wire/event.js';
import { identityWire, modeOf, placeWire, textOf } from '../wire/row.js';

/** What of an event depends on its kind; null when nobody is told. */
type Told = Omit<Event, 'cursor' | 'time' | 'id' | 'appId'> | null;

type ChannelName = NonNullable<UnsupportedCallback['channel']>;

type Where = Pick<
  MessageDeliveryReport,
  'conversationId' | 'contactId' | 'channelIdentity' | 'processingMode'
>;

type Tellers = {
  readonly [K in EventKind]?: (payload: EventPayloads[K], event: StoredEvent<K>, mode: string) => Told;
};

/** What the stream tells. A kind that is not here is the business of agents and operators alone, or is told by webhooks only. */
const TELLERS: Tellers = {
  'message.added': ({ message, conversation }, _event, mode) => ({
    message: messageOf(message, mode),
    eventTime: timeOf(message.channelTime),
    correlationId: correlationOf(message, conversation),
  }),
  'message.updated': ({ message, conversation, status }, _event, mode) => ({
    ...(status
      ? { messageDeliveryReport: reportOf(message, status.reason, mode) }
      : { messageUpdate: messageOf(message, mode) }),
    eventTime: timeOf(status?.at),
    correlationId: correlationOf(message, conversation),
  }),
  'message.submitted': ({ message }, _event, mode) => ({
    messageSubmitNotification: submittedOf(message, mode),
    correlationId: correlationOf(message),
  }),
  'event.added': ({ event, conversation }, _event, mode) => ({
    event: conversationEventOf(event, mode),
    eventTime: timeOf(event.channelTime),
    correlationId: correlationOf(conversation),
  }),
  'event.updated': ({ event, conversation }, _event, mode) => ({
    eventDeliveryReport: eventReportOf(event, mode),
    correlationId: correlationOf(conversation),
  }),
  'conversation.started': ({ conversation }) => ({
    conversationStartNotification: { conversation: conversationOf(conversation) },
    correlationId: correlationOf(conversation),
  }),
  'conversation.updated': ({ conversation }) => ({
    conversationUpdateNotification: { conversation: conversationOf(conversation) },
    correlationId: correlationOf(conversation),
  }),
  'conversation.stopped': ({ conversation }) => ({
    conversationStopNotification: { conversation: conversationOf(conversation) },
    correlationId: correlationOf(conversation),
  }),
  'conversation.deleted': ({ conversation }) => ({
    conversationDeleteNotification: { conversation: conversationOf(conversation) },
    correlationId: correlationOf(conversation),
  }),
  'contact.created': ({ contact }) => ({ contactCreateNotification: { contact: contactOf(contact) } }),
  'contact.updated': ({ contact }) => ({ contactUpdateNotification: { contact: contactOf(contact) } }),
  'contact.deleted': ({ contact }) => ({ contactDeleteNotification: { contact: contactOf(contact) } }),
  'contact.merged': ({ preserved, deleted }) => ({
    contactMergeNotification: { preservedContact: contactOf(preserved), deletedContact: contactOf(deleted) },
  }),
  'channel.unsupported': (_payload, event, mode) => ({ unsupportedCallback: unsupportedOf(event, mode) }),
  'channel.updated': ({ channel }) => ({
    channelUpdateNotification: {
      channel: textOf(channel, 'channel') as ChannelName,
      state: textOf(channel, 'state') as 'ACTIVE',
      accountId: textOf(channel, 'accountId'),
      lastError: textOf(channel, 'lastError'),
    },
  }),
};

/** Null for what is not told. */
export function eventFieldsOf(event: StoredEvent, processingMode: string): Event | null {
  // Of an erased person only the place in the log is kept.
  if ('erased' in event.payload) return null;
  const told = tell(event.kind, event, processingMode);
  return (
    told && {
      cursor: encodePosition(event.position),
      time: timestamp(event.at),
      id: event.id,
      appId: event.appId,
      ...told,
    }
  );
}

function tell<K extends EventKind>(kind: K, event: StoredEvent<K>, mode: string): Told {
  return TELLERS[kind]?.(event.payload, event, mode) ?? null;
}

function messageOf(message: Snapshot, mode: string): MessageFields {
  const fields = messageFieldsOf({
    ...message,
    acceptTime: new Date(textOf(message, 'acceptTime')),
  } as unknown as Message);
  return { ...fields, ...whereOf(message, mode) };
}

function reportOf(message: Snapshot, reason: Reason | null, mode: string): MessageDeliveryReport {
  const failed = message.status === 'FAILED' || message.status === 'SWITCHING_CHANNEL';
  const why = reason ?? (message.reason as Reason | null);
  return {
    messageId: textOf(message, 'id'),
    status: textOf(message, 'status') as 'FAILED',
    metadata: textOf(message, 'metadata'),
    ...(failed && why ? { reason: protoFieldsOf(why) } : {}),
    ...whereOf(message, mode),
  };
}

function submittedOf(message: Snapshot, mode: string): MessageSubmitNotification {
  return {
    messageId: textOf(message, 'id'),
    metadata: textOf(message, 'metadata'),
    submittedMessage: contentFieldsOf(message.content as Message['content']),
    ...whereOf(message, mode),
  };
}

/** Without the conversation: that is how the API has it. */
function eventReportOf(event: Snapshot, mode: string): EventDeliveryReport {
  const { conversationId: _, ...where } = whereOf(event, mode);
  return {
    eventId: textOf(event, 'id'),
    status: textOf(event, 'status') as 'FAILED',
    metadata: textOf(event, 'metadata'),
    ...(event.status === 'FAILED' && event.reason ? { reason: protoFieldsOf(event.reason) } : {}),
    ...where,
  };
}

function conversationEventOf(event: Snapshot, mode: string): ConversationEvent {
  const { accept_time: _, ...wire } = eventWire(event, mode);
  return {
    ...protoFieldsOf(withStructs(wire) as object),
    acceptTime: timeOf(event.acceptTime),
  };
}

/** The payload of a generic event, wherever it is, as google.protobuf.Struct. */
function withStructs(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value as Snapshot).map(([name, child]) => [
      name,
      name === 'generic_event'
        ? { payload: structFields((child as { payload: Snapshot }).payload) }
        : withStructs(child),
    ]),
  );
}

function conversationOf(conversation: Snapshot): Conversation {
  const {
    last_received: _,
    metadata_json: json,
    active_channel_senders: __,
    ...wire
  } = conversationWire(conversation);
  return {
    ...protoFieldsOf(wire),
    lastReceived: timeOf(conversation.lastReceived),
    ...(json ? { metadataJson: structFields(json as Snapshot) } : {}),
  };
}

function contactOf(contact: Snapshot): Contact {
  return protoFieldsOf(contactWire(contact));
}

function unsupportedOf(event: StoredEvent<'channel.unsupported'>, mode: string): UnsupportedCallback {
  const { id, appId, conversationId, contactId, payload } = event;
  const { channel, identity, raw } = payload;
  return {
    id,
    channel: channel as ChannelName,
    payload: typeof raw === 'string' ? raw : (JSON.stringify(raw) ?? ''),
    ...whereOf({ channel, identity, appId, conversationId, contactId }, mode),
  };
}

/** What all that is about somebody on a channel says of them. */
function whereOf(row: Snapshot, mode: string): Where {
  const place = protoFieldsOf({ channel_identity: identityWire(row), ...placeWire(row, mode) });
  return { ...place, processingMode: modeOf(row, mode) as 'CONVERSATION' };
}

function correlationOf(...rows: Snapshot[]): string {
  return rows.map((row) => textOf(row, 'correlationId')).find((id) => id !== '') ?? '';
}

function timeOf(time: unknown): TimestampFields | null {
  return typeof time === 'string' ? timestamp(new Date(time)) : null;
}
