import type { EntityManager } from 'typeorm';
import type { ContactSideEvent } from '../../content/contact-event.js';
import { ConversationGone } from '../../conversations/activity.js';
import type { Conversation } from '../../conversations/conversation.entity.js';
import type { Resolution, Resolved } from '../../conversations/people.js';
import { type Changes, changesOf, merge, UNCHANGED } from '../changes.js';
import type { MessageReaction } from '../message.entity.js';
import type { Message } from '../message.entity.js';
import { resolvedOf } from './batch.js';
import {
  applyChanges,
  asChanges,
  type ChannelMessage,
  findMessages,
  type InboundChange,
  messageKey,
  shareOf,
} from './changes.js';
import type { ContactAct } from './contact-events.js';
import { type EarlyChange, findEarlyChanges, keepEarlyChanges, meetEarlyChanges } from './early-changes.js';

export interface ReceivedChanges {
  /** Messages that are different now. */
  updated: Message[];
  /** What of it the person did to a message of which others are to be told. */
  acts: ContactAct[];
}

/**
 * Takes what befell messages, in any order and however often. What comes before its message is kept for it. Conversations must be locked:
 * those of the messages, and the person's own where a message is not known.
 * @throws ConversationGone when they are not.
 */
export async function receiveChanges(
  tx: EntityManager,
  received: readonly InboundChange[],
  resolution: Resolution,
  conversations: Map<string, Conversation>,
): Promise<ReceivedChanges> {
  if (received.length === 0) return { updated: [], acts: [] };
  const now = new Date();
  const found = await findMessages(tx, received);
  const early = await findEarlyChanges(
    tx,
    received.filter((event) => !found.has(messageKey(event))),
  );
  const standing = new Map<string, Changes>();
  const kept = new Map<string, EarlyChange & { contactId: string; waits: boolean }>();
  const acts: ContactAct[] = [];
  for (const event of received) {
    const key = messageKey(event);
    const changes = asChanges(event, now);
    const messages = found.get(key) ?? [];
    const [message] = messages;
    const place = message ?? resolvedOf(resolution, event);
    // Of a message that was erased meanwhile nothing is to be known.
    if (!place) continue;
    const earlier = message ? (standing.get(message.id) ?? changesOf(message)) : early.get(key);
    const later = merge(
      earlier ?? UNCHANGED,
      message ? shareOf(message, event.channelMessageId, changes) : changes,
    );
    for (const one of messages) {
      const before = standing.get(one.id) ?? changesOf(one);
      standing.set(one.id, merge(before, shareOf(one, event.channelMessageId, changes)));
    }
    if (!message) early.set(key, later);
    // More of what was taken back may be on its way.
    if (!message || event.kind === 'unsend')
      kept.set(key, {
        ...nameOf(event),
        contactId: place.contactId,
        changes: message ? changes : later,
        waits: !message,
      });
    if (event.kind === 'reaction') acts.push(reactionAct(event, place, message, earlier ?? UNCHANGED, later));
  }
  const stray = acts.find(({ conversationId }) => !conversations.has(conversationId));
  if (stray) throw new ConversationGone(`conversation ${stray.conversationId} is not locked`);
  const updated = await applyChanges(tx, [...found.values()].flat(), standing, conversations);
  await keepEarlyChanges(tx, [...kept.values()]);
  return { updated: [...updated.values()], acts };
}

/** Has messages that are here now be what came before them made of them. Returns those that are different now. */
export async function applyEarlyChanges(
  tx: EntityManager,
  named: readonly ChannelMessage[],
  conversations: Map<string, Conversation>,
): Promise<Message[]> {
  const early = await findEarlyChanges(tx, named);
  if (early.size === 0) return [];
  const known = named.filter((one) => early.has(messageKey(one)));
  const found = await findMessages(tx, known);
  const changes = new Map<string, Changes>();
  for (const one of known) {
    const key = messageKey(one);
    for (const message of found.get(key) ?? []) {
      const share = shareOf(message, one.channelMessageId, early.get(key) ?? UNCHANGED);
      changes.set(message.id, merge(changes.get(message.id) ?? UNCHANGED, share));
    }
  }
  const updated = await applyChanges(tx, [...found.values()].flat(), changes, conversations);
  await meetEarlyChanges(tx, known);
  return [...updated.values()];
}

/** `message_id` is empty while the message is not known. */
function reactionAct(
  { projectId, appId, channel, identity, at, reaction }: Extract<InboundChange, { kind: 'reaction' }>,
  { conversationId, contactId, dispatch }: Resolved,
  message: Message | undefined,
  earlier: Changes,
  later: Changes,
): ContactAct {
  const [before, after] = [contactsOf(earlier), contactsOf(later)];
  const content: ContactSideEvent = {
    contact_message_event: {
      reaction_event: {
        emoji: reaction?.emoji ?? before?.emoji ?? '',
        action: reaction ? 'REACTION_ACTION_REACT' : 'REACTION_ACTION_UNREACT',
        message_id: message?.id ?? '',
        reaction_category: reaction?.category ?? before?.category ?? 'other',
      },
    },
  };
  const told = after !== undefined && (after.at !== before?.at || after.emoji !== before.emoji);
  return { projectId, appId, channel, identity, at, content, conversationId, contactId, dispatch, told };
}

function contactsOf({ reactions }: Changes): MessageReaction | undefined {
  return reactions.find(({ by }) => by === 'CONTACT');
}

function nameOf({ projectId, appId, channel, channelMessageId }: ChannelMessage): ChannelMessage {
  return { projectId, appId, channel, channelMessageId };
}
