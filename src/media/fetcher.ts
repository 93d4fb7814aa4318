import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { rm } from 'node:fs/promises';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { TaskPayloads } from '../jobs/task.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { PublicUrl } from '../public-url.js';
import { claimMedia, postponeMedia, recordFailed, recordStored } from './attempts.js';
import { Downloader, NoMedia } from './downloader.js';
import { downloadJob, type MediaKey, type MediaRow } from './media-row.js';
import { MediaStorage } from './storage.js';

/** Before the second attempt, the third, and so on: nine hours in all, within which a channel's links still work. */
const DELAYS_S = [2, 15, 60, 300, 1_800, 7_200, 21_600];
/** What is wrong on our side does not use up attempts. */
const OUR_FAULT_MS = 60_000;
/** How long the process waits for downloads when it stops. */
const STOP_MS = 3_000;
/** Time to record what came of an attempt, before it counts as lost. */
const RECORD_MS = 60_000;
const SWEPT = 200;

/** Due, and no job knows. A job that has given up does not count. */
const LOST = `
  SELECT m.project_id, m.id FROM media m
  WHERE m.state = 'PENDING' AND m.next_attempt_at <= now() AND NOT EXISTS (
    SELECT FROM graphile_worker.jobs j WHERE j.key = 'media:' || m.id AND j.attempts < j.max_attempts)
  ORDER BY m.next_attempt_at LIMIT ${SWEPT}`;

/** Runs the `download` jobs: brings media into storage and has the message show our link. */
@Injectable()
export class MediaFetcher implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(MediaFetcher.name);
  private readonly stopping = new AbortController();

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
    private readonly downloader: Downloader,
    private readonly storage: MediaStorage,
    private readonly publicUrl: PublicUrl,
    /** For one attempt, whatever the other side does; in ms. */
    private readonly timeout: number,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('download', (payload) => this.fetch(payload));
    this.jobs.onSweep(() => this.sweep());
    this.jobs.onUpkeep(() => this.downloader.clean());
  }

  onModuleDestroy(): void {
    setTimeout(() => this.stopping.abort(), STOP_MS).unref();
  }

  /** Job handler: one attempt. */
  async fetch({ projectId, mediaId: id }: TaskPayloads['download']): Promise<void> {
    const key = { projectId, id };
    const row = await claimMedia(this.dataSource, key, this.timeout + RECORD_MS);
    if (!row) return;
    try {
      await this.keep(row);
    } catch (error) {
      await this.failed(row, error);
    }
  }

  /** Has work whose job was lost done. */
  async sweep(): Promise<void> {
    const lost = await queryRows<MediaKey>(this.dataSource.manager, LOST);
    if (lost.length > 0)
      await this.jobs.add(
        this.dataSource.manager,
        lost.map((key) => downloadJob(key)),
      );
  }

  private async keep({ projectId, id, originalUrl }: MediaRow): Promise<void> {
    const key = { projectId, id };
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(this.timeout)]);
    const downloaded = await this.downloader.download(originalUrl, signal);
    try {
      await this.storage.put(key, downloaded, signal);
    } finally {
      await rm(downloaded.path, { force: true });
    }
    const { dataSource, log } = this;
    // When the message was erased meanwhile, our bytes are noted as garbage that is due after our lease.
    await recordStored({ dataSource, log, base: this.publicUrl.base() }, key, downloaded).catch(
      (error: unknown) => {
        throw new NotRecorded('it was stored, which could not be recorded', { cause: error });
      },
    );
  }

  private async failed(row: MediaRow, error: unknown): Promise<void> {
    const { dataSource, log, timeout } = this;
    // The database is at fault: the lease ends by itself.
    if (error instanceof NotRecorded) throw error;
    if (this.stopping.signal.aborted) return this.later(row, { delay: 0, reason: null, counts: false });
    const slow = error instanceof Error && error.name === 'TimeoutError';
    if (error instanceof NoMedia) return recordFailed({ dataSource, log }, row, error.message);
    if (error instanceof OutboundError || slow) {
      const reason = slow ? `not downloaded within ${timeout / 1000} s` : error.message;
      const seconds = DELAYS_S[row.attempts - 1];
      if (seconds === undefined) return recordFailed({ dataSource, log }, row, reason);
      return this.later(row, { delay: seconds * 1000, reason, counts: true });
    }
    this.logger.warn(`media ${row.id} could not be stored, it is tried again: ${String(error)}`);
    await this.later(row, { delay: OUR_FAULT_MS, reason: 'it could not be stored', counts: false });
  }

  private async later(
    row: MediaRow,
    how: { delay: number; reason: string | null; counts: boolean },
  ): Promise<void> {
    const next = await postponeMedia(this.dataSource, row, how);
    if (next) await this.jobs.add(this.dataSource.manager, [downloadJob(row, next)]);
  }
}

class NotRecorded extends Error {
  override readonly name = 'NotRecorded';
}
