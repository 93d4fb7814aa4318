import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { ErasureService } from './erasure.service.js';
import { MergeService } from './merge.service.js';
import { ContactChangesResolver } from './people.graphql.js';
import { ProfilesService } from './profiles.service.js';

@Module({
  imports: [EventsModule, JobsModule, ChannelsModule],
  providers: [ProfilesService, MergeService, ErasureService, ContactChangesResolver],
})
export class PeopleModule {}
