import type { Channel } from '../channels/channel.entity.js';
import type { Contact } from '../contacts/contact.entity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { conversationTypeOf } from '../conversations/conversations.graphql.js';
import { encodePosition } from '../events/cursor.js';
import type { Snapshot, StoredEvent } from '../events/event.js';
import type { Message } from '../messages/message.entity.js';
import { messageTypeOf } from '../messages/messages.graphql.js';

/** An event of the log as a member of InboxEvent; null for what does not concern the inbox. */
export function inboxEventOf(event: StoredEvent): object | null {
  const common = { cursor: encodePosition(event.position), at: event.at };
  switch (event.kind) {
    case 'message.added':
    case 'message.updated':
      return {
        ...common,
        kind: event.kind === 'message.added' ? 'MessageAdded' : 'MessageUpdated',
        message: messageTypeOf(revive<Message>(event.payload.message)),
        conversation: conversationTypeOf(revive<Conversation>(event.payload.conversation)),
      };
    case 'conversation.started':
    case 'conversation.updated':
    case 'conversation.stopped':
      return {
        ...common,
        kind: 'ConversationUpdated',
        conversation: conversationTypeOf(revive<Conversation>(event.payload.conversation)),
      };
    case 'contact.created':
    case 'contact.updated':
      return { ...common, kind: 'ContactUpdated', contact: revive<Contact>(event.payload.contact) };
    case 'channel.updated':
      return { ...common, kind: 'ChannelUpdated', channel: revive<Channel>(event.payload.channel) };
    case 'contact.deleted':
    case 'conversation.deleted':
    case 'channel.unsupported':
    case 'channel.ignored':
      return null;
  }
}

/** Columns that hold times: JSON has them as text. */
const TIMES = new Set([
  'createdAt',
  'updatedAt',
  'lastReceived',
  'snoozedUntil',
  'lastActivity',
  'lastContactMessageAt',
  'acceptTime',
  'channelTime',
  'editedAt',
  'deletedAt',
]);

function revive<T>(snapshot: Snapshot): T {
  return Object.fromEntries(
    Object.entries(snapshot).map(([key, value]) => [
      key,
      TIMES.has(key) && typeof value === 'string' ? new Date(value) : value,
    ]),
  ) as T;
}
