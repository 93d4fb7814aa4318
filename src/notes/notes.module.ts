import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { NotesResolver } from './notes.graphql.js';
import { NotesService } from './notes.service.js';

@Module({
  imports: [EventsModule, ConversationsModule],
  providers: [NotesService, NotesResolver],
})
export class NotesModule {}
