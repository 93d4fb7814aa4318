import type { TranscodeContext, Transcoded } from '../../channels/channel.js';
import type { AppMessage } from '../../content/app-message.js';
import { renderChoice } from './choice.js';
import { envelopeOf, type Envelope } from './envelope.js';
import { renderExplicit } from './explicit.js';
import { renderMedia } from './media.js';
import { refused } from './refused.js';
import type { Rendering } from './rendering.js';
import { renderText } from './text.js';

/**
 * A generic message as Send API bodies without `recipient`, in the order to send them. Pure.
 * @throws DomainError INVALID_ARGUMENT when Messenger cannot say it at all.
 */
export function transcode(message: AppMessage, context: TranscodeContext): Transcoded {
  const envelope = envelopeOf(context.properties);
  const transcoded = payloadsOf(message, context, envelope);
  if (message.agent?.type === 'BOT' && transcoded.payloads.some(({ tag }) => tag === 'HUMAN_AGENT')) {
    throw refused(
      'channel_properties.MESSENGER_MESSAGE_TAG',
      'human',
      'HUMAN_AGENT is for what a person wrote; this message has agent.type BOT',
    );
  }
  return transcoded;
}

function payloadsOf(message: AppMessage, context: TranscodeContext, envelope: Envelope): Transcoded {
  const explicit = message.explicit_channel_message?.MESSENGER;
  if (explicit !== undefined) return renderExplicit(explicit, envelope);
  if (envelope.fields.messaging_type === 'UTILITY') {
    throw refused(
      'channel_properties.MESSENGER_MESSAGING_TYPE',
      'isIn',
      'UTILITY is for utility templates, which go out as explicit_channel_message',
    );
  }
  const { messages, notes } = render(message, context);
  return {
    payloads: messages.map((said) => ({ ...envelope.fields, message: said })),
    notes: [...envelope.notes, ...notes],
  };
}

function render(message: AppMessage, context: TranscodeContext): Rendering {
  if (message.text_message) return renderText(message.text_message);
  if (message.media_message) return renderMedia(message.media_message);
  if (message.choice_message) return renderChoice(message.choice_message, context.messageId);
  throw refused('message', 'required', 'the message has no content that Messenger can show');
}
