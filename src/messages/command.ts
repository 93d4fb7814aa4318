import type { ConversationChannel } from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';

/** A send request once its shape has been checked. */
export interface SendCommand {
  projectId: string;
  appId: string;
  recipient: Recipient;
  message: AppMessage;
  /** Empty: the order of the recipient's identities. */
  channelPriorityOrder: ConversationChannel[];
  channelProperties: Record<string, string>;
  messageMetadata: string;
  conversationMetadata: Record<string, unknown> | null;
  /** Whether it is merged into what the conversation has, rather than taking its place. */
  mergeMetadata?: boolean;
  correlationId: string | null;
  /** Where its delivery reports go instead of to the webhooks. */
  callbackUrl: string | null;
  /** How long it is worth sending. */
  ttlSeconds: number;
  highPriority: boolean;
  /** As in DISPATCH mode, whatever the app's is. */
  dispatchOnly?: boolean;
  idempotency: { key: string; requestHash: string } | null;
}

/** Somebody on a channel. */
export interface ChannelAddress {
  channel: ConversationChannel;
  identity: string;
}

/** A contact, or who they are on channels, in order of preference. */
export type Recipient = { contactId: string } | { identities: ChannelAddress[] };

export interface Accepted {
  messageId: string;
  acceptedTime: Date;
}
