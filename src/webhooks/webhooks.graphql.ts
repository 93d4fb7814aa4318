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
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { IsEnum, IsOptional, IsString } from 'class-validator';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { type Connection, connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import type { App } from '../apps/app.entity.js';
import { AppType } from '../apps/apps.graphql.js';
import type { ClientCredentials } from './client-credentials.js';
import { WebhookReplay } from './replay.js';
import { WebhookTrigger } from './trigger.js';
import type { Webhook } from './webhook.entity.js';
import {
  CreateWebhookInput,
  TokenRequestType,
  UpdateWebhookInput,
  WebhookTargetType,
} from './webhooks.input.js';
import { type Delivery, WebhooksService } from './webhooks.service.js';

enum WebhookDeliveryStatus {
  PENDING = 'PENDING',
  DELIVERED = 'DELIVERED',
  DEAD = 'DEAD',
}

registerEnumType(WebhookDeliveryStatus, {
  name: 'WebhookDeliveryStatus',
  valuesMap: {
    PENDING: { description: 'Waits for its first or next attempt.' },
    DELIVERED: { description: 'The target answered 2xx.' },
    DEAD: { description: 'Given up. It can be replayed.' },
  },
});

@ObjectType('ClientCredentials', {
  description: 'How the bearer tokens of deliveries are got. The client secret never leaves.',
})
export class ClientCredentialsType {
  @Field()
  endpoint!: string;

  @Field()
  clientId!: string;

  @Field()
  scope!: string;

  @Field()
  responseType!: string;

  @Field(() => TokenRequestType)
  tokenRequestType!: string;
}

@ObjectType('Webhook', {
  description: "A customer's endpoint and what it is told of. Its secret never leaves.",
})
export class WebhookType {
  @Field(() => ID)
  id!: string;

  @Field(() => ID)
  appId!: string;

  @Field()
  target!: string;

  @Field(() => WebhookTargetType)
  targetType!: string;

  @Field(() => [WebhookTrigger])
  triggers!: WebhookTrigger[];

  @Field({ description: 'Whether it has a secret, by which deliveries are signed.' })
  signed?: boolean;

  @Field(() => ClientCredentialsType, { nullable: true })
  clientCredentials?: ClientCredentials | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'Since then nothing is sent: the target answered 410, or failed for 5 days. An update enables it again.',
  })
  disabledAt!: Date | null;

  @Field(() => String, { nullable: true })
  disabledReason!: string | null;

  @Field(() => Date, {
    nullable: true,
    description: 'Since then nothing but failures. Null after a success.',
  })
  failingSince!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'The target cannot be reached; it is probed with one delivery at a time, next at this time.',
  })
  pausedUntil!: Date | null;

  @Field()
  createdAt!: Date;

  @Field()
  updatedAt!: Date;
}

@ObjectType('WebhookDelivery', { description: 'One event on its way to one webhook.' })
export class WebhookDeliveryType {
  @Field(() => ID)
  id!: string;

  @Field(() => ID)
  webhookId!: string;

  @Field(() => ID, { description: 'The webhook-id header of every attempt: receivers drop doubles by it.' })
  eventId!: string;

  @Field(() => WebhookTrigger)
  trigger!: WebhookTrigger;

  @Field(() => WebhookDeliveryStatus)
  status!: string;

  @Field(() => Int)
  attempts!: number;

  @Field(() => Date, { nullable: true, description: 'Of a retry; null when none is planned.' })
  nextAttemptAt!: Date | null;

  @Field(() => Date, { nullable: true })
  lastAttemptAt!: Date | null;

  @Field(() => Int, { nullable: true, description: 'HTTP status of the last answer.' })
  responseCode!: number | null;

  @Field(() => String, { nullable: true, description: 'The first kilobyte of the last answer.' })
  responseHead!: string | null;

  @Field(() => String, { nullable: true, description: 'Why there was no answer.' })
  error!: string | null;

  @Field(() => Int, { nullable: true, description: 'How long the last attempt took, in milliseconds.' })
  durationMs!: number | null;

  @Field()
  createdAt!: Date;
}

@ObjectType()
export class WebhookDeliveryConnection extends connectionType('WebhookDelivery', WebhookDeliveryType) {}

@ArgsType()
class WebhookDeliveriesArgs extends PageArgs {
  @Field(() => ID)
  @IsString()
  webhookId!: string;

  @Field(() => WebhookDeliveryStatus, { nullable: true, description: 'Every status when absent.' })
  @IsOptional()
  @IsEnum(WebhookDeliveryStatus)
  status?: WebhookDeliveryStatus | null;
}

@Resolver(() => WebhookType)
export class WebhooksResolver {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly replays: WebhookReplay,
  ) {}

  @Query(() => [WebhookType], { name: 'webhooks', description: 'In order of creation; at most 5.' })
  list(
    @CurrentCaller() { projectId }: Caller,
    @Args('appId', { type: () => ID }) appId: string,
  ): Promise<Webhook[]> {
    return this.webhooks.list(projectId, appId);
  }

  @Query(() => WebhookDeliveryConnection, { description: 'The latest events first.' })
  async webhookDeliveries(
    @CurrentCaller() { projectId }: Caller,
    @Args() { webhookId, status, ...page }: WebhookDeliveriesArgs,
  ): Promise<Connection<Delivery>> {
    return toConnection(await this.webhooks.deliveries(projectId, webhookId, status ?? null, page));
  }

  @Mutation(() => WebhookType)
  createWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('input') input: CreateWebhookInput,
  ): Promise<Webhook> {
    return this.webhooks.create(projectId, input);
  }

  @Mutation(() => WebhookType)
  updateWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
    @Args('input') input: UpdateWebhookInput,
  ): Promise<Webhook> {
    return this.webhooks.update(projectId, id, input);
  }

  @Mutation(() => Boolean, { description: 'What waits for it is dropped.' })
  async deleteWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<boolean> {
    await this.webhooks.delete(projectId, id);
    return true;
  }

  @Mutation(() => Int, {
    description:
      'Delivers the events of the log after one event cursor, up to and including another, once more; without cursors everything that is kept. Answers how many were queued.',
  })
  replayWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
    @Args('until', { type: () => String, nullable: true }) until: string | null,
  ): Promise<number> {
    return this.replays.replay(projectId, id, after ?? null, until ?? null);
  }

  @ResolveField()
  signed(@Parent() webhook: Webhook): boolean {
    return webhook.secret !== '';
  }

  @ResolveField(() => ClientCredentialsType, { nullable: true })
  clientCredentials(@Parent() webhook: Webhook): ClientCredentials | null {
    return this.webhooks.clientCredentials(webhook);
  }
}

/** `App.webhooks` lives here, so that apps need not know of webhooks. */
@Resolver(() => AppType)
export class AppWebhooksResolver {
  constructor(private readonly webhooks: WebhooksService) {}

  @ResolveField(() => [WebhookType], { name: 'webhooks' })
  webhooksOf(@Parent() { projectId, id }: App, @Context() context: GraphqlContext): Promise<Webhook[]> {
    return loaderOf(
      context,
      'webhooksOfApp',
      () => new DataLoader<string, Webhook[]>((ids) => this.webhooks.listByApps(projectId, ids)),
    ).load(id);
  }
}
