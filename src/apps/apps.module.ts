import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { AppsResolver } from './apps.graphql.js';
import { AppsController } from './apps.rest.js';
import { AppsService } from './apps.service.js';
import { ChannelCredentialsService } from './channel-credentials.service.js';
import { InboxTokensResolver } from './inbox-tokens.graphql.js';

@Module({
  imports: [AccessModule, ChannelsModule],
  controllers: [AppsController],
  providers: [AppsService, ChannelCredentialsService, AppsResolver, InboxTokensResolver],
  exports: [AppsService],
})
export class AppsModule {}
