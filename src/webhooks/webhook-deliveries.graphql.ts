import {
  ArgsType,
  Field,
  ID,
  Int,
  ObjectType,
  Parent,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { IsDate, IsEnum, IsInt, IsOptional, IsString } from 'class-validator';
import { connectionType, PageArgs } from '../api/connection.js';
import { type Attempt, attemptsOf, type Delivery } from './delivery.js';
import { WebhookTrigger } from './trigger.js';

enum WebhookDeliveryStatus {
  PENDING = 'PENDING',
  DELIVERED = 'DELIVERED',
  DEAD = 'DEAD',
}

registerEnumType(WebhookDeliveryStatus, {
  name: 'WebhookDeliveryStatus',
  description: 'Where a delivery stands.',
  valuesMap: {
    PENDING: { description: 'Waits for its first or next attempt.' },
    DELIVERED: { description: 'The target answered 2xx.' },
    DEAD: { description: 'Given up. It can be replayed.' },
  },
});

@ObjectType('WebhookAttempt', { description: 'How one attempt at a delivery ended.' })
export class WebhookAttemptType {
  @Field({ description: 'When it began.' })
  at!: Date;

  @Field(() => Int, { nullable: true, description: 'HTTP status of the answer.' })
  responseCode!: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'The beginning of the answer: a kilobyte of the last, 256 characters of those before.',
  })
  responseHead!: string | null;

  @Field(() => String, { nullable: true, description: 'Why there was no answer.' })
  error!: string | null;

  @Field(() => Int, { nullable: true, description: 'How long it took, in milliseconds.' })
  durationMs!: number | null;
}

@ObjectType('WebhookTestResult', { description: 'What a target made of a test delivery.' })
export class WebhookTestResultType {
  @Field({ description: 'Whether it answered 2xx.' })
  delivered!: boolean;

  @Field(() => ID, { description: 'The webhook-id header of the test.' })
  eventId!: string;

  @Field({ description: 'What was posted.' })
  body!: string;

  @Field(() => WebhookAttemptType, { description: 'How it ended.' })
  attempt!: Attempt;
}

@ObjectType('WebhookDelivery', { description: 'One event on its way to one webhook.' })
export class WebhookDeliveryType {
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field(() => ID, { description: 'The webhook.' })
  webhookId!: string;

  @Field(() => ID, { description: 'The webhook-id header of every attempt: receivers drop doubles by it.' })
  eventId!: string;

  @Field(() => WebhookTrigger, { description: 'What it tells of.' })
  trigger!: WebhookTrigger;

  @Field(() => String, {
    nullable: true,
    description: 'The callback URL of its send. Null when it goes to the target of the webhook.',
  })
  url!: string | null;

  @Field(() => WebhookDeliveryStatus, { description: 'Where it stands.' })
  status!: string;

  @Field(() => Int, { description: 'How many attempts have been made.' })
  attempts!: number;

  @Field(() => Date, { nullable: true, description: 'Of a retry; null when none is planned.' })
  nextAttemptAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When the last attempt began; null before the first.' })
  lastAttemptAt!: Date | null;

  @Field(() => Int, { nullable: true, description: 'HTTP status of the last answer.' })
  responseCode!: number | null;

  @Field(() => String, { nullable: true, description: 'The first kilobyte of the last answer.' })
  responseHead!: string | null;

  @Field(() => String, { nullable: true, description: 'Why there was no answer.' })
  error!: string | null;

  @Field(() => Int, { nullable: true, description: 'How long the last attempt took, in milliseconds.' })
  durationMs!: number | null;

  @Field(() => [WebhookAttemptType], { description: 'Every attempt, oldest first; the latest 20.' })
  attemptList?: Attempt[];

  @Field({ description: 'When it was queued.' })
  createdAt!: Date;
}

@ObjectType({ description: 'A page of deliveries.' })
export class WebhookDeliveryConnection extends connectionType('WebhookDelivery', WebhookDeliveryType) {}

@ArgsType()
export class WebhookDeliveriesArgs extends PageArgs {
  @Field(() => ID, { description: 'The webhook.' })
  @IsString()
  webhookId!: string;

  @Field(() => WebhookDeliveryStatus, { nullable: true, description: 'Every status when absent.' })
  @IsOptional()
  @IsEnum(WebhookDeliveryStatus)
  status?: WebhookDeliveryStatus | null;

  @Field(() => WebhookTrigger, { nullable: true, description: 'Every trigger when absent.' })
  @IsOptional()
  @IsEnum(WebhookTrigger)
  trigger?: WebhookTrigger | null;

  @Field(() => Int, { nullable: true, description: 'HTTP status of the last answer.' })
  @IsOptional()
  @IsInt()
  responseCode?: number | null;

  @Field(() => Date, { nullable: true, description: 'What was queued from then on.' })
  @IsOptional()
  @IsDate()
  since?: Date | null;

  @Field(() => Date, { nullable: true, description: 'What was queued before then.' })
  @IsOptional()
  @IsDate()
  until?: Date | null;
}

@Resolver(() => WebhookDeliveryType)
export class WebhookDeliveryResolver {
  @ResolveField(() => [WebhookAttemptType])
  attemptList(@Parent() delivery: Delivery): Attempt[] {
    return attemptsOf(delivery);
  }
}
