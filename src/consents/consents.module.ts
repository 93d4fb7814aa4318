import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { EventsModule } from '../events/events.module.js';
import { ConsentsController } from './consents.rest.js';
import { ConsentsService } from './consents.service.js';

@Module({
  imports: [AppsModule, EventsModule],
  controllers: [ConsentsController],
  providers: [ConsentsService],
})
export class ConsentsModule {}
