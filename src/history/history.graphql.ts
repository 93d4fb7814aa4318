import {
  Args,
  Context,
  Field,
  ID,
  Int,
  Mutation,
  ObjectType,
  Parent,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { DateTime } from '../api/scalars.js';
import type { Channel } from '../channels/channel.entity.js';
import { ChannelType } from '../channels/channels.graphql.js';
import { HistoryService } from './history.service.js';
import type { HistoryImport } from './imports.js';

enum HistoryImportStateName {
  RUNNING = 'RUNNING',
  DONE = 'DONE',
  FAILED = 'FAILED',
}

registerEnumType(HistoryImportStateName, {
  name: 'HistoryImportState',
  description: 'How far an import of history is.',
  valuesMap: {
    RUNNING: { description: 'Pages are being fetched, or it waits for the channel to take calls again.' },
    DONE: { description: 'All that the channel still had is here.' },
    FAILED: { description: 'The channel refused; importHistory begins anew.' },
  },
});

@ObjectType('HistoryImport', {
  description: 'Fetching what was said on a channel before it was connected.',
})
export class HistoryImportType {
  @Field(() => HistoryImportStateName, { description: 'How far it is.' })
  state!: string;

  @Field(() => Int, { description: 'Conversations that the channel has told of.' })
  conversations!: number;

  @Field(() => Int, { description: 'Messages that were not here yet.' })
  messages!: number;

  @Field(() => String, { nullable: true, description: 'What the channel last complained of.' })
  error!: string | null;

  @Field(() => DateTime, { description: 'When it began.' })
  startedAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it ended; null while it runs.' })
  finishedAt!: Date | null;
}

@Resolver(() => ChannelType)
export class HistoryResolver {
  constructor(private readonly history: HistoryService) {}

  @Mutation(() => HistoryImportType, {
    description:
      'Fetches what was said on a channel before, as far as it still has it: Messenger the 20 newest messages of each conversation. They stand in their time, count as read, and no webhook tells of them. One that runs goes on; may be done again.',
  })
  importHistory(
    @CurrentCaller() { projectId }: Caller,
    @Args('channelId', { type: () => ID, description: 'The connection whose channel is asked.' })
    channelId: string,
  ): Promise<HistoryImport> {
    return this.history.start(projectId, channelId);
  }

  @ResolveField(() => HistoryImportType, { nullable: true, description: 'Null when none was asked for.' })
  historyImport(
    @Parent() { id, projectId }: Channel,
    @Context() context: GraphqlContext,
  ): Promise<HistoryImport | null> {
    return loaderOf(
      context,
      'historyImport',
      () => new DataLoader<string, HistoryImport | null>((ids) => this.history.of(projectId, ids)),
    ).load(id);
  }
}
