import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ChannelPayload, SendOutcome } from '../channels/channel.js';
import { ChannelsService } from '../channels/channels.service.js';
import type { ConnectedChannel } from '../channels/connections.js';
import { ChannelRegistry } from '../channels/registry.js';
import { Config } from '../config.js';
import { reason, type Reason } from '../content/reason.js';
import { lockConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { DomainError } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { Presence } from '../jobs/presence.js';
import { statusEvents } from './activity.js';
import { backoff } from './backoff.js';
import {
  claim,
  expiredSends,
  findMarks,
  forgottenLanes,
  headOf,
  isAtRest,
  type Lane,
  type Mark,
  recover,
  release,
  rememberParts,
  type Send,
} from './claim.js';
import { laneJob } from './lane.js';
import { Message } from './message.entity.js';
import { referenceOf } from './reference.js';
import { failSend, settleParts } from './settle.js';
import { transact } from './transaction.js';

/** A job gives way to others after this long; what is left of its lane goes on in a new job. */
const DRAIN_MS = 20_000;
/** How long a call may still take once the process stops. */
const STOP_MS = 4_000;

/** How a try of the lane's head ended, once recorded. */
type Step = 'next' | 'stop';

/**
 * Sends what a conversation has waiting, in order, one call at a time. The head of a lane is marked before each call; a crash after
 * the call leaves the mark, and then the channel's echo is given time to tell whether the payload was taken.
 */
@Injectable()
export class Sender implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(Sender.name);
  /** What this process is about to claim or has claimed: a mark of ours that is not among it was left by a job that failed. */
  private readonly working = new Set<string>();
  private readonly stopping = new AbortController();
  private closing = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
    private readonly presence: Presence,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('send', (lane) => this.drain(lane));
    this.jobs.onSweep(() => this.sweep());
  }

  /** Takes no more heads; calls that do not end soon are cut, and their echo will tell. */
  onModuleDestroy(): void {
    this.closing = true;
    setTimeout(() => this.stopping.abort(), STOP_MS).unref();
  }

  /** Job handler: sends the lane's heads until it is empty, blocked, or time is up. */
  async drain(lane: Lane): Promise<void> {
    const until = Date.now() + DRAIN_MS;
    for (;;) {
      const head = await headOf(this.dataSource, lane);
      // Somebody is at it, who looks for more before they end.
      if (!head || head.attemptBy !== null) return;
      if (!head.due) {
        if (await this.rest(head)) return;
        continue;
      }
      if (this.closing || Date.now() > until) return this.wake(lane);
      if ((await this.work(head)) === 'stop') return;
    }
  }

  /** Claims a send and takes it as far as it goes. */
  private async work(head: Send): Promise<Step> {
    if (this.working.has(head.messageId)) return 'stop';
    this.working.add(head.messageId);
    try {
      const send = await claim(this.dataSource, head, this.presence.processId);
      return send ? await this.attempt(send) : 'next';
    } finally {
      this.working.delete(head.messageId);
    }
  }

  private async attempt(send: Send): Promise<Step> {
    const { projectId, conversationId, messageId } = send;
    const [message, conversation] = await Promise.all([
      this.dataSource.manager.findOneBy(Message, { projectId, id: messageId }),
      this.dataSource.manager.query<{ last_contact_message_at: Date | null }[]>(
        'SELECT last_contact_message_at FROM conversations WHERE project_id = $1 AND id = $2',
        [projectId, conversationId],
      ),
    ]);
    if (!message) return 'next';
    if (send.expired) return this.fail(send, expiry(message));
    const connection = await this.channels.credentials(projectId, message.appId, message.channel);
    if (!connection)
      return this.fail(
        send,
        reason('CHANNEL_CONFIGURATION_MISSING', `the app has no ${message.channel} channel`),
      );
    if (connection.state === 'NEEDS_REAUTH')
      return this.fail(
        send,
        reason(
          'INACTIVE_CREDENTIAL',
          `the ${message.channel} channel needs a new token; reconnect it, then send again`,
        ),
      );
    let payloads: ChannelPayload[];
    try {
      payloads = this.registry.get(message.channel).transcode(message.content, {
        messageId,
        properties: message.channelProperties,
      }).payloads;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return this.fail(send, reason('BAD_REQUEST', error.message));
    }
    const blocked = this.blocked(message, payloads, conversation[0]?.last_contact_message_at ?? null);
    if (blocked) return this.fail(send, blocked);
    await rememberParts(this.dataSource, send, payloads.length);
    return this.sendParts(send, message, connection, payloads);
  }

  /** Of several payloads the first tells: what was begun is ended. */
  private blocked(
    message: Message,
    [payload]: ChannelPayload[],
    lastContactMessageAt: Date | null,
  ): Reason | null {
    if (!payload) return null;
    return this.registry.get(message.channel).sendingBlocked(payload, lastContactMessageAt, new Date());
  }

  private async sendParts(
    send: Send,
    message: Message,
    connection: ConnectedChannel,
    payloads: ChannelPayload[],
  ): Promise<Step> {
    for (let part = send.partsSent; part < payloads.length; part += 1) {
      const began = new Date();
      const outcome = await this.registry.get(message.channel).send({
        credentials: connection,
        identity: message.identity,
        payload: payloads[part] as ChannelPayload,
        reference: referenceOf(message.id, part),
        signal: this.stopping.signal,
      });
      const step = await this.record(send, message, part, began, outcome, connection.token);
      if (step === 'stop') return step;
      if (outcome.kind !== 'accepted') return 'next';
    }
    return 'next';
  }

  /** The one place where an outcome becomes a status. */
  private async record(
    send: Send,
    message: Message,
    part: number,
    began: Date,
    outcome: SendOutcome,
    token: string,
  ): Promise<Step> {
    switch (outcome.kind) {
      case 'accepted':
        await this.settle(send, part, outcome.channelMessageId, began);
        return 'next';
      case 'transient':
        return this.retry(send, outcome);
      case 'unauthorized':
        await this.channels.markNeedsReauth(
          message.projectId,
          message.appId,
          message.channel,
          outcome.reason.description,
          token,
        );
        return this.fail(send, outcome.reason);
      case 'permanent':
        return this.fail(send, outcome.reason);
    }
  }

  private async settle(send: Send, part: number, channelMessageId: string | null, at: Date): Promise<void> {
    const { projectId, conversationId, messageId } = send;
    await transact(this.dataSource, async (tx) => {
      const conversations = await lockConversations(tx, [{ projectId, id: conversationId }]);
      const settled = await settleParts(tx, [{ projectId, messageId, part, channelMessageId, at }], 'ours');
      await this.log.record(
        tx,
        statusEvents(settled, conversations, () => at),
      );
    });
  }

  /** Tries again later. Where the channel may have taken it all the same, its echo gets time to say so first. */
  private async retry(send: Send, outcome: Extract<SendOutcome, { kind: 'transient' }>): Promise<Step> {
    const pause = Math.max(backoff(send.attempts), outcome.after ?? 0);
    const at = outcome.uncertain ? this.afterEcho(pause) : new Date(Date.now() + pause);
    // At the end of its time to live it fails instead.
    const capped = new Date(Math.min(at.getTime(), Math.max(send.expiresAt.getTime(), Date.now())));
    this.logger.warn(
      `message ${send.messageId} attempt ${send.attempts}: ${outcome.reason.code} ${outcome.reason.description}; again at ${capped.toISOString()}`,
    );
    return transact(this.dataSource, async (tx) => {
      if (!(await release(tx, send, capped))) return 'next';
      await this.jobs.add(tx, [laneJob(send.projectId, send.conversationId, { runAt: capped })]);
      return 'stop';
    });
  }

  /** Has the lane woken when its head is due. False when an echo has changed that. */
  private async rest(head: Send): Promise<boolean> {
    return transact(this.dataSource, async (tx) => {
      if (!(await isAtRest(tx, head))) return false;
      await this.jobs.add(tx, [laneJob(head.projectId, head.conversationId, { runAt: head.nextAttemptAt })]);
      return true;
    });
  }

  private async fail(send: Send, why: Reason): Promise<Step> {
    await transact(this.dataSource, async (tx) => {
      const conversations: Map<string, Conversation> = await lockConversations(tx, [
        { projectId: send.projectId, id: send.conversationId },
      ]);
      const failed = await failSend(tx, send, why);
      await this.log.record(
        tx,
        statusEvents(failed, conversations, () => null),
      );
    });
    return 'next';
  }

  private afterEcho(atLeast = 0): Date {
    return new Date(Date.now() + Math.max(atLeast, this.config.ECHO_GRACE_SECONDS * 1000));
  }

  private async wake(lane: Lane): Promise<void> {
    await this.jobs.add(this.dataSource.manager, [laneJob(lane.projectId, lane.conversationId)]);
  }

  /** Finds what crashed processes, failed jobs and lost jobs left behind, and what nobody needs to try any more. */
  private async sweep(): Promise<void> {
    const marks = await findMarks(this.dataSource);
    const dead = new Set(await this.presence.absent([...new Set(marks.map(({ attemptBy }) => attemptBy))]));
    const isLeft = ({ attemptBy, messageId }: Mark): boolean =>
      attemptBy === this.presence.processId ? !this.working.has(messageId) : dead.has(attemptBy);
    await this.takeUp(marks.filter(isLeft));
    const expired = await expiredSends(this.dataSource);
    for (const send of expired) await this.work(send);
    const lanes = [...expired, ...(await forgottenLanes(this.dataSource))];
    await this.jobs.add(
      this.dataSource.manager,
      lanes.map((lane) => laneJob(lane.projectId, lane.conversationId)),
    );
  }

  /** The channel may have taken these payloads: its echo gets time to tell, before another try. */
  private async takeUp(marks: Mark[]): Promise<void> {
    if (marks.length === 0) return;
    const runAt = this.afterEcho();
    await transact(this.dataSource, async (tx) => {
      const lanes = await recover(tx, marks, runAt);
      await this.jobs.add(
        tx,
        lanes.map((lane) => laneJob(lane.projectId, lane.conversationId, { runAt })),
      );
    });
  }
}

function expiry(message: Message): Reason {
  return reason('MESSAGE_EXPIRED', `the message was not taken by ${message.channel} within its time to live`);
}
