import type { TranscodeNote } from '../../channels/channel.js';
import type { Choice } from '../../content/app-message.js';
import { readChoice, type Button, type ReadChoice } from './button.js';
import { cutText } from './grapheme.js';
import { LIMITS } from './limits.js';
import type { Place } from './rendering.js';

/** A choice as Messenger's buttons have it. */
export interface Option {
  /** On the button, within its limit. */
  label: string;
  /** What the person should be able to read: the title, and e.g. the label of a location. */
  whole: string;
  /** The button less its title. */
  button: Button;
}

export interface Options {
  options: Option[];
  notes: TranscodeNote[];
}

/**
 * @param before how many choices of the message come before these
 * @throws DomainError INVALID_ARGUMENT naming the field of the choice that Messenger cannot show.
 */
export function optionsOf(choices: Choice[], { path, messageId }: Place, before = 0): Options {
  return labelled(
    choices.map((choice, index) =>
      readChoice(choice, `${path}.choices[${index}]`, before + index, messageId),
    ),
  );
}

/** Choices that stand together, their titles cut to what buttons show. */
export function labelled(read: ReadChoice[]): Options {
  const labels = labelsOf(read);
  const notes: TranscodeNote[] = [];
  const options = read.map(({ field, title, detail, button, notes: own }, index): Option => {
    const { label, name } = labels[index] ?? { label: title, name: title };
    if (label !== title) notes.push(cutNote(field, label));
    notes.push(...own);
    return { label, whole: detail === '' ? name : `${name} (${detail})`, button };
  });
  return { options, notes };
}

/** What the labels do not show, a line each. */
export function unseen(options: Option[]): string[] {
  return options.filter(({ label, whole }) => label !== whole).map(({ whole }) => `• ${whole}`);
}

export function button({ label, button }: Option): Record<string, unknown> {
  return { ...button, title: label };
}

export function quickReply({ label, button }: Option): Record<string, unknown> {
  return { content_type: 'text', title: label, payload: button.payload };
}

/** Whether quick replies can stand for all of them. */
export function areReplies(options: Option[]): boolean {
  return (
    options.length <= LIMITS.quickReplies && options.every(({ button: { type } }) => type === 'postback')
  );
}

/** Titles as buttons show them. Two that cutting made alike are numbered, on the button and in the text. */
function labelsOf(read: ReadChoice[]): { label: string; name: string }[] {
  const labels = read.map(({ title }) => cutText(title, LIMITS.buttonTitle));
  return read.map(({ title }, index) => {
    const label = labels[index] ?? title;
    if (label === title || labels.indexOf(label) === labels.lastIndexOf(label)) return { label, name: title };
    const name = `${index + 1}. ${title}`;
    return { label: cutText(name, LIMITS.buttonTitle), name };
  });
}

function cutNote(field: string, label: string): TranscodeNote {
  return {
    field,
    rule: `a title has at most ${LIMITS.buttonTitle} characters`,
    action: `cut to "${label}"; the whole title is in the text`,
  };
}
