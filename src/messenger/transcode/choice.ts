import type { TranscodeNote } from '../../channels/channel.js';
import type { ChoiceMessage } from '../../content/app-message.js';
import { splitTail, splitText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { optionsOf, type Option } from './option.js';
import { refused } from './refused.js';
import type { Rendering } from './rendering.js';

/**
 * A question with choices.
 *
 * | choices | become |
 * | --- | --- |
 * | up to 13, all `text_message` | quick replies under the question |
 * | any `url_message`, `call_message` or `location_message` among them, or more than 13 | button templates of up to 3 buttons each: `web_url`, `phone_number`, `web_url` to a map, `postback` |
 *
 * The question goes with the quick replies or with the first template; what does not fit there goes before, as text.
 * Further templates, and any without a question, say the titles of their own buttons. Titles over 20 characters are cut
 * on the button and stand whole in the text, like the label of a location.
 */
export function renderChoice({ text_message, choices }: ChoiceMessage, messageId: string): Rendering {
  if (choices.length === 0) {
    throw refused('message.choice_message.choices', 'arrayMinSize', 'a choice message needs a choice');
  }
  const question = text_message?.text.trim() ? text_message.text : '';
  const { options, notes } = optionsOf(choices, messageId);
  const quick = choices.length <= LIMITS.quickReplies && choices.every((choice) => choice.text_message);
  const said = quick ? quickReplies(question, options) : buttonTemplates(question, options);
  return { messages: said.messages, notes: [...questionNotes(question), ...notes, ...said.notes] };
}

function quickReplies(question: string, options: Option[]): Rendering {
  const pieces = splitText(textOver(question, options), LIMITS.text);
  const last = pieces.pop() ?? '';
  const replies = options.map(({ label, button }) => ({
    content_type: 'text',
    title: label,
    payload: button.payload,
  }));
  return {
    messages: [...pieces.map((text) => ({ text })), { text: last, quick_replies: replies }],
    notes: overflowNotes(pieces, `a text has at most ${LIMITS.text} characters`),
  };
}

function buttonTemplates(question: string, options: Option[]): Rendering {
  const count = Math.ceil(options.length / LIMITS.buttons);
  const templates = Array.from({ length: count }, (_, index) => {
    const group = options.slice(index * LIMITS.buttons, (index + 1) * LIMITS.buttons);
    return buttonTemplate(textOver(index === 0 ? question : '', group), group);
  });
  return {
    messages: templates.flatMap(({ messages }) => messages),
    notes: [...templatesNotes(options, count), ...templates.flatMap(({ notes }) => notes)],
  };
}

function buttonTemplate(text: string, options: Option[]): Rendering {
  const { head, last } = splitTail(text, LIMITS.text, LIMITS.buttonTemplateText);
  const buttons = options.map(({ label, button }) => ({ ...button, title: label }));
  const payload = { template_type: 'button', text: last, buttons };
  return {
    messages: [...head.map((piece) => ({ text: piece })), { attachment: { type: 'template', payload } }],
    notes: overflowNotes(
      head,
      `the text of a button template has at most ${LIMITS.buttonTemplateText} characters`,
    ),
  };
}

/** The question, and what the labels under it do not show; without a question everything that they stand for. */
function textOver(question: string, options: Option[]): string {
  if (question === '') return options.map(({ whole }) => whole).join(' / ');
  const unseen = options.filter(({ label, whole }) => label !== whole).map(({ whole }) => `• ${whole}`);
  return unseen.length === 0 ? question : `${question}\n\n${unseen.join('\n')}`;
}

function questionNotes(question: string): TranscodeNote[] {
  if (question !== '') return [];
  const rule = 'choices stand under a text';
  return [{ field: 'choice_message.text_message.text', rule, action: 'the titles are the text' }];
}

function overflowNotes(before: string[], rule: string): TranscodeNote[] {
  if (before.length === 0) return [];
  const action = `the beginning is sent before as ${before.length} ${before.length === 1 ? 'text' : 'texts'}`;
  return [{ field: 'choice_message.text_message.text', rule, action }];
}

function templatesNotes(options: Option[], count: number): TranscodeNote[] {
  const field = 'choice_message.choices';
  const notes: TranscodeNote[] = [];
  if (options.some(({ button }) => button.type === 'postback')) {
    const rule = `quick replies are at most ${LIMITS.quickReplies} and stand beside no other buttons`;
    notes.push({ field, rule, action: 'text choices are sent as postback buttons' });
  }
  if (count > 1) {
    const rule = `a button template has at most ${LIMITS.buttons} buttons`;
    notes.push({ field, rule, action: `sent as ${count} button templates` });
  }
  return notes;
}
