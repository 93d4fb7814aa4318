import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { ConversationEventsResolver } from './conversation-events.graphql.js';
import { ConversationEventsGrpcController } from './conversation-events.grpc.js';
import { ConversationEventsService } from './conversation-events.service.js';
import { EventSender } from './event-sender.js';

@Module({
  imports: [EventsModule, JobsModule, ChannelsModule, ConversationsModule],
  controllers: [ConversationEventsGrpcController],
  providers: [ConversationEventsService, EventSender, ConversationEventsResolver],
})
export class ConversationEventsModule {}
