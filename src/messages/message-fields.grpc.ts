import { timestamp } from '../api/well-known.js';
import type { Message as MessageFields } from '../generated/proto/parley/conversation/v1/Message.js';
import { contentFieldsOf, protoFieldsOf } from './content/content.grpc.js';
import type { Message } from './message.entity.js';

/** A message as one of the protos. */
export function messageFieldsOf(message: Message): MessageFields {
  const content = contentFieldsOf(message.content);
  return {
    id: message.id,
    direction: message.direction,
    ...(message.direction === 'TO_CONTACT' ? { appMessage: content } : { contactMessage: content }),
    channelIdentity: { channel: message.channel, identity: message.identity, appId: message.appId },
    // In DISPATCH mode there is neither.
    conversationId: message.dispatch ? '' : message.conversationId,
    contactId: message.dispatch ? '' : message.contactId,
    metadata: message.metadata,
    acceptTime: timestamp(message.acceptTime),
    processingMode: message.dispatch ? 'DISPATCH' : 'CONVERSATION',
    ...(message.injected ? { injected: true } : {}),
    messageStatus: {
      // What was put in by hand has none.
      status: message.status ?? (message.direction === 'TO_APP' ? 'RECEIVED' : 'STATUS_UNSPECIFIED'),
      reason: message.reason ? protoFieldsOf(message.reason) : null,
    },
  };
}
