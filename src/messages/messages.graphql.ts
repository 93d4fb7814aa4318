import {
  Args,
  ArgsType,
  Context,
  Field,
  ID,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { IsInt, IsOptional, IsString } from 'class-validator';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { connectionType, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { DateTime } from '../api/scalars.js';
import type { Contact } from '../contacts/contact.entity.js';
import { ChannelIdentityType, ContactType } from '../contacts/contacts.graphql.js';
import { ContactsService } from '../contacts/contacts.service.js';
import { ConversationType, conversationTypeOf } from '../conversations/conversations.graphql.js';
import { ConversationsService } from '../conversations/conversations.service.js';
import { encodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import { contentOf, MessageContent } from './content.graphql.js';
import { Message } from './message.entity.js';
import { SendMessageInput } from './messages.input.js';
import { MessagesService } from './messages.service.js';
import { sendCommandOf } from './send-command.js';

export enum ConversationDirectionEnum {
  TO_APP = 'TO_APP',
  TO_CONTACT = 'TO_CONTACT',
}
registerEnumType(ConversationDirectionEnum, {
  name: 'ConversationDirection',
  description: 'Who speaks to whom.',
});

export enum MessageStatusEnum {
  QUEUED = 'QUEUED',
  QUEUED_ON_CHANNEL = 'QUEUED_ON_CHANNEL',
  DELIVERED = 'DELIVERED',
  READ = 'READ',
  FAILED = 'FAILED',
  SWITCHING_CHANNEL = 'SWITCHING_CHANNEL',
}
registerEnumType(MessageStatusEnum, {
  name: 'MessageStatus',
  description: 'Where an outgoing message stands. It only moves forward; FAILED is final.',
});

export enum MessageOriginEnum {
  CONTACT = 'CONTACT',
  API = 'API',
  PAGE_INBOX = 'PAGE_INBOX',
  OTHER_APP = 'OTHER_APP',
}
registerEnumType(MessageOriginEnum, {
  name: 'MessageOrigin',
  description:
    "Who wrote a message: the person, a caller of ours, somebody in the Page's inbox, or another app of the business.",
});

@ObjectType('Reason', { description: 'Why a message failed.' })
export class ReasonType {
  @Field({ description: 'Reason code of the Conversation API, e.g. OUTSIDE_ALLOWED_SENDING_WINDOW.' })
  code!: string;

  @Field()
  description!: string;

  @Field(() => String, {
    nullable: true,
    description: "The channel's own code; for Messenger code/error_subcode of the Graph error.",
  })
  channelCode!: string | null;
}

@ObjectType('Message', { description: 'A message of a conversation, either way.' })
export class MessageType {
  @Field(() => ID)
  id!: string;

  conversationId!: string;
  contactId!: string;

  @Field(() => ConversationDirectionEnum)
  direction!: ConversationDirectionEnum;

  @Field(() => ChannelIdentityType, { nullable: true })
  channelIdentity!: ChannelIdentityType | null;

  @Field(() => MessageContent)
  content!: object;

  @Field(() => MessageStatusEnum, { nullable: true, description: 'Null for what a person sent.' })
  status!: MessageStatusEnum | null;

  @Field(() => ReasonType, { nullable: true })
  reason!: ReasonType | null;

  @Field(() => DateTime, { description: 'When it was accepted; messages are listed in this order.' })
  acceptTime!: Date;

  @Field(() => String, {
    nullable: true,
    description: 'The messageMetadata of the send; for a picked choice that of the message which offered it.',
  })
  metadata!: string | null;

  @Field(() => ID, { nullable: true })
  replyToMessageId!: string | null;

  @Field(() => DateTime, { nullable: true })
  editedAt!: Date | null;

  @Field(() => DateTime, { nullable: true })
  deletedAt!: Date | null;

  @Field(() => MessageOriginEnum)
  sentBy!: MessageOriginEnum;
}

@ObjectType()
export class MessageConnection extends connectionType('Message', MessageType) {
  @Field({
    description:
      'Position of the event log that this page reflects: subscribe with it as `after` and nothing is missed.',
  })
  eventCursor!: string;
}

@ObjectType({ description: 'What was accepted.' })
export class SendMessagePayload {
  @Field(() => ID)
  messageId!: string;

  @Field(() => DateTime)
  acceptedTime!: Date;

  @Field(() => MessageType)
  message!: MessageType;
}

@ArgsType()
class MessagePageArgs {
  @Field(() => Int, { nullable: true, description: 'The first so many, 1 to 100; 25 when nothing is given.' })
  @IsOptional()
  @IsInt()
  first?: number | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsString()
  after?: string | null;

  @Field(() => Int, { nullable: true, description: 'The last so many, 1 to 100.' })
  @IsOptional()
  @IsInt()
  last?: number | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsString()
  before?: string | null;
}

@Resolver(() => MessageType)
export class MessagesResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly conversations: ConversationsService,
    private readonly contacts: ContactsService,
  ) {}

  @Query(() => MessageType, { nullable: true, description: 'One message.' })
  async message(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<MessageType> {
    return messageTypeOf(await this.messages.get(caller.projectId, id));
  }

  @Mutation(() => SendMessagePayload, {
    description: 'Stores a message as QUEUED and has it sent. Once answered, it is durable.',
  })
  async sendMessage(
    @CurrentCaller() caller: Caller,
    @Args('input') input: SendMessageInput,
  ): Promise<SendMessagePayload> {
    const accepted = await this.messages.send(sendCommandOf(caller.projectId, input));
    return {
      ...accepted,
      message: messageTypeOf(await this.messages.get(caller.projectId, accepted.messageId)),
    };
  }

  @ResolveField(() => ConversationType, { nullable: true })
  conversation(
    @Parent() message: MessageType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<ConversationType | null> {
    const loader = loaderOf(
      context,
      'conversation',
      () =>
        new DataLoader<string, ConversationType | null>(async (ids) => {
          const found = await this.conversations.find(caller.projectId, ids);
          return ids
            .map((id) => found.get(id))
            .map((conversation) => (conversation ? conversationTypeOf(conversation) : null));
        }),
    );
    return loader.load(message.conversationId);
  }

  @ResolveField(() => ContactType, { nullable: true })
  contact(
    @Parent() message: MessageType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<Contact | null> {
    return loaderOf(
      context,
      'contact',
      () =>
        new DataLoader<string, Contact | null>((ids) => this.contacts.contactsById(caller.projectId, ids)),
    ).load(message.contactId);
  }
}

/** The conversation's fields that show messages live here: conversations do not know of them. */
@Resolver(() => ConversationType)
export class ConversationMessagesResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly log: EventLog,
  ) {}

  @ResolveField('messages', () => MessageConnection, { description: 'The messages, in order of acceptance.' })
  async list(
    @Parent() conversation: ConversationType,
    @CurrentCaller() caller: Caller,
    @Args() page: MessagePageArgs,
  ): Promise<MessageConnection> {
    // Read before the page: what happens in between comes again as an event, never the reverse.
    const eventCursor = encodePosition(await this.log.tail());
    const { edges, pageInfo } = toConnection(
      await this.messages.listByConversation(caller.projectId, conversation.id, page),
    );
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: messageTypeOf(node) })),
      pageInfo,
      eventCursor,
    };
  }

  @ResolveField(() => MessageType, { nullable: true, description: 'The latest message, either way.' })
  async lastMessage(
    @Parent() conversation: ConversationType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<MessageType | null> {
    if (!conversation.lastMessageId) return null;
    const loader = loaderOf(
      context,
      'message',
      () =>
        new DataLoader<string, MessageType | null>(async (ids) => {
          const found = await this.messages.find(caller.projectId, ids);
          return ids.map((id) => found.get(id)).map((message) => (message ? messageTypeOf(message) : null));
        }),
    );
    return loader.load(conversation.lastMessageId);
  }
}

export function messageTypeOf(message: Message): MessageType {
  const { channel, identity, appId } = message;
  return {
    id: message.id,
    conversationId: message.conversationId,
    contactId: message.contactId,
    direction: message.direction as ConversationDirectionEnum,
    channelIdentity: { channel: channel, identity, appId },
    content: contentOf(message.content),
    status: message.status as MessageStatusEnum | null,
    reason: message.reason
      ? {
          code: message.reason.code,
          description: message.reason.description,
          channelCode: message.reason.channel_code ?? null,
        }
      : null,
    acceptTime: message.acceptTime,
    metadata: message.metadata === '' ? null : message.metadata,
    replyToMessageId: message.replyToMessageId,
    editedAt: message.editedAt,
    deletedAt: message.deletedAt,
    sentBy: message.sentBy as MessageOriginEnum,
  };
}
