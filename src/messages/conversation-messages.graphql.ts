import { Args, Context, Field, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { BothWaysPageArgs, connectionType, toConnection } from '../api/connection.js';
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
    @Args() page: BothWaysPageArgs,
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
