import {
  Args,
  ArgsType,
  Context,
  Field,
  Int,
  ObjectType,
  Parent,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { IsInt, IsOptional, IsString } from 'class-validator';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { connectionType, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { ConversationType } from '../conversations/conversations.graphql.js';
import { encodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import type { Page } from '../page.js';
import type { Message } from './message.entity.js';
import { messageLoader, MessageType, messageTypeOf } from './messages.graphql.js';
import { MessagesService } from './messages.service.js';

@ObjectType({ description: 'A page of messages.' })
export class MessageConnection extends connectionType('Message', MessageType) {
  @Field({
    description:
      'Position of the event log that this page reflects: subscribe with it as `after` and nothing is missed.',
  })
  eventCursor!: string;
}

@ArgsType()
class MessagePageArgs {
  @Field(() => Int, { nullable: true, description: 'The first so many, 1 to 100; 25 when nothing is given.' })
  @IsOptional()
  @IsInt()
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Go on after this cursor.' })
  @IsOptional()
  @IsString()
  after?: string | null;

  @Field(() => Int, { nullable: true, description: 'The last so many, 1 to 100.' })
  @IsOptional()
  @IsInt()
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Go back before this cursor.' })
  @IsOptional()
  @IsString()
  before?: string | null;
}

type MessagePage = Page<Message> & { eventCursor: string };

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
    @CurrentCaller() { projectId }: Caller,
    @Context() context: GraphqlContext,
    @Args() page: MessagePageArgs,
  ): Promise<MessageConnection> {
    const loader = loaderOf(
      context,
      `messages ${JSON.stringify(page)}`,
      () =>
        new DataLoader<string, MessagePage>(async (ids) => {
          // Read before the pages: what happens in between comes again as an event, never the reverse.
          const eventCursor = encodePosition(await this.log.tail());
          const pages = await this.messages.listByConversations(projectId, ids, page);
          return pages.map((found) => ({ ...found, eventCursor }));
        }),
    );
    const found = await loader.load(conversation.id);
    const { edges, pageInfo } = toConnection(found);
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: messageTypeOf(node) })),
      pageInfo,
      eventCursor: found.eventCursor,
    };
  }

  @ResolveField(() => MessageType, { nullable: true, description: 'The latest message, either way.' })
  async lastMessage(
    @Parent() conversation: ConversationType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<MessageType | null> {
    if (!conversation.lastMessageId) return null;
    return messageLoader(context, this.messages, caller.projectId).load(conversation.lastMessageId);
  }
}
