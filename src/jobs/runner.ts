import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventEmitter } from 'node:events';
import {
  Logger as QueueLogger,
  parseCronItems,
  run,
  type Runner,
  type TaskList,
  type WorkerEvents,
} from 'graphile-worker';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Config } from '../config.js';
import { JobsService } from './jobs.service.js';
import { Presence } from './presence.js';

const SWEEP_MS = 5_000;
/** Fetching and completing jobs is batched, so a few connections do; each task also listens on one. */
const POOL_SIZE = 8;
/** Any number that nobody else locks: one process sweeps at a time. */
const SWEEP_LOCK = 0x5357_4550;

const LOCKERS = `SELECT DISTINCT locked_by AS name FROM graphile_worker._private_jobs WHERE locked_by IS NOT NULL`;

/** Runs the handlers of this process, when it has the worker role. */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(JobRunner.name);
  private runners: Runner[] = [];
  private pool: pg.Pool | null = null;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private closing = false;

  constructor(
    private readonly jobs: JobsService,
    private readonly presence: Presence,
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.runs('worker')) return;
    await this.presence.hold(this.presence.processId);
    await this.jobs.upkeep();
    await this.sweep();
    const { url } = this.dataSource.options as { url: string };
    this.pool = new pg.Pool({
      connectionString: url,
      max: POOL_SIZE,
      application_name: 'parley jobs',
      keepAlive: true,
    });
    const lost = (error: Error): void =>
      this.logger.warn(`a connection of the queue was lost: ${error.message}`);
    this.pool.on('error', lost).on('connect', (client) => client.on('error', lost));
    for (const { task, handler, concurrency } of this.jobs.tasks()) {
      // A pool of its own for each task: a customer who hangs must not hold up the sends.
      this.runners.push(
        await this.start(this.pool, task, { [task]: (payload) => handler(payload as never) }, concurrency),
      );
    }
  }

  /** Waits for what runs; jobs that do not end in time go back to the queue. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    await Promise.all([this.sweeping, ...this.runners.map((runner) => runner.stop())]);
    await this.pool?.end();
  }

  private async start(pool: pg.Pool, task: string, taskList: TaskList, concurrency: number): Promise<Runner> {
    const events: WorkerEvents = new EventEmitter();
    const held: Promise<void>[] = [];
    events.on('pool:create', ({ workerPool }) => held.push(this.presence.hold(workerPool.id)));
    const runner = await run({
      pgPool: pool,
      taskList,
      concurrency,
      pollInterval: 1_000,
      noHandleSignals: true,
      events,
      logger: new QueueLogger(() => (level, message) => this.report(level, message)),
      parsedCronItems:
        task === 'upkeep'
          ? parseCronItems([{ task: 'upkeep', match: '17 3 * * *', options: { backfillPeriod: 0 } }])
          : [],
      preset: {
        worker: {
          localQueue: { size: concurrency },
          completeJobBatchDelay: 0,
          gracefulShutdownAbortTimeout: 5_000,
        },
      },
    });
    await Promise.all(held);
    return runner;
  }

  private report(level: string, message: string): void {
    if (level === 'error') this.logger.error(message);
    // Handlers take no connection of this pool, so it may well be smaller than their number.
    else if (level === 'warning' && !message.includes('maxPoolSize')) this.logger.warn(message);
  }

  /** Frees jobs of processes that died, and looks for work whose job was lost. */
  private async sweep(): Promise<void> {
    try {
      await this.dataSource.transaction(async (tx) => {
        const [row]: { mine: boolean }[] = await tx.query('SELECT pg_try_advisory_xact_lock($1) AS mine', [
          SWEEP_LOCK,
        ]);
        if (!row?.mine) return;
        const lockers: { name: string }[] = await tx.query(LOCKERS);
        const dead = await this.presence.absent(lockers.map((locker) => locker.name));
        if (dead.length > 0)
          await tx.query('SELECT graphile_worker.force_unlock_workers($1::text[])', [dead]);
        await this.jobs.sweep();
      });
    } catch (error) {
      this.logger.warn(
        `sweep failed, it runs again in ${SWEEP_MS / 1000} s: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    if (this.closing) return;
    this.timer = setTimeout(() => (this.sweeping = this.sweep()), SWEEP_MS).unref();
  }
}
