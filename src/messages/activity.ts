import type { Activity } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { type NewEvent, snapshotOf } from '../events/event.js';
import type { Message } from './message.entity.js';

type Said = Pick<Message, 'projectId' | 'id' | 'conversationId' | 'direction' | 'channel' | 'acceptTime'> &
  Partial<Pick<Message, 'channelTime'>>;

/** What new messages change in their conversations, one entry a conversation. */
export function activitiesOf(messages: readonly Said[]): Activity[] {
  const activities = new Map<string, Activity>();
  for (const message of messages) {
    const known = activities.get(message.conversationId);
    const inbound = message.direction === 'TO_APP';
    // A time in the future would hold the window open for ever.
    const contactMessageAt = inbound
      ? earliest(message.channelTime ?? message.acceptTime, message.acceptTime)
      : null;
    activities.set(message.conversationId, {
      projectId: message.projectId,
      id: message.conversationId,
      lastMessageId: message.id,
      at: message.acceptTime,
      channel: message.channel,
      unread: (known?.unread ?? 0) + (inbound ? 1 : 0),
      contactMessageAt: latest(known?.contactMessageAt ?? null, contactMessageAt),
    });
  }
  return [...activities.values()];
}

/** An event a message, with its conversation as it is after the whole batch. */
export function addedEvents(
  messages: readonly Message[],
  conversations: ReadonlyMap<string, Conversation>,
): NewEvent[] {
  return messages.map((message) => ({
    projectId: message.projectId,
    appId: message.appId,
    kind: 'message.added',
    conversationId: message.conversationId,
    contactId: message.contactId,
    payload: {
      message: snapshotOf(message),
      conversation: snapshotOf(conversations.get(message.conversationId) ?? {}),
    },
  }));
}

/** An event a message whose status changed; `at` is the channel's own time of the change. */
export function statusEvents(
  messages: readonly Message[],
  conversations: ReadonlyMap<string, Conversation>,
  at: (message: Message) => Date | null,
): NewEvent[] {
  return messages.map((message) => ({
    projectId: message.projectId,
    appId: message.appId,
    kind: 'message.updated',
    conversationId: message.conversationId,
    contactId: message.contactId,
    payload: {
      message: snapshotOf(message),
      conversation: snapshotOf(conversations.get(message.conversationId) ?? {}),
      status: { at: at(message)?.toISOString() ?? null, reason: message.reason },
    },
  }));
}

/** An event a message of which something else than the status changed. */
export function changedEvents(
  messages: readonly Message[],
  conversations: ReadonlyMap<string, Conversation>,
): NewEvent[] {
  return messages.map((message) => ({
    projectId: message.projectId,
    appId: message.appId,
    kind: 'message.updated',
    conversationId: message.conversationId,
    contactId: message.contactId,
    payload: {
      message: snapshotOf(message),
      conversation: snapshotOf(conversations.get(message.conversationId) ?? {}),
    },
  }));
}

/** An event a message that was handed to its channel. Comes before what became of it there. */
export function submittedEvents(messages: readonly Message[]): NewEvent[] {
  return messages.map((message) => ({
    projectId: message.projectId,
    appId: message.appId,
    kind: 'message.submitted',
    conversationId: message.conversationId,
    contactId: message.contactId,
    payload: { message: snapshotOf(message) },
  }));
}

function earliest(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function latest(a: Date | null, b: Date | null): Date | null {
  if (!a || !b) return a ?? b;
  return a > b ? a : b;
}
