import { NEVER, type Row, textOf, wireTime } from './row.js';

/** Source: Conversation API, Conversation. */
export function conversationWire(conversation: Row): Record<string, unknown> {
  return {
    id: conversation.id,
    app_id: conversation.appId,
    contact_id: conversation.contactId,
    last_received: wireTime(conversation.lastReceived ?? NEVER),
    active_channel: conversation.activeChannel,
    active: conversation.active,
    metadata: textOf(conversation, 'metadata'),
    metadata_json: conversation.metadataJson ?? null,
    correlation_id: textOf(conversation, 'correlationId'),
    active_channel_senders: [],
  };
}
