import type { LocationMessage, MediaMessage, ProductItem, TextMessage } from './app-message.js';
import type { Reason } from './reason.js';

/**
 * What a person says, in the Conversation API's own JSON: exactly one content field, plus `reply_to`.
 * Source: Conversation API, ContactMessage.
 */
export interface ContactMessage {
  text_message?: TextMessage;
  media_message?: MediaMessage;
  media_card_message?: MediaCardMessage;
  location_message?: LocationMessage;
  choice_response_message?: ChoiceResponseMessage;
  product_response_message?: ProductResponseMessage;
  fallback_message?: FallbackMessage;
  /** `message_id` is ours; empty when the quoted message is not known here. */
  reply_to?: { message_id: string };
}

/** Media with a text. */
export interface MediaCardMessage {
  url: string;
  caption?: string;
}

/** `message_id` is our message that offered the choice; empty when none of ours did (a menu, Get Started). */
export interface ChoiceResponseMessage {
  message_id: string;
  postback_data: string;
}

/** Products of a list that the person picked. */
export interface ProductResponseMessage {
  products: ProductItem[];
  title?: string;
  catalog_id?: string;
}

/** Content that has no generic form; `raw_message` is the channel's JSON text. */
export interface FallbackMessage {
  raw_message: string;
  reason: Reason;
}
