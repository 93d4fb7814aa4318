import { identityWire, modeOf, NEVER, placeWire, type Row, textOf, wireTime } from './row.js';

/** Source: Conversation API, ConversationMessage. */
export function messageWire(message: Row, processingMode: string): Record<string, unknown> {
  const content = message.direction === 'TO_CONTACT' ? 'app_message' : 'contact_message';
  return {
    id: message.id,
    direction: message.direction,
    [content]: message.content,
    channel_identity: identityWire(message),
    ...placeWire(message, processingMode),
    metadata: textOf(message, 'metadata'),
    accept_time: wireTime(message.acceptTime ?? NEVER),
    sender_id: '',
    processing_mode: modeOf(message, processingMode),
    injected: message.injected === true,
  };
}
