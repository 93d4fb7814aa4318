import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { Presence } from '../jobs/presence.js';
import { SecretBox } from '../secrets.js';
import { CallbackPoster } from './attempt.js';
import { Clock } from './clock.js';
import { buryDeliveries, forgetDeliveries, nextDue, overdueWebhooks, type WebhookKey } from './deliveries.js';
import { Drain } from './drain.js';
import { deliverJob } from './enqueue.js';
import { loadTarget } from './target.js';

/** A job gives way to others after this long; what is left goes on in a new job. */
const SLICE_MS = 30_000;
/** How long calls may still take once the process stops. */
const STOP_MS = 4_000;
/** When a stopping process is handed a job, another may have it. */
const HAND_BACK_MS = 5_000;
/** A drain that takes longer goes on without its job, so that targets which hang do not use up the slots of those that answer. */
const JOB_MS = 500;
/** Drains without a job. Each has at most 8 calls under way; beyond this many, jobs wait as usual. */
const MAX_SLOW = 512;

/** Marks the webhook as this process's own, unless another process has it. */
const ACQUIRE = `
  UPDATE webhooks SET drained_by = $3
  WHERE project_id = $1 AND id = $2 AND (drained_by IS NULL OR drained_by = $3 OR drained_by = $4)
  RETURNING id`;

const HOLDER = `SELECT drained_by FROM webhooks WHERE project_id = $1 AND id = $2`;

const RELEASE = `
  UPDATE webhooks SET drained_by = NULL WHERE project_id = $1 AND id = $2 AND drained_by = $3
  RETURNING paused_until, disabled_at`;

interface Released {
  pausedUntil: Date | null;
  disabledAt: Date | null;
}

/**
 * Runs the `deliver` jobs: one webhook at a time is drained by one process, whose mark on it is worth as long as the process lives. So
 * two workers never call a target with the same delivery, and what a lost worker had under way is due again at once.
 */
@Injectable()
export class WebhookDispatcher implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(WebhookDispatcher.name);
  /** What this process is at, and whether a job came for it meanwhile. */
  private readonly draining = new Map<string, { again: boolean }>();
  private readonly slow = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private closing = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
    private readonly presence: Presence,
    private readonly secrets: SecretBox,
    private readonly poster: CallbackPoster,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('deliver', (key) => this.begin(key));
    this.jobs.onSweep(() => this.sweep());
  }

  /** Begins no more calls; those that do not end soon are cut and made again later. */
  onModuleDestroy(): void {
    this.closing = true;
    setTimeout(() => this.stopping.abort(), STOP_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.slow);
  }

  /**
   * Job handler: `deliver`, of which only the beginning is waited for. Should the process die during the rest, its mark is worth nothing
   * any more, and the sweep finds what is overdue.
   */
  async begin(key: WebhookKey): Promise<void> {
    const drained = this.deliver(key);
    const waiting = new AbortController();
    const ended = await Promise.race([
      drained.then(() => true).finally(() => waiting.abort()),
      sleep(JOB_MS, false, { signal: waiting.signal }).catch(() => true),
    ]);
    if (ended || this.slow.size >= MAX_SLOW) return drained;
    const rest = drained
      .catch((error: unknown) =>
        this.logger.warn(`webhook ${key.webhookId} waits for the sweep: ${String(error)}`),
      )
      .finally(() => this.slow.delete(rest));
    this.slow.add(rest);
  }

  /** Delivers what is due for a webhook. */
  async deliver(key: WebhookKey): Promise<void> {
    const name = `${key.projectId} ${key.webhookId}`;
    const known = this.draining.get(name);
    if (known) {
      known.again = true;
      return;
    }
    if (this.closing) return this.wake(key, new Date(Date.now() + HAND_BACK_MS));
    const mine = { again: false };
    this.draining.set(name, mine);
    try {
      if (await this.acquire(key)) {
        try {
          await this.drain(key);
        } catch (error) {
          // The queue tries this job again, later each time.
          await this.unmark(this.dataSource.manager, key);
          throw error;
        }
        await this.release(key);
      }
    } finally {
      this.draining.delete(name);
    }
    if (mine.again) await this.wake(key);
  }

  /** Has work whose job was lost done. */
  async sweep(): Promise<void> {
    const keys = await overdueWebhooks(this.dataSource, this.clock.now());
    if (keys.length > 0)
      await this.jobs.add(
        this.dataSource.manager,
        keys.map((key) => deliverJob(key)),
      );
  }

  /** False when another process is at it: that one looks again before it ends, and finds what this job came for. */
  private async acquire(key: WebhookKey): Promise<boolean> {
    const { processId } = this.presence;
    const { projectId, webhookId } = key;
    const mark = async (dead: string | null): Promise<boolean> =>
      (await queryRows(this.dataSource.manager, ACQUIRE, [projectId, webhookId, processId, dead])).length > 0;
    if (await mark(null)) return true;
    const [webhook] = await queryRows<{ drainedBy: string | null }>(this.dataSource.manager, HOLDER, [
      projectId,
      webhookId,
    ]);
    if (!webhook) {
      await this.untilDone(() => forgetDeliveries(this.dataSource, key));
      return false;
    }
    const { drainedBy } = webhook;
    if (drainedBy === null) return mark(null);
    const [dead] = await this.presence.absent([drainedBy]);
    return dead !== undefined && mark(dead);
  }

  private async drain(key: WebhookKey): Promise<void> {
    const target = await loadTarget(this.dataSource, this.secrets, key);
    if (!target) return;
    const { closed, pausedUntil } = target;
    if (closed !== null) {
      await this.untilDone(() => buryDeliveries(this.dataSource, key, closed));
    } else if (pausedUntil === null || pausedUntil <= this.clock.now()) {
      const { dataSource, log, secrets, poster, clock } = this;
      const tools = {
        dataSource,
        log,
        secrets,
        poster,
        clock,
        signal: this.stopping.signal,
        closing: () => this.closing,
      };
      await new Drain(tools, target, SLICE_MS).run();
    }
  }

  /** Gives the webhook back and sees to what still waits. One transaction: whoever asks for it meanwhile waits, or was seen. */
  private async release(key: WebhookKey): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const { pausedUntil = null, disabledAt = null } = (await this.unmark(tx, key)) ?? {};
      const now = this.clock.now();
      const paused = pausedUntil !== null && disabledAt === null;
      const next = paused ? pausedUntil : await nextDue(tx, key, now);
      if (next) await this.jobs.add(tx, [deliverJob(key, next > now ? next : undefined)]);
    });
  }

  private async unmark(tx: EntityManager, key: WebhookKey): Promise<Released | undefined> {
    const { processId } = this.presence;
    const [webhook] = await queryRows<Released>(tx, RELEASE, [key.projectId, key.webhookId, processId]);
    return webhook;
  }

  private async untilDone(some: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + SLICE_MS;
    while (!this.closing && performance.now() < until && (await some()));
  }

  private wake(key: WebhookKey, runAt?: Date): Promise<void> {
    return this.jobs.add(this.dataSource.manager, [deliverJob(key, runAt)]);
  }
}
