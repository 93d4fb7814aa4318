import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { CallbackPoster } from './attempt.js';
import { Clock } from './clock.js';
import { WebhookDispatcher } from './dispatcher.js';
import { WebhookEnqueuer } from './enqueue.js';
import { WebhookProbe } from './probe.js';
import { WebhookReplay } from './replay.js';
import { DeliveryRetention } from './retention.js';
import { WebhookDeliveryResolver } from './webhook-deliveries.graphql.js';
import { AppWebhooksResolver, WebhooksResolver } from './webhooks.graphql.js';
import { WebhooksController } from './webhooks.rest.js';
import { WebhooksService } from './webhooks.service.js';

@Module({
  imports: [EventsModule, JobsModule, OutboundModule],
  controllers: [WebhooksController],
  providers: [
    WebhooksService,
    WebhookReplay,
    WebhookProbe,
    WebhookEnqueuer,
    WebhookDispatcher,
    DeliveryRetention,
    CallbackPoster,
    Clock,
    WebhooksResolver,
    WebhookDeliveryResolver,
    AppWebhooksResolver,
  ],
  exports: [WebhooksService],
})
export class WebhooksModule {}
