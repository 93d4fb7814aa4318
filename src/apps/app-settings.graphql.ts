import { Field, Int, ObjectType } from '@nestjs/graphql';
import { RetentionType } from './app-enums.js';
import { OUTBOUND_LIMIT } from './app-settings.js';

@ObjectType({ description: 'How long messages are kept.' })
export class RetentionPolicy {
  @Field(() => RetentionType, { description: 'What is deleted once it is too old.' })
  retentionType!: RetentionType;

  @Field(() => Int, { description: 'After how many days.' })
  ttlDays!: number;
}

@ObjectType({ description: 'A setting only: Parley does not evaluate messages.' })
export class SmartConversation {
  @Field({ description: 'As it was set.' })
  enabled!: boolean;
}

@ObjectType({ description: 'How long a send is tried again when its channel fails for a while.' })
export class MessageRetrySettings {
  @Field(() => Int, { description: 'Seconds from the first failure.' })
  retryDuration!: number;
}

@ObjectType({
  description:
    'A setting only: Parley goes on by the next channel when one fails, but does not wait for reports that a message arrived.',
})
export class DeliveryReportBasedFallback {
  @Field({ description: 'As it was set.' })
  enabled!: boolean;

  @Field(() => Int, { description: 'Seconds, as they were set.' })
  deliveryReportWaitingTime!: number;
}

@ObjectType({
  description:
    "The Conversation API's own limits, per second. Parley does not enforce them: it sends as fast as the channel lets it.",
})
export class RateLimits {
  @Field(() => Int, { description: 'Messages that come in.' })
  inbound!: number;

  @Field(() => Int, { description: 'Messages that go out.' })
  outbound!: number;

  @Field(() => Int, { description: 'Webhooks that are delivered.' })
  webhooks!: number;
}

@ObjectType({ description: 'What waits to leave.' })
export class QueueStats {
  @Field(() => Int, {
    description: `Messages of the app, counted a few seconds ago at most. Of the whole project no more than ${OUTBOUND_LIMIT} are counted.`,
  })
  outboundSize!: number;

  @Field(() => Int, { description: "The Conversation API's own limit." })
  outboundLimit!: number;
}
