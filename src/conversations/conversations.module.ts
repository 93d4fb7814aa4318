import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { EventsModule } from '../events/events.module.js';
import { ConversationsResolver } from './conversations.graphql.js';
import { ConversationsService } from './conversations.service.js';

@Module({
  imports: [EventsModule, AppsModule, ContactsModule],
  providers: [ConversationsService, ConversationsResolver],
  exports: [ConversationsService],
})
export class ConversationsModule {}
