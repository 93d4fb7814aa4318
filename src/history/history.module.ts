import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { HistoryResolver } from './history.graphql.js';
import { HistoryService } from './history.service.js';

@Module({
  imports: [EventsModule, JobsModule, ChannelsModule, ConversationsModule],
  providers: [HistoryService, HistoryResolver],
})
export class HistoryModule {}
