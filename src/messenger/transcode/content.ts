import type { GenericContent } from '../../content/app-message.js';
import { renderCard } from './card.js';
import { renderCarousel } from './carousel.js';
import { renderChoice } from './choice.js';
import { renderContactInfo } from './contact-info.js';
import { renderList } from './list.js';
import { renderLocation } from './location.js';
import { renderMedia } from './media.js';
import { refused } from './refused.js';
import type { Place, Rendering } from './rendering.js';
import { renderText } from './text.js';

/**
 * Any generic content in Messenger's words.
 * @param within the path of what holds the content, with its dot; empty for the message itself
 * @throws DomainError INVALID_ARGUMENT when Messenger cannot say it at all.
 */
export function renderContent(content: GenericContent, within: string, messageId: string): Rendering {
  const at = (kind: keyof GenericContent): Place => ({ path: within + kind, messageId });
  const { text_message, media_message, choice_message, card_message, carousel_message } = content;
  const { list_message, location_message, contact_info_message } = content;
  if (text_message) return renderText(text_message, `${within}text_message`);
  if (media_message) return renderMedia(media_message, `${within}media_message`);
  if (choice_message) return renderChoice(choice_message, at('choice_message'));
  if (card_message) return renderCard(card_message, at('card_message'));
  if (carousel_message) return renderCarousel(carousel_message, at('carousel_message'));
  if (list_message) return renderList(list_message, at('list_message'));
  if (location_message) return renderLocation(location_message, at('location_message'));
  if (contact_info_message) return renderContactInfo(contact_info_message, at('contact_info_message'));
  const field = within === '' ? 'message' : `message.${within.slice(0, -1)}`;
  throw refused(field, 'required', 'there is no content that Messenger can show');
}
