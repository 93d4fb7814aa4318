import type { TranscodeNote } from '../../channels/channel.js';
import type { CardMessage } from '../../content/app-message.js';
import { cutText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { readMedia, type ReadMedia } from './media.js';
import { button, optionsOf, unseen, type Option } from './option.js';
import { leftOut, type Place } from './rendering.js';

/** A card with its choices as options. Blank texts are empty. */
export interface ReadCard {
  /** Of the card in the generic message. */
  path: string;
  title: string;
  description: string;
  media: ReadMedia | null;
  options: Option[];
  notes: TranscodeNote[];
}

/** @param before how many choices of the message come before those of the card */
export function readCard(card: CardMessage, place: Place, before = 0): ReadCard {
  const { path } = place;
  const media = card.media_message ? readMedia(card.media_message, `${path}.media_message`) : null;
  const { options, notes } = optionsOf(card.choices ?? [], place, before);
  if (media) notes.push(...media.notes);
  if (card.height && card.height !== 'UNSPECIFIED_HEIGHT') {
    notes.push(leftOut(`${path}.height`, 'a card has no height of its own', card.height));
  }
  return {
    path,
    title: card.title?.trim() ? card.title : '',
    description: card.description?.trim() ? card.description : '',
    media,
    options,
    notes,
  };
}

export function isEmpty({ title, description, media, options }: ReadCard): boolean {
  return title === '' && description === '' && media === null && options.length === 0;
}

/** Media that no card can show. What is of no known kind is taken for an image, as nothing else is asked of cards. */
export function notImage(media: ReadMedia): boolean {
  return media.type !== undefined && media.type !== 'image';
}

/** Meta wants a title and something beside it; media must be an image. */
export function fitsElement({ title, description, media, options }: ReadCard): boolean {
  return title !== '' && (description !== '' || media !== null || options.length > 0);
}

/** The card in a generic template, with some of its options as buttons. */
export function elementOf({ title, description, media }: ReadCard, options: Option[]): object {
  return {
    title: cutText(title, LIMITS.elementText),
    ...(description === '' ? {} : { subtitle: cutText(description, LIMITS.elementText) }),
    ...(media === null ? {} : { image_url: media.url }),
    ...(options.length === 0 ? {} : { buttons: options.map(button) }),
  };
}

/** What its element does not show in full, for a text before it; empty when all is shown. */
export function untold({ title, description }: ReadCard, options: Option[]): string {
  const lines = unseen(options);
  if (description.length > LIMITS.elementText) lines.unshift(description);
  return lines.length > 0 || title.length > LIMITS.elementText ? [title, ...lines].join('\n') : '';
}

export function cutNotes({ path, title, description }: ReadCard): TranscodeNote[] {
  const action = 'cut; sent whole before, as text';
  const notes: TranscodeNote[] = [];
  if (title.length > LIMITS.elementText) {
    const rule = `the title of a card has at most ${LIMITS.elementText} characters`;
    notes.push({ field: `${path}.title`, rule, action });
  }
  if (description.length > LIMITS.elementText) {
    const rule = `the subtitle of a card has at most ${LIMITS.elementText} characters`;
    notes.push({ field: `${path}.description`, rule, action });
  }
  return notes;
}
