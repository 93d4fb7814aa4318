import type { CarouselMessage } from '../../content/app-message.js';
import { areReplies, optionsOf, quickReply, unseen } from './option.js';
import { ask } from './question.js';
import { isEmpty, readCard } from './read-card.js';
import { refused } from './refused.js';
import type { Place, Rendering } from './rendering.js';
import { Strip } from './strip.js';

/**
 * Cards side by side, see `Strip`. Outer choices stand under the last message as quick replies when all of them are replies
 * whose titles fit, else under a message of their own.
 */
export function renderCarousel({ cards, choices = [] }: CarouselMessage, place: Place): Rendering {
  let before = 0;
  const read = cards.map((card, index) => {
    const one = readCard(card, { ...place, path: `${place.path}.cards[${index}]` }, before);
    before += one.options.length;
    return one;
  });
  if (read.every(isEmpty) && choices.length === 0) {
    throw refused(`message.${place.path}.cards`, 'required', 'a carousel needs a card that is not empty');
  }
  const strip = new Strip();
  for (const card of read) strip.add(card);
  strip.end();
  const { messages } = strip;
  const { options, notes } = optionsOf(choices, place, before);
  const last = messages.at(-1);
  if (last && options.length > 0 && areReplies(options) && unseen(options).length === 0) {
    last.quick_replies = options.map(quickReply);
  } else if (options.length > 0) {
    const asked = ask({ text: '', options, textField: place.path, choicesField: `${place.path}.choices` });
    messages.push(...asked.messages);
    notes.push(...asked.notes);
  }
  return { messages, notes: [...read.flatMap((card) => card.notes), ...strip.notes, ...notes] };
}
