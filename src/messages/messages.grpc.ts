import { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { Ctx, GrpcMethod, Payload } from '@nestjs/microservices';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { InputPipe } from '../api/input.pipe.js';
import { durationText, structObject, timestamp } from '../api/well-known.js';
import type { GetMessageRequest__Output as GetMessageRequest } from '../generated/proto/parley/conversation/v1/GetMessageRequest.js';
import type { Message as MessageFields } from '../generated/proto/parley/conversation/v1/Message.js';
import type { SendMessageRequest__Output as SendMessageRequest } from '../generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResponse } from '../generated/proto/parley/conversation/v1/SendMessageResponse.js';
import type { TranscodeMessageRequest__Output as TranscodeMessageRequest } from '../generated/proto/parley/conversation/v1/TranscodeMessageRequest.js';
import type { TranscodeMessageResponse } from '../generated/proto/parley/conversation/v1/TranscodeMessageResponse.js';
import { DomainError, invalid } from '../errors.js';
import { contentFieldsOf, contentInputOf, protoFieldsOf } from './content/content.grpc.js';
import type { Message } from './message.entity.js';
import { SendMessageInput } from './messages.input.js';
import { MessagesService } from './messages.service.js';
import { sendCommandOf } from './send-command.js';
import { transcodeCommandOf, TranscodeMessageArgs } from './transcode.input.js';
import { TranscodingService } from './transcoding.service.js';

const PACKAGE_SERVICE = 'MessageService';

/** parley.conversation.v1.MessageService. */
@Controller()
export class MessagesGrpcController {
  private readonly pipe = new InputPipe();

  constructor(
    private readonly messages: MessagesService,
    private readonly transcoding: TranscodingService,
  ) {}

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

  @GrpcMethod(PACKAGE_SERVICE)
  async transcodeMessage(
    @Payload() request: object,
    @CurrentCaller() caller: Caller,
  ): Promise<TranscodeMessageResponse> {
    try {
      const command = transcodeCommandOf(caller.projectId, await this.transcodeArgsOf(request));
      const transcoded = await this.transcoding.transcode(command);
      return {
        transcodedMessages: transcoded.map(({ channel, payloads, notes }) => ({
          channel,
          payloads: payloads.map((payload) => JSON.stringify(payload)),
          notes,
        })),
      };
    } catch (error) {
      throw error instanceof DomainError ? aboutAppMessage(error) : error;
    }
  }

  /** The same input class as on every face, and so the same rules; maps become lists, and the well-known types their JSON forms. */
  private async inputOf(request: SendMessageRequest, metadata: Metadata): Promise<SendMessageInput> {
    const [idempotencyKey] = metadata.get('idempotency-key');
    const { message, ttl, conversationMetadata, channelProperties, ...rest } = request;
    const plain = {
      ...rest,
      ...(message ? { message: contentInputOf(message) } : {}),
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

  private async transcodeArgsOf(request: TranscodeMessageRequest): Promise<TranscodeMessageArgs> {
    const { appMessage, channels, channelProperties, ...rest } = request;
    const plain = {
      ...rest,
      channels: channels ?? [],
      ...(appMessage ? { message: contentInputOf(appMessage) } : {}),
      ...(channelProperties ? { channelProperties: pairs(channelProperties, 'key', 'value') } : {}),
    };
    return (await this.pipe.transform(plain, {
      type: 'body',
      metatype: TranscodeMessageArgs,
    })) as TranscodeMessageArgs;
  }
}

/** What other faces and requests call `message` is `app_message` here, as in the Conversation API. */
function aboutAppMessage(error: DomainError): DomainError {
  const renamed = (text: string): string => text.replace(/^message(?=[.:[]|$)/, 'appMessage');
  const fields = error.fields.map((field) => ({ ...field, path: renamed(field.path) }));
  return new DomainError(error.code, renamed(error.message), fields, error.kind);
}

function pairs(map: Record<string, string>, key: string, value: string): Record<string, string>[] {
  return Object.entries(map).map(([name, text]) => ({ [key]: name, [value]: text }));
}

function fieldsOf(message: Message): MessageFields {
  const content = contentFieldsOf(message.content);
  return {
    id: message.id,
    direction: message.direction,
    ...(message.direction === 'TO_CONTACT' ? { appMessage: content } : { contactMessage: content }),
    channelIdentity: { channel: message.channel, identity: message.identity, appId: message.appId },
    conversationId: message.conversationId,
    contactId: message.contactId,
    metadata: message.metadata,
    acceptTime: timestamp(message.acceptTime),
    processingMode: 'CONVERSATION',
    messageStatus: {
      status: message.status ?? 'RECEIVED',
      reason: message.reason ? protoFieldsOf(message.reason) : null,
    },
  };
}
