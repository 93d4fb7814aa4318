import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { ChannelsResolver } from './channels.graphql.js';
import { ChannelsService } from './channels.service.js';
import { ChannelConnections } from './connections.js';
import { ChannelRegistry } from './registry.js';

@Module({
  imports: [EventsModule],
  providers: [ChannelRegistry, ChannelConnections, ChannelsService, ChannelsResolver],
  exports: [ChannelRegistry, ChannelsService],
})
export class ChannelsModule {}
