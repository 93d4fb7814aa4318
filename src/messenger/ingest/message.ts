import type { InboundEvent } from '../../channels/channel.js';
import type { ContactMessage } from '../../content/contact-message.js';
import { attachmentContent, fallback, withText, withoutTwins } from './attachment.js';
import { readEcho } from './echo.js';
import { fieldsOf, idOf, isTrue, listOf, payloadOf, textOf, type Fields } from './fields.js';
import { derivedId, type Item, type Reader } from './item.js';
import { choiceOf, choiceResponse } from './postback.js';

/**
 * `message`: what a person wrote, and with `is_echo` what the page did.
 * Source: messenger-platform/reference/webhook-events/messages.
 */
export const readMessage: Reader = (item) => {
  const message = fieldsOf(item.raw.message);
  if (!message) return [];
  return isTrue(message.is_echo) ? readEcho(item, message) : readContactMessage(item, message);
};

/**
 * The generic model has one content a message, so a message of several makes several: the first under Meta's `mid`,
 * the others under `mid#1`, `mid#2` and so on.
 */
function readContactMessage(item: Item, message: Fields): InboundEvent[] {
  const { person: identity, at } = item;
  const mid = idOf(message.mid);
  if (identity === null || isTrue(message.is_deleted)) return [];
  const contents = contentsOf(message);
  if (contents.length === 0) {
    if (mid === null) return [];
    contents.push(fallback(message, 'Messenger delivered a message without a content that Parley can read'));
  }
  const id = mid ?? derivedId('message', item, JSON.stringify(message));
  const replyTo = idOf(fieldsOf(message.reply_to)?.mid);
  return contents.map((content, index) => ({
    kind: 'message',
    identity,
    at,
    channelMessageId: index === 0 ? id : `${id}#${index}`,
    content,
    ...choiceOf(content.choice_response_message?.postback_data ?? ''),
    ...(replyTo === null || index > 0 ? {} : { replyTo }),
  }));
}

function contentsOf(message: Fields): ContactMessage[] {
  const text = textOf(message.text);
  const attachments = withoutTwins(listOf(message.attachments));
  const quickReply = fieldsOf(message.quick_reply);
  // The text of a quick reply is its title.
  const payload = quickReply ? payloadOf(quickReply.payload) || text : '';
  return payload === ''
    ? withText(text, attachments)
    : [choiceResponse(payload), ...attachments.map(attachmentContent)];
}
