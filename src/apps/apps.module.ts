import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { AppsResolver } from './apps.graphql.js';
import { AppsService } from './apps.service.js';

@Module({
  imports: [ChannelsModule],
  providers: [AppsService, AppsResolver],
  exports: [AppsService],
})
export class AppsModule {}
