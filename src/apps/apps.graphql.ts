import {
  Args,
  Context,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import { assertReaches, type Caller } from '../access/caller.js';
import { type Connection, connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import type { Channel } from '../channels/channel.entity.js';
import { ChannelType } from '../channels/channels.graphql.js';
import { ChannelsService } from '../channels/channels.service.js';
import type { App } from './app.entity.js';
import {
  DeliveryReportBasedFallback,
  MessageRetrySettings,
  QueueStats,
  RateLimits,
  RetentionPolicy,
  SmartConversation,
} from './app-settings.graphql.js';
import { ConversationMetadataReportView, ProcessingMode } from './app-enums.js';
import { OUTBOUND_LIMIT, settingsOf } from './app-settings.js';
import { CreateAppInput, UpdateAppInput } from './apps.input.js';
import { AppsService } from './apps.service.js';

@ObjectType('App', {
  description: "A business's presence: what channels, webhooks and conversations belong to.",
})
export class AppType {
  @Field(() => ID, { description: 'A ULID.' })
  id!: string;

  @Field({ description: 'What people call it.' })
  displayName!: string;

  @Field(() => ProcessingMode, { description: 'Whether messages are kept in conversations.' })
  processingMode!: string;

  @Field(() => ConversationMetadataReportView, {
    description: "Whether webhooks carry the conversation's metadata.",
  })
  conversationMetadataReportView!: string;

  @Field(() => RetentionPolicy, { description: 'How long messages are kept.' })
  retentionPolicy?: RetentionPolicy;

  @Field(() => RetentionPolicy, {
    description: 'How long messages of the DISPATCH mode are kept; 0: not at all.',
  })
  dispatchRetentionPolicy?: RetentionPolicy;

  @Field(() => SmartConversation, { description: 'A setting only: Parley does not evaluate messages.' })
  smartConversation?: SmartConversation;

  @Field(() => MessageRetrySettings, {
    nullable: true,
    description: "How long a send is tried again; null: for the message's whole ttl.",
  })
  messageRetrySettings?: MessageRetrySettings | null;

  @Field(() => DeliveryReportBasedFallback, {
    nullable: true,
    description: 'A setting only: Parley does not wait for reports that a message arrived; null: never set.',
  })
  deliveryReportBasedFallback?: DeliveryReportBasedFallback | null;

  @Field(() => RateLimits, { description: "The Conversation API's own limits; not enforced." })
  rateLimits?: RateLimits;

  @Field(() => QueueStats, { description: 'What waits to leave.' })
  queueStats?: QueueStats;

  @Field({ description: 'Whether what goes to the callback URLs of single sends is signed.' })
  callbackUrlsSigned?: boolean;

  @Field(() => [ChannelType], { description: 'The channels that it is connected to.' })
  channels?: Channel[];

  @Field({ description: 'When it was made.' })
  createdAt!: Date;

  @Field({ description: 'When it was last changed.' })
  updatedAt!: Date;
}

@ObjectType({ description: 'A page of apps.' })
export class AppConnection extends connectionType('App', AppType) {}

@Resolver(() => AppType)
export class AppsResolver {
  constructor(
    private readonly apps: AppsService,
    private readonly channels: ChannelsService,
  ) {}

  @Query(() => AppConnection, { name: 'apps', description: 'In order of creation.' })
  @OpenTo('VIEWER')
  async list(
    @CurrentCaller() { projectId, inbox }: Caller,
    @Args() page: PageArgs,
  ): Promise<Connection<App>> {
    return toConnection(await this.apps.list(projectId, page, inbox?.appIds));
  }

  @Query(() => AppType, { name: 'app', nullable: true, description: 'One app.' })
  @OpenTo('VIEWER')
  async get(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'Of the app.' }) id: string,
  ): Promise<App> {
    assertReaches(caller, id);
    return this.apps.get(caller.projectId, id);
  }

  @Mutation(() => AppType, { description: 'Makes an app; channels are connected to it afterwards.' })
  createApp(
    @CurrentCaller() { projectId }: Caller,
    @Args('input', { description: 'Its name and settings.' }) input: CreateAppInput,
  ): Promise<App> {
    return this.apps.create(projectId, input);
  }

  @Mutation(() => AppType, { description: 'Changes the name and settings of an app.' })
  updateApp(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'Of the app.' }) id: string,
    @Args('input', { description: 'What changes.' }) input: UpdateAppInput,
  ): Promise<App> {
    return this.apps.update(projectId, id, input);
  }

  @Mutation(() => Boolean, {
    description: 'Deletes the app with its channels, conversations, messages and webhooks.',
  })
  async deleteApp(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'Of the app.' }) id: string,
  ): Promise<boolean> {
    await this.apps.delete(projectId, id);
    return true;
  }

  @ResolveField()
  callbackUrlsSigned(@Parent() app: App): boolean {
    return app.callbackSecret !== '';
  }

  @ResolveField()
  retentionPolicy(@Parent() app: App): RetentionPolicy {
    return settingsOf(app).retentionPolicy;
  }

  @ResolveField()
  dispatchRetentionPolicy(@Parent() app: App): RetentionPolicy {
    return settingsOf(app).dispatchRetentionPolicy;
  }

  @ResolveField()
  smartConversation(@Parent() app: App): SmartConversation {
    return settingsOf(app).smartConversation;
  }

  @ResolveField()
  messageRetrySettings(@Parent() app: App): MessageRetrySettings | null {
    return settingsOf(app).messageRetrySettings;
  }

  @ResolveField()
  deliveryReportBasedFallback(@Parent() app: App): DeliveryReportBasedFallback | null {
    return settingsOf(app).deliveryReportBasedFallback;
  }

  @ResolveField()
  rateLimits(@Parent() app: App): RateLimits {
    return settingsOf(app).rateLimits;
  }

  @ResolveField()
  async queueStats(@Parent() app: App, @Context() context: GraphqlContext): Promise<QueueStats> {
    const { projectId } = app;
    const outboundSize = await loaderOf(
      context,
      'outboundSizeOfApp',
      () => new DataLoader<string, number>((ids) => this.apps.outboundSizes(projectId, ids)),
    ).load(app.id);
    return { outboundSize, outboundLimit: OUTBOUND_LIMIT };
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
