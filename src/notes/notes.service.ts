import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { lockConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { type NewEvent, snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import type { Note } from './note.js';

const FIND = `SELECT * FROM notes WHERE project_id = $1 AND id = $2`;

const INSERT = `
  INSERT INTO notes (project_id, id, conversation_id, author, text) VALUES ($1, $2, $3, $4, $5) RETURNING *`;

const UPDATE = `UPDATE notes SET text = $3, edited_at = now() WHERE project_id = $1 AND id = $2 RETURNING *`;

const DELETE = `DELETE FROM notes WHERE project_id = $1 AND id = $2`;

/** What was deleted may not be told any more to whoever reads the log again. Found by the contact: that has an index. */
const ERASE = `
  UPDATE events SET payload = jsonb_set(payload, '{note,text}', '""')
  WHERE project_id = $1 AND contact_id = $2 AND kind IN ('note.added', 'note.updated') AND payload -> 'note' ->> 'id' = $3`;

/** Every rule about notes. */
@Injectable()
export class NotesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<Note> {
    const [note] = await queryRows<Note>(this.dataSource.manager, FIND, [projectId, id]);
    if (!note) throw notFound('note', id);
    return note;
  }

  /** @param author the agent; null for an access key. @throws DomainError NOT_FOUND */
  async add(projectId: string, conversationId: string, author: string | null, text: string): Promise<Note> {
    return this.dataSource.transaction(async (tx) => {
      const conversation = (await lockConversations(tx, [{ projectId, id: conversationId }])).get(
        conversationId,
      );
      if (!conversation || conversation.dispatch) throw notFound('conversation', conversationId);
      const [note] = await queryRows<Note>(tx, INSERT, [projectId, newId(), conversationId, author, text]);
      if (!note) throw new Error('a note was not stored');
      await this.log.record(tx, [noteEvent('note.added', note, conversation)]);
      return note;
    });
  }

  /** @param editor the agent; null for an access key, which may edit any. @throws DomainError NOT_FOUND, PERMISSION_DENIED */
  async update(projectId: string, id: string, editor: string | null, text: string): Promise<Note> {
    return this.change(projectId, id, editor, async (tx, note, conversation) => {
      if (note.text === text) return note;
      const [updated] = await queryRows<Note>(tx, UPDATE, [projectId, id, text]);
      if (!updated) throw new Error(`note ${id} is gone although its conversation was locked`);
      await this.log.record(tx, [noteEvent('note.updated', updated, conversation)]);
      return updated;
    });
  }

  /** Removes a note, and its text from the log. @throws DomainError NOT_FOUND, PERMISSION_DENIED */
  async delete(projectId: string, id: string, editor: string | null): Promise<void> {
    await this.change(projectId, id, editor, async (tx, note, conversation) => {
      await tx.query(DELETE, [projectId, id]);
      await tx.query(ERASE, [projectId, conversation.contactId, id]);
      await this.log.record(tx, [noteEvent('note.deleted', { ...note, text: '' }, conversation)]);
      return note;
    });
  }

  /** The notes of each of the conversations, oldest first, by one statement. */
  async listByConversations(
    projectId: string,
    conversationIds: readonly string[],
    request: PageRequest,
  ): Promise<Page<Note>[]> {
    const keyset = keysetOf(request, 1);
    const rows = await queryRows<Note>(
      this.dataSource.manager,
      `SELECT n.* FROM unnest($2::text[]) AS c(id) CROSS JOIN LATERAL (
         SELECT * FROM notes WHERE project_id = $1 AND conversation_id = c.id
         AND ($3::text IS NULL OR id ${keyset.backward ? '<' : '>'} $3)
         ORDER BY id ${keyset.backward ? 'DESC' : 'ASC'} LIMIT $4) n`,
      [projectId, conversationIds, keyset.position?.[0] ?? null, keyset.limit + 1],
    );
    const byConversation = Map.groupBy(rows, ({ conversationId }) => conversationId);
    return conversationIds.map((id) => pageOf(byConversation.get(id) ?? [], keyset, (note) => [note.id]));
  }

  private async change(
    projectId: string,
    id: string,
    editor: string | null,
    write: (tx: EntityManager, note: Note, conversation: Conversation) => Promise<Note>,
  ): Promise<Note> {
    for (;;) {
      const { conversationId } = await this.get(projectId, id);
      const changed = await this.dataSource.transaction(async (tx) => {
        const conversations = await lockConversations(tx, [{ projectId, id: conversationId }]);
        const [note] = await queryRows<Note>(tx, FIND, [projectId, id]);
        if (!note) throw notFound('note', id);
        const conversation = conversations.get(note.conversationId);
        // A merge has moved it in between.
        if (!conversation) return null;
        if (editor !== null && editor !== note.author)
          throw new DomainError('PERMISSION_DENIED', `note ${id} is somebody else's`);
        return write(tx, note, conversation);
      });
      if (changed) return changed;
    }
  }
}

function noteEvent(
  kind: 'note.added' | 'note.updated' | 'note.deleted',
  note: Note,
  conversation: Conversation,
): NewEvent {
  const { projectId, appId, id: conversationId, contactId } = conversation;
  const payload = { note: snapshotOf(note), conversation: snapshotOf(conversation) };
  return { projectId, appId, kind, conversationId, contactId, payload };
}
