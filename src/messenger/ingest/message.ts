import type { InboundEvent } from '../../channels/channel.js';
import { attachmentsOf, eachAttachment, fallback, type Said, withText } from './attachment.js';
import { readUnsend } from './change.js';
import { detailsOf, messageDetails, named, without } from './details.js';
import { readEcho } from './echo.js';
import { fieldsOf, idOf, isTrue, payloadOf, textOf, type Fields } from './fields.js';
import { derivedId, type Item, type Reader } from './item.js';
import { choiceOf, choiceResponse } from './postback.js';
import { referralWithin } from './referral.js';
import { stickerText } from './sticker.js';

/**
 * `message`: what a person wrote or took back, and what the page did.
 * Source: messenger-platform/reference/webhook-events/messages.
 */
export const readMessage: Reader = (item) => {
  const message = fieldsOf(item.raw.message);
  if (!message) return [];
  if (isTrue(message.is_deleted)) return readUnsend(item);
  return item.byPage ? readEcho(item, message) : readContactMessage(item, message);
};

/**
 * The generic model has one content a message, so a message of several makes several: the first under Meta's `mid`,
 * the others under `mid#1`, `mid#2` and so on.
 */
function readContactMessage(item: Item, message: Fields): InboundEvent[] {
  const { person: identity, at } = item;
  const mid = idOf(message.mid);
  if (identity === null) return [];
  const contents = contentsOf(message);
  const beside = contents.length === 0 ? {} : messageDetails(message);
  if (contents.length === 0) {
    if (mid === null) return [];
    contents.push({
      content: fallback(message, 'Messenger delivered a message without a content that Parley can read'),
      details: {},
    });
  }
  const id = mid ?? derivedId('message', item, message);
  const replyTo = idOf(fieldsOf(message.reply_to)?.mid);
  const messages = contents.map<InboundEvent>(({ content, details }, index) => ({
    kind: 'message',
    identity,
    at,
    channelMessageId: index === 0 ? id : `${id}#${index}`,
    content,
    ...choiceOf(content.choice_response_message?.postback_data ?? ''),
    ...(replyTo === null || index > 0 ? {} : { replyTo }),
    ...(index > 0 ? detailsOf(details, pickStandby(item)) : detailsOf(item.beside, beside, details)),
  }));
  return [...messages, ...referralWithin(item, message.referral, { mid: id })];
}

function contentsOf(message: Fields): Said[] {
  const text = textOf(message.text);
  const attachments = attachmentsOf(message);
  const quickReply = fieldsOf(message.quick_reply);
  // The text of a quick reply is its title.
  const payload = quickReply ? payloadOf(quickReply.payload) || text : '';
  if (quickReply && payload !== '') {
    const details = { ...without(quickReply, 'payload'), ...(text === payload ? {} : named('title', text)) };
    return [{ content: choiceResponse(payload), details }, ...eachAttachment(attachments)];
  }
  if (text === '' && attachments.length === 0) {
    const sign = stickerText(message.sticker_id);
    return sign === '' ? [] : [{ content: { text_message: { text: sign } }, details: {} }];
  }
  return withText(text, attachments);
}

function pickStandby({ beside }: Item): Fields {
  return beside.standby === true ? { standby: true } : {};
}
