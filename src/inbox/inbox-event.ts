import { type Caller, reaches } from '../access/caller.js';
import type { Channel } from '../channels/channel.entity.js';
import type { ConversationEvent } from '../conversation-events/conversation-event.entity.js';
import { conversationEventTypeOf } from '../conversation-events/conversation-events.graphql.js';
import type { Contact } from '../contacts/contact.entity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { type ConversationType, conversationTypeOf } from '../conversations/conversations.graphql.js';
import { encodePosition } from '../events/cursor.js';
import type { EventKind, EventPayloads, Snapshot, StoredEvent } from '../events/event.js';
import type { Message } from '../messages/message.entity.js';
import { messageTypeOf } from '../messages/messages.graphql.js';
import type { Note } from '../notes/note.js';

/** What is about how an app is run, not about its inbox. */
const FOR_OPERATORS = new Set<EventKind>(['webhook.disabled']);

/** An event of the log as the caller sees it; null for what does not concern the inbox, or is not for inbox tokens. */
export function inboxEventFor(caller: Caller, event: StoredEvent): object | null {
  if (caller.inbox && FOR_OPERATORS.has(event.kind)) return null;
  const shown: { conversation?: ConversationType } | null = inboxEventOf(event);
  // What becomes of an app's message is told to that app, also when the conversation has passed to another.
  return shown?.conversation && !reaches(caller, shown.conversation.appId) ? null : shown;
}

const NOTE_CHANGES = {
  'note.added': 'NoteAdded',
  'note.updated': 'NoteUpdated',
  'note.deleted': 'NoteDeleted',
} as const;

/** An event of the log as a member of InboxEvent; null for what does not concern the inbox. */
export function inboxEventOf(event: StoredEvent): object | null {
  // Of an erased person only the place in the log is kept.
  if ('erased' in event.payload) return null;
  // In DISPATCH mode there is no conversation that could be shown.
  if (isDispatch(event.payload)) return null;
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
    case 'conversation.deleted':
      return removed(event.payload.conversation, common);
    case 'conversation.started':
    case 'conversation.updated':
    case 'conversation.stopped':
      if (hasLeft(event.payload.conversation, event.appId))
        return removed(event.payload.conversation, common);
      return {
        ...common,
        kind: 'ConversationUpdated',
        conversation: conversationTypeOf(revive<Conversation>(event.payload.conversation)),
        changes: ('changes' in event.payload && event.payload.changes) || [],
        agentId: ('by' in event.payload && event.payload.by) || null,
      };
    case 'contact.created':
    case 'contact.updated':
      return { ...common, kind: 'ContactUpdated', contact: revive<Contact>(event.payload.contact) };
    case 'contact.merged':
      return { ...common, kind: 'ContactUpdated', contact: revive<Contact>(event.payload.preserved) };
    case 'event.added':
    case 'event.updated':
      return eventChange(event.kind, event.payload, common);
    case 'note.added':
    case 'note.updated':
    case 'note.deleted':
      return {
        ...common,
        kind: NOTE_CHANGES[event.kind],
        note: revive<Note>(event.payload.note),
        conversation: conversationTypeOf(revive<Conversation>(event.payload.conversation)),
      };
    case 'channel.updated':
      return { ...common, kind: 'ChannelUpdated', channel: revive<Channel>(event.payload.channel) };
    case 'webhook.disabled':
      return { ...common, kind: 'WebhookDisabled', ...event.payload };
    case 'message.submitted':
    case 'contact.deleted':
    case 'channel.unsupported':
    case 'channel.ignored':
    case 'capability.reported':
      return null;
  }
}

function isDispatch(payload: object): boolean {
  const { message, event } = payload as { message?: Snapshot; event?: Snapshot };
  return (message ?? event)?.dispatch === true;
}

/** Whether it has passed to another app: the one that it was with is told so. */
function hasLeft({ appId }: Snapshot, told: string): boolean {
  return appId !== undefined && appId !== told;
}

function removed({ id }: Snapshot, common: object): object {
  return { ...common, kind: 'ConversationRemoved', conversationId: id };
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
  // Who typed days ago is not typing.
  if (kind === 'event.updated' || payload.event.injected === true) return null;
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
  'readAt',
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
