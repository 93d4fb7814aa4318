import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { ChannelProfileService } from './channel-profile.service.js';
import { ErasureService } from './erasure.service.js';
import { MergeService } from './merge.service.js';
import { ContactChangesResolver } from './people.graphql.js';
import { PeopleController } from './people.rest.js';
import { ProfilesService } from './profiles.service.js';

@Module({
  imports: [EventsModule, JobsModule, AppsModule, ChannelsModule],
  controllers: [PeopleController],
  providers: [ProfilesService, ChannelProfileService, MergeService, ErasureService, ContactChangesResolver],
})
export class PeopleModule {}
