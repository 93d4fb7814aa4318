import { Controller, Delete, Get, Param, Patch } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { JsonBody, pageRequest, type Plain, PostOk, PROJECT_V1, WireQuery } from '../api/rest.js';
import type { ConversationChannel } from '../channels/channel.js';
import { messageWire } from '../wire/message.js';
import { wireTime } from '../wire/row.js';
import { contentInputOf, propertiesOf, withFields } from './content/content.rest.js';
import { IdempotencyKey } from './idempotency-key.js';
import { DEFAULT_MESSAGE_PAGE, MAX_MESSAGE_PAGE, type MessagePage } from './list-messages.js';
import type { Message } from './message.entity.js';
import { SendMessageInput } from './messages.input.js';
import { MessagesService } from './messages.service.js';
import {
  LastMessagesInput,
  ListMessagesQuery,
  MessageSourceQuery,
  UpdateMessageInput,
} from './records.input.js';
import { MessageRecordsService } from './records.service.js';
import { sendCommandOf } from './send-command.js';

interface MessageList {
  messages: object[];
  next_page_token: string;
}

/** Messages of the Conversation API. */
@Controller(PROJECT_V1)
export class MessagesController {
  constructor(
    private readonly messages: MessagesService,
    private readonly records: MessageRecordsService,
  ) {}

  @PostOk('messages\\:send')
  async send(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(SendMessageInput, sendInputOf) input: SendMessageInput,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<{ message_id: string; accepted_time: string }> {
    const keyed = idempotencyKey === undefined ? input : { ...input, idempotencyKey };
    const { messageId, acceptedTime } = await this.messages.send(sendCommandOf(projectId, keyed));
    return { message_id: messageId, accepted_time: wireTime(acceptedTime) };
  }

  @Get('messages')
  async list(
    @CurrentCaller() { projectId }: Caller,
    @WireQuery(ListMessagesQuery) query: ListMessagesQuery,
  ): Promise<MessageList> {
    const { pageSize: _size, pageToken: _token, view, channel, ...filter } = query;
    const page = await this.messages.list(
      projectId,
      { ...filter, channel: channel as ConversationChannel | undefined },
      pageOf(query),
    );
    return listOf(page, view);
  }

  @PostOk('messages\\:fetch-last-message')
  async last(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(LastMessagesInput) input: LastMessagesInput,
  ): Promise<MessageList> {
    const { pageSize: _size, pageToken: _token, view, channel, ...filter } = input;
    const page = await this.records.last(
      projectId,
      { ...filter, channel: channel as ConversationChannel | undefined },
      pageOf(input),
    );
    return listOf(page, view);
  }

  @Get('messages/:message_id')
  async get(
    @CurrentCaller() { projectId }: Caller,
    @Param('message_id') id: string,
    @WireQuery(MessageSourceQuery) { messagesSource }: MessageSourceQuery,
  ): Promise<object> {
    return wire(await this.records.get(projectId, id, messagesSource));
  }

  @Patch('messages/:message_id')
  async update(
    @CurrentCaller() { projectId }: Caller,
    @Param('message_id') id: string,
    @WireQuery(MessageSourceQuery) { messagesSource }: MessageSourceQuery,
    @JsonBody(UpdateMessageInput) { metadata }: UpdateMessageInput,
  ): Promise<object> {
    return wire(await this.records.updateMetadata(projectId, id, metadata, messagesSource));
  }

  @Delete('messages/:message_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('message_id') id: string,
    @WireQuery(MessageSourceQuery) { messagesSource }: MessageSourceQuery,
  ): Promise<Record<string, never>> {
    await this.records.erase(projectId, id, messagesSource);
    return {};
  }
}

function sendInputOf(body: Plain): Plain {
  return withFields(body, {
    message: (message) => contentInputOf(message, 'message'),
    channelProperties: propertiesOf,
  });
}

function pageOf(query: { pageSize?: number; pageToken?: string }): { size: number; token: string | null } {
  const { first, after } = pageRequest(query, { size: DEFAULT_MESSAGE_PAGE, max: MAX_MESSAGE_PAGE });
  return { size: first ?? DEFAULT_MESSAGE_PAGE, token: after ?? null };
}

function listOf({ messages, nextPageToken }: MessagePage, view: ListMessagesQuery['view']): MessageList {
  return {
    messages: messages.map((message) => {
      const { metadata, ...rest } = wire(message);
      return view === 'WITHOUT_METADATA' ? rest : { ...rest, metadata };
    }),
    next_page_token: nextPageToken,
  };
}

/** Without `message_status`: that is for apps whose `persist_message_status` is on, and it is off for all. */
function wire(message: Message): Record<string, unknown> {
  return messageWire({ ...message }, message.dispatch ? 'DISPATCH' : 'CONVERSATION');
}
