import {
  Args,
  Context,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { BothWaysPageArgs, connectionType, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime, Json } from '../api/scalars.js';
import { ChannelIdentityType } from '../contacts/contacts.graphql.js';
import { ContactsService } from '../contacts/contacts.service.js';
import { ConversationType } from '../conversations/conversations.graphql.js';
import { ConversationDirectionEnum, MessageStatusEnum, ReasonType } from '../messages/messages.graphql.js';
import { assertWithinReach } from '../messages/reach.js';
import type { Page } from '../page.js';
import type { ConversationEvent } from './conversation-event.entity.js';
import { SendEventInput } from './conversation-events.input.js';
import { ConversationEventsService } from './conversation-events.service.js';
import { eventCommandOf } from './event-command.js';

@ObjectType('ConversationEvent', { description: 'Something done in a conversation beside speaking.' })
export class ConversationEventType {
  @Field(() => ID, { description: 'Unique in the project; later events have greater ids.' })
  id!: string;

  @Field(() => ConversationDirectionEnum, { description: 'Who does it to whom.' })
  direction!: ConversationDirectionEnum;

  @Field(() => ChannelIdentityType, { description: 'The person on the channel that the event took.' })
  channelIdentity!: ChannelIdentityType;

  @Field(() => Json, {
    description:
      'What was done, in the JSON of the Conversation API: an app event such as {"composing_event": {}}, or what a person did, such as {"contact_message_event": {"reaction_event": {…}}}.',
  })
  event!: object;

  @Field(() => MessageStatusEnum, {
    nullable: true,
    description: 'QUEUED, QUEUED_ON_CHANNEL or FAILED. Null for what a person did.',
  })
  status!: MessageStatusEnum | null;

  @Field(() => ReasonType, { nullable: true, description: 'Why it failed; null otherwise.' })
  reason!: ReasonType | null;

  @Field(() => DateTime, { description: 'When it was accepted; events are listed in this order.' })
  acceptTime!: Date;

  @Field(() => String, { nullable: true, description: 'The eventMetadata of the send.' })
  metadata!: string | null;

  @Field(() => Json, {
    nullable: true,
    description: "The channel's own fields of what a person did, as far as the event has no place for them.",
  })
  channelData!: object | null;
}

@ObjectType({ description: 'A page of events of a conversation.' })
export class ConversationEventConnection extends connectionType('ConversationEvent', ConversationEventType) {}

@ObjectType({ description: 'What was accepted.' })
export class SendEventPayload {
  @Field(() => ID, { description: 'The event.' })
  eventId!: string;

  @Field(() => DateTime, { description: 'When it was accepted.' })
  acceptedTime!: Date;
}

@Resolver(() => ConversationType)
export class ConversationEventsResolver {
  constructor(
    private readonly events: ConversationEventsService,
    private readonly contacts: ContactsService,
  ) {}

  @Mutation(() => SendEventPayload, {
    description:
      'Stores an event as QUEUED and has it sent. Once answered, it is durable. Events keep their order among each other, not with messages.',
  })
  @OpenTo('AGENT')
  async sendEvent(
    @CurrentCaller() caller: Caller,
    @Args('input', { description: 'The event.' }) input: SendEventInput,
  ): Promise<SendEventPayload> {
    const command = eventCommandOf(caller.projectId, input);
    await assertWithinReach(caller, this.contacts, command);
    return this.events.send(command);
  }

  @ResolveField('events', () => ConversationEventConnection, {
    description: 'What was done beside speaking, in order of acceptance.',
  })
  async list(
    @Parent() conversation: ConversationType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
    @Args() page: BothWaysPageArgs,
  ): Promise<ConversationEventConnection> {
    const loader = loaderOf(
      context,
      `conversation events ${JSON.stringify(page)}`,
      () =>
        new DataLoader<string, Page<ConversationEvent>>((ids) =>
          this.events.listByConversations(caller.projectId, ids, page),
        ),
    );
    const { edges, pageInfo } = toConnection(await loader.load(conversation.id));
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: conversationEventTypeOf(node) })),
      pageInfo,
    };
  }
}

export function conversationEventTypeOf(event: ConversationEvent): ConversationEventType {
  const { channel, identity, appId, reason } = event;
  return {
    id: event.id,
    direction: event.direction as ConversationDirectionEnum,
    channelIdentity: { channel, identity, appId },
    event: event.content,
    status: event.status as MessageStatusEnum | null,
    reason: reason && {
      code: reason.code,
      description: reason.description,
      channelCode: reason.channel_code ?? null,
    },
    acceptTime: event.acceptTime,
    metadata: event.metadata === '' ? null : event.metadata,
    channelData: event.channelData,
  };
}
