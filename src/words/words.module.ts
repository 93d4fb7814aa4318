import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { WordBacklog } from './backlog.js';
import { WordKeeper } from './word-keeper.js';

@Module({
  imports: [EventsModule, JobsModule],
  providers: [WordKeeper, WordBacklog],
})
export class WordsModule {}
