import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { InboxResolver } from './inbox.graphql.js';
import { InboxService } from './inbox.service.js';

@Module({
  imports: [EventsModule, AppsModule, ConversationsModule],
  providers: [InboxService, InboxResolver],
})
export class InboxModule {}
