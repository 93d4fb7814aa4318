import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { Handler, NewJob, Task } from './task.js';

/** How many jobs of a task run at the same time in one process. Waiting on a slow customer costs little, so there may be many. */
const CONCURRENCY: Readonly<Record<Task, number>> = { send: 32, deliver: 64, upkeep: 1 };

const ADD = `
  SELECT key FROM graphile_worker.add_jobs(ARRAY(
    SELECT (j.task, j.payload::json, NULL, j."runAt", 25, j.key, j.priority, NULL)::graphile_worker.job_spec
    FROM jsonb_to_recordset($1::jsonb) AS j(task text, payload jsonb, "runAt" timestamptz, key text, priority int)
  ))`;

/** A task, who does it, and how often at the same time. */
export interface Work {
  task: Task;
  handler: Handler<Task>;
  concurrency: number;
}

/** The queue behind two calls: `add` inside the caller's transaction, and `handle`. */
@Injectable()
export class JobsService {
  private readonly handlers = new Map<Task, Handler<Task>>();
  private readonly sweepers: (() => Promise<void>)[] = [];
  private readonly upkeeps: (() => Promise<void>)[] = [];

  constructor() {
    this.handle('upkeep', () => this.upkeep());
  }

  /** Adds jobs that run only if `tx` commits. Call it last in a transaction: jobs of one key lock each other until commit. */
  async add(tx: EntityManager, jobs: readonly NewJob[]): Promise<void> {
    const byKey = new Map(jobs.map((job) => [job.key, job]));
    // In one order, or two transactions that add the same keys deadlock.
    let missing = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    while (missing.length > 0) {
      const added = await queryRows<{ key: string }>(tx, ADD, [
        JSON.stringify(missing.map((job) => ({ ...job, priority: job.priority ?? 0 }))),
      ]);
      // A job that a worker took between the queue's two statements is neither moved nor followed: add it again.
      const present = new Set(added.map((row) => row.key));
      missing = missing.filter((job) => !present.has(job.key));
    }
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
    return [...this.handlers].map(([task, handler]) => ({ task, handler, concurrency: CONCURRENCY[task] }));
  }

  async sweep(): Promise<void> {
    // One that fails must not keep the others from theirs.
    const results = await Promise.allSettled(this.sweepers.map((sweeper) => sweeper()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
