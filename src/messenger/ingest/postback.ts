import type { InboundMessage } from '../../channels/channel.js';
import type { ContactMessage } from '../../content/contact-message.js';
import { fieldsOf, idOf, payloadOf, textOf } from './fields.js';
import { parseChoiceReference } from '../reference.js';
import { derivedId, type Reader } from './item.js';

/**
 * `postback`: a tapped button, menu item, ice breaker or Get Started. An app that did not send the button, and every
 * app in standby, gets no payload; then the title has to do.
 * Source: messenger-platform/reference/webhook-events/messaging_postbacks.
 */
export const readPostback: Reader = (item) => {
  const postback = fieldsOf(item.raw.postback);
  const payload = payloadOf(postback?.payload) || textOf(postback?.title);
  if (item.person === null || payload === '') return [];
  return [
    {
      kind: 'message',
      identity: item.person,
      at: item.at,
      // `mid` came with webhook version 11.
      channelMessageId: idOf(postback?.mid) ?? derivedId('postback', item, payload),
      content: choiceResponse(payload),
      ...choiceOf(payload),
    },
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
