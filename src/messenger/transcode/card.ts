import type { CardMessage } from '../../content/app-message.js';
import { isFacebookUrl } from '../assets/media-template.js';
import { LIMITS } from './limits.js';
import { attachment, type ReadMedia } from './media.js';
import { areReplies, button, quickReply, type Option } from './option.js';
import { ask, askWithButtons, textOver, type Question } from './question.js';
import { cutNotes, elementOf, isEmpty, notImage, readCard, untold, type ReadCard } from './read-card.js';
import { refused } from './refused.js';
import { template, type Place, type Rendering, type Said } from './rendering.js';
import { texts } from './text.js';

/**
 * A card, by what it has.
 *
 * | title | and | becomes |
 * | --- | --- | --- |
 * | yes | an image or a description | generic template |
 * | yes | choices only | button template, the title being its text; more than 3 replies: a text with quick replies |
 * | yes | nothing | text |
 * | no | a description | text, and choices as under any question |
 * | no | media | the attachment; with choices a media template with a button or quick replies; a description goes before, as text |
 *
 * Video, audio and files, which a card cannot show, go before it. Of more than 3 choices that are all replies the generic
 * template has quick replies; of others the first 3 are its buttons and the rest follow in button templates.
 */
export function renderCard(message: CardMessage, place: Place): Rendering {
  const card = readCard(message, place);
  if (isEmpty(card)) throw refused(`message.${place.path}`, 'required', 'the card is empty');
  const { messages, notes } = cardAlone(card, true);
  return { messages, notes: [...card.notes, ...notes] };
}

/**
 * A card by itself, without the notes of its reading.
 * @param last whether no message follows: only then quick replies do, as they vanish with the next message.
 */
export function cardAlone(card: ReadCard, last: boolean): Rendering {
  const { path, title, description, media, options } = card;
  if (title === '' && media !== null) return mediaCard(card, media, last);
  if (media !== null && notImage(media)) {
    const rest = cardAlone({ ...card, media: null }, last);
    const rule = 'a card shows images only';
    const note = { field: `${path}.media_message`, rule, action: `sent before, as ${media.type}` };
    return { messages: [attachment(media), ...rest.messages], notes: [note, ...rest.notes] };
  }
  if (title !== '' && (media !== null || description !== '')) return genericCard(card, last);
  const text = title || description;
  const textField = `${path}.${title === '' ? 'description' : 'title'}`;
  if (options.length > 0) {
    const asButtons = !last || (title !== '' && options.length <= LIMITS.buttons);
    const question = { text, options, textField, choicesField: `${path}.choices` };
    return asButtons ? askWithButtons(question) : ask(question);
  }
  const said = texts(text, textField);
  const rule = 'a card has a title and something beside it';
  return { messages: said.messages, notes: [{ field: path, rule, action: 'sent as text' }, ...said.notes] };
}

function genericCard(card: ReadCard, last: boolean): Rendering {
  const { path, options } = card;
  const field = `${path}.choices`;
  const replies = last && options.length > LIMITS.buttons && areReplies(options);
  const shown = replies ? [] : options.slice(0, LIMITS.buttons);
  const rest = replies ? [] : options.slice(LIMITS.buttons);
  const before = untold(card, replies ? options : shown);
  const said: Said = template({ template_type: 'generic', elements: [elementOf(card, shown)] });
  if (replies) said.quick_replies = options.map(quickReply);
  const notes = cutNotes(card);
  const rule = `a card has at most ${LIMITS.buttons} buttons`;
  if (replies) notes.push({ field, rule, action: 'sent as quick replies' });
  if (rest.length > 0) notes.push({ field, rule, action: 'the rest is sent after, as button templates' });
  const more = askWithButtons(withoutText(rest, path));
  return {
    messages: [
      ...(before === '' ? [] : texts(before, path).messages),
      said,
      ...(rest.length === 0 ? [] : more.messages),
    ],
    notes: [...notes, ...more.notes],
  };
}

/** Media without a title, and maybe a description, which goes before, and options. */
function mediaCard({ path, description, options }: ReadCard, media: ReadMedia, last: boolean): Rendering {
  const field = `${path}.choices`;
  const onTemplate = media.type !== 'audio' && media.type !== 'file';
  const asButton = onTemplate && options.length > 0 && options.length <= LIMITS.mediaButtons;
  const asReplies = !asButton && last && options.length > 0 && areReplies(options);
  const under = asButton || asReplies ? options : [];
  const before = description === '' && under.length > 0 ? wholeLabels(under) : textOver(description, under);
  const told = before.trim() === '' ? { messages: [], notes: [] } : texts(before, `${path}.description`);
  const { messages, notes } = told;
  if (under.length === 0 || !onTemplate) {
    messages.push(attachment(media));
  } else {
    const media_type = media.type ?? 'image';
    const buttons = asButton ? { buttons: options.map(button) } : {};
    const elements = [{ media_type, url: media.url, ...buttons }];
    messages.push(template({ template_type: 'media', elements }));
    if (!isFacebookUrl(media.url)) {
      const rule = 'a media template takes an attachment_id or a Facebook URL';
      const action = 'uploaded first; sent as its attachment_id';
      notes.push({ field: `${path}.media_message`, rule, action });
    }
  }
  if (asReplies) {
    (messages.at(-1) as Said).quick_replies = options.map(quickReply);
    notes.push({ field, rule: 'media bears one button or quick replies', action: 'sent as quick replies' });
  } else if (!asButton && options.length > 0) {
    const asked = askWithButtons(withoutText(options, path));
    messages.push(...asked.messages);
    const rule = 'media bears one button or quick replies';
    notes.push({ field, rule, action: 'sent after, as button templates' }, ...asked.notes);
  }
  return { messages, notes };
}

function wholeLabels(options: Option[]): string {
  return options.some(({ label, whole }) => label !== whole) ? textOver('', options) : '';
}

function withoutText(options: Option[], path: string): Question {
  return { text: '', options, textField: path, choicesField: `${path}.choices` };
}
