// Rows as an export tells them: as the Conversation API does, with what it has no place for beside it.
import type { ConversationEvent } from '../conversation-events/conversation-event.entity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import type { MediaRow } from '../media/media-row.js';
import type { Message } from '../messages/message.entity.js';
import type { Note } from '../notes/note.js';
import { conversationWire } from '../wire/conversation.js';
import { eventWire } from '../wire/event.js';
import { messageWire } from '../wire/message.js';
import { identityWire, wireTime } from '../wire/row.js';

export type Wire = Record<string, unknown>;

const MODE = 'CONVERSATION';

export function conversationRecord(conversation: Conversation): Wire {
  const { status, assignee, labels, unreadCount, snoozedUntil, createdAt } = conversation;
  return {
    ...conversationWire({ ...conversation }),
    status,
    assignee,
    labels,
    unread_count: unreadCount,
    snoozed_until: timeOf(snoozedUntil),
    created_at: wireTime(createdAt),
  };
}

/** @param media of the message, by `mediaRecord`. */
export function messageRecord(message: Message, media: Wire[]): Wire {
  const { status, reason, sentBy, replyToMessageId, reactions, channelTime, editedAt, deletedAt } = message;
  return {
    ...messageWire({ ...message }, MODE),
    status,
    reason,
    sent_by: sentBy,
    reply_to_message_id: replyToMessageId,
    reactions,
    channel_data: message.channelData,
    channel_time: timeOf(channelTime),
    edited_at: timeOf(editedAt),
    deleted_at: timeOf(deletedAt),
    media,
  };
}

export function mediaRecord(row: MediaRow, url: string): Wire {
  const { id, state, originalUrl, contentType, size, name, sha256 } = row;
  const bytes = size === null ? null : Number(size);
  return { id, state, url, original_url: originalUrl, content_type: contentType, size: bytes, name, sha256 };
}

export function eventRecord(event: ConversationEvent): Wire {
  const { status, reason, metadata, channelTime } = event;
  return { ...eventWire({ ...event }, MODE), status, reason, metadata, channel_time: timeOf(channelTime) };
}

/** A list that an identity is on. */
export interface Consent {
  appId: string;
  channel: string;
  identity: string;
  listType: string;
}

/** How an identity came on a list, or left it. */
export interface ConsentRecord extends Consent {
  id: string;
  operation: string;
  origin: string;
  at: Date;
}

export function consentOf({ listType, ...identity }: Consent): Wire {
  return { channel_identity: identityWire({ ...identity }), list_type: listType };
}

export function consentRecord({ operation, origin, at, ...consent }: ConsentRecord): Wire {
  return { ...consentOf(consent), operation, origin, datetime: wireTime(at) };
}

export function noteRecord({ id, author, text, createdAt, editedAt }: Note): Wire {
  return { id, author, text, created_at: wireTime(createdAt), edited_at: timeOf(editedAt) };
}

function timeOf(time: Date | null): string | null {
  return time && wireTime(time);
}
