import { Logger } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import type { SendOutcome } from '../channels/channel.js';
import type { ChannelsService } from '../channels/channels.service.js';
import type { Config } from '../config.js';
import type { Reason } from '../content/reason.js';
import { lockConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { isDatabaseAway } from '../database/availability.js';
import type { EventLog } from '../events/event-log.js';
import { statusEvents, submittedEvents } from './activity.js';
import { backoff } from './backoff.js';
import { release, type Send } from './claim.js';
import { failSend, finalReason, partsTaken, switchSend } from './give-up.js';
import { GroupCommit } from './group-commit.js';
import type { Message } from './message.entity.js';
import { forgetPause, pause } from './pauses.js';
import { settleParts } from './settle.js';
import { transact } from './transaction.js';

/** What the lane does next: the message's next payload, or whatever is its head now. */
export type Step = 'payload' | 'head';

type Transient = Extract<SendOutcome, { kind: 'transient' }>;

/** A payload that its channel took. */
interface Taken {
  send: Send;
  part: number;
  channelMessageId: string | null;
  at: Date;
}

/** The one place where the end of a call becomes a status, a later try or another channel. */
export class Outcomes {
  private readonly logger = new Logger('Sender');
  private readonly taken: GroupCommit<Taken, void>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly log: EventLog,
    private readonly config: Config,
  ) {
    // No more lanes are at work than slots, so nothing piles up.
    const bounds = { batch: 64, inFlight: 2, waiting: Infinity };
    this.taken = new GroupCommit((taken) => this.settle(taken), isDatabaseAway, bounds);
  }

  /** @param token the one that was used */
  async record(send: Send, part: number, began: Date, outcome: SendOutcome, token: string): Promise<Step> {
    const { slowDown } = outcome;
    if (slowDown) {
      const until = await pause(this.dataSource, send, slowDown);
      this.logger.warn(
        `app ${send.appId}: ${send.channel} wants fewer calls, none until ${until.toISOString()}`,
      );
    }
    switch (outcome.kind) {
      case 'accepted':
        await this.taken.submit({ send, part, channelMessageId: outcome.channelMessageId, at: began });
        if (!slowDown) {
          if (send.slowed) await forgetPause(this.dataSource, send);
          return 'payload';
        }
        // What is left of it waits with the rest.
        await release(this.dataSource, send, new Date());
        return 'head';
      case 'transient':
        await this.tryLater(send, outcome);
        return 'head';
      case 'unauthorized':
        await this.channels.markNeedsReauth(
          send.projectId,
          send.appId,
          send.channel,
          outcome.reason.description,
          token,
        );
        await this.giveUp(send, outcome.reason, { submitted: true });
        return 'head';
      case 'permanent':
        await this.giveUp(send, outcome.reason, { submitted: true });
        return 'head';
    }
  }

  /**
   * The channel will not have it: on to the next one, as long as nothing of it has arrived, or it fails.
   * @param submitted the channel was called, and said so itself.
   */
  async giveUp(send: Send, why: Reason, { submitted = false } = {}): Promise<void> {
    await this.conclude(send, submitted, async (tx, conversations) => {
      const taken = await partsTaken(tx, send);
      if (taken === undefined) return [];
      const [next] = send.channels;
      if (next && taken === 0) return switchSend(tx, send, next, why, conversations);
      return failSend(tx, send, finalReason(send, why, taken));
    });
  }

  /** No channel is any use after the time to live. */
  async expire(send: Send, why: Reason): Promise<void> {
    await this.conclude(send, false, (tx) => failSend(tx, send, why));
  }

  /** Lanes that are told at the same time share a transaction. */
  private async settle(taken: Taken[]): Promise<void[]> {
    const times = new Map(taken.map(({ send, at }) => [send.messageId, at]));
    await transact(this.dataSource, async (tx) => {
      const conversations = await lockConversations(
        tx,
        taken.map(({ send }) => ({ projectId: send.projectId, id: send.conversationId })),
      );
      const settled = await settleParts(
        tx,
        taken.map(({ send: { projectId, messageId }, part, channelMessageId, at }) => ({
          projectId,
          messageId,
          part,
          channelMessageId,
          at,
        })),
        'ours',
      );
      await this.log.record(tx, [
        ...submittedEvents(settled),
        ...statusEvents(settled, conversations, ({ id }) => times.get(id) ?? null),
      ]);
    });
    return taken.map(() => undefined);
  }

  private async conclude(
    send: Send,
    submitted: boolean,
    end: (tx: EntityManager, conversations: Map<string, Conversation>) => Promise<Message[]>,
  ): Promise<void> {
    await transact(this.dataSource, async (tx) => {
      const conversations = await lockConversations(tx, [
        { projectId: send.projectId, id: send.conversationId },
      ]);
      const ended = await end(tx, conversations);
      await this.log.record(tx, [
        ...(submitted ? submittedEvents(ended) : []),
        ...statusEvents(ended, conversations, () => null),
      ]);
    });
  }

  /** Where the channel may have taken it all the same, its echo gets time to say so first. */
  private async tryLater(send: Send, outcome: Transient): Promise<void> {
    const { reason, after = 0, tries = Infinity, uncertain = false, slowDown } = outcome;
    const end = retriesEnd(send);
    const over = !uncertain && send.failingSince !== null && end <= Date.now();
    if (!slowDown && (over || send.attempts >= tries)) return this.giveUp(send, reason, { submitted: true });
    // The pause of the whole channel is the message's, too.
    const rest = slowDown ? 0 : Math.max(backoff(send.attempts), after);
    const wait = Math.min(rest, Math.max(0, end - Date.now()));
    const at = new Date(
      Date.now() + (uncertain ? Math.max(wait, this.config.ECHO_GRACE_SECONDS * 1000) : wait),
    );
    this.logger.warn(
      `message ${send.messageId} attempt ${send.attempts}: ${reason.code} ${reason.description}; again at ${at.toISOString()}`,
    );
    await release(this.dataSource, send, at, {
      uncertain,
      uncounted: slowDown !== undefined,
      failed: !slowDown,
    });
  }
}

/** When it is tried for the last time, by the app's settings. */
function retriesEnd({ failingSince, retrySeconds }: Send): number {
  return retrySeconds === null ? Infinity : (failingSince?.getTime() ?? Date.now()) + retrySeconds * 1000;
}
