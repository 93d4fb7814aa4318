import { Injectable, type OnModuleInit } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import type { MediaKey } from './media-row.js';
import { MediaStorage } from './storage.js';

/** A job gives way after this long; the sweep has what is left done. */
const SLICE_MS = 30_000;
const BATCH = 100;
const WIDTH = 8;

const WAITING = `
  SELECT EXISTS (SELECT FROM media_garbage WHERE due_at <= now())
    AND NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'discard' AND attempts < max_attempts) AS waiting`;

const DUE = `SELECT project_id, id FROM media_garbage WHERE due_at <= now() ORDER BY due_at LIMIT ${BATCH}`;

const DONE = `
  DELETE FROM media_garbage g USING jsonb_to_recordset($1::jsonb) AS k("projectId" text, id text)
  WHERE g.project_id = k."projectId" AND g.id = k.id`;

/**
 * Runs the `discard` job: deletes the bytes of media whose rows are gone, with whatever they went: message, conversation, contact, app.
 * A trigger has noted them in the same transaction, and a note goes after its bytes: a crash in between deletes them twice.
 */
@Injectable()
export class MediaDisposer implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly storage: MediaStorage,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('discard', () => this.discard());
    this.jobs.onSweep(() => this.sweep());
  }

  /** Job handler. Storage is asked here rather than in the sweep, which others wait for. */
  async discard(): Promise<void> {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      const due = await queryRows<MediaKey>(this.dataSource.manager, DUE);
      for (let start = 0; start < due.length; start += WIDTH) {
        const some = due.slice(start, start + WIDTH);
        await Promise.all(some.map((key) => this.storage.delete(key)));
        await this.dataSource.query(DONE, [JSON.stringify(some)]);
      }
      if (due.length < BATCH) return;
    }
  }

  async sweep(): Promise<void> {
    const [row] = await queryRows<{ waiting: boolean }>(this.dataSource.manager, WAITING);
    if (!row?.waiting) return;
    const job: NewJob<'discard'> = { task: 'discard', payload: {}, key: 'discard' };
    await this.jobs.add(this.dataSource.manager, [job]);
  }
}
