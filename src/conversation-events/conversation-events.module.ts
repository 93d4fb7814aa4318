import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { ConversationEventsResolver } from './conversation-events.graphql.js';
import { ConversationEventsGrpcController } from './conversation-events.grpc.js';
import { ConversationEventsController } from './conversation-events.rest.js';
import { ConversationEventsService } from './conversation-events.service.js';
import { EventRecordsService } from './event-records.service.js';
import { EventSender } from './event-sender.js';

@Module({
  imports: [EventsModule, JobsModule, ChannelsModule, ContactsModule, ConversationsModule],
  controllers: [ConversationEventsController, ConversationEventsGrpcController],
  providers: [ConversationEventsService, EventRecordsService, EventSender, ConversationEventsResolver],
  exports: [ConversationEventsService],
})
export class ConversationEventsModule {}
