import {
  Args,
  Context,
  Field,
  ID,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import { assertAccessKey, type Caller } from '../access/caller.js';
import { type Connection, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import type { App } from '../apps/app.entity.js';
import { AppType } from '../apps/apps.graphql.js';
import type { ClientCredentials } from './client-credentials.js';
import { type Delivery } from './delivery.js';
import { type TestResult, WebhookProbe } from './probe.js';
import { WebhookReplay } from './replay.js';
import { WebhookTrigger } from './trigger.js';
import type { Webhook } from './webhook.entity.js';
import {
  CreateWebhookInput,
  TokenRequestType,
  UpdateWebhookInput,
  WebhookTargetType,
} from './webhooks.input.js';
import {
  WebhookDeliveriesArgs,
  WebhookDeliveryConnection,
  WebhookDeliveryType,
  WebhookTestResultType,
} from './webhook-deliveries.graphql.js';
import { WebhooksService } from './webhooks.service.js';

@ObjectType('ClientCredentials', {
  description: 'How the bearer tokens of deliveries are got. The client secret never leaves.',
})
export class ClientCredentialsType {
  @Field({ description: 'URL of the token endpoint.' })
  endpoint!: string;

  @Field({ description: 'Who asks for the token.' })
  clientId!: string;

  @Field({ description: 'What the token is asked for; empty when nothing in particular.' })
  scope!: string;

  @Field({ description: 'Passed on to the token endpoint as it is; empty when it is not.' })
  responseType!: string;

  @Field(() => TokenRequestType, { description: 'Where the client id and secret go in the token request.' })
  tokenRequestType!: string;
}

@ObjectType('Webhook', {
  description: "A customer's endpoint and what it is told of. Its secret never leaves.",
})
export class WebhookType {
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field(() => ID, { description: 'The app whose events it is told of.' })
  appId!: string;

  @Field({ description: 'Where deliveries are posted.' })
  target!: string;

  @Field(() => WebhookTargetType, { description: 'Whether they are.' })
  targetType!: string;

  @Field(() => [WebhookTrigger], { description: 'What it is told of.' })
  triggers!: WebhookTrigger[];

  @Field({ description: 'Whether it has a secret, by which deliveries are signed.' })
  signed?: boolean;

  @Field(() => Date, {
    nullable: true,
    description: 'Until then the secret before this one signs as well. Null when none does.',
  })
  previousUntil!: Date | null;

  @Field(() => ClientCredentialsType, {
    nullable: true,
    description: 'How the bearer tokens of its deliveries are got; null when they carry none.',
  })
  clientCredentials?: ClientCredentials | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'Since then nothing is sent: the target answered 410, or failed for 5 days. An update enables it again.',
  })
  disabledAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'What was wrong with the target; null unless it is disabled.',
  })
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

  @Field({ description: 'When it was made.' })
  createdAt!: Date;

  @Field({ description: 'When it was last changed.' })
  updatedAt!: Date;
}

@Resolver(() => WebhookType)
export class WebhooksResolver {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly replays: WebhookReplay,
    private readonly probe: WebhookProbe,
  ) {}

  @Query(() => [WebhookType], { name: 'webhooks', description: 'In order of creation; at most 5.' })
  list(
    @CurrentCaller() { projectId }: Caller,
    @Args('appId', { type: () => ID, description: 'The app.' }) appId: string,
  ): Promise<Webhook[]> {
    return this.webhooks.list(projectId, appId);
  }

  @Query(() => WebhookDeliveryConnection, { description: 'The latest events first.' })
  async webhookDeliveries(
    @CurrentCaller() { projectId }: Caller,
    @Args() { webhookId, status, trigger, responseCode, since, until, ...page }: WebhookDeliveriesArgs,
  ): Promise<Connection<Delivery>> {
    const filter = { status, trigger, responseCode, since, until };
    return toConnection(await this.webhooks.deliveries(projectId, webhookId, filter, page));
  }

  @Query(() => [WebhookType], {
    description:
      'The servers that callback URLs of single sends named, as targets: how they are doing, and whose deliveries can be listed and retried by their id. The latest first, at most 100.',
  })
  callbackOrigins(
    @CurrentCaller() { projectId }: Caller,
    @Args('appId', { type: () => ID, description: 'The app.' }) appId: string,
  ): Promise<Webhook[]> {
    return this.webhooks.callbackOrigins(projectId, appId);
  }

  @Mutation(() => WebhookType, { description: 'Makes a webhook. An app has at most 5, each target once.' })
  createWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('input', { description: 'The webhook.' }) input: CreateWebhookInput,
  ): Promise<Webhook> {
    return this.webhooks.create(projectId, input);
  }

  @Mutation(() => WebhookType, { description: 'Changes a webhook.' })
  updateWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'The webhook.' }) id: string,
    @Args('input', { description: 'What to change.' }) input: UpdateWebhookInput,
  ): Promise<Webhook> {
    return this.webhooks.update(projectId, id, input);
  }

  @Mutation(() => Boolean, { description: 'What waits for it is dropped.' })
  async deleteWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'The webhook.' }) id: string,
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
    @Args('id', { type: () => ID, description: 'The webhook.' }) id: string,
    @Args('after', {
      type: () => String,
      nullable: true,
      description:
        'Cursor of an event: what came after it; from the beginning of what is kept when left out.',
    })
    after: string | null,
    @Args('until', {
      type: () => String,
      nullable: true,
      description: 'Cursor of an event: up to and including it; to the end when left out.',
    })
    until: string | null,
  ): Promise<number> {
    return this.replays.replay(projectId, id, after ?? null, until ?? null);
  }

  @Mutation(() => WebhookDeliveryType, {
    description:
      'Delivers one event once more: what was given up or waits is tried now, with all its attempts before it; what arrived goes again. Its event id stays.',
  })
  retryWebhookDelivery(
    @CurrentCaller() { projectId }: Caller,
    @Args('webhookId', { type: () => ID, description: 'The webhook that the delivery is for.' })
    webhookId: string,
    @Args('id', { type: () => ID, description: 'The delivery.' }) id: string,
  ): Promise<Delivery> {
    return this.replays.retry(projectId, webhookId, id);
  }

  @Mutation(() => WebhookTestResultType, {
    description:
      'Posts a made-up event to the target now, signed as every delivery, also when the webhook is disabled, and answers how it went. It is neither queued nor listed.',
  })
  testWebhook(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'The webhook.' }) id: string,
    @Args('trigger', {
      type: () => WebhookTrigger,
      nullable: true,
      description: 'MESSAGE_INBOUND when left out.',
    })
    trigger: WebhookTrigger | null,
  ): Promise<TestResult> {
    return this.probe.test(projectId, id, trigger ?? WebhookTrigger.MESSAGE_INBOUND);
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

  @ResolveField(() => [WebhookType], {
    name: 'webhooks',
    description: 'Its webhooks, in order of creation. For access keys: FORBIDDEN by an inbox token.',
  })
  async webhooksOf(
    @Parent() { projectId, id }: App,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<Webhook[]> {
    assertAccessKey(caller);
    return loaderOf(
      context,
      'webhooksOfApp',
      () => new DataLoader<string, Webhook[]>((ids) => this.webhooks.listByApps(projectId, ids)),
    ).load(id);
  }
}
