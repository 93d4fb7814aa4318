import type { ConversationChannel } from '../channels/channel.js';
import { invalid } from '../errors.js';
import { assertTargetUrl } from '../outbound/target-url.js';
import type { SendCommand } from './command.js';
import { appMessageOf } from './content/app-message.js';
import { requestHash } from './idempotency.js';
import {
  MessageQueue,
  MetadataUpdateStrategy,
  ProcessingStrategy,
  type SendMessageInput,
} from './messages.input.js';
import { assertMetadataSize } from './conversation-metadata.js';

const MIN_TTL = 3;
const MAX_TTL = 315_576_000_000;
/** Messenger's window: later, a channel refuses most messages anyway. */
const DEFAULT_TTL = 24 * 3600;

/** A checked input as the command that the service takes. @throws DomainError INVALID_ARGUMENT for rules that span fields. */
export function sendCommandOf(projectId: string, input: SendMessageInput): SendCommand {
  const { idempotencyKey, ...request } = input;
  return {
    projectId,
    appId: input.appId,
    recipient: recipientOf(input),
    message: appMessageOf(input.message, 'message'),
    channelPriorityOrder: (input.channelPriorityOrder ?? []) as string[] as ConversationChannel[],
    channelProperties: Object.fromEntries(
      (input.channelProperties ?? []).map(({ key, value }) => [key, value]),
    ),
    messageMetadata: input.messageMetadata ?? '',
    conversationMetadata: conversationMetadataOf(input),
    mergeMetadata: input.conversationMetadataUpdateStrategy === MetadataUpdateStrategy.MERGE_PATCH,
    correlationId: input.correlationId ?? null,
    callbackUrl: callbackUrlOf(input),
    ttlSeconds: ttlOf(input),
    highPriority: input.queue === MessageQueue.HIGH_PRIORITY,
    dispatchOnly: input.processingStrategy === ProcessingStrategy.DISPATCH_ONLY,
    idempotency: idempotencyKey ? { key: idempotencyKey, requestHash: requestHash(request) } : null,
  };
}

export function recipientOf({ recipient }: Pick<SendMessageInput, 'recipient'>): SendCommand['recipient'] {
  const { contactId, identifiedBy } = recipient;
  if ((contactId == null) === (identifiedBy == null)) {
    throw invalid('recipient', 'exactlyOne', 'recipient must have exactly one of contactId, identifiedBy');
  }
  if (contactId != null) return { contactId };
  return {
    identities: (identifiedBy?.channelIdentities ?? []).map(({ channel, identity }) => ({
      channel: channel as string as ConversationChannel,
      identity,
    })),
  };
}

/** Whether it may be called at all is known when it is: operators may allow private addresses. */
export function callbackUrlOf({ callbackUrl }: Pick<SendMessageInput, 'callbackUrl'>): string | null {
  return callbackUrl ? assertTargetUrl('callbackUrl', callbackUrl, { allowPrivate: true }).href : null;
}

function conversationMetadataOf({ conversationMetadata }: SendMessageInput): Record<string, unknown> | null {
  if (conversationMetadata == null) return null;
  assertMetadataSize(conversationMetadata);
  return conversationMetadata;
}

function ttlOf({ ttl }: SendMessageInput): number {
  if (ttl == null) return DEFAULT_TTL;
  const seconds = Number(ttl.slice(0, -1));
  if (seconds < MIN_TTL || seconds > MAX_TTL)
    throw invalid('ttl', 'range', `ttl must be between ${MIN_TTL}s and ${MAX_TTL}s`);
  return seconds;
}
