import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { InboundService } from './inbound.service.js';
import { ConversationMessagesResolver, MessagesResolver } from './messages.graphql.js';
import { MessagesGrpcController } from './messages.grpc.js';
import { MessagesService } from './messages.service.js';
import { RepeatRetention } from './retention.js';
import { Sender } from './sender.js';

@Module({
  imports: [EventsModule, JobsModule, ChannelsModule, ContactsModule, ConversationsModule],
  controllers: [MessagesGrpcController],
  providers: [
    MessagesService,
    InboundService,
    Sender,
    RepeatRetention,
    MessagesResolver,
    ConversationMessagesResolver,
  ],
  exports: [InboundService],
})
export class MessagesModule {}
