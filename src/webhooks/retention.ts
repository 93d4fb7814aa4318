import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../config.js';
import { JobsService } from '../jobs/jobs.service.js';

/** As for events: a worker may be away for long before the end of a delivery cannot be stored. */
const DAYS_AHEAD = 14;

/** Keeps the partitions of deliveries that have ended, for as long as events are kept. */
@Injectable()
export class DeliveryRetention implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.jobs.onUpkeep(async () => {
      await this.dataSource.query(`SELECT parley_keep_partitions('webhook_deliveries_done', $1, $2)`, [
        DAYS_AHEAD,
        this.config.EVENT_RETENTION_DAYS,
      ]);
    });
  }
}
