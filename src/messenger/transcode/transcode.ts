import type { TranscodeContext, Transcoded } from '../../channels/channel.js';
import type { AppMessage } from '../../content/app-message.js';
import { renderSpecific } from '../specific/specific.js';
import { renderContent } from './content.js';
import { envelopeOf, type Envelope } from './envelope.js';
import { renderExplicit } from './explicit.js';
import { refused } from './refused.js';
import type { Rendering } from './rendering.js';

const OVERRIDE = 'explicit_channel_omni_message.MESSENGER';

/**
 * A message as Send API bodies without `recipient`, in the order to send them. Of what the message says for Messenger the most
 * native is taken: explicit, then channel-specific, then the omni override, then the generic content. Pure.
 * @throws DomainError INVALID_ARGUMENT when Messenger cannot say it at all.
 */
export function transcode(message: AppMessage, context: TranscodeContext): Transcoded {
  const envelope = envelopeOf(context.properties, message.agent);
  const { payloads, notes } = payloadsOf(message, context, envelope);
  if (message.agent?.type === 'BOT' && payloads.some(({ tag }) => tag === 'HUMAN_AGENT')) {
    throw refused(
      'channel_properties.MESSENGER_MESSAGE_TAG',
      'human',
      'HUMAN_AGENT is for what a person wrote; this message has agent.type BOT',
    );
  }
  if (context.quotes !== undefined) return { payloads: quoting(payloads, context.quotes), notes };
  if (message.reply_to) {
    const rule = 'Messenger quotes messages that it has';
    notes.push({ field: 'reply_to', rule, action: 'sent without the quote' });
  }
  return { payloads, notes };
}

function payloadsOf(message: AppMessage, context: TranscodeContext, envelope: Envelope): Transcoded {
  const explicit = message.explicit_channel_message?.MESSENGER;
  if (explicit !== undefined) return renderExplicit(explicit, envelope);
  const { messages, notes, fields } = render(message, context, envelope);
  return {
    payloads: messages.map((said) => ({ ...envelope.fields, ...fields, message: said })),
    notes: [...envelope.notes, ...notes],
  };
}

function render(message: AppMessage, context: TranscodeContext, envelope: Envelope): Rendering {
  const specific = message.channel_specific_message?.MESSENGER;
  if (specific) return renderSpecific(specific, context);
  if (envelope.fields.messaging_type === 'UTILITY') {
    throw refused(
      'channel_properties.MESSENGER_MESSAGING_TYPE',
      'isIn',
      'UTILITY is for utility templates, which go out as channel_specific_message or explicit_channel_message',
    );
  }
  const override = message.explicit_channel_omni_message?.MESSENGER;
  if (override?.template_reference) throw unrendered(`${OVERRIDE}.template_reference`);
  if (override) return renderContent(override, `${OVERRIDE}.`, context.messageId);
  // What a template says is its content by the time it comes here; Messenger has none of its own to name.
  if (message.template_message?.channel_template?.MESSENGER) {
    throw unrendered('template_message.channel_template.MESSENGER');
  }
  if (message.template_message?.omni_template) throw unrendered('template_message.omni_template');
  return renderContent(message, '', context.messageId);
}

function unrendered(field: string): Error {
  return refused(
    `message.${field}`,
    'rendered',
    'Messenger shows the content of a template, not a reference to it',
  );
}

/** The quote stands over the first of several messages. Source: messenger-platform/reference/send-api, `reply_to`. */
function quoting(payloads: Transcoded['payloads'], mid: string): Transcoded['payloads'] {
  const first = payloads.findIndex((payload) => 'message' in payload && !('reply_to' in payload));
  return payloads.map((payload, at) => (at === first ? { ...payload, reply_to: { mid } } : payload));
}
