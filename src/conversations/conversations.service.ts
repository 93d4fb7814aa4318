import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { invalid, notFound } from '../errors.js';
import { type EventKind, snapshotOf } from '../events/event.js';
import { encodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { lockConversations } from './activity.js';
import { Conversation, type InboxStatus } from './conversation.entity.js';

/** Which conversations of an inbox; what is absent does not restrict. */
export interface InboxFilter {
  status?: InboxStatus | null;
  assignee?: string | null;
  unassigned?: boolean | null;
  labels?: string[] | null;
  unread?: boolean | null;
  channel?: string | null;
  active?: boolean | null;
  contactId?: string | null;
}

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

/** Every rule about conversations. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<Conversation> {
    const conversation = await this.dataSource.manager.findOneBy(Conversation, { projectId, id });
    if (!conversation) throw notFound('conversation', id);
    return conversation;
  }

  async find(projectId: string, ids: readonly string[]): Promise<Map<string, Conversation>> {
    const conversations = await this.dataSource.manager.findBy(Conversation, { projectId, id: In([...ids]) });
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
    const { where, values } = conditions(projectId, appId, filter);
    if (keyset.position) {
      const [at, id] = positionOf(keyset.position, keyset.backward ? 'before' : 'after');
      where.push(
        `(last_activity, id) ${keyset.backward ? '>' : '<'} ($${values.push(at)}::timestamptz, $${values.push(id)})`,
      );
    }
    const order = keyset.backward ? 'ASC' : 'DESC';
    const rows = await queryRows<Conversation & { activityKey: string }>(
      this.dataSource.manager,
      `SELECT *, last_activity::text AS activity_key FROM conversations WHERE ${where.join(' AND ')}
       ORDER BY last_activity ${order}, id ${order} LIMIT ${keyset.limit + 1}`,
      values,
    );
    return { ...pageOf(rows, keyset, (row) => [row.activityKey, row.id]), eventCursor };
  }

  /** @throws DomainError NOT_FOUND, INVALID_ARGUMENT */
  async update(projectId: string, id: string, changes: ConversationChanges): Promise<Conversation> {
    if (changes.status === 'SNOOZED' && !changes.snoozedUntil) {
      throw invalid(
        'snoozedUntil',
        'required',
        'snoozedUntil says until when to snooze; it is required with status SNOOZED',
      );
    }
    return this.change(projectId, id, 'conversation.updated', async (tx) => {
      // A snooze ends with its status.
      const snoozedUntil =
        changes.status !== undefined && changes.status !== 'SNOOZED' ? { snoozedUntil: null } : {};
      await tx.update(Conversation, { projectId, id }, {
        ...changes,
        ...snoozedUntil,
        updatedAt: new Date(),
      } as object);
      return true;
    });
  }

  /** Marks messages as read for the agents, up to `upToMessageId` or all. The count is taken from the messages, so it cannot drift. */
  async markRead(projectId: string, id: string, upToMessageId?: string | null): Promise<Conversation> {
    return this.change(projectId, id, 'conversation.updated', async (tx, conversation) => {
      const upTo = upToMessageId ?? conversation.lastMessageId;
      if (upToMessageId) await this.assertMessage(tx, conversation, upToMessageId);
      await tx.query(
        `UPDATE conversations SET
           read_up_to_message_id = greatest(read_up_to_message_id, $3),
           unread_count = (SELECT count(*) FROM messages m WHERE m.project_id = $1 AND m.conversation_id = $2 AND m.direction = 'TO_APP'
             AND m.deleted_at IS NULL AND NOT m.injected AND m.id > greatest(read_up_to_message_id, $3)),
           updated_at = now()
         WHERE project_id = $1 AND id = $2`,
        [projectId, id, upTo ?? ''],
      );
      return true;
    });
  }

  /** Ends the conversation: the next message, either way, opens a new one. Stopping a stopped one changes nothing. */
  async stop(projectId: string, id: string): Promise<Conversation> {
    return this.change(projectId, id, 'conversation.stopped', async (tx, { active }) => {
      if (!active) return false;
      await tx.update(Conversation, { projectId, id }, { active: false, updatedAt: new Date() });
      return true;
    });
  }

  /** Removes a conversation with its messages. @throws DomainError NOT_FOUND */
  async delete(projectId: string, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const conversation = (await lockConversations(tx, [{ projectId, id }])).get(id);
      if (!conversation) throw notFound('conversation', id);
      await tx.delete(Conversation, { projectId, id });
      await this.record(tx, 'conversation.deleted', { ...conversation, active: false });
    });
  }

  private async change(
    projectId: string,
    id: string,
    kind: Extract<EventKind, 'conversation.updated' | 'conversation.stopped'>,
    /** False when it changed nothing. */
    write: (tx: EntityManager, conversation: Conversation) => Promise<boolean>,
  ): Promise<Conversation> {
    return this.dataSource.transaction(async (tx) => {
      const locked = (await lockConversations(tx, [{ projectId, id }])).get(id);
      if (!locked) throw notFound('conversation', id);
      if (!(await write(tx, locked))) return locked;
      const conversation = await tx.findOneByOrFail(Conversation, { projectId, id });
      await this.record(tx, kind, conversation);
      return conversation;
    });
  }

  private async record(
    tx: EntityManager,
    kind: Extract<EventKind, `conversation.${string}`>,
    conversation: Conversation,
  ): Promise<void> {
    const { projectId, appId, id, contactId } = conversation;
    const payload = { conversation: snapshotOf(conversation) };
    await this.log.record(tx, [{ projectId, appId, kind, conversationId: id, contactId, payload }]);
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

function conditions(
  projectId: string,
  appId: string,
  filter: InboxFilter,
): { where: string[]; values: unknown[] } {
  const values: unknown[] = [projectId, appId];
  const where = ['project_id = $1', 'app_id = $2'];
  if (filter.status != null) where.push(`status = $${values.push(filter.status)}`);
  if (filter.assignee != null) where.push(`assignee = $${values.push(filter.assignee)}`);
  if (filter.unassigned === true) where.push('assignee IS NULL');
  if (filter.unassigned === false) where.push('assignee IS NOT NULL');
  if (filter.labels?.length) where.push(`labels @> $${values.push(filter.labels)}`);
  if (filter.unread != null) where.push(filter.unread ? 'unread_count > 0' : 'unread_count = 0');
  if (filter.channel != null) where.push(`active_channel = $${values.push(filter.channel)}`);
  if (filter.active != null) where.push(filter.active ? 'active' : 'NOT active');
  if (filter.contactId != null) where.push(`contact_id = $${values.push(filter.contactId)}`);
  return { where, values };
}

/** Times keep Postgres's own precision in a cursor: a Date would cut microseconds and skip rows. */
function positionOf(keys: string[], path: string): [string, string] {
  const [at, id] = keys;
  if (!at || !id || Number.isNaN(Date.parse(at)))
    throw invalid(path, 'cursor', `${path} is not a cursor of this list; pass one that this list returned`);
  return [at, id];
}
