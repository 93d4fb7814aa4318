import type { ReactionCategory } from '../../content/contact-event.js';
import { fieldsOf, idOf, isTrue, textOf } from './fields.js';
import type { Reader } from './item.js';

/** What Messenger shows for a category that comes without emoji. */
const EMOJI: Readonly<Record<ReactionCategory, string>> = {
  smile: '😆',
  angry: '😠',
  sad: '😢',
  wow: '😮',
  love: '❤️',
  like: '👍',
  dislike: '👎',
  other: '',
};

/**
 * `reaction`: a person put a sign on a message, or took it away. What the page put there is nobody's reaction.
 * Source: messenger-platform/reference/webhook-events/message-reactions.
 */
export const readReaction: Reader = ({ raw, person, byPage, at }) => {
  const reaction = fieldsOf(raw.reaction);
  const mid = idOf(reaction?.mid);
  if (!reaction || mid === null || person === null || byPage) return [];
  const common = { kind: 'reaction', identity: person, at, channelMessageId: mid } as const;
  if (textOf(reaction.action).toLowerCase() === 'unreact') return [{ ...common, reaction: null }];
  const category = categoryOf(textOf(reaction.reaction));
  const emoji = textOf(reaction.emoji) || EMOJI[category];
  return emoji === '' ? [] : [{ ...common, reaction: { emoji, category } }];
};

/** An open set: what Meta adds is `other`. */
function categoryOf(reaction: string): ReactionCategory {
  return Object.hasOwn(EMOJI, reaction) ? (reaction as ReactionCategory) : 'other';
}

/**
 * `message_edit`: a message says something else now. `num_edit` comes as a number or its digits.
 * Source: messenger-platform/reference/webhook-events/message-edits.
 */
export const readEdit: Reader = ({ raw, person, at }) => {
  const edit = fieldsOf(raw.message_edit);
  const mid = idOf(edit?.mid);
  if (!edit || mid === null || person === null || typeof edit.text !== 'string') return [];
  const revision = Number(textOf(edit.num_edit) || (edit.num_edit ?? NaN));
  return [
    {
      kind: 'edit',
      identity: person,
      at,
      channelMessageId: mid,
      text: edit.text,
      revision: Number.isSafeInteger(revision) && revision >= 0 ? revision : null,
    },
  ];
};

/** A `message` with `is_deleted`, of either side: it was taken back. */
export const readUnsend: Reader = ({ raw, person, at }) => {
  const message = fieldsOf(raw.message);
  const mid = idOf(message?.mid);
  if (!isTrue(message?.is_deleted) || mid === null || person === null) return [];
  return [{ kind: 'unsend', identity: person, at, channelMessageId: mid }];
};
