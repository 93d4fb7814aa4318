import type { TranscodeNote } from '../../channels/channel.js';
import type { CalendarMessage, Choice, Coordinates } from '../../content/app-message.js';
import { choiceReference } from '../reference.js';
import { LIMITS } from './limits.js';
import { refused } from './refused.js';
import { webUrl } from './web-url.js';

/** A choice as a button of Messenger, its title still whole. */
export interface ReadChoice {
  /** Path of the title in the generic message. */
  field: string;
  title: string;
  /** What the button cannot show. */
  detail: string;
  button: Button;
  notes: TranscodeNote[];
}

/** A button less its title. */
export interface Button {
  type: 'postback' | 'phone_number' | 'web_url';
  payload?: string;
  url?: string;
}

/**
 * @param field of the choice in the generic message
 * @param index of the choice among all of the message
 * @throws DomainError INVALID_ARGUMENT naming the field of the choice that Messenger cannot show.
 */
export function readChoice(choice: Choice, field: string, index: number, messageId: string): ReadChoice {
  const { text_message: text, url_message: url, call_message: call, location_message: place } = choice;
  const { calendar_message: event, share_location_message: share } = choice;
  if (text) {
    const titled = required(text.text, `${field}.text_message.text`);
    const data = postback(choice.postback_data, titled.title, `${field}.postback_data`, index, messageId);
    return { ...titled, detail: '', ...data };
  }
  if (url) {
    const titled = required(url.title, `${field}.url_message.title`);
    return { ...titled, detail: '', button: link(url.url, `${field}.url_message.url`), notes: [] };
  }
  if (call) {
    const titled = required(call.title, `${field}.call_message.title`);
    return { ...titled, detail: '', ...phone(call.phone_number, `${field}.call_message.phone_number`) };
  }
  if (place) {
    const titled = required(place.title, `${field}.location_message.title`);
    const at = `${field}.location_message`;
    const button: Button = { type: 'web_url', url: mapUrl(place.coordinates, at) };
    const rule = 'Messenger has no location button';
    const notes = [{ field: at, rule, action: 'sent as a link to a map' }];
    return { ...titled, detail: place.label?.trim() ?? '', button, notes };
  }
  if (event) return calendar(event, `${field}.calendar_message`);
  if (share) {
    const at = `${field}.share_location_message`;
    const rule = 'Messenger has no button that asks for a location';
    const notes = [{ field: at, rule, action: 'sent as a link to fallback_url' }];
    const button = link(share.fallback_url, `${at}.fallback_url`);
    return { ...required(share.title, `${at}.title`), detail: '', button, notes };
  }
  throw refused(`message.${field}`, 'required', 'the choice is of no kind that Messenger can show');
}

function required(title: string, field: string): { field: string; title: string } {
  if (title.trim() === '') throw refused(`message.${field}`, 'required', 'a choice needs a title');
  return { field, title };
}

/**
 * A button that answers. Data that a button cannot carry are replaced by a reference, which brings them back.
 * The core fills in default data before it sends; a preview may come without.
 */
export function postback(
  given: string | undefined,
  title: string,
  field: string,
  index: number,
  messageId: string,
): Pick<ReadChoice, 'button' | 'notes'> {
  const data = given ?? `${messageId}_${title}`;
  if (data.length <= LIMITS.payload && data.trim() !== '') {
    return { button: { type: 'postback', payload: data }, notes: [] };
  }
  const rule = `a payload has 1 to ${LIMITS.payload} characters`;
  const action = 'sent as a reference; the answer brings the data back';
  return {
    button: { type: 'postback', payload: choiceReference(messageId, index) },
    notes: [{ field, rule, action }],
  };
}

function link(url: string, field: string): Button {
  webUrl(url, `message.${field}`);
  return { type: 'web_url', url };
}

/** Messenger wants `+`, country code and digits (E.164). */
function phone(number: string, field: string): Pick<ReadChoice, 'button' | 'notes'> {
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

function calendar(event: CalendarMessage, field: string): ReadChoice {
  const { title, event_title, event_start, event_end, event_description, fallback_url } = event;
  const detail = [event_title, `${clock(event_start)} – ${clock(event_end)}`, event_description]
    .map((part) => part?.trim() ?? '')
    .filter((part) => part !== '')
    .join(', ');
  const rule = 'Messenger has no calendar button';
  const action = `sent as a link to fallback_url; the event from ${event_start} to ${event_end} is in the text`;
  return {
    ...required(title, `${field}.title`),
    detail,
    button: link(fallback_url, `${field}.fallback_url`),
    notes: [{ field, rule, action }],
  };
}

/** `2026-01-05T10:00:00Z` as `2026-01-05 10:00 UTC`; what is not ISO 8601 as it is. */
function clock(time: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|([+-]\d\d:\d\d))$/.exec(time);
  return match ? `${match[1]} ${match[2]} UTC${match[3] ?? ''}` : time;
}

/** Messenger has no location of ours; a link that any map opens stands for it. */
export function mapUrl({ latitude, longitude }: Coordinates, field: string): string {
  if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) {
    throw refused(`message.${field}.coordinates`, 'coordinates', 'a place has a latitude and a longitude');
  }
  return `https://www.google.com/maps/search/?api=1&query=${degrees(latitude)},${degrees(longitude)}`;
}

/** Plain decimals, to the centimetre: `String` would write small numbers with an exponent. */
export function degrees(value: number): string {
  return value
    .toFixed(7)
    .replace(/\.?0+$/, '')
    .replace(/^-0$/, '0');
}
