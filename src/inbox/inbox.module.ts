import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { AppsModule } from '../apps/apps.module.js';
import { ConversationEventsModule } from '../conversation-events/conversation-events.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { ConversationHistoryResolver } from './conversation-history.graphql.js';
import { EventsResolver } from './event-connection.graphql.js';
import { InboxResolver } from './inbox.graphql.js';
import { InboxService } from './inbox.service.js';
import { PullService } from './pull.service.js';
import { ReadMarkersResolver } from './read-markers.graphql.js';
import { StreamEventsGrpcController } from './stream-events.grpc.js';

@Module({
  imports: [AccessModule, EventsModule, AppsModule, ConversationsModule, ConversationEventsModule],
  controllers: [StreamEventsGrpcController],
  providers: [
    InboxService,
    PullService,
    ReadMarkersResolver,
    ConversationHistoryResolver,
    InboxResolver,
    EventsResolver,
  ],
})
export class InboxModule {}
