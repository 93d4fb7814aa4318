import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { EventsModule } from '../events/events.module.js';
import { ContactsResolver } from './contacts.graphql.js';
import { ContactsService } from './contacts.service.js';

@Module({
  imports: [AppsModule, EventsModule],
  providers: [ContactsService, ContactsResolver],
  exports: [ContactsService],
})
export class ContactsModule {}
