import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { ConversationsResolver } from './conversations.graphql.js';
import { ConversationsController } from './conversations.rest.js';
import { ConversationsService } from './conversations.service.js';
import { ConversationHistory } from './history.service.js';
import { PeopleResolver } from './people.js';
import { ConversationRecordsService } from './records.service.js';
import { SnoozeWaker } from './waker.js';

@Module({
  imports: [EventsModule, JobsModule, AppsModule, ChannelsModule, ContactsModule],
  controllers: [ConversationsController],
  providers: [
    ConversationsService,
    ConversationRecordsService,
    ConversationHistory,
    PeopleResolver,
    SnoozeWaker,
    ConversationsResolver,
  ],
  exports: [ConversationsService, ConversationRecordsService, ConversationHistory, PeopleResolver],
})
export class ConversationsModule {}
