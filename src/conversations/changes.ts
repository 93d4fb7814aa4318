// What changed in a conversation, as the log tells it.
import { type ConversationChange, type NewEvent, snapshotOf } from '../events/event.js';
import type { Conversation } from './conversation.entity.js';

/** Fields whose changes make the history of a conversation; what each message moves is told by the message. */
const TOLD = [
  'appId',
  'active',
  'contactId',
  'status',
  'snoozedUntil',
  'assignee',
  'labels',
  'metadata',
  'metadataJson',
  'unreadCount',
  'readUpToMessageId',
] as const satisfies (keyof Conversation)[];

/** The fields that differ, with their values as JSON. */
export function changesBetween(before: Conversation, after: Conversation): ConversationChange[] {
  const [from, to] = [snapshotOf(before), snapshotOf(after)];
  return TOLD.flatMap((field) => {
    const change = { field, from: from[field] ?? null, to: to[field] ?? null };
    return JSON.stringify(change.from) === JSON.stringify(change.to) ? [] : [change];
  });
}

/** That a conversation changed, and by whom: an agent's id, or null for the API and for Parley itself. */
export function changeEvent(
  kind: 'conversation.updated' | 'conversation.stopped',
  before: Conversation,
  after: Conversation,
  by: string | null,
): NewEvent {
  const { projectId, appId, id: conversationId, contactId } = after;
  const payload = { conversation: snapshotOf(after), changes: changesBetween(before, after), by };
  return { projectId, appId, kind, conversationId, contactId, payload };
}

/** That a conversation is gone, with all that was in it. */
export function deletedEvent(conversation: Conversation): NewEvent {
  const { projectId, appId, id: conversationId, contactId } = conversation;
  const payload = { conversation: snapshotOf({ ...conversation, active: false }) };
  return { projectId, appId, kind: 'conversation.deleted', conversationId, contactId, payload };
}

/** Told of those that a person's message has opened again. */
export function reopenedEvents(
  before: ReadonlyMap<string, Conversation>,
  after: ReadonlyMap<string, Conversation>,
): NewEvent[] {
  return [...after.values()].flatMap((conversation) => {
    const earlier = before.get(conversation.id);
    if (!earlier || earlier.status === conversation.status) return [];
    return [changeEvent('conversation.updated', earlier, conversation, null)];
  });
}
