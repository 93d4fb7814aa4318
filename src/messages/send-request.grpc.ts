import type { InputPipe } from '../api/input.pipe.js';
import { durationText, structObject, timestamp } from '../api/well-known.js';
import { invalid } from '../errors.js';
import type { SendMessageRequest__Output as SendMessageRequest } from '../generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResponse } from '../generated/proto/parley/conversation/v1/SendMessageResponse.js';
import type { Accepted, SendCommand } from './command.js';
import { contentInputOf } from './content/content.grpc.js';
import { SendMessageInput } from './messages.input.js';
import { sendCommandOf } from './send-command.js';

const MAX_CLIENT_REF = 255;

/**
 * The same input class as on every face, and so the same rules; maps become lists, and the well-known types their JSON forms.
 * @param metadataKey the idempotency key that travels with the call.
 * @throws DomainError INVALID_ARGUMENT
 */
export async function sendCommandOfRequest(
  pipe: InputPipe,
  projectId: string,
  request: SendMessageRequest,
  metadataKey?: string,
): Promise<SendCommand> {
  const { message, ttl, conversationMetadata, channelProperties, clientRef, idempotencyKey, ...rest } =
    request;
  if ((clientRef?.length ?? 0) > MAX_CLIENT_REF)
    throw invalid('clientRef', 'maxLength', `client_ref must be at most ${MAX_CLIENT_REF} characters`);
  const key = idempotencyKey || metadataKey;
  if (metadataKey && key !== metadataKey)
    throw invalid('idempotencyKey', 'same', 'idempotency_key must be that of the metadata, or left out');
  const plain = {
    ...rest,
    ...(message ? { message: contentInputOf(message) } : {}),
    ...(channelProperties ? { channelProperties: pairs(channelProperties) } : {}),
    ...(ttl ? { ttl: durationText(ttl) } : {}),
    ...(conversationMetadata ? { conversationMetadata: structObject(conversationMetadata) } : {}),
    ...(key ? { idempotencyKey: key } : {}),
  };
  const input = await pipe.transform(plain, { type: 'body', metatype: SendMessageInput });
  return sendCommandOf(projectId, input as SendMessageInput);
}

export function sendResponseOf({ messageId, acceptedTime }: Accepted): SendMessageResponse {
  return { messageId, acceptedTime: timestamp(acceptedTime) };
}

/** A map as the list of its entries. */
export function pairs(map: Record<string, string>): { key: string; value: string }[] {
  return Object.entries(map).map(([key, value]) => ({ key, value }));
}
