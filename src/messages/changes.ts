import type { AppMessage } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';
import { reason } from '../content/reason.js';
import type { Message, MessageReaction } from './message.entity.js';

/** Times are ISO 8601 in UTC throughout, which sorts as text. */
export interface TextEdit {
  text: string;
  revision: number | null;
  at: string;
}

/** What befell a message after it was said. Pure data: whatever the order in which it became known, `merge` makes the same of it. */
export interface Changes {
  /** At most one a side, in order of the sides. */
  reactions: MessageReaction[];
  edit: TextEdit | null;
  deletedAt: string | null;
}

export const UNCHANGED: Changes = { reactions: [], edit: null, deletedAt: null };

/** Of each kind the later one counts; of what was taken back nothing is left. */
export function merge(a: Changes, b: Changes): Changes {
  const [deletedAt = null] = [a.deletedAt, b.deletedAt].filter((at) => at !== null).sort();
  if (deletedAt !== null) return { reactions: [], edit: null, deletedAt };
  const reactions = new Map<string, MessageReaction>();
  for (const reaction of [...a.reactions, ...b.reactions]) {
    const known = reactions.get(reaction.by);
    if (!known || isLaterReaction(reaction, known)) reactions.set(reaction.by, reaction);
  }
  const edit = a.edit && b.edit ? (isLaterEdit(b.edit, a.edit) ? b.edit : a.edit) : (a.edit ?? b.edit);
  return {
    reactions: [...reactions.values()].sort((one, other) => (one.by < other.by ? -1 : 1)),
    edit,
    deletedAt,
  };
}

export function isSame(a: Changes, b: Changes): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

/** What a stored message tells of what befell it. */
export function changesOf({ reactions, editedAt, editRevision, deletedAt, content }: Message): Changes {
  return {
    reactions,
    edit: editedAt && {
      text: textIn(content),
      revision: editRevision,
      at: editedAt.toISOString(),
    },
    deletedAt: deletedAt?.toISOString() ?? null,
  };
}

type Changeable = 'content' | 'channelData' | 'reactions' | 'editedAt' | 'editRevision' | 'deletedAt';

/** What of a message is different once it is known what befell it. */
export function changed(
  message: Message,
  { reactions, edit, deletedAt }: Changes,
): Pick<Message, Changeable> {
  if (deletedAt !== null) return { ...TOMBSTONE, deletedAt: new Date(deletedAt) };
  return {
    content: edit ? withText(message.content, edit.text) : message.content,
    channelData: message.channelData,
    reactions,
    editedAt: edit && new Date(edit.at),
    editRevision: edit?.revision ?? null,
    deletedAt: null,
  };
}

/** What stands in the place of a content that was taken back, on every face. */
export const UNSENT: ContactMessage = {
  fallback_message: { raw_message: '', reason: reason('UNKNOWN', 'the message was unsent') },
};

const TOMBSTONE = { content: UNSENT, channelData: null, reactions: [], editedAt: null, editRevision: null };

/** At one moment putting on wins: a sign that is exchanged for another is taken away and put on at once. */
function isLaterReaction(a: MessageReaction, b: MessageReaction): boolean {
  return a.at === b.at ? (a.emoji ?? '') > (b.emoji ?? '') : a.at > b.at;
}

function isLaterEdit(a: TextEdit, b: TextEdit): boolean {
  if (a.revision !== null && b.revision !== null) return a.revision > b.revision;
  return a.at > b.at;
}

function textIn({ text_message: text, media_card_message: card }: AppMessage & ContactMessage): string {
  return text?.text ?? card?.caption ?? '';
}

/** Content that has no text of its own stays as it is. */
function withText(content: AppMessage & ContactMessage, text: string): AppMessage | ContactMessage {
  const { text_message: said, media_card_message: card } = content;
  if (said) return { ...content, text_message: { ...said, text } };
  if (card) return { ...content, media_card_message: { ...card, caption: text } };
  return content;
}

/** With keys in one order, whoever built it. */
function ordered({ reactions, edit, deletedAt }: Changes): unknown {
  return [
    reactions.map(({ by, emoji, category, at }) => [by, emoji, category, at]),
    edit && [edit.text, edit.revision, edit.at],
    deletedAt,
  ];
}
