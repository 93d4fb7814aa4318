import { identityWire, modeOf, NEVER, placeWire, type Row, textOf, wireTime } from './row.js';

/** Source: Conversation API, ConversationMessage. */
export function messageWire(message: Row, processingMode: string): Record<string, unknown> {
  const content = message.direction === 'TO_CONTACT' ? 'app_message' : 'contact_message';
  return {
    id: message.id,
    direction: message.direction,
    [content]: contentOf(message.content as Row | undefined),
    channel_identity: identityWire(message),
    ...placeWire(message, processingMode),
    metadata: textOf(message, 'metadata'),
    accept_time: wireTime(message.acceptTime ?? NEVER),
    sender_id: '',
    processing_mode: modeOf(message, processingMode),
    injected: message.injected === true,
  };
}

/** Sources and clients disagree on the name of what is said with picked products: it is written by both. */
function contentOf(content: Row | undefined): Row | undefined {
  const response = content?.product_response_message as Row | undefined;
  if (response?.title === undefined) return content;
  return { ...content, product_response_message: { ...response, text: response.title } };
}
