import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { EventsModule } from '../events/events.module.js';
import { CapabilityController } from './capability.rest.js';
import { CapabilityService } from './capability.service.js';

@Module({
  imports: [AppsModule, ChannelsModule, EventsModule],
  controllers: [CapabilityController],
  providers: [CapabilityService],
})
export class CapabilityModule {}
