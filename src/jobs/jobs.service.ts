import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Coalescer } from '../database/coalescer.js';
import { onCommit } from '../database/on-commit.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import type { Handler, NewJob, Task } from './task.js';

/** How many jobs of a task run at the same time in one process. Waiting on a slow customer costs little, so there may be many. */
const CONCURRENCY: Readonly<Record<Task, number>> = {
  send: 32,
  'send-events': 16,
  'send-high': 16,
  echo: 4,
  deliver: 64,
  download: 8,
  discard: 1,
  // Sends need the same allowance of calls more.
  profiles: 2,
  history: 2,
  wake: 1,
  retain: 1,
  words: 1,
  upkeep: 1,
};

/** Nobody waits for these, so they are looked for a few times a second, rather than whenever there is any job of any task. */
const PATIENT: ReadonlySet<Task> = new Set([
  'echo',
  'download',
  'discard',
  'profiles',
  'history',
  'wake',
  'retain',
  'words',
  'upkeep',
]);

const JOBS = `jsonb_to_recordset($1::jsonb) AS j(task text, payload jsonb, "runAt" timestamptz, key text, priority int)`;

const ADD = prepared(`
  SELECT key FROM graphile_worker.add_jobs(ARRAY(
    SELECT (j.task, j.payload::json, NULL, j."runAt", 25, j.key, j.priority, NULL)::graphile_worker.job_spec FROM ${JOBS}
  ))`);

/** Keys of which a job waits that nobody has begun: it will see all that is there by now. */
const WAITING = prepared(`
  SELECT j.key FROM ${JOBS}
  JOIN graphile_worker._private_jobs w ON w.key = j.key
  WHERE w.locked_at IS NULL AND w.run_at <= now() AND w.attempts < w.max_attempts AND w.priority <= j.priority AND j."runAt" IS NULL`);

/** A task, who does it, how often at the same time, and whether it may start a moment later. */
export interface Work {
  task: Task;
  handler: Handler<Task>;
  concurrency: number;
  patient: boolean;
}

/** The queue behind a few calls: `add` and `addSoon` for those who have work, `handle` for those who do it. */
@Injectable()
export class JobsService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(JobsService.name);
  private readonly handlers = new Map<Task, Handler<Task>>();
  private readonly sweepers: (() => Promise<void>)[] = [];
  private readonly upkeeps: (() => Promise<void>)[] = [];
  private readonly soon = new Coalescer<{ job: NewJob; manager: EntityManager }>(
    async (gathered) => {
      const jobs = [...gathered.values()].map(({ job }) => job);
      const [first] = gathered.values();
      if (first) await this.add(first.manager, await withoutWaiting(first.manager, jobs));
    },
    (error) => this.logger.warn(`jobs were not added, the sweep will find their work: ${String(error)}`),
  );

  constructor() {
    this.handle('upkeep', () => this.upkeep());
  }

  /** Adds jobs that run only if `tx` commits. Call it last in a transaction: jobs of one key lock each other until commit. */
  async add(tx: EntityManager, jobs: readonly NewJob[]): Promise<void> {
    const byKey = new Map(jobs.map((job) => [job.key, job]));
    // In one order, or two transactions that add the same keys deadlock.
    let missing = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    while (missing.length > 0) {
      const added = await queryRows<{ key: string }>(tx, ADD, [given(missing)]);
      // A job that a worker took between the queue's two statements is neither moved nor followed: add it again.
      const present = new Set(added.map((row) => row.key));
      missing = missing.filter((job) => !present.has(job.key));
    }
  }

  /**
   * Adds jobs for now once `tx` has committed, together with those of other transactions: within it, all that add the same key would
   * wait for each other. A crash between the two leaves their work to the sweep, so the task must have one.
   */
  addSoon(tx: EntityManager, jobs: readonly NewJob[]): void {
    const { manager } = tx.dataSource;
    onCommit(tx, () => {
      for (const job of jobs) {
        const known = this.soon.get(job.key)?.job;
        const priority = Math.min(job.priority ?? 0, known?.priority ?? 0);
        this.soon.add(job.key, { job: { ...job, priority }, manager });
      }
    });
  }

  /** When all that was to be added soon has been. */
  async settled(): Promise<void> {
    await this.soon.idle();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.settled();
  }

  /** Names who does a task; called once a task, while modules start. */
  handle<T extends Task>(task: T, handler: Handler<T>): void {
    if (this.handlers.has(task)) throw new Error(`task ${task} has a handler already`);
    this.handlers.set(task, handler as Handler<Task>);
  }

  /** Runs every few seconds in one worker process: finds work whose job was lost and adds it again. */
  onSweep(sweep: () => Promise<void>): void {
    this.sweepers.push(sweep);
  }

  /** Runs when a worker starts and every night: partitions of the coming days, retention. */
  onUpkeep(upkeep: () => Promise<void>): void {
    this.upkeeps.push(upkeep);
  }

  async upkeep(): Promise<void> {
    for (const upkeep of this.upkeeps) await upkeep();
  }

  tasks(): Work[] {
    return [...this.handlers].map(([task, handler]) => ({
      ...{ task, handler },
      ...{ concurrency: CONCURRENCY[task], patient: PATIENT.has(task) },
    }));
  }

  async sweep(): Promise<void> {
    // One that fails must not keep the others from theirs.
    const results = await Promise.allSettled(this.sweepers.map((sweeper) => sweeper()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

/** What was committed before this is called is seen by the jobs that it leaves out, for they have yet to be taken. */
async function withoutWaiting(db: EntityManager, jobs: readonly NewJob[]): Promise<NewJob[]> {
  const rows = await queryRows<{ key: string }>(db, WAITING, [given(jobs)]);
  const waiting = new Set(rows.map(({ key }) => key));
  return jobs.filter(({ key }) => !waiting.has(key));
}

function given(jobs: readonly NewJob[]): string {
  return JSON.stringify(jobs.map((job) => ({ ...job, priority: job.priority ?? 0 })));
}
