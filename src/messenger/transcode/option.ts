import type { TranscodeNote } from '../../channels/channel.js';
import type { Choice, Coordinates } from '../../content/app-message.js';
import { choiceReference } from '../reference.js';
import { cutText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { refused } from './refused.js';
import { webUrl } from './web-url.js';

/** A choice as Messenger's buttons have it. */
export interface Option {
  /** On the button, within its limit. */
  label: string;
  /** What the person should be able to read: the title, and the label of a location. */
  whole: string;
  /** The button less its title. */
  button: { type: 'postback' | 'phone_number' | 'web_url'; payload?: string; url?: string };
}

/** @throws DomainError INVALID_ARGUMENT naming the field of the choice that Messenger cannot show. */
export function optionsOf(
  choices: Choice[],
  messageId: string,
): { options: Option[]; notes: TranscodeNote[] } {
  const read = choices.map((choice, index) => readChoice(choice, index, messageId));
  const labels = labelsOf(read.map(({ title }) => title));
  const options = read.map(({ title, detail, button }, index) => {
    const { label, name } = labels[index] ?? { label: title, name: title };
    return { label, whole: detail === '' ? name : `${name} (${detail})`, button };
  });
  const notes = read.flatMap(({ field, title, notes }, index) => {
    const label = labels[index]?.label ?? title;
    return label === title ? notes : [cutNote(field, label), ...notes];
  });
  return { options, notes };
}

interface ReadChoice {
  /** Path of the title in the generic message. */
  field: string;
  title: string;
  /** What the button cannot show. */
  detail: string;
  button: Option['button'];
  notes: TranscodeNote[];
}

function readChoice(choice: Choice, index: number, messageId: string): ReadChoice {
  const field = `choice_message.choices[${index}]`;
  const { text_message: text, url_message: url, call_message: call, location_message: place } = choice;
  if (text) {
    const title = required(text.text, `${field}.text_message.text`);
    return { ...title, detail: '', ...postback(choice, title.title, index, messageId) };
  }
  if (url) {
    webUrl(url.url, `message.${field}.url_message.url`);
    return {
      ...required(url.title, `${field}.url_message.title`),
      detail: '',
      button: { type: 'web_url', url: url.url },
      notes: [],
    };
  }
  if (call) {
    const title = required(call.title, `${field}.call_message.title`);
    return { ...title, detail: '', ...phone(call.phone_number, `${field}.call_message.phone_number`) };
  }
  if (place) {
    const title = required(place.title, `${field}.location_message.title`);
    return {
      ...title,
      detail: place.label?.trim() ?? '',
      ...map(place.coordinates, `${field}.location_message`),
    };
  }
  throw refused(`message.${field}`, 'required', 'the choice is of no kind that Messenger can show');
}

function required(title: string, field: string): { field: string; title: string } {
  if (title.trim() === '') throw refused(`message.${field}`, 'required', 'a choice needs a title');
  return { field, title };
}

type ReadButton = Pick<ReadChoice, 'button' | 'notes'>;

/** The core fills in default data before it sends; a preview may come without. */
function postback(choice: Choice, title: string, index: number, messageId: string): ReadButton {
  const data = choice.postback_data ?? `${messageId}_${title}`;
  if (data.trim() !== '' && data.length <= LIMITS.payload)
    return { button: { type: 'postback', payload: data }, notes: [] };
  return {
    button: { type: 'postback', payload: choiceReference(messageId, index) },
    notes: [
      {
        field: `choice_message.choices[${index}].postback_data`,
        rule: `a payload has 1 to ${LIMITS.payload} characters`,
        action: 'sent as a reference; the answer brings the data back',
      },
    ],
  };
}

/** Messenger wants `+`, country code and digits (E.164). */
function phone(number: string, field: string): ReadButton {
  const digits = number
    .trim()
    // `+46 (0)70`: the zero is for callers within the country.
    .replace(/^((?:\+|00)[^(]*)\(0\)/, '$1')
    .replace(/[\s\p{Pd}()[\]./]/gu, '')
    .replace(/^(\+|00)/, '');
  if (!/^[1-9]\d{6,14}$/.test(digits)) {
    const rule = 'a phone number has its country code and 7 to 15 digits';
    throw refused(`message.${field}`, 'phone', rule);
  }
  const payload = `+${digits}`;
  const rule = 'a phone number is + and digits';
  return {
    button: { type: 'phone_number', payload },
    notes: payload === number ? [] : [{ field, rule, action: `sent as ${payload}` }],
  };
}

/** Messenger has no location of ours; a link that any map opens stands for it. */
function map({ latitude, longitude }: Coordinates, field: string): ReadButton {
  if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) {
    throw refused(`message.${field}.coordinates`, 'coordinates', 'a place has a latitude and a longitude');
  }
  const url = `https://www.google.com/maps/search/?api=1&query=${degrees(latitude)},${degrees(longitude)}`;
  const rule = 'Messenger has no location button';
  return { button: { type: 'web_url', url }, notes: [{ field, rule, action: 'sent as a link to a map' }] };
}

/** Plain decimals, to the centimetre: `String` would write small numbers with an exponent. */
function degrees(value: number): string {
  return value
    .toFixed(7)
    .replace(/\.?0+$/, '')
    .replace(/^-0$/, '0');
}

/** Titles as buttons show them. Two that cutting made alike are numbered, on the button and in the text. */
function labelsOf(titles: string[]): { label: string; name: string }[] {
  const labels = titles.map((title) => cutText(title, LIMITS.buttonTitle));
  return titles.map((title, index) => {
    const label = labels[index] ?? title;
    if (label === title || labels.filter((other) => other === label).length === 1)
      return { label, name: title };
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
