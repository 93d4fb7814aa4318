import { Module } from '@nestjs/common';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { AccessModule } from '../access/access.module.js';
import { Config } from '../config.js';
import { EventLog } from '../events/event-log.js';
import { EventsModule } from '../events/events.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { JobsService } from '../jobs/jobs.service.js';
import { GuardedAgent } from '../outbound/guarded-agent.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { PublicUrl } from '../public-url.js';
import { MediaDisposer } from './disposer.js';
import { Downloader } from './downloader.js';
import { MediaFetcher } from './fetcher.js';
import { MediaIntake } from './intake.js';
import { LocalStorage } from './local.storage.js';
import { MessageMediaResolver } from './media.graphql.js';
import { MediaController } from './media.rest.js';
import { MediaService } from './media.service.js';
import { MediaStorage } from './storage.js';

/** For the head of an answer, and for each pause in its body. */
const IDLE_MS = 15_000;
/** For one attempt, storing included. */
const TOTAL_MS = 180_000;

@Module({
  imports: [AccessModule, EventsModule, JobsModule, OutboundModule],
  controllers: [MediaController],
  providers: [
    { provide: MediaStorage, useFactory: storageOf, inject: [Config] },
    {
      provide: Downloader,
      useFactory: (agent: GuardedAgent, config: Config) =>
        new Downloader(agent, join(folderOf(config), 'incoming'), {
          maxBytes: config.MEDIA_MAX_BYTES,
          idle: IDLE_MS,
          allowPrivate: config.PARLEY_ALLOW_PRIVATE_TARGETS,
        }),
      inject: [GuardedAgent, Config],
    },
    {
      provide: MediaFetcher,
      useFactory: (
        dataSource: DataSource,
        log: EventLog,
        jobs: JobsService,
        downloader: Downloader,
        storage: MediaStorage,
        publicUrl: PublicUrl,
      ) => new MediaFetcher(dataSource, log, jobs, downloader, storage, publicUrl, TOTAL_MS),
      inject: [DataSource, EventLog, JobsService, Downloader, MediaStorage, PublicUrl],
    },
    MediaIntake,
    MediaDisposer,
    MediaService,
    MessageMediaResolver,
  ],
  exports: [MediaService],
})
export class MediaModule {}

/** Amazon's SDK is large: it is loaded only where it is used. */
async function storageOf(config: Config): Promise<MediaStorage> {
  if (config.MEDIA_S3_BUCKET === undefined) return new LocalStorage(join(folderOf(config), 'stored'));
  const { S3Storage } = await import('./s3.storage.js');
  return new S3Storage(config);
}

function folderOf(config: Config): string {
  return join(config.PARLEY_DATA_DIR, 'media');
}
