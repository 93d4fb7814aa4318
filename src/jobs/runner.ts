import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger as QueueLogger, parseCronItems, run, type Runner, type WorkerEvents } from 'graphile-worker';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Config } from '../config.js';
import { JobsService, type Work } from './jobs.service.js';
import { Presence } from './presence.js';
import type { Task } from './task.js';

const SWEEP_MS = 5_000;
const RESTART_MS = 1_000;
/** About how long those who have found nothing wait, at the least, before they look again. */
const PATIENCE_MS = 200;
/** Fetching and completing jobs is batched, so a few connections do, beside the one on which each task listens. */
const CONNECTIONS = 4;
/** Any number that nobody else locks: one process sweeps at a time. */
const SWEEP_LOCK = 0x5357_4550;

const LOCKERS = `SELECT DISTINCT locked_by AS name FROM graphile_worker._private_jobs WHERE locked_by IS NOT NULL`;

/** Runs the handlers of this process, when it has the worker role. */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(JobRunner.name);
  private readonly runners = new Map<Task, Runner>();
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
      max: CONNECTIONS + this.jobs.tasks().length,
      application_name: 'parley jobs',
      keepAlive: true,
    });
    const lost = (error: Error): void =>
      this.logger.warn(`a connection of the queue was lost: ${error.message}`);
    this.pool.on('error', lost).on('connect', (client) => client.on('error', lost));
    // A runner of its own for each task: a customer who hangs must not hold up the sends.
    for (const work of this.jobs.tasks()) await this.start(this.pool, work);
  }

  /** Waits for what runs; jobs that do not end in time go back to the queue. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    // One that is just ending by itself refuses to be stopped.
    const stopped = [...this.runners.values()].map((runner) => runner.stop().catch(() => undefined));
    await Promise.allSettled([this.sweeping, ...stopped]);
    await this.pool?.end();
  }

  private async start(pool: pg.Pool, work: Work): Promise<void> {
    const { task, handler, concurrency, patient } = work;
    const events: WorkerEvents = new EventEmitter();
    const names: string[] = [];
    const held: Promise<void>[] = [];
    events.on('pool:create', ({ workerPool }) => {
      names.push(workerPool.id);
      held.push(this.presence.hold(workerPool.id));
    });
    const runner = await run({
      pgPool: pool,
      taskList: { [task]: (payload) => handler(payload as never) },
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
          localQueue: {
            size: concurrency,
            ...(patient && { refetchDelay: { durationMs: PATIENCE_MS, maxAbortThreshold: Infinity } }),
          },
          completeJobBatchDelay: 0,
          // Unbatched, a failure that cannot be recorded would be an unhandled rejection, which ends the process.
          failJobBatchDelay: 0,
          gracefulShutdownAbortTimeout: 5_000,
        },
      },
    });
    this.runners.set(task, runner);
    void ended(runner, events).then(() => this.restart(pool, work, names));
    await Promise.all(held);
    if (this.closing) await runner.stop();
  }

  /** A runner that cannot record what became of a job ends, e.g. when Postgres goes away. Its jobs are freed by the sweep. */
  private async restart(pool: pg.Pool, work: Work, names: string[]): Promise<void> {
    while (!this.closing) {
      this.logger.warn(`the runner of task ${work.task} has ended, starting another`);
      await sleep(RESTART_MS, undefined, { ref: false });
      if (this.closing) return;
      try {
        for (const name of names) await this.presence.drop(name);
        return await this.start(pool, work);
      } catch (error) {
        this.logger.warn(`it did not start: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
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
        // Not in this transaction: as a writer that stays open it would hold back the event log.
        if (dead.length > 0)
          await this.dataSource.query('SELECT graphile_worker.force_unlock_workers($1::text[])', [dead]);
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

/** However it ends. When connections are cut, the library may end a pool and yet never settle the runner's own promise. */
function ended(runner: Runner, events: WorkerEvents): Promise<unknown> {
  return Promise.race([
    runner.promise.catch(() => undefined), // reported already
    new Promise((resolve) => {
      events.once('pool:gracefulShutdown:complete', resolve);
      events.once('pool:gracefulShutdown:error', resolve);
      events.once('pool:forcefulShutdown:complete', resolve);
    }),
  ]);
}
