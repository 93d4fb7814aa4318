import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { JobsService } from '../jobs/jobs.service.js';

/** A channel delivers again for hours at most, and a caller retries for a day. */
const FORGET = `
  WITH receipts AS (DELETE FROM early_receipts WHERE at < now() - interval '1 day'),
    changes AS (DELETE FROM early_changes WHERE at < now() - interval '1 day'),
    seen AS (DELETE FROM channel_events_seen WHERE at < now() - interval '7 days')
  DELETE FROM idempotency_keys WHERE accepted_time < now() - interval '7 days'`;

/** Nothing hangs on it any more, and nothing is kept with the identity. A week: until then the person may still be answered. */
const EMPTY_LANES = `
  WITH empty AS (
    SELECT c.project_id, c.id FROM conversations c
    WHERE c.dispatch AND c.metadata_json IS NULL AND c.updated_at < now() - interval '7 days'
      AND NOT EXISTS (SELECT FROM messages m WHERE m.project_id = c.project_id AND m.conversation_id = c.id)
      AND NOT EXISTS (SELECT FROM conversation_events e WHERE e.project_id = c.project_id AND e.conversation_id = c.id)
    LIMIT 1000 FOR UPDATE SKIP LOCKED)
  DELETE FROM conversations c USING empty WHERE c.project_id = empty.project_id AND c.id = empty.id
  RETURNING c.id`;

/** Forgets what only recognises repeats, and whom nothing was exchanged with for long in DISPATCH mode. */
@Injectable()
export class RepeatRetention implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.onUpkeep(() => this.forget());
  }

  async forget(): Promise<void> {
    await this.dataSource.query(FORGET);
    while ((await queryRows(this.dataSource, EMPTY_LANES)).length > 0);
  }
}
