import { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { Ctx, GrpcMethod, Payload } from '@nestjs/microservices';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { InputPipe } from '../api/input.pipe.js';
import { durationText, structObject, timestamp } from '../api/well-known.js';
import type { AppMessage as AppMessageFields } from '../generated/proto/parley/conversation/v1/AppMessage.js';
import type { ContactMessage as ContactMessageFields } from '../generated/proto/parley/conversation/v1/ContactMessage.js';
import type { GetMessageRequest__Output as GetMessageRequest } from '../generated/proto/parley/conversation/v1/GetMessageRequest.js';
import type { Message as MessageFields } from '../generated/proto/parley/conversation/v1/Message.js';
import type { SendMessageRequest__Output as SendMessageRequest } from '../generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResponse } from '../generated/proto/parley/conversation/v1/SendMessageResponse.js';
import { invalid } from '../errors.js';
import type { Message } from './message.entity.js';
import { SendMessageInput } from './messages.input.js';
import { MessagesService } from './messages.service.js';
import { sendCommandOf } from './send-command.js';

const PACKAGE_SERVICE = 'MessageService';

/** parley.conversation.v1.MessageService. */
@Controller()
export class MessagesGrpcController {
  private readonly pipe = new InputPipe();

  constructor(private readonly messages: MessagesService) {}

  @GrpcMethod(PACKAGE_SERVICE)
  async sendMessage(
    @Payload() request: object,
    @Ctx() metadata: Metadata,
    @CurrentCaller() caller: Caller,
  ): Promise<SendMessageResponse> {
    const input = await this.inputOf(request, metadata);
    const { messageId, acceptedTime } = await this.messages.send(sendCommandOf(caller.projectId, input));
    return { messageId, acceptedTime: timestamp(acceptedTime) };
  }

  @GrpcMethod(PACKAGE_SERVICE)
  async getMessage(@Payload() request: object, @CurrentCaller() caller: Caller): Promise<MessageFields> {
    const { messageId } = request as GetMessageRequest;
    if (!messageId) throw invalid('messageId', 'isNotEmpty', 'message_id must not be empty');
    return fieldsOf(await this.messages.get(caller.projectId, messageId));
  }

  /** The same input class as on every face, and so the same rules; maps become lists, and the well-known types their JSON forms. */
  private async inputOf(request: SendMessageRequest, metadata: Metadata): Promise<SendMessageInput> {
    const [idempotencyKey] = metadata.get('idempotency-key');
    const { message, ttl, conversationMetadata, channelProperties, ...rest } = request;
    const { explicitChannelMessage, ...content } = message ?? {};
    const plain = {
      ...rest,
      ...(message
        ? {
            message: {
              ...content,
              ...(explicitChannelMessage
                ? { explicitChannelMessage: pairs(explicitChannelMessage, 'channel', 'payload') }
                : {}),
            },
          }
        : {}),
      ...(channelProperties ? { channelProperties: pairs(channelProperties, 'key', 'value') } : {}),
      ...(ttl ? { ttl: durationText(ttl) } : {}),
      ...(conversationMetadata ? { conversationMetadata: structObject(conversationMetadata) } : {}),
      ...(idempotencyKey ? { idempotencyKey: idempotencyKey.toString() } : {}),
    };
    return (await this.pipe.transform(plain, {
      type: 'body',
      metatype: SendMessageInput,
    })) as SendMessageInput;
  }
}

function pairs(map: Record<string, string>, key: string, value: string): Record<string, string>[] {
  return Object.entries(map).map(([name, text]) => ({ [key]: name, [value]: text }));
}

function fieldsOf(message: Message): MessageFields {
  const content = camelCaseKeys(message.content);
  return {
    id: message.id,
    direction: message.direction,
    ...(message.direction === 'TO_CONTACT'
      ? { appMessage: content as AppMessageFields }
      : { contactMessage: content as ContactMessageFields }),
    channelIdentity: { channel: message.channel, identity: message.identity, appId: message.appId },
    conversationId: message.conversationId,
    contactId: message.contactId,
    metadata: message.metadata,
    acceptTime: timestamp(message.acceptTime),
    processingMode: 'CONVERSATION',
    messageStatus: {
      status: message.status ?? 'RECEIVED',
      reason: message.reason ? (camelCaseKeys(message.reason) as object) : null,
    },
  };
}

/** Stored content has the JSON names; the loader wants camelCase. Keys of maps are data and stay. */
function camelCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      key === 'explicit_channel_message' ? child : camelCaseKeys(child),
    ]),
  );
}
