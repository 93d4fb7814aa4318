import type { Channel } from '../channels/channel.entity.js';
import type { ConversationEvent } from '../conversation-events/conversation-event.entity.js';
import { conversationEventTypeOf } from '../conversation-events/conversation-events.graphql.js';
import type { Contact } from '../contacts/contact.entity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { conversationTypeOf } from '../conversations/conversations.graphql.js';
import { encodePosition } from '../events/cursor.js';
import type { EventPayloads, Snapshot, StoredEvent } from '../events/event.js';
import type { Message } from '../messages/message.entity.js';
import { messageTypeOf } from '../messages/messages.graphql.js';

/** An event of the log as a member of InboxEvent; null for what does not concern the inbox. */
export function inboxEventOf(event: StoredEvent): object | null {
  // Of an erased person only the place in the log is kept.
  if ('erased' in event.payload) return null;
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
    case 'contact.merged':
      return { ...common, kind: 'ContactUpdated', contact: revive<Contact>(event.payload.preserved) };
    case 'event.added':
    case 'event.updated':
      return eventChange(event.kind, event.payload, common);
    case 'channel.updated':
      return { ...common, kind: 'ChannelUpdated', channel: revive<Channel>(event.payload.channel) };
    case 'webhook.disabled':
      return { ...common, kind: 'WebhookDisabled', ...event.payload };
    case 'message.submitted':
    case 'contact.deleted':
    case 'conversation.deleted':
    case 'channel.unsupported':
    case 'channel.ignored':
      return null;
  }
}

/** Typing is told as such, and once: what becomes of it on the channel is of no interest to other agents. */
function eventChange(
  kind: 'event.added' | 'event.updated',
  payload: EventPayloads[typeof kind],
  common: object,
): object | null {
  const event = revive<ConversationEvent>(payload.event);
  const conversation = conversationTypeOf(revive<Conversation>(payload.conversation));
  const { composing_event: on, composing_end_event: off } = event.content.contact_event ?? event.content;
  if (!on && !off) {
    const added = kind === 'event.added';
    return {
      ...common,
      kind: added ? 'EventAdded' : 'EventUpdated',
      event: conversationEventTypeOf(event),
      conversation,
    };
  }
  if (kind === 'event.updated') return null;
  const by = event.direction === 'TO_APP' ? 'CONTACT' : 'API';
  return { ...common, kind: 'TypingChanged', conversation, typing: Boolean(on), by };
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
