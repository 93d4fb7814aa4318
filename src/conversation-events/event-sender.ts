import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EventRequest, SendOutcome } from '../channels/channel.js';
import { ChannelsService } from '../channels/channels.service.js';
import { ChannelRegistry } from '../channels/registry.js';
import { reason, type ReasonCode } from '../content/reason.js';
import { lockConversations } from '../conversations/activity.js';
import { queryRows } from '../database/rows.js';
import { snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { backoff } from '../messages/backoff.js';
import { transact } from '../messages/transaction.js';
import { ConversationEvent } from './conversation-event.entity.js';
import {
  claim,
  type EventLane,
  eventLaneJob,
  type EventSend,
  forgottenLanes,
  headOf,
  release,
  settle,
} from './event-lane.js';

/** A job gives way to others after this long; what is left of its lane goes on in a new job. */
const DRAIN_MS = 20_000;
/** How long a call may still take once the process stops. */
const STOP_MS = 4_000;
/** Within some 15 seconds: later, hardly any event matters. */
const MAX_ATTEMPTS = 5;

/** What is known about an event when its turn comes. */
interface Situation {
  lastContactMessageAt: Date | null;
  /** The business has written since. */
  answered: boolean;
  /** The channel's id of the message that a reaction is about. */
  channelMessageId: string | null;
}

/** One message may have left as several payloads; a reaction goes on the last, which is what the person sees below it. */
const SITUATION = `
  SELECT c.last_contact_message_at,
    EXISTS (SELECT FROM messages m
      WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND m.id > $3 AND m.direction = 'TO_CONTACT') AS answered,
    coalesce(
      (SELECT m.channel_message_id FROM messages m WHERE m.project_id = c.project_id AND m.id = $4),
      (SELECT p.channel_message_id FROM message_parts p WHERE p.project_id = c.project_id AND p.message_id = $4 ORDER BY p.part DESC LIMIT 1)
    ) AS channel_message_id
  FROM conversations c WHERE c.project_id = $1 AND c.id = $2`;

/** Sends what a conversation has waiting beside its messages, in order, one call at a time. */
@Injectable()
export class EventSender implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(EventSender.name);
  private readonly stopping = new AbortController();
  private closing = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('send-events', (lane) => this.drain(lane));
    this.jobs.onSweep(() => this.sweep());
  }

  onModuleDestroy(): void {
    this.closing = true;
    setTimeout(() => this.stopping.abort(), STOP_MS).unref();
  }

  /** Job handler: sends the lane's heads until it is empty, at rest, or time is up. */
  async drain(lane: EventLane): Promise<void> {
    const until = Date.now() + DRAIN_MS;
    for (;;) {
      const head = await headOf(this.dataSource, lane);
      // Who is at it looks for more before they end.
      if (!head || head.claimed) return;
      if (!head.due && !head.expired) return this.wake(lane, earlier(head.nextAttemptAt, head.expiresAt));
      if (this.closing || Date.now() > until) return this.wake(lane);
      const send = await claim(this.dataSource, head);
      if (send) await this.attempt(send);
    }
  }

  private async attempt(send: EventSend): Promise<void> {
    const { projectId, eventId } = send;
    const event = await this.dataSource.manager.findOneBy(ConversationEvent, { projectId, id: eventId });
    if (!event) return;
    const outcome = await this.outcomeOf(event, send);
    switch (outcome.kind) {
      case 'accepted':
        return this.end(send, 'QUEUED_ON_CHANNEL', null);
      case 'unauthorized':
      case 'permanent':
        return this.end(send, 'FAILED', outcome.reason);
      case 'transient':
        return this.retry(send, outcome);
    }
  }

  private async outcomeOf(event: ConversationEvent, send: EventSend): Promise<SendOutcome> {
    const { projectId, appId, channel, identity, content } = event;
    if (send.expired) return refused('MESSAGE_EXPIRED', 'the event was not taken while it was worth sending');
    const connection = await this.channels.credentials(projectId, appId, channel);
    if (!connection) return refused('CHANNEL_CONFIGURATION_MISSING', `the app has no ${channel} channel`);
    if (connection.state === 'NEEDS_REAUTH')
      return refused('INACTIVE_CREDENTIAL', `the ${channel} channel needs a new token; reconnect it`);
    const situation = await this.situationOf(event);
    const plugin = this.registry.get(channel);
    if (content.composing_event && situation.answered)
      return refused(
        'MESSAGE_EXPIRED',
        'a message was sent meanwhile, after which nobody is typing any more',
      );
    const window = plugin.messagingWindow(situation.lastContactMessageAt, new Date());
    if (window?.open === false && isShown(event))
      return refused(
        'OUTSIDE_ALLOWED_SENDING_WINDOW',
        `the channel takes no events since ${window.expiresAt?.toISOString() ?? 'the window closed'}`,
      );
    if (content.reaction_event && situation.channelMessageId === null)
      return refused(
        'BAD_REQUEST',
        'the message is not on the channel, so that nobody can react to it there',
      );
    const request: EventRequest = {
      credentials: connection,
      identity,
      event: content,
      ...(situation.channelMessageId === null ? {} : { channelMessageId: situation.channelMessageId }),
      signal: this.stopping.signal,
    };
    const outcome = await plugin.sendEvent(request);
    if (outcome.kind === 'unauthorized') {
      const { description } = outcome.reason;
      await this.channels.markNeedsReauth(projectId, appId, channel, description, connection.token);
    }
    // A message that left during the call may have arrived first, and typing would then show behind it.
    if (content.composing_event && outcome.kind === 'accepted' && (await this.situationOf(event)).answered)
      await plugin.sendEvent({ ...request, event: { composing_end_event: {} } });
    return outcome;
  }

  private async situationOf({
    projectId,
    conversationId,
    id,
    content,
  }: ConversationEvent): Promise<Situation> {
    const [found] = await queryRows<Situation>(this.dataSource, SITUATION, [
      projectId,
      conversationId,
      id,
      content.reaction_event?.message_id ?? null,
    ]);
    return found ?? { lastContactMessageAt: null, answered: false, channelMessageId: null };
  }

  private async retry(send: EventSend, outcome: Extract<SendOutcome, { kind: 'transient' }>): Promise<void> {
    if (send.attempts >= MAX_ATTEMPTS) return this.end(send, 'FAILED', outcome.reason);
    const at = new Date(Date.now() + Math.max(backoff(send.attempts), outcome.after ?? 0));
    this.logger.warn(
      `event ${send.eventId} attempt ${send.attempts}: ${outcome.reason.code} ${outcome.reason.description}; again at ${at.toISOString()}`,
    );
    await release(this.dataSource, send, at);
  }

  private async end(
    send: EventSend,
    ...[status, why]:
      [status: 'QUEUED_ON_CHANNEL', why: null] | [status: 'FAILED', why: ReturnType<typeof reason>]
  ): Promise<void> {
    const { projectId, conversationId } = send;
    await transact(this.dataSource, async (tx) => {
      const conversations = await lockConversations(tx, [{ projectId, id: conversationId }]);
      const event = await settle(tx, send, status, why);
      if (!event) return;
      const conversation = snapshotOf(conversations.get(conversationId) ?? {});
      await this.log.record(tx, [
        {
          projectId,
          appId: event.appId,
          kind: 'event.updated',
          conversationId,
          contactId: event.contactId,
          payload: { event: snapshotOf(event), conversation },
        },
      ]);
    });
  }

  private async wake(lane: EventLane, runAt?: Date): Promise<void> {
    await this.jobs.add(this.dataSource.manager, [eventLaneJob(lane, runAt && { runAt })]);
  }

  /** Finds what crashed processes, failed jobs and lost jobs left behind. */
  private async sweep(): Promise<void> {
    const lanes = await forgottenLanes(this.dataSource);
    await this.jobs.add(
      this.dataSource.manager,
      lanes.map((lane) => eventLaneJob(lane)),
    );
  }
}

/** Whether the person sees it in the thread; only there do channels have a window. */
function isShown({ content }: ConversationEvent): boolean {
  return Boolean(
    content.composing_event ??
    content.composing_end_event ??
    content.read_message_event ??
    content.reaction_event,
  );
}

function refused(code: ReasonCode, description: string): SendOutcome {
  return { kind: 'permanent', reason: reason(code, description) };
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}
