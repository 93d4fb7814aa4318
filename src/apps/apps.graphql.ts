import {
  Args,
  Context,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  Query,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { type Connection, connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import type { Channel } from '../channels/channel.entity.js';
import { ChannelType } from '../channels/channels.graphql.js';
import { ChannelsService } from '../channels/channels.service.js';
import type { App } from './app.entity.js';
import { ConversationMetadataReportView, CreateAppInput, UpdateAppInput } from './apps.input.js';
import { AppsService } from './apps.service.js';

enum ProcessingMode {
  CONVERSATION = 'CONVERSATION',
  DISPATCH = 'DISPATCH',
}

registerEnumType(ProcessingMode, {
  name: 'ProcessingMode',
  description: 'Whether messages are kept in conversations.',
});

@ObjectType('App', {
  description: "A business's presence: what channels, webhooks and conversations belong to.",
})
export class AppType {
  @Field(() => ID)
  id!: string;

  @Field()
  displayName!: string;

  @Field(() => ProcessingMode)
  processingMode!: string;

  @Field(() => ConversationMetadataReportView)
  conversationMetadataReportView!: string;

  @Field({ description: 'Whether what goes to the callback URLs of single sends is signed.' })
  callbackUrlsSigned?: boolean;

  @Field(() => [ChannelType])
  channels?: Channel[];

  @Field()
  createdAt!: Date;

  @Field()
  updatedAt!: Date;
}

@ObjectType()
export class AppConnection extends connectionType('App', AppType) {}

@Resolver(() => AppType)
export class AppsResolver {
  constructor(
    private readonly apps: AppsService,
    private readonly channels: ChannelsService,
  ) {}

  @Query(() => AppConnection, { name: 'apps', description: 'In order of creation.' })
  async list(@CurrentCaller() { projectId }: Caller, @Args() page: PageArgs): Promise<Connection<App>> {
    return toConnection(await this.apps.list(projectId, page));
  }

  @Query(() => AppType, { name: 'app', nullable: true })
  get(@CurrentCaller() { projectId }: Caller, @Args('id', { type: () => ID }) id: string): Promise<App> {
    return this.apps.get(projectId, id);
  }

  @Mutation(() => AppType)
  createApp(@CurrentCaller() { projectId }: Caller, @Args('input') input: CreateAppInput): Promise<App> {
    return this.apps.create(projectId, input);
  }

  @Mutation(() => AppType)
  updateApp(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
    @Args('input') input: UpdateAppInput,
  ): Promise<App> {
    return this.apps.update(projectId, id, input);
  }

  @Mutation(() => Boolean, {
    description: 'Deletes the app with its channels, conversations, messages and webhooks.',
  })
  async deleteApp(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<boolean> {
    await this.apps.delete(projectId, id);
    return true;
  }

  @ResolveField()
  callbackUrlsSigned(@Parent() app: App): boolean {
    return app.callbackSecret !== '';
  }

  @ResolveField(() => [ChannelType], { name: 'channels' })
  channelsOf(@Parent() app: App, @Context() context: GraphqlContext): Promise<Channel[]> {
    const { projectId } = app;
    return loaderOf(
      context,
      'channelsOfApp',
      () => new DataLoader<string, Channel[]>((ids) => this.channels.listByApps(projectId, ids)),
    ).load(app.id);
  }
}
