import { Module } from '@nestjs/common';
import { JobRunner } from './runner.js';
import { JobsService } from './jobs.service.js';
import { Presence } from './presence.js';

@Module({
  providers: [JobsService, JobRunner, Presence],
  exports: [JobsService, Presence],
})
export class JobsModule {}
