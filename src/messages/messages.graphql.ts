import {
  Args,
  Context,
  Field,
  ID,
  ObjectType,
  Parent,
  Query,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import { assertReaches, type Caller, reaches } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime, Json } from '../api/scalars.js';
import type { Contact } from '../contacts/contact.entity.js';
import { ChannelIdentityType, ContactType } from '../contacts/contacts.graphql.js';
import { ContactsService } from '../contacts/contacts.service.js';
import { ConversationType, conversationTypeOf } from '../conversations/conversations.graphql.js';
import { ConversationsService } from '../conversations/conversations.service.js';
import { Agent, agentOf } from './content/agent.graphql.js';
import { contentOf, MessageContent } from './content/message-content.graphql.js';
import type { Message } from './message.entity.js';
import { MessagesService } from './messages.service.js';

export enum ConversationDirectionEnum {
  TO_APP = 'TO_APP',
  TO_CONTACT = 'TO_CONTACT',
}
registerEnumType(ConversationDirectionEnum, {
  name: 'ConversationDirection',
  description: 'Who speaks to whom.',
  valuesMap: {
    TO_APP: { description: 'From the person to the business.' },
    TO_CONTACT: { description: 'From the business to the person.' },
  },
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
  valuesMap: {
    QUEUED: { description: 'Accepted, and waits to leave.' },
    QUEUED_ON_CHANNEL: { description: 'Handed to the channel.' },
    DELIVERED: { description: 'On a device of the person.' },
    READ: { description: 'Seen by the person.' },
    FAILED: { description: 'Not delivered; reason says why. Final.' },
    SWITCHING_CHANNEL: { description: 'One channel failed and the next one is tried.' },
  },
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
  valuesMap: {
    CONTACT: { description: 'The person.' },
    API: { description: 'A caller of this API: an agent in an inbox, or a program.' },
    PAGE_INBOX: { description: "Somebody in the channel's own inbox, such as that of a Facebook page." },
    OTHER_APP: { description: 'Another app of the business on the same channel.' },
  },
});

@ObjectType('Reason', { description: 'Why a message failed.' })
export class ReasonType {
  @Field({ description: 'Reason code of the Conversation API, e.g. OUTSIDE_ALLOWED_SENDING_WINDOW.' })
  code!: string;

  @Field({ description: 'What went wrong, for people.' })
  description!: string;

  @Field(() => String, {
    nullable: true,
    description: "The channel's own code; for Messenger code/error_subcode of the Graph error.",
  })
  channelCode!: string | null;
}

@ObjectType('Reaction', { description: 'A sign that somebody put on a message.' })
export class ReactionType {
  @Field({ description: 'The emoji itself.' })
  emoji!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The channel's category: smile, angry, sad, wow, love, like, dislike or other. Null for one of this API.",
  })
  category!: string | null;

  @Field(() => MessageOriginEnum, { description: 'CONTACT: the person. API: the business.' })
  by!: MessageOriginEnum;

  @Field(() => DateTime, { description: "When, by the channel's clock." })
  at!: Date;
}

@ObjectType('Message', { description: 'A message of a conversation, either way.' })
export class MessageType {
  @Field(() => ID, { description: 'Unique in the project; later messages have greater ids.' })
  id!: string;

  conversationId!: string;
  contactId!: string;

  @Field(() => ConversationDirectionEnum, { description: 'Who speaks to whom.' })
  direction!: ConversationDirectionEnum;

  @Field(() => ChannelIdentityType, {
    nullable: true,
    description: 'The person on the channel that the message took.',
  })
  channelIdentity!: ChannelIdentityType | null;

  @Field(() => Agent, {
    nullable: true,
    description: 'Who spoke for the business; null where nobody said so.',
  })
  agent!: Agent | null;

  @Field(() => MessageContent, {
    description:
      'What it says, as edited last. Once it was taken back: a FallbackMessage without raw message.',
  })
  content!: object;

  @Field(() => MessageStatusEnum, { nullable: true, description: 'Null for what a person sent.' })
  status!: MessageStatusEnum | null;

  @Field(() => ReasonType, {
    nullable: true,
    description: 'Why it failed, or switched channels; null otherwise.',
  })
  reason!: ReasonType | null;

  @Field(() => DateTime, { description: 'When it was accepted; messages are listed in this order.' })
  acceptTime!: Date;

  @Field(() => String, {
    nullable: true,
    description: 'The messageMetadata of the send; for a picked choice that of the message which offered it.',
  })
  metadata!: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'The message that this one answers; null when it answers none.',
  })
  replyToMessageId!: string | null;

  @Field(() => [ReactionType], { description: 'At most one of each side: the last.' })
  reactions!: ReactionType[];

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was edited last. What it said before is not kept.',
  })
  editedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was taken back. What it said is no longer kept.',
  })
  deletedAt!: Date | null;

  @Field(() => Json, {
    nullable: true,
    description:
      "The channel's own fields of a message that came in, as far as its content has no place for them, under the channel's own names: of Messenger e.g. nlp, commands, sticker_id, standby.",
  })
  channelData!: object | null;

  @Field(() => MessageOriginEnum, { description: 'Who wrote it.' })
  sentBy!: MessageOriginEnum;
}

@Resolver(() => MessageType)
export class MessagesResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly conversations: ConversationsService,
    private readonly contacts: ContactsService,
  ) {}

  @Query(() => MessageType, { nullable: true, description: 'One message.' })
  @OpenTo('VIEWER')
  async message(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The message.' }) id: string,
  ): Promise<MessageType> {
    const message = await this.messages.get(caller.projectId, id);
    assertReaches(caller, message.appId, 'message', id);
    return messageTypeOf(message);
  }

  @ResolveField(() => ConversationType, {
    nullable: true,
    description:
      'The conversation that it belongs to; null once that is deleted, and for an inbox token once it has passed to an app out of reach.',
  })
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
            .map((conversation) =>
              conversation && reaches(caller, conversation.appId) ? conversationTypeOf(conversation) : null,
            );
        }),
    );
    return loader.load(message.conversationId);
  }

  @ResolveField(() => ContactType, {
    nullable: true,
    description: 'The person of the conversation; null once they are erased.',
  })
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

/** The operation's loader of messages by id; null for those that are not there. */
export function messageLoader(
  context: GraphqlContext,
  messages: MessagesService,
  projectId: string,
): DataLoader<string, MessageType | null> {
  return loaderOf(
    context,
    'message',
    () =>
      new DataLoader<string, MessageType | null>(async (ids) => {
        const found = await messages.find(projectId, ids);
        return ids.map((id) => found.get(id)).map((message) => (message ? messageTypeOf(message) : null));
      }),
  );
}

export function messageTypeOf(message: Message): MessageType {
  const { channel, identity, appId } = message;
  return {
    id: message.id,
    conversationId: message.conversationId,
    contactId: message.contactId,
    direction: message.direction as ConversationDirectionEnum,
    channelIdentity: { channel: channel, identity, appId },
    agent: 'agent' in message.content ? agentOf(message.content.agent) : null,
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
    reactions: reactionsOf(message),
    editedAt: message.editedAt,
    deletedAt: message.deletedAt,
    channelData: message.channelData ?? null,
    sentBy: message.sentBy as MessageOriginEnum,
  };
}

/** What the log keeps from before there were reactions has none. */
function reactionsOf({ reactions = [] }: Partial<Message>): ReactionType[] {
  return reactions.flatMap(({ emoji, category, by, at }) =>
    emoji === null ? [] : [{ emoji, category, by: by as MessageOriginEnum, at: new Date(at) }],
  );
}
