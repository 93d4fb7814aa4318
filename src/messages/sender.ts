import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ChannelPayload } from '../channels/channel.js';
import { ChannelsService } from '../channels/channels.service.js';
import { ChannelRegistry } from '../channels/registry.js';
import { Config } from '../config.js';
import { reason, type Reason } from '../content/reason.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { Presence } from '../jobs/presence.js';
import { TemplatesService } from '../templates/templates.service.js';
import { claim, expiredSends, headOf, isAtRest, type Lane, type Send } from './claim.js';
import { laneJob } from './lane.js';
import { findMarks, forgottenLanes, type LaneToWake, type Mark, recover } from './left-behind.js';
import { Outcomes } from './outcomes.js';
import { Preparation, type Prepared } from './prepare.js';
import { referenceOf } from './reference.js';
import { transact } from './transaction.js';

/** A job gives way to others after this long; what is left of its lane goes on in a new job. */
const DRAIN_MS = 20_000;
/** How long a call may still take once the process stops. */
const STOP_MS = 4_000;

/**
 * Sends what a conversation has waiting, in order, one call at a time. The head of a lane is marked before each call; a crash after
 * the call leaves the mark, and then the channel's echo is given time to tell whether the payload was taken.
 */
@Injectable()
export class Sender implements OnModuleInit, OnModuleDestroy {
  private readonly preparation: Preparation;
  private readonly outcomes: Outcomes;
  /** What this process is about to claim or has claimed: a mark of ours that is not among it was left by a job that failed. */
  private readonly working = new Set<string>();
  private readonly stopping = new AbortController();
  private closing = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly registry: ChannelRegistry,
    private readonly jobs: JobsService,
    private readonly presence: Presence,
    private readonly config: Config,
    channels: ChannelsService,
    templates: TemplatesService,
    log: EventLog,
  ) {
    this.preparation = new Preparation(dataSource, channels, registry, templates);
    this.outcomes = new Outcomes(dataSource, channels, log, config);
  }

  onModuleInit(): void {
    this.jobs.handle('send', (lane) => this.drain(lane));
    this.jobs.handle('send-high', (lane) => this.drain(lane, true));
    this.jobs.onSweep(() => this.sweep());
  }

  /** Takes no more heads; calls that do not end soon are cut, and their echo will tell. */
  onModuleDestroy(): void {
    this.closing = true;
    setTimeout(() => this.stopping.abort(), STOP_MS).unref();
  }

  /**
   * Job handler: sends the lane's heads until it is empty, rests, or time is up.
   * @param high in a slot of high priority, which is left as soon as nothing of high priority is left
   */
  private async drain(lane: Lane, high = false): Promise<void> {
    const until = Date.now() + DRAIN_MS;
    for (;;) {
      const head = await headOf(this.dataSource, lane);
      // Somebody is at it, who looks for more before they end.
      if (!head || head.attemptBy !== null) return;
      if (!head.due) {
        if (await this.rest(head)) return;
        continue;
      }
      if (this.closing || Date.now() > until || (high && !head.highPriority)) return this.wake([head]);
      if (this.working.has(head.messageId)) return;
      await this.work(head);
    }
  }

  /** Takes a send as far as it goes now. */
  private async work(head: Send): Promise<void> {
    if (head.expired) return this.outcomes.expire(head, expiry(head));
    if (head.triedOut) return this.outcomes.giveUp(head, triedOut(head));
    const prepared = await this.preparation.of(head);
    if ('refused' in prepared) return this.outcomes.giveUp(head, prepared.refused);
    this.working.add(head.messageId);
    try {
      const { payloads, rendered } = prepared;
      const how = { parts: payloads.length, rendered };
      const send = await claim(this.dataSource, head, this.presence.processId, how);
      if (send) await this.sendParts(send, prepared);
    } finally {
      this.working.delete(head.messageId);
    }
  }

  private async sendParts(send: Send, { connection, payloads }: Prepared): Promise<void> {
    for (let part = send.partsSent; part < payloads.length; part += 1) {
      const began = new Date();
      const outcome = await this.registry.get(send.channel).send({
        credentials: connection,
        identity: send.identity,
        payload: payloads[part] as ChannelPayload,
        reference: referenceOf(send.messageId, part),
        signal: this.stopping.signal,
      });
      const step = await this.outcomes.record(send, part, began, outcome, connection.token);
      if (step === 'head') return;
    }
  }

  /** Has the lane woken when its head is due. False when an echo has changed that. */
  private async rest(head: Send): Promise<boolean> {
    return transact(this.dataSource, async (tx) => {
      if (!(await isAtRest(tx, head))) return false;
      const { projectId, conversationId, highPriority, restsUntil: runAt } = head;
      await this.jobs.add(tx, [laneJob(projectId, conversationId, { highPriority, runAt })]);
      return true;
    });
  }

  private async wake(lanes: LaneToWake[]): Promise<void> {
    await this.jobs.add(
      this.dataSource.manager,
      lanes.map(({ projectId, conversationId, highPriority }) =>
        laneJob(projectId, conversationId, { highPriority }),
      ),
    );
  }

  /** Finds what crashed processes, failed jobs and lost jobs left behind, and what nobody needs to try any more. */
  private async sweep(): Promise<void> {
    const marks = await findMarks(this.dataSource);
    const dead = new Set(await this.presence.absent([...new Set(marks.map(({ attemptBy }) => attemptBy))]));
    const isLeft = ({ attemptBy, messageId }: Mark): boolean =>
      attemptBy === this.presence.processId ? !this.working.has(messageId) : dead.has(attemptBy);
    await this.takeUp(marks.filter(isLeft));
    const expired = await expiredSends(this.dataSource);
    for (const send of expired) await this.outcomes.expire(send, expiry(send));
    await this.wake([...expired, ...(await forgottenLanes(this.dataSource))]);
  }

  /** The channel may have taken these payloads: its echo gets time to tell, before another try. */
  private async takeUp(marks: Mark[]): Promise<void> {
    if (marks.length === 0) return;
    const runAt = new Date(Date.now() + this.config.ECHO_GRACE_SECONDS * 1000);
    await transact(this.dataSource, async (tx) => {
      const lanes = await recover(tx, marks, runAt);
      await this.jobs.add(
        tx,
        lanes.map(({ projectId, conversationId, highPriority }) =>
          laneJob(projectId, conversationId, { highPriority, runAt }),
        ),
      );
    });
  }
}

function expiry({ channel }: Send): Reason {
  return reason('MESSAGE_EXPIRED', `the message was not taken by ${channel} within its time to live`);
}

function triedOut({ channel, retrySeconds }: Send): Reason {
  return reason(
    'CHANNEL_FAILURE',
    `${channel} did not take the message within ${retrySeconds} s of its first failure`,
  );
}
