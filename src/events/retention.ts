import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../config.js';
import { JobsService } from '../jobs/jobs.service.js';

/** Partitions are made this many days ahead, so that a worker may be away for long before events cannot be stored. */
const DAYS_AHEAD = 14;

/** Keeps the log's partitions: those of the coming days are made, those past their time dropped. */
@Injectable()
export class EventRetention implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.jobs.onUpkeep(async () => {
      await this.dataSource.query(`SELECT parley_keep_partitions('events', $1, $2)`, [
        DAYS_AHEAD,
        this.config.EVENT_RETENTION_DAYS,
      ]);
    });
  }
}
