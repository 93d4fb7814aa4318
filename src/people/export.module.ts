import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { MediaModule } from '../media/media.module.js';
import { ContactExportResolver } from './export.graphql.js';
import { ContactExportController } from './export.rest.js';

/** Stands before the contacts, whose `contacts/{id}` would take `{id}:export` for an id. */
@Module({
  imports: [AccessModule, ContactsModule, MediaModule],
  controllers: [ContactExportController],
  providers: [ContactExportResolver],
})
export class ContactExportModule {}
