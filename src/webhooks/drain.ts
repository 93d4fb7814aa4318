import { Logger } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { StoredEvent } from '../events/event.js';
import type { SecretBox } from '../secrets.js';
import type { Answer, CallbackPoster } from './attempt.js';
import { Batcher } from './batcher.js';
import { callbackOf } from './callback.js';
import type { Clock } from './clock.js';
import { type Due, dueDeliveries, eventsOf, holdsLane, type Outcome, recordOutcomes } from './deliveries.js';
import { DISABLE_AFTER, parseRetryAfter, pauseDelay, retryDelay, verdictOf } from './schedule.js';
import { type Health, loadTarget, recordHealth, type Target } from './target.js';

/** Calls to one target at the same time. */
const LANES = 8;
/** Rows read at a time. */
const READ = 64;
/** While calls are slow and lanes are free, new work is looked for this often. */
const POLL_MS = 250;
/** So many failures to get any answer, with no answer in between, and the target counts as down. */
const UNREACHABLE = 5;

export interface DrainTools {
  dataSource: DataSource;
  secrets: SecretBox;
  poster: CallbackPoster;
  clock: Clock;
  /** Cuts calls when the process stops. */
  signal: AbortSignal;
  /** True when no further call may begin. */
  closing: () => boolean;
}

/** A delivery with what to send, or why there is nothing to send. */
type Ready = Due & ({ body: string } | { fault: string });

/**
 * Delivers what waits for one webhook: in parallel across lanes, in order within one. A target that cannot be reached is left alone
 * after a few tries and then probed with one delivery at a time, so that an outage does not use up the attempts of all that waits.
 */
export class Drain {
  private readonly logger = new Logger(Drain.name);
  private readonly outcomes: Batcher<Outcome>;
  private readonly until: number;
  /** Lanes that are read and not begun, and those under way. */
  private waiting: [lane: string, Ready[]][] = [];
  private readonly running = new Map<string, Promise<void>>();
  private unreachable = 0;
  private probing: boolean;
  private stopped = false;
  private failure: { error: unknown } | null = null;

  constructor(
    private readonly tools: DrainTools,
    private target: Target,
    /** In ms; calls that have begun by then are waited for. */
    slice: number,
  ) {
    this.outcomes = new Batcher((outcomes) => recordOutcomes(tools.dataSource, target, outcomes));
    this.until = performance.now() + slice;
    this.probing = target.pausedUntil !== null;
  }

  /** Ends when nothing is due, time is up, or the target is to be left alone. Throws when the database fails. */
  async run(): Promise<void> {
    try {
      for (;;) {
        if (this.open && this.waiting.length === 0 && this.running.size < this.width) await this.read();
        while (this.open && this.running.size < this.width && this.begin());
        if (this.running.size === 0) break;
        await this.progress();
      }
    } finally {
      this.stopped = true;
      await Promise.all(this.running.values());
    }
    if (this.failure) throw this.failure.error;
  }

  private get open(): boolean {
    return !this.stopped && !this.tools.closing() && performance.now() < this.until;
  }

  private get width(): number {
    return this.probing ? 1 : LANES;
  }

  /** Fills `waiting` with what is due. The webhook is read anew, for it may have been changed meanwhile. */
  private async read(): Promise<void> {
    const { dataSource, secrets, clock } = this.tools;
    const [target, due] = await Promise.all([
      loadTarget(dataSource, secrets, this.target),
      dueDeliveries(dataSource, this.target, {
        now: clock.now(),
        busy: [...this.running.keys()],
        limit: this.probing ? 1 : READ,
      }),
    ]);
    if (!target || target.closed !== null) {
      this.stopped = true;
      return;
    }
    this.target = target;
    const chosen = this.probing ? due.slice(0, 1) : due;
    const events = await eventsOf(dataSource, target, chosen);
    const ready = chosen.map((delivery) => this.prepare(delivery, events.get(delivery.eventSeq)));
    ready.sort((a, b) => (BigInt(a.eventSeq) < BigInt(b.eventSeq) ? -1 : 1));
    this.waiting = [...Map.groupBy(ready, ({ lane }) => lane)];
  }

  private prepare(delivery: Due, event: StoredEvent | undefined): Ready {
    try {
      const callback = event && callbackOf(event, this.target.app);
      if (callback) return { ...delivery, body: JSON.stringify(callback.body) };
    } catch (error) {
      // One event that makes no sense must not keep the others.
      const { eventId } = delivery;
      this.logger.error({ msg: 'an event could not be told', eventId, error: String(error) });
      return { ...delivery, fault: 'the event could not be told' };
    }
    return { ...delivery, fault: 'the event is no longer kept' };
  }

  private begin(): boolean {
    const next = this.waiting.shift();
    if (!next) return false;
    const [lane, deliveries] = next;
    const run = this.deliverLane(deliveries)
      .catch((error: unknown) => {
        this.failure ??= { error };
        this.stopped = true;
      })
      .finally(() => this.running.delete(lane));
    this.running.set(lane, run);
    return true;
  }

  /** Waits until a lane ends, or it is time to look for new work. */
  private async progress(): Promise<void> {
    const timer = new AbortController();
    const looks = this.running.size < this.width && this.open;
    try {
      await Promise.race([
        ...this.running.values(),
        ...(looks ? [delay(POLL_MS, undefined, { signal: timer.signal }).catch(() => undefined)] : []),
      ]);
    } finally {
      timer.abort();
    }
  }

  private async deliverLane(deliveries: Ready[]): Promise<void> {
    for (const delivery of deliveries) {
      if (!this.open) return;
      const outcome = await this.deliver(delivery);
      if (!outcome) return;
      await this.outcomes.add(outcome);
      if (holdsLane(outcome, this.tools.clock.now())) return;
    }
  }

  /** Null when the process stops: the delivery stays as it was. */
  private async deliver(delivery: Ready): Promise<Outcome | null> {
    if ('fault' in delivery) return dead(delivery, delivery.fault);
    const { poster, signal } = this.tools;
    let answer: Answer;
    try {
      answer = await poster.post(this.target, delivery.eventId, delivery.body, signal);
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
    await this.judge(answer);
    return this.outcomeOf(delivery, answer);
  }

  private outcomeOf({ eventSeq, attempts: failed }: Due, answer: Answer): Outcome {
    const now = this.tools.clock.now();
    const attempts = failed + 1;
    const answered = answer.kind === 'answered' ? answer : null;
    const verdict = answered ? verdictOf(answered.status) : 'retry';
    const wait =
      verdict === 'retry' ? retryDelay(attempts, parseRetryAfter(answered?.retryAfter, now)) : null;
    return {
      eventSeq,
      status: verdict === 'delivered' ? 'DELIVERED' : wait === null ? 'DEAD' : 'PENDING',
      attempts,
      nextAttemptAt: wait === null ? null : new Date(now.getTime() + wait),
      lastAttemptAt: answer.at,
      responseCode: answered?.status ?? null,
      responseHead: answered?.head ?? null,
      error: answer.kind === 'unreachable' ? answer.error : null,
      durationMs: answer.durationMs,
    };
  }

  /** What an answer says of the target as a whole. */
  private async judge(answer: Answer): Promise<void> {
    const now = this.tools.clock.now();
    const health: Health = {};
    if (answer.kind === 'answered') {
      this.unreachable = 0;
      if (this.probing) {
        this.probing = false;
        health.pausedUntil = null;
      }
      if (verdictOf(answer.status) === 'gone') health.disabledReason = 'the target answered 410 Gone';
    }
    if (answer.kind === 'answered' && verdictOf(answer.status) === 'delivered') {
      if (this.target.failingSince) health.failingSince = null;
    } else {
      const since = this.target.failingSince ?? now;
      const failingFor = now.getTime() - since.getTime();
      if (!this.target.failingSince) health.failingSince = since;
      if (failingFor >= DISABLE_AFTER) health.disabledReason ??= 'nothing but failures for 5 days';
      if (answer.kind === 'unreachable' && this.isDown()) {
        health.pausedUntil = new Date(now.getTime() + pauseDelay(failingFor));
      }
    }
    await this.note(health);
  }

  private isDown(): boolean {
    this.unreachable += 1;
    return this.probing || this.unreachable >= UNREACHABLE;
  }

  private async note(health: Health): Promise<void> {
    if (Object.keys(health).length === 0) return;
    const { webhookId } = this.target;
    const { failingSince, pausedUntil, disabledReason } = health;
    // Other lanes of this drain see it at once.
    if (failingSince !== undefined) this.target = { ...this.target, failingSince };
    if (pausedUntil || disabledReason !== undefined) this.stopped = true;
    await recordHealth(this.tools.dataSource, this.target, health);
    if (disabledReason !== undefined)
      this.logger.warn({ msg: 'webhook disabled', webhookId, reason: disabledReason });
  }
}

function dead({ eventSeq, attempts }: Due, error: string): Outcome {
  return {
    eventSeq,
    status: 'DEAD',
    attempts,
    error,
    nextAttemptAt: null,
    lastAttemptAt: null,
    responseCode: null,
    responseHead: null,
    durationMs: null,
  };
}
