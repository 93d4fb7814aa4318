import type { ChannelPayload, Transcoded } from '../../channels/channel.js';
import type { Envelope } from './envelope.js';
import { refused } from './refused.js';

const FIELD = 'explicit_channel_message.MESSENGER';

/** Keys that only a whole Send API body has; without any of them it is a `message`. */
const BODY_KEYS = ['message', 'sender_action', 'messaging_type', 'recipient'];

/**
 * What the caller wrote for Messenger, as it is: a Send API body, less its `recipient`, or the `message` of one. What the
 * channel properties ask for is added where the body does not say it itself; one with a `messaging_type` says for itself how it is sent, but never to
 * whom and as whom.
 * @throws DomainError INVALID_ARGUMENT when it is not a JSON object.
 */
export function renderExplicit(json: string, envelope: Envelope): Transcoded {
  const given = objectIn(json);
  if (!BODY_KEYS.some((key) => key in given)) return transcoded({ ...envelope.fields, message: given });
  const { recipient: _replaced, ...body } = given;
  const { persona_id, persona, recipient, ...how } = envelope.fields;
  const beside = {
    ...(persona_id && { persona_id }),
    ...(persona && { persona }),
    ...(recipient && { recipient }),
  };
  const left = envelope.asked && !('messaging_type' in body);
  return transcoded({ ...(left ? how : {}), ...beside, ...body });
}

function objectIn(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(`message.${FIELD}`, 'json', 'must be a JSON object: a Send API body or its message');
  }
  return value as Record<string, unknown>;
}

function transcoded(payload: ChannelPayload): Transcoded {
  const message = payload.message;
  const metadata = typeof message === 'object' && message !== null && 'metadata' in message;
  const notes = metadata
    ? [
        {
          field: FIELD,
          rule: 'message.metadata tell Parley its own sends apart',
          action: 'replaced by the reference of the message',
        },
      ]
    : [];
  return { payloads: [payload], notes };
}
