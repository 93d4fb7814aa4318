import { Args, ArgsType, Field, ID, Query, Resolver } from '@nestjs/graphql';
import { IsString } from 'class-validator';
import { assertReaches, type Caller } from '../access/caller.js';
import { PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { OpenTo } from '../api/open-to.js';
import { AppsService } from '../apps/apps.service.js';
import { MessageConnection } from '../messages/conversation-messages.graphql.js';
import { messageTypeOf } from '../messages/messages.graphql.js';
import { SearchService } from './search.service.js';

@ArgsType()
class SearchMessagesArgs extends PageArgs {
  @Field(() => ID, { description: 'Whose messages.' })
  @IsString()
  appId!: string;

  @Field(() => String, {
    description:
      'At most 200 characters and 10 words. All of them have to be there, in any order; the beginning of a word will do, but a single letter stands for itself. Case and accents do not matter.',
  })
  @IsString()
  text!: string;
}

@Resolver()
export class SearchResolver {
  constructor(
    private readonly search: SearchService,
    private readonly apps: AppsService,
  ) {}

  @OpenTo('VIEWER')
  @Query(() => MessageConnection, {
    description:
      'The messages of an app, either way, that say something, newest first. Cards, choices, captions and the like are searched too; what was taken back is not found.',
  })
  async searchMessages(
    @CurrentCaller() caller: Caller,
    @Args() { appId, text, first, after }: SearchMessagesArgs,
  ): Promise<MessageConnection> {
    assertReaches(caller, appId);
    await this.apps.get(caller.projectId, appId);
    const page = await this.search.messages(caller.projectId, appId, text, { first, after });
    const { edges, pageInfo } = toConnection(page);
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: messageTypeOf(node) })),
      pageInfo,
      eventCursor: page.eventCursor,
    };
  }
}
