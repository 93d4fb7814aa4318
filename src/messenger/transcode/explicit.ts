import type { ChannelPayload, Transcoded } from '../../channels/channel.js';
import type { Envelope } from './envelope.js';
import { refused } from './refused.js';

const FIELD = 'explicit_channel_message.MESSENGER';

/** Keys that only a whole Send API body has; without any of them it is a `message`. */
const BODY_KEYS = ['message', 'sender_action', 'messaging_type', 'recipient'];

/**
 * What the caller wrote for Messenger, as it is: a Send API body, less its `recipient`, or the `message` of one. The
 * channel properties are added to a body only when there are any and it has no `messaging_type` of its own.
 * @throws DomainError INVALID_ARGUMENT when it is not a JSON object.
 */
export function renderExplicit(json: string, envelope: Envelope): Transcoded {
  const given = objectIn(json);
  if (!BODY_KEYS.some((key) => key in given)) return transcoded({ ...envelope.fields, message: given });
  const { recipient: _replaced, ...body } = given;
  return transcoded(envelope.asked && !('messaging_type' in body) ? { ...envelope.fields, ...body } : body);
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
