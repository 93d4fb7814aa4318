import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { JobsService } from '../jobs/jobs.service.js';

/** A channel delivers again for hours at most, and a caller retries for a day. */
const FORGET = `
  WITH receipts AS (DELETE FROM early_receipts WHERE at < now() - interval '1 day'),
    changes AS (DELETE FROM early_changes WHERE at < now() - interval '1 day'),
    seen AS (DELETE FROM channel_events_seen WHERE at < now() - interval '7 days')
  DELETE FROM idempotency_keys WHERE accepted_time < now() - interval '7 days'`;

/** Forgets what only recognises repeats. */
@Injectable()
export class RepeatRetention implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.onUpkeep(async () => {
      await this.dataSource.query(FORGET);
    });
  }
}
