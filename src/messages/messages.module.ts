import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { AppsModule } from '../apps/apps.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { TemplatesModule } from '../templates/templates.module.js';
import { ConversationMessagesResolver } from './conversation-messages.graphql.js';
import { InboundService } from './inbound.service.js';
import { InjectController } from './inject.rest.js';
import { InjectService } from './inject.service.js';
import { MessagesResolver } from './messages.graphql.js';
import { MessagesGrpcController } from './messages.grpc.js';
import { MessagesController } from './messages.rest.js';
import { MessagesService } from './messages.service.js';
import { MessageRecordsService } from './records.service.js';
import { RecentConversationsController } from './recent-conversations.rest.js';
import { RepeatRetention } from './retention.js';
import { SendResolver } from './send.graphql.js';
import { Sender } from './sender.js';
import { TranscodeResolver } from './transcode.graphql.js';
import { TranscodeController } from './transcode.rest.js';
import { TranscodingService } from './transcoding.service.js';

@Module({
  imports: [
    AccessModule,
    EventsModule,
    JobsModule,
    AppsModule,
    ChannelsModule,
    ContactsModule,
    ConversationsModule,
    TemplatesModule,
  ],
  controllers: [
    MessagesController,
    InjectController,
    TranscodeController,
    RecentConversationsController,
    MessagesGrpcController,
  ],
  providers: [
    MessagesService,
    MessageRecordsService,
    InjectService,
    TranscodingService,
    InboundService,
    Sender,
    RepeatRetention,
    MessagesResolver,
    ConversationMessagesResolver,
    SendResolver,
    TranscodeResolver,
  ],
  exports: [InboundService],
})
export class MessagesModule {}
