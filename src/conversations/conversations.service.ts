import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { assertReaches, type Caller } from '../access/caller.js';
import { queryRows } from '../database/rows.js';
import { notFound } from '../errors.js';
import { encodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { lockConversations } from './activity.js';
import { changeEvent, changesBetween, deletedEvent } from './changes.js';
import { Conversation, type InboxStatus } from './conversation.entity.js';
import { type InboxFilter, inboxStatement } from './inbox-query.js';
import { findTalkingOf } from './talking-of.js';
import { snoozeOf, wakeJob } from './snooze.js';
import { unreadOf } from './unread.js';

/** A page of the inbox, and the position of the event log that it reflects. */
export interface InboxPage extends Page<Conversation> {
  eventCursor: string;
}

/** What a caller may change; what is absent stays. */
export interface ConversationChanges {
  status?: InboxStatus;
  assignee?: string | null;
  labels?: string[];
  snoozedUntil?: Date | null;
  metadata?: string;
  metadataJson?: Record<string, unknown> | null;
}

const MARK_READ = `
  UPDATE conversations c SET
    read_up_to_message_id = greatest(c.read_up_to_message_id, $3),
    unread_count = ${unreadOf('c', 'greatest(c.read_up_to_message_id, $3)')},
    read_at = now(), updated_at = now()
  WHERE c.project_id = $1 AND c.id = $2`;

/** Every rule about conversations. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<Conversation> {
    const conversation = await this.dataSource.manager.findOneBy(Conversation, {
      projectId,
      id,
      dispatch: false,
    });
    if (!conversation) throw notFound('conversation', id);
    return conversation;
  }

  /**
   * The conversation, if the caller may know of it. Only access keys pass it to another app, by REST: a write that was allowed right before
   * may still come right after.
   * @throws DomainError NOT_FOUND
   */
  async getReached(caller: Caller, id: string): Promise<Conversation> {
    const conversation = await this.get(caller.projectId, id);
    assertReaches(caller, conversation.appId, 'conversation', id);
    return conversation;
  }

  async find(projectId: string, ids: readonly string[]): Promise<Map<string, Conversation>> {
    const conversations = await this.dataSource.manager.findBy(Conversation, {
      projectId,
      id: In([...ids]),
      dispatch: false,
    });
    return new Map(conversations.map((conversation) => [conversation.id, conversation]));
  }

  /** The inbox of an app, latest activity first. A page is one index range scan whatever the number of conversations. */
  async inbox(
    projectId: string,
    appId: string,
    filter: InboxFilter,
    request: PageRequest,
  ): Promise<InboxPage> {
    const keyset = keysetOf(request, 2);
    // Read before the page: what happens in between comes again as an event, never the reverse.
    const eventCursor = encodePosition(await this.log.tail());
    const among = await findTalkingOf(this.dataSource.manager, { projectId, appId }, filter.text ?? '');
    const { sql, values } = inboxStatement(projectId, appId, filter, keyset, among);
    const rows = await queryRows<Conversation & { activityKey: string }>(
      this.dataSource.manager,
      sql,
      values,
    );
    return { ...pageOf(rows, keyset, (row) => [row.activityKey, row.id]), eventCursor };
  }

  /**
   * Changes what is given. @param by the agent who does it; null for the API.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT
   */
  async update(
    projectId: string,
    id: string,
    changes: ConversationChanges,
    by: string | null = null,
  ): Promise<Conversation> {
    return this.change(projectId, id, 'conversation.updated', by, async (tx, conversation) => {
      const values = { ...changes, ...snoozeOf(conversation, changes) };
      await tx.update(Conversation, { projectId, id }, { ...values, updatedAt: new Date() } as object);
      return values.snoozedUntil ? [wakeJob(projectId, values.snoozedUntil)] : [];
    });
  }

  /**
   * Marks messages as read for the agents, up to `upToMessageId` or all. The mark only moves forward, and the count is taken from the
   * messages, so it cannot drift.
   * @throws DomainError NOT_FOUND
   */
  async markRead(
    projectId: string,
    id: string,
    upToMessageId?: string | null,
    by: string | null = null,
  ): Promise<Conversation> {
    return this.change(projectId, id, 'conversation.updated', by, async (tx, conversation) => {
      const upTo = upToMessageId ?? conversation.lastMessageId;
      if (upToMessageId) await this.assertMessage(tx, conversation, upToMessageId);
      await tx.query(MARK_READ, [projectId, id, upTo]);
    });
  }

  /** Ends the conversation: the next message, either way, opens a new one. Stopping a stopped one changes nothing. */
  async stop(projectId: string, id: string, by: string | null = null): Promise<Conversation> {
    return this.change(projectId, id, 'conversation.stopped', by, async (tx, { active }) => {
      if (active) await tx.update(Conversation, { projectId, id }, { active: false, updatedAt: new Date() });
    });
  }

  /** Removes a conversation with its messages. @throws DomainError NOT_FOUND */
  async delete(projectId: string, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const conversation = (await lockConversations(tx, [{ projectId, id }])).get(id);
      if (!conversation || conversation.dispatch) throw notFound('conversation', id);
      await tx.delete(Conversation, { projectId, id });
      await this.log.record(tx, [deletedEvent(conversation)]);
    });
  }

  /** Has `write` change a locked conversation and tells what came of it, when there is a difference. */
  private async change(
    projectId: string,
    id: string,
    kind: 'conversation.updated' | 'conversation.stopped',
    by: string | null,
    /** Gives the jobs that it takes. */
    write: (tx: EntityManager, conversation: Conversation) => Promise<NewJob[] | void>,
  ): Promise<Conversation> {
    return this.dataSource.transaction(async (tx) => {
      const before = (await lockConversations(tx, [{ projectId, id }])).get(id);
      if (!before || before.dispatch) throw notFound('conversation', id);
      const jobs = (await write(tx, before)) ?? [];
      const after = await tx.findOneByOrFail(Conversation, { projectId, id });
      if (changesBetween(before, after).length > 0)
        await this.log.record(tx, [changeEvent(kind, before, after, by)]);
      await this.jobs.add(tx, jobs);
      return after;
    });
  }

  private async assertMessage(
    tx: EntityManager,
    conversation: Conversation,
    messageId: string,
  ): Promise<void> {
    const found = await tx.query<unknown[]>(
      'SELECT 1 FROM messages WHERE project_id = $1 AND id = $2 AND conversation_id = $3',
      [conversation.projectId, messageId, conversation.id],
    );
    if (found.length === 0) throw notFound('message', messageId);
  }
}
