import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { EventsModule } from '../events/events.module.js';
import { ConversationsResolver } from './conversations.graphql.js';
import { ConversationsService } from './conversations.service.js';
import { PeopleResolver } from './people.js';

@Module({
  imports: [EventsModule, AppsModule, ChannelsModule, ContactsModule],
  providers: [ConversationsService, PeopleResolver, ConversationsResolver],
  exports: [ConversationsService, PeopleResolver],
})
export class ConversationsModule {}
