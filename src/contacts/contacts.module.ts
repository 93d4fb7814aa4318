import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { EventsModule } from '../events/events.module.js';
import { WordsModule } from '../words/words.module.js';
import { ContactSettingsController } from './contact-settings.rest.js';
import { ContactSettingsService } from './contact-settings.service.js';
import { ContactsResolver } from './contacts.graphql.js';
import { ContactsController } from './contacts.rest.js';
import { ContactsService } from './contacts.service.js';

@Module({
  imports: [AppsModule, EventsModule, WordsModule],
  controllers: [ContactSettingsController, ContactsController],
  providers: [ContactSettingsService, ContactsService, ContactsResolver],
  exports: [ContactsService],
})
export class ContactsModule {}
