import { Args, ArgsType, Field, ID, Int, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { IsInt, IsOptional, IsString } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { type Connection, PageInfo } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { OpenTo } from '../api/open-to.js';
import { InboxEvent } from './inbox.graphql.js';
import { PullService } from './pull.service.js';

@ObjectType({ description: 'A place in the event log of an app: an event and where it stands.' })
class EventEdge {
  @Field({ description: 'Pass it as `after`, here or to a subscription, to go on behind this event.' })
  cursor!: string;

  @Field(() => InboxEvent, { description: 'What happened.' })
  node!: object;
}

@ObjectType({ description: 'Part of the event log of an app, oldest first.' })
class EventConnection implements Connection<object> {
  @Field(() => [EventEdge], { description: 'The events, in the order in which they happened.' })
  edges!: EventEdge[];

  @Field(() => PageInfo, {
    description:
      'Where this page ends, also when it has no events: pass `endCursor` as `after`, here or to a subscription, and nothing is missed.',
  })
  pageInfo!: PageInfo;
}

@ArgsType()
class EventsArgs {
  @Field(() => ID, { description: 'The app.' })
  @IsString()
  appId!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'A cursor seen before: of an event, the endCursor of a page of events, or the eventCursor of a list. From the oldest event that is kept when left out.',
  })
  @IsOptional()
  @IsString()
  after?: string | null;

  @Field(() => Int, { nullable: true, defaultValue: 100, description: 'How many, 1 to 100.' })
  @IsOptional()
  @IsInt()
  first?: number | null;
}

@Resolver()
export class EventsResolver {
  constructor(private readonly pulls: PullService) {}

  @Query(() => EventConnection, {
    description:
      'Everything that has changed the inbox of an app, in order: the events of the subscription, for those who ask from time to time.',
  })
  @OpenTo('VIEWER')
  async events(
    @CurrentCaller() caller: Caller,
    @Args() { appId, first, after }: EventsArgs,
  ): Promise<EventConnection> {
    const { items, end, more } = await this.pulls.pull(caller, appId, { first, after });
    return {
      edges: items,
      pageInfo: {
        hasNextPage: more,
        hasPreviousPage: after != null,
        startCursor: items[0]?.cursor ?? null,
        endCursor: end,
      },
    };
  }
}
