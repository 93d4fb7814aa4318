import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { RetentionService } from './retention.service.js';

@Module({
  imports: [EventsModule, JobsModule],
  providers: [RetentionService],
})
export class RetentionModule {}
