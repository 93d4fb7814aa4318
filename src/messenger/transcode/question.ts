import type { TranscodeNote } from '../../channels/channel.js';
import { splitTail, splitText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { areReplies, button, quickReply, unseen, type Option } from './option.js';
import { template, type Rendering } from './rendering.js';

/** A text, maybe blank, and the options under it; at least one. */
export interface Question {
  text: string;
  options: Option[];
  /** Paths of both in the generic message, for notes. */
  textField: string;
  choicesField: string;
}

/** Quick replies where they can stand for all options, else button templates. */
export function ask(question: Question): Rendering {
  const asked = areReplies(question.options) ? askWithReplies(question) : askWithButtons(question);
  return { messages: asked.messages, notes: [...kindNotes(question), ...asked.notes] };
}

function askWithReplies({ text, options, textField }: Question): Rendering {
  const pieces = splitText(textOver(text, options), LIMITS.text);
  const last = pieces.pop() ?? '';
  return {
    messages: [
      ...pieces.map((piece) => ({ text: piece })),
      { text: last, quick_replies: options.map(quickReply) },
    ],
    notes: overflowNotes(textField, pieces, `a text has at most ${LIMITS.text} characters`),
  };
}

/**
 * Templates of up to 3 buttons each. The text goes with the first; what does not fit there goes before, as text. Further
 * templates, and any without a text, say the titles of their own buttons.
 */
export function askWithButtons({ text, options, textField, choicesField }: Question): Rendering {
  const messages: Rendering['messages'] = [];
  const notes: TranscodeNote[] = [];
  const count = Math.ceil(options.length / LIMITS.buttons);
  if (count > 1) {
    const rule = `a button template has at most ${LIMITS.buttons} buttons`;
    notes.push({ field: choicesField, rule, action: `sent as ${count} button templates` });
  }
  for (let first = 0; first < options.length; first += LIMITS.buttons) {
    const group = options.slice(first, first + LIMITS.buttons);
    const said = textOver(first === 0 ? text : '', group);
    const { head, last } = splitTail(said, LIMITS.text, LIMITS.buttonTemplateText);
    for (const piece of head) messages.push({ text: piece });
    messages.push(template({ template_type: 'button', text: last, buttons: group.map(button) }));
    const rule = `the text of a button template has at most ${LIMITS.buttonTemplateText} characters`;
    notes.push(...overflowNotes(textField, head, rule));
  }
  return { messages, notes };
}

/** The text, and what the labels under it do not show; without a text everything that they stand for. */
export function textOver(text: string, options: Option[]): string {
  if (text.trim() === '') return options.map(({ whole }) => whole).join(' / ');
  const lines = unseen(options);
  return lines.length === 0 ? text : `${text}\n\n${lines.join('\n')}`;
}

function kindNotes({ text, options, textField, choicesField }: Question): TranscodeNote[] {
  const notes: TranscodeNote[] = [];
  if (text.trim() === '') {
    notes.push({ field: textField, rule: 'choices stand under a text', action: 'the titles are the text' });
  }
  if (!areReplies(options) && options.some(({ button: { type } }) => type === 'postback')) {
    const rule = `quick replies are at most ${LIMITS.quickReplies} and stand beside no other buttons`;
    notes.push({ field: choicesField, rule, action: 'text choices are sent as postback buttons' });
  }
  return notes;
}

function overflowNotes(field: string, before: string[], rule: string): TranscodeNote[] {
  if (before.length === 0) return [];
  const action = `the beginning is sent before as ${before.length} ${before.length === 1 ? 'text' : 'texts'}`;
  return [{ field, rule, action }];
}
