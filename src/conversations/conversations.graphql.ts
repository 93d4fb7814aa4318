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
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { IsOptional, IsString } from 'class-validator';
import DataLoader from 'dataloader';
import { agentIdOf, assertReaches, type Caller } from '../access/caller.js';
import { connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime } from '../api/scalars.js';
import type { App } from '../apps/app.entity.js';
import { AppType } from '../apps/apps.graphql.js';
import { AppsService } from '../apps/apps.service.js';
import type { MessagingWindow } from '../channels/channel.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { ChannelRegistry } from '../channels/registry.js';
import type { Contact } from '../contacts/contact.entity.js';
import { ContactType } from '../contacts/contacts.graphql.js';
import { ContactsService } from '../contacts/contacts.service.js';
import { Conversation } from './conversation.entity.js';
import { InboxFilter, InboxStatusEnum, UpdateConversationInput } from './conversations.input.js';
import { ConversationsService } from './conversations.service.js';

@ObjectType('Conversation', { description: 'One contact talking with one app.' })
export class ConversationType {
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  appId!: string;
  contactId!: string;
  lastMessageId!: string | null;

  @Field({
    description:
      'At most one conversation of a contact with an app is active; a message to a stopped one opens a new one.',
  })
  active!: boolean;

  @Field(() => ConversationChannelName, { nullable: true, description: 'The channel used last.' })
  activeChannel!: ConversationChannelName | null;

  @Field(() => DateTime, { nullable: true, description: 'Time of the latest message, either way.' })
  lastReceived!: Date | null;

  @Field(() => String, { nullable: true, description: "The customer's own text; null when there is none." })
  metadata!: string | null;

  @Field(() => InboxStatusEnum, { description: 'Where it stands for the agents.' })
  status!: InboxStatusEnum;

  @Field(() => Int, { description: "The person's messages that no agent has read." })
  unreadCount!: number;

  @Field(() => ID, {
    nullable: true,
    description: 'The last message that an agent has marked as read; null when none has been.',
  })
  readUpToMessageId!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When messages were last marked as read; null when they never were.',
  })
  readAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'The agent who takes care of it, as the front end names them; null for nobody.',
  })
  assignee!: string | null;

  @Field(() => [String], { description: 'Labels that agents gave it.' })
  labels!: string[];

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it comes back to the inbox; null unless its status is SNOOZED.',
  })
  snoozedUntil!: Date | null;

  @Field(() => DateTime, {
    description: 'Sorts the inbox: the latest message, either way, or the end of a snooze.',
  })
  lastActivity!: Date;

  lastContactMessageAt!: Date | null;
}

@ObjectType('MessagingWindow', { description: 'Until when the channel lets an app write to the person.' })
export class MessagingWindowType {
  @Field({ description: 'Whether anything may be sent right now.' })
  open!: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When it closes, or closed: MESSENGER 24 hours after the person last wrote. Null where it never does.',
  })
  expiresAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Until when people, not bots, may still answer under the tag HUMAN_AGENT: MESSENGER 7 days after the person last wrote. Null where the channel has no such thing.',
  })
  humanAgentExpiresAt!: Date | null;
}

@ObjectType({ description: 'A page of conversations.' })
export class ConversationConnection extends connectionType('Conversation', ConversationType) {
  @Field({
    description:
      'Position of the event log that this page reflects: subscribe with it as `after` and nothing is missed.',
  })
  eventCursor!: string;
}

@ArgsType()
class InboxArgs extends PageArgs {
  @Field(() => ID, { description: 'The app.' })
  @IsString()
  appId!: string;

  @Field(() => InboxFilter, { nullable: true, description: 'Which conversations; all when left out.' })
  @IsOptional()
  filter?: InboxFilter | null;
}

@Resolver(() => ConversationType)
export class ConversationsResolver {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly apps: AppsService,
    private readonly contacts: ContactsService,
    private readonly registry: ChannelRegistry,
  ) {}

  @Query(() => ConversationType, { nullable: true, description: 'One conversation.' })
  @OpenTo('VIEWER')
  async conversation(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The conversation.' }) id: string,
  ): Promise<ConversationType> {
    return conversationTypeOf(await this.conversations.getReached(caller, id));
  }

  @Query(() => ConversationConnection, {
    description:
      'The conversations of an app, latest activity first. Paging shows none twice; one that moves up meanwhile, past the pages still to come, is told by the events after the eventCursor of the first page.',
  })
  @OpenTo('VIEWER')
  async inbox(
    @CurrentCaller() caller: Caller,
    @Args() { appId, filter, first, after }: InboxArgs,
  ): Promise<ConversationConnection> {
    assertReaches(caller, appId);
    await this.apps.get(caller.projectId, appId);
    const page = await this.conversations.inbox(caller.projectId, appId, filter ?? {}, { first, after });
    const { edges, pageInfo } = toConnection(page);
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: conversationTypeOf(node) })),
      pageInfo,
      eventCursor: page.eventCursor,
    };
  }

  @Mutation(() => ConversationType, {
    description:
      'Changes status, assignee, labels, snooze or metadata; what changed is told with who did it.',
  })
  @OpenTo('AGENT')
  async updateConversation(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The conversation.' }) id: string,
    @Args('input', { description: 'What to change.' }) input: UpdateConversationInput,
  ): Promise<ConversationType> {
    if (caller.inbox) await this.conversations.getReached(caller, id);
    const { status, labels, metadata, ...nullable } = input;
    const changes = {
      ...nullable,
      ...(status ? { status } : {}),
      ...(labels ? { labels } : {}),
      ...(metadata != null ? { metadata } : {}),
    };
    return conversationTypeOf(
      await this.conversations.update(caller.projectId, id, changes, agentIdOf(caller)),
    );
  }

  @Mutation(() => ConversationType, {
    description: 'Ends a conversation; the next message, either way, opens a new one.',
  })
  @OpenTo('AGENT')
  async stopConversation(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The conversation.' }) id: string,
  ): Promise<ConversationType> {
    if (caller.inbox) await this.conversations.getReached(caller, id);
    return conversationTypeOf(await this.conversations.stop(caller.projectId, id, agentIdOf(caller)));
  }

  @Mutation(() => Boolean, { description: 'Removes a conversation with its messages.' })
  async deleteConversation(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The conversation.' }) id: string,
  ): Promise<boolean> {
    await this.conversations.delete(caller.projectId, id);
    return true;
  }

  @ResolveField(() => AppType, { description: 'The app that takes part.' })
  app(
    @Parent() conversation: ConversationType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<App | null> {
    return loaderOf(
      context,
      'app',
      () => new DataLoader<string, App | null>((ids) => this.apps.appsById(caller.projectId, ids)),
    ).load(conversation.appId);
  }

  @ResolveField(() => ContactType, { description: 'The person who takes part.' })
  contact(
    @Parent() conversation: ConversationType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<Contact | null> {
    return loaderOf(
      context,
      'contact',
      () =>
        new DataLoader<string, Contact | null>((ids) => this.contacts.contactsById(caller.projectId, ids)),
    ).load(conversation.contactId);
  }

  @ResolveField(() => MessagingWindowType, {
    nullable: true,
    description: 'Null where the active channel always takes messages, and until the person has written.',
  })
  messagingWindow(
    @Parent() { activeChannel, lastContactMessageAt }: ConversationType,
  ): MessagingWindow | null {
    if (activeChannel === null) return null;
    return this.registry.find(activeChannel)?.messagingWindow(lastContactMessageAt, new Date()) ?? null;
  }
}

export function conversationTypeOf(conversation: Conversation): ConversationType {
  return {
    ...conversation,
    activeChannel:
      conversation.activeChannel === 'CHANNEL_UNSPECIFIED'
        ? null
        : (conversation.activeChannel as string as ConversationChannelName),
    metadata: conversation.metadata === '' ? null : conversation.metadata,
    status: conversation.status as InboxStatusEnum,
  };
}
