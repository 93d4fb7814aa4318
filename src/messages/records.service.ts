import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ConversationGone, lockConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import { notFound } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { changedEvents } from './activity.js';
import { UNCHANGED } from './changes.js';
import { applyChanges } from './inbound/changes.js';
import { type LastMessagesFilter, lastMessages } from './last-messages.js';
import type { MessagesSource } from './list-messages.input.js';
import { DISPATCHED, type MessagePage } from './list-messages.js';
import { Message } from './message.entity.js';
import { prepareAndTransact } from './transaction.js';

const FIND = `SELECT * FROM messages m WHERE m.project_id = $1 AND m.id = $2 AND NOT m.erased AND`;

const ERASE = `
  UPDATE messages SET erased = true, metadata = '', channel_properties = '{}', reason = NULL
  WHERE project_id = $1 AND id = $2 RETURNING *`;

/** What has not left yet never will, and what was said once its templates were filled in is content, too. */
const FORGET = `
  WITH waiting AS (DELETE FROM sends WHERE project_id = $1 AND conversation_id = $3 AND message_id = $2)
  DELETE FROM message_renderings WHERE project_id = $1 AND message_id = $2`;

/** As the log told of it when it left. */
const ERASE_SUBMITTED = `
  UPDATE events e SET payload = jsonb_set(e.payload, '{message,content}', $4::jsonb)
  WHERE e.project_id = $1 AND e.contact_id = $3 AND e.kind = 'message.submitted' AND e.payload -> 'message' ->> 'id' = $2`;

const LAST = `
  UPDATE conversations c SET updated_at = now(), last_message_id = (
    SELECT m.id FROM messages m WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND NOT m.erased
    ORDER BY m.id DESC LIMIT 1)
  WHERE c.project_id = $1 AND c.id = $2 RETURNING c.*`;

/** Messages as the records of the Conversation API, which customers' systems keep. */
@Injectable()
export class MessageRecordsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /** @throws DomainError NOT_FOUND, also for a message of the other source. */
  async get(projectId: string, id: string, source?: MessagesSource): Promise<Message> {
    return find(this.dataSource.manager, projectId, id, source);
  }

  /** The last message of each identity or contact, the latest accepted first. @throws DomainError INVALID_ARGUMENT */
  async last(
    projectId: string,
    filter: LastMessagesFilter,
    page: { size: number; token: string | null },
  ): Promise<MessagePage> {
    return lastMessages(this.dataSource.manager, projectId, filter, page);
  }

  /** @throws DomainError NOT_FOUND */
  async updateMetadata(
    projectId: string,
    id: string,
    metadata: string,
    source?: MessagesSource,
  ): Promise<Message> {
    return this.change(projectId, id, source, async (tx) => {
      await tx.update(Message, { projectId, id }, { metadata });
      return tx.findOneByOrFail(Message, { projectId, id });
    });
  }

  /**
   * Erases a message here, in the log as well; what has left is not unsent on its channel. Of the row only what recognises it is kept: a
   * channel may deliver it again, or tell that it was read.
   * @throws DomainError NOT_FOUND
   */
  async erase(projectId: string, id: string, source?: MessagesSource): Promise<void> {
    await this.change(projectId, id, source, async (tx, message, conversations) => {
      const { conversationId, contactId } = message;
      const deletedAt = new Date().toISOString();
      await applyChanges(tx, [message], new Map([[id, { ...UNCHANGED, deletedAt }]]), conversations);
      const [erased] = await queryRows<Message>(tx, ERASE, [projectId, id]);
      if (!erased) throw new Error(`message ${id} is gone although its conversation was locked`);
      await tx.query(FORGET, [projectId, id, conversationId]);
      await tx.query(ERASE_SUBMITTED, [projectId, id, contactId, JSON.stringify(erased.content)]);
      for (const conversation of await queryRows<Conversation>(tx, LAST, [projectId, conversationId]))
        conversations.set(conversation.id, conversation);
      return erased;
    });
  }

  /** Changes a message with its conversation locked, as all do that change messages, and tells of it. */
  private async change(
    projectId: string,
    id: string,
    source: MessagesSource | undefined,
    write: (
      tx: EntityManager,
      message: Message,
      conversations: Map<string, Conversation>,
    ) => Promise<Message>,
  ): Promise<Message> {
    return prepareAndTransact(
      this.dataSource,
      () => this.get(projectId, id, source),
      async (tx, { conversationId }) => {
        const conversations = await lockConversations(tx, [{ projectId, id: conversationId }]);
        const message = await find(tx, projectId, id, source);
        if (message.conversationId !== conversationId)
          throw new ConversationGone(`message ${id} has moved to another conversation`);
        const changed = await write(tx, message, conversations);
        await this.log.record(tx, changedEvents([changed], conversations));
        return changed;
      },
    );
  }
}

async function find(
  tx: Pick<EntityManager, 'query'>,
  projectId: string,
  id: string,
  source: MessagesSource = 'CONVERSATION_SOURCE',
): Promise<Message> {
  const [message] = await queryRows<Message>(
    tx,
    `${FIND} ${source === 'DISPATCH_SOURCE' ? DISPATCHED : 'NOT m.dispatch'}`,
    [projectId, id],
  );
  if (!message) throw notFound('message', id);
  return message;
}
