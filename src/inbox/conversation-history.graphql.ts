import { Args, Context, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { ConversationType } from '../conversations/conversations.graphql.js';
import { ConversationHistory } from '../conversations/history.service.js';
import { ConversationUpdated } from './inbox.graphql.js';
import { inboxEventOf } from './inbox-event.js';

type HistoryPage = Awaited<ReturnType<ConversationHistory['listByConversations']>>[number];

@ObjectType({ description: "A page of a conversation's history." })
export class ConversationUpdatedConnection extends connectionType(
  'ConversationUpdated',
  ConversationUpdated,
) {}

@Resolver(() => ConversationType)
export class ConversationHistoryResolver {
  constructor(private readonly conversations: ConversationHistory) {}

  @ResolveField('history', () => ConversationUpdatedConnection, {
    description:
      'What was done to it, latest first: who assigned, labelled, snoozed, read, closed it, and when it opened again. As far back as events are kept.',
  })
  async list(
    @Parent() { id }: ConversationType,
    @CurrentCaller() { projectId }: Caller,
    @Context() context: GraphqlContext,
    @Args() { first, after }: PageArgs,
  ): Promise<ConversationUpdatedConnection> {
    const loader = loaderOf(
      context,
      `history ${JSON.stringify([first, after])}`,
      () =>
        new DataLoader<string, HistoryPage>((ids) =>
          this.conversations.listByConversations(projectId, ids, { first, after }),
        ),
    );
    const { edges, pageInfo } = toConnection(await loader.load(id));
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: inboxEventOf(node) as ConversationUpdated })),
      pageInfo,
    };
  }
}
