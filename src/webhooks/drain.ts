import { Logger } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import type { DataSource } from 'typeorm';
import type { StoredEvent } from '../events/event.js';
import type { EventLog } from '../events/event-log.js';
import type { SecretBox } from '../secrets.js';
import type { Answer, CallbackPoster } from './attempt.js';
import { Batcher } from './batcher.js';
import { callbackOf } from './callback.js';
import type { Clock } from './clock.js';
import { type Due, dueDeliveries, eventsOf, holdsLane, type Outcome, recordOutcomes } from './deliveries.js';
import {
  DISABLE_AFTER,
  parseRetryAfter,
  pauseDelay,
  retryDelay,
  type Verdict,
  verdictOf,
} from './schedule.js';
import { disableTarget, type Health, loadTarget, recordHealth, type Target } from './target.js';

/** Calls to one target at the same time. */
const WIDTH = 8;
/** Rows read at a time, twice: retries and new ones. */
const READ = 64;
/** Lanes under way, those whose outcomes are being written included. */
const MAX_LANES = 256;
/** While calls are slow and more could be made, new work is looked for this often. */
const POLL_MS = 250;
/** A target is down after 5 calls in a row that got no answer, or 20 answers in a row that ask to try again later. */
const DOWN = 20;
const STRAIN_OF_SILENCE = 4;

export interface DrainTools {
  dataSource: DataSource;
  log: EventLog;
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
 * Delivers what waits for one webhook: side by side across lanes, in order within one. A target that is down is left alone after a few
 * tries and then probed with one delivery at a time, so that an outage does not use up the attempts of all that waits.
 */
export class Drain {
  private readonly logger = new Logger(Drain.name);
  private readonly outcomes: Batcher<Outcome>;
  private readonly until: number;
  /** Lanes that are read and not begun. */
  private waiting: [lane: string, Ready[]][] = [];
  /** Lanes that are begun, until their outcomes are written. */
  private readonly lanes = new Map<string, Promise<void>>();
  /** How many of them are calling. */
  private calling = 0;
  private changed = Promise.withResolvers<void>();
  private strain = 0;
  private probing: boolean;
  private stopped = false;
  private failure: { error: unknown } | null = null;

  constructor(
    private readonly tools: DrainTools,
    private target: Target,
    /** In ms; calls that have begun by then are waited for. */
    slice: number,
  ) {
    this.outcomes = new Batcher((outcomes) => this.guard(recordOutcomes(tools.dataSource, target, outcomes)));
    this.until = performance.now() + slice;
    this.probing = target.pausedUntil !== null;
  }

  /** Ends when nothing is due, time is up, or the target is to be left alone. Throws when the database fails. */
  async run(): Promise<void> {
    try {
      for (;;) {
        // A read leaves out the lanes under way: only one that left out none can say that there is no more.
        const whole = this.lanes.size === 0;
        if (this.waiting.length === 0 && this.mayBegin) await this.read();
        while (this.mayBegin && this.begin());
        if (this.lanes.size > 0) await this.progress();
        else if (whole || !this.open) break;
      }
    } finally {
      this.stopped = true;
      await Promise.all(this.lanes.values());
    }
    if (this.failure) throw this.failure.error;
  }

  private get open(): boolean {
    return !this.stopped && !this.tools.closing() && performance.now() < this.until;
  }

  private get mayBegin(): boolean {
    return this.open && this.calling < (this.probing ? 1 : WIDTH) && this.lanes.size < MAX_LANES;
  }

  /** Fills `waiting` with what is due. The webhook is read anew, for it may have been changed meanwhile. */
  private async read(): Promise<void> {
    const { dataSource, secrets, clock } = this.tools;
    const [target, due] = await Promise.all([
      loadTarget(dataSource, secrets, this.target),
      dueDeliveries(dataSource, this.target, {
        now: clock.now(),
        busy: [...this.lanes.keys()],
        limit: this.probing ? 1 : READ,
      }),
    ]);
    if (!target || target.closed !== null) {
      this.stopped = true;
      return;
    }
    this.target = target;
    const chosen = this.probing ? due.slice(0, 1) : due;
    const events = await eventsOf(dataSource, target.projectId, chosen);
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

  /** Begins the next lane; false when there is none. */
  private begin(): boolean {
    const next = this.waiting.shift();
    if (!next) return false;
    const [lane, deliveries] = next;
    const run = this.guard(this.runLane(deliveries)).then(() => {
      this.lanes.delete(lane);
      this.changed.resolve();
    });
    this.lanes.set(lane, run);
    return true;
  }

  private async runLane(deliveries: Ready[]): Promise<void> {
    const written: Promise<void>[] = [];
    this.calling += 1;
    try {
      for (const delivery of deliveries) {
        const outcome = this.open ? await this.deliver(delivery) : null;
        if (!outcome) break;
        // The lane goes on meanwhile, but is not read anew before all is written.
        written.push(this.outcomes.add(outcome));
        if (holdsLane(outcome, this.tools.clock.now())) break;
      }
    } finally {
      this.calling -= 1;
      this.changed.resolve();
    }
    await Promise.all(written);
  }

  /** Waits until a lane calls no more or has ended, or it is time to look for new work. */
  private async progress(): Promise<void> {
    const timer = this.mayBegin ? setTimeout(() => this.changed.resolve(), POLL_MS) : undefined;
    await this.changed.promise;
    clearTimeout(timer);
    this.changed = Promise.withResolvers();
  }

  /** Keeps a failure for the end of the drain, when all that is under way has come to rest. */
  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.failure ??= { error };
      this.stopped = true;
    }
  }

  /** Null when the process stops: the delivery stays as it was. */
  private async deliver(delivery: Ready): Promise<Outcome | null> {
    if ('fault' in delivery) return dead(delivery, delivery.fault);
    const { poster, signal } = this.tools;
    let answer: Answer;
    try {
      const target = { ...this.target, url: delivery.url ?? this.target.url };
      answer = await poster.post(target, delivery.eventId, delivery.body, signal);
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
    const verdict = answer.kind === 'answered' ? verdictOf(answer.status) : 'retry';
    await this.judge(answer, verdict);
    return this.outcomeOf(delivery, answer, verdict);
  }

  private outcomeOf({ eventSeq, attempts: failed }: Due, answer: Answer, verdict: Verdict): Outcome {
    const now = this.tools.clock.now();
    const attempts = failed + 1;
    const answered = answer.kind === 'answered' ? answer : null;
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

  /** What an answer, or none, says of the target as a whole. */
  private async judge(answer: Answer, verdict: Verdict): Promise<void> {
    const now = this.tools.clock.now();
    const since = this.target.failingSince;
    const failingFor = now.getTime() - (since ?? now).getTime();
    const health: Health = {};
    if (verdict === 'delivered') {
      if (since) health.failingSince = null;
    } else {
      if (!since) health.failingSince = now;
      if (verdict === 'gone') await this.disable('the target answered 410 Gone');
      else if (failingFor >= DISABLE_AFTER) await this.disable('nothing but failures for 5 days');
    }
    if (verdict === 'retry') {
      this.strain += answer.kind === 'unreachable' ? STRAIN_OF_SILENCE : 1;
      if (this.probing || this.strain >= DOWN)
        health.pausedUntil = new Date(now.getTime() + pauseDelay(failingFor));
    } else {
      this.strain = 0;
      if (this.probing) health.pausedUntil = null;
      this.probing = false;
    }
    await this.note(health);
  }

  private async note(health: Health): Promise<void> {
    if (Object.keys(health).length === 0) return;
    const { failingSince, pausedUntil } = health;
    // Other lanes of this drain see it at once.
    if (failingSince !== undefined) this.target = { ...this.target, failingSince };
    if (pausedUntil) this.stopped = true;
    await recordHealth(this.tools.dataSource, this.target, health);
  }

  /** Not the origin of callback URLs: one of them that is gone says nothing of the next. */
  private async disable(reason: string): Promise<void> {
    const { target } = this;
    if (target.kind === 'CALLBACK_URL') return;
    this.stopped = true;
    const { dataSource, log } = this.tools;
    await dataSource.transaction(async (tx) => {
      const event = await disableTarget(tx, target, reason);
      if (event) await log.record(tx, [event]);
    });
    this.logger.warn({ msg: 'webhook disabled', webhookId: target.webhookId, reason });
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
