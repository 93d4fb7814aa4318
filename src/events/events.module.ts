import { Module } from '@nestjs/common';
import { EventFollower } from './follow.js';
import { EventLog } from './event-log.js';
import { EventRetention } from './retention.js';
import { Wakeups } from './wakeups.js';
import { JobsModule } from '../jobs/jobs.module.js';

@Module({
  imports: [JobsModule],
  providers: [EventLog, EventFollower, Wakeups, EventRetention],
  exports: [EventLog, EventFollower],
})
export class EventsModule {}
