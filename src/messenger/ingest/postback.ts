import type { InboundMessage } from '../../channels/channel.js';
import type { ContactMessage } from '../../content/contact-message.js';
import { parseChoiceReference } from '../reference.js';
import { detailsOf, named, without } from './details.js';
import { genericEvent } from './event.js';
import { fieldsOf, idOf, payloadOf, textOf } from './fields.js';
import { derivedId, type Reader } from './item.js';
import { referralWithin } from './referral.js';

/**
 * `postback`: a tapped button, menu item, ice breaker or Get Started, with the referral that led a new person here. An app
 * that did not send the button, and every app in standby, gets no payload; then the title has to do, and with none of both
 * the tap is an event.
 * Source: messenger-platform/reference/webhook-events/messaging_postbacks.
 */
export const readPostback: Reader = (item) => {
  const postback = fieldsOf(item.raw.postback);
  if (!postback || item.person === null) return [];
  const title = textOf(postback.title);
  const payload = payloadOf(postback.payload) || title;
  // `mid` came with webhook version 11.
  const mid = idOf(postback.mid);
  if (payload === '') {
    const key = mid === null ? derivedId('postback', item, postback) : `postback:${mid}`;
    return [
      ...genericEvent(item, 'postback', { postback: without(postback, 'referral') }, key),
      ...referralWithin(item, postback.referral, { ...(mid === null ? {} : { mid }) }),
    ];
  }
  const id = mid ?? derivedId('postback', item, payload);
  return [
    {
      kind: 'message',
      identity: item.person,
      at: item.at,
      channelMessageId: id,
      content: choiceResponse(payload),
      ...choiceOf(payload),
      ...detailsOf(
        item.beside,
        without(postback, 'mid', 'payload', 'title', 'referral'),
        title === payload ? {} : named('title', title),
      ),
    },
    ...referralWithin(item, postback.referral, { mid: id, payload, title }),
  ];
};

/** Set when the payload stands for postback data that were too long for the button. */
export function choiceOf(payload: string): Pick<InboundMessage, 'choice'> {
  const choice = parseChoiceReference(payload);
  return choice ? { choice } : {};
}

/** `message_id` is for the core to find: Meta does not say which message offered the choice. */
export function choiceResponse(payload: string): ContactMessage {
  return { choice_response_message: { message_id: '', postback_data: payload } };
}
