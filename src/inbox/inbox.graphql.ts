import {
  Args,
  createUnionType,
  Field,
  ID,
  ObjectType,
  Context,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import type { GraphqlContext } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime, Json } from '../api/scalars.js';
import { ConversationEventType } from '../conversation-events/conversation-events.graphql.js';
import { ContactType } from '../contacts/contacts.graphql.js';
import { ChannelType } from '../channels/channels.graphql.js';
import { ConversationType } from '../conversations/conversations.graphql.js';
import { MessageOriginEnum, MessageType } from '../messages/messages.graphql.js';
import { NoteType } from '../notes/notes.graphql.js';
import { InboxService } from './inbox.service.js';

@ObjectType({ isAbstract: true })
abstract class InboxEventBase {
  kind!: string;

  @Field({ description: 'Subscribe with it as `after` to go on behind this event.' })
  cursor!: string;

  @Field(() => DateTime, { description: 'When it happened.' })
  at!: Date;
}

@ObjectType({ description: 'A message came in or was accepted.' })
export class MessageAdded extends InboxEventBase {
  @Field(() => MessageType, { description: 'The message as it was then.' })
  message!: MessageType;

  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;
}

@ObjectType({ description: 'A message changed: its status, for one.' })
export class MessageUpdated extends InboxEventBase {
  @Field(() => MessageType, { description: 'The message as it was then.' })
  message!: MessageType;

  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;
}

@ObjectType({ description: 'A field of a conversation that changed.' })
export class ConversationChange {
  @Field({
    description:
      'Which: status, snoozedUntil, assignee, labels, unreadCount, readUpToMessageId, active and more.',
  })
  field!: string;

  @Field(() => Json, { nullable: true, description: 'What it was.' })
  from!: unknown;

  @Field(() => Json, { nullable: true, description: 'What it is since.' })
  to!: unknown;
}

@ObjectType({ description: 'A conversation began or changed.' })
export class ConversationUpdated extends InboxEventBase {
  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;

  @Field(() => [ConversationChange], { description: 'What changed; empty when the conversation began.' })
  changes!: ConversationChange[];

  @Field(() => String, {
    nullable: true,
    description:
      'The agentId of the inbox token that changed it; null for an access key, the person and Parley itself.',
  })
  agentId!: string | null;
}

@ObjectType({
  description:
    'A conversation is in the inbox no longer: it was deleted, became part of another, or passed to another app.',
})
export class ConversationRemoved extends InboxEventBase {
  @Field(() => ID, { description: 'Which conversation.' })
  conversationId!: string;
}

@ObjectType({ description: 'A contact appeared or changed.' })
export class ContactUpdated extends InboxEventBase {
  @Field(() => ContactType, { description: 'The contact as it was then.' })
  contact!: ContactType;
}

@ObjectType({
  description: 'Somebody began or ceased to type. Who began half a minute ago and said no more has ceased.',
})
export class TypingChanged extends InboxEventBase {
  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;

  @Field({ description: 'True: began. False: ceased.' })
  typing!: boolean;

  @Field(() => MessageOriginEnum, { description: 'API: an agent of the business. CONTACT: the person.' })
  by!: MessageOriginEnum;
}

@ObjectType({
  description: 'Something other than typing was done beside speaking: a reaction, an agent who joins.',
})
export class EventAdded extends InboxEventBase {
  @Field(() => ConversationEventType, { description: 'The event as it was then.' })
  event!: ConversationEventType;

  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;
}

@ObjectType({ description: 'What became of an event: its status.' })
export class EventUpdated extends InboxEventBase {
  @Field(() => ConversationEventType, { description: 'The event as it was then.' })
  event!: ConversationEventType;

  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;
}

@ObjectType({ isAbstract: true })
abstract class NoteEvent extends InboxEventBase {
  @Field(() => NoteType, { description: 'The note as it was then.' })
  note!: NoteType;

  @Field(() => ConversationType, { description: 'The conversation as it was then.' })
  conversation!: ConversationType;
}

@ObjectType({ description: 'An agent wrote a note.' })
export class NoteAdded extends NoteEvent {}

@ObjectType({ description: 'A note was rewritten.' })
export class NoteUpdated extends NoteEvent {}

@ObjectType({ description: 'A note was removed; its text is no longer told.' })
export class NoteDeleted extends NoteEvent {}

@ObjectType({ description: 'A channel was connected, or its state changed.' })
export class ChannelUpdated extends InboxEventBase {
  @Field(() => ChannelType, { description: 'The connection as it was then.' })
  channel!: ChannelType;
}

@ObjectType({
  description:
    'Nothing more is sent to a webhook: its target answered 410, or failed for days. An update of it enables it again.',
})
export class WebhookDisabled extends InboxEventBase {
  @Field(() => ID, { description: 'Which webhook.' })
  webhookId!: string;

  @Field({ description: 'Its target.' })
  target!: string;

  @Field({ description: 'What was wrong with the target.' })
  reason!: string;
}

export const InboxEvent = createUnionType({
  name: 'InboxEvent',
  description: 'Something that changes the inbox, as it was then.',
  types: () =>
    [
      MessageAdded,
      MessageUpdated,
      ConversationUpdated,
      ConversationRemoved,
      ContactUpdated,
      TypingChanged,
      EventAdded,
      EventUpdated,
      NoteAdded,
      NoteUpdated,
      NoteDeleted,
      ChannelUpdated,
      WebhookDisabled,
    ] as const,
  resolveType: (event: InboxEventBase) => event.kind,
});

const AFTER =
  'A cursor seen before: everything after it comes first, then what happens. From now on when left out.';

@Resolver()
export class InboxResolver {
  constructor(private readonly inboxes: InboxService) {}

  @Subscription(() => InboxEvent, {
    name: 'inbox',
    description: 'Everything that changes the inbox of an app, in order, each event once.',
    resolve: (event: object) => event,
  })
  @OpenTo('VIEWER')
  inbox(
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
    @Args('appId', { type: () => ID, description: 'The app.' }) appId: string,
    @Args('after', { type: () => String, nullable: true, description: AFTER }) after?: string | null,
  ): Promise<AsyncIterable<object>> {
    return this.inboxes.followApp(caller, appId, after ?? null, context.signal);
  }

  @Subscription(() => InboxEvent, {
    name: 'conversation',
    description: 'Everything that changes one conversation, in order, each event once.',
    resolve: (event: object) => event,
  })
  @OpenTo('VIEWER')
  conversation(
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
    @Args('id', { type: () => ID, description: 'The conversation.' }) id: string,
    @Args('after', { type: () => String, nullable: true, description: AFTER }) after?: string | null,
  ): Promise<AsyncIterable<object>> {
    return this.inboxes.followConversation(caller, id, after ?? null, context.signal);
  }
}
