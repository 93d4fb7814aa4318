import { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { Ctx, GrpcMethod, GrpcStreamCall, Payload } from '@nestjs/microservices';
import { AccessService } from '../access/access.service.js';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type AnyCall, CurrentCall, isAbandoned, StreamLife } from '../api/grpc-stream.js';
import { InputPipe } from '../api/input.pipe.js';
import type { ConversationChannel } from '../channels/channel.js';
import { DomainError, invalid } from '../errors.js';
import type { ListMessagesResponse } from '../generated/proto/parley/conversation/v1/ListMessagesResponse.js';
import type { Message as MessageFields } from '../generated/proto/parley/conversation/v1/Message.js';
import type { SendMessageResponse } from '../generated/proto/parley/conversation/v1/SendMessageResponse.js';
import type { TranscodeMessageRequest__Output as TranscodeMessageRequest } from '../generated/proto/parley/conversation/v1/TranscodeMessageRequest.js';
import type { TranscodeMessageResponse } from '../generated/proto/parley/conversation/v1/TranscodeMessageResponse.js';
import { contentInputOf } from './content/content.grpc.js';
import { listAnswerOf, listInputOf } from './list-messages.grpc.js';
import { DEFAULT_MESSAGE_PAGE } from './list-messages.js';
import { messageFieldsOf } from './message-fields.grpc.js';
import { MessagesService } from './messages.service.js';
import { GetMessageInput } from './records.input.js';
import { pairs, sendCommandOfRequest, sendResponseOf } from './send-request.grpc.js';
import { SendStream, type SendStreamCall } from './send-stream.grpc.js';
import { aboutAppMessage, transcodeCommandOf, TranscodeMessageArgs } from './transcode.input.js';
import { TranscodingService } from './transcoding.service.js';

const PACKAGE_SERVICE = 'MessageService';

/** parley.conversation.v1.MessageService. */
@Controller()
export class MessagesGrpcController {
  private readonly pipe = new InputPipe();

  constructor(
    private readonly messages: MessagesService,
    private readonly transcoding: TranscodingService,
    private readonly access: AccessService,
  ) {}

  @GrpcMethod(PACKAGE_SERVICE)
  async sendMessage(
    @Payload() request: object,
    @Ctx() metadata: Metadata,
    @CurrentCaller() caller: Caller,
    @CurrentCall() call: AnyCall,
  ): Promise<SendMessageResponse> {
    const [key] = metadata.get('idempotency-key');
    const command = await sendCommandOfRequest(this.pipe, caller.projectId, request, key?.toString());
    return sendResponseOf(await this.messages.send(command, () => isAbandoned(call)));
  }

  @GrpcStreamCall(PACKAGE_SERVICE)
  async sendMessages(@CurrentCall() call: SendStreamCall, @CurrentCaller() caller: Caller): Promise<void> {
    if (call.metadata.get('idempotency-key').length > 0)
      throw invalid(
        'idempotencyKey',
        'perRequest',
        'a key in the metadata cannot stand for many messages; give each request its idempotency_key',
      );
    const { messages, pipe } = this;
    const life = new StreamLife(call, this.access);
    try {
      await new SendStream(call, life, {
        commandOf: (request) => sendCommandOfRequest(pipe, caller.projectId, request),
        send: (command, abandoned) => messages.send(command, abandoned),
        get crowded() {
          return messages.crowded;
        },
      }).run();
    } finally {
      life.close();
    }
  }

  @GrpcMethod(PACKAGE_SERVICE)
  async getMessage(@Payload() request: object, @CurrentCaller() caller: Caller): Promise<MessageFields> {
    const { messageId } = (await this.pipe.transform(request, {
      type: 'body',
      metatype: GetMessageInput,
    })) as GetMessageInput;
    return messageFieldsOf(await this.messages.get(caller.projectId, messageId));
  }

  @GrpcMethod(PACKAGE_SERVICE)
  async listMessages(
    @Payload() request: object,
    @CurrentCaller() caller: Caller,
  ): Promise<ListMessagesResponse> {
    const input = await listInputOf(this.pipe, request);
    const { pageSize, pageToken, view, channel, ...filter } = input;
    const page = await this.messages.list(
      caller.projectId,
      { ...filter, channel: channel as string as ConversationChannel },
      { size: pageSize || DEFAULT_MESSAGE_PAGE, token: pageToken || null },
    );
    return listAnswerOf(page, view !== 'WITHOUT_METADATA');
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

  private async transcodeArgsOf(request: TranscodeMessageRequest): Promise<TranscodeMessageArgs> {
    const { appMessage, channels, channelProperties, ...rest } = request;
    const plain = {
      ...rest,
      channels: channels ?? [],
      ...(appMessage ? { message: contentInputOf(appMessage) } : {}),
      ...(channelProperties ? { channelProperties: pairs(channelProperties) } : {}),
    };
    return (await this.pipe.transform(plain, {
      type: 'body',
      metatype: TranscodeMessageArgs,
    })) as TranscodeMessageArgs;
  }
}
