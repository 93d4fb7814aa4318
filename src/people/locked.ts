import type { DataSource, EntityManager } from 'typeorm';
import type { Contact } from '../contacts/contact.entity.js';
import { ConversationGone, lockConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import { notFound } from '../errors.js';
import { prepareAndTransact } from '../messages/transaction.js';

const CONVERSATIONS = `SELECT id FROM conversations WHERE project_id = $1 AND contact_id = ANY($2) ORDER BY id`;

/** In one order for all, and so that nobody can give them another conversation or identity meanwhile. */
const CONTACTS = `SELECT * FROM contacts WHERE project_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`;

/** Contacts and all of their conversations, which change only by this transaction until it ends. */
export interface LockedContacts {
  contacts: Map<string, Contact>;
  conversations: Conversation[];
}

/**
 * Runs `work` with these contacts locked: first the conversations, as whoever writes does, then the contacts, and anew when a
 * conversation began in between.
 * @throws DomainError NOT_FOUND for the first that does not exist
 */
export function withContacts<T>(
  dataSource: DataSource,
  projectId: string,
  contactIds: readonly string[],
  work: (tx: EntityManager, locked: LockedContacts) => Promise<T>,
): Promise<T> {
  return prepareAndTransact(
    dataSource,
    () => conversationsOf(dataSource.manager, projectId, contactIds),
    async (tx, ids) => {
      const locked = await lockConversations(
        tx,
        ids.map((id) => ({ projectId, id })),
      );
      const rows = await queryRows<Contact>(tx, CONTACTS, [projectId, contactIds]);
      const contacts = new Map(rows.map((contact) => [contact.id, contact]));
      const missing = contactIds.find((id) => !contacts.has(id));
      if (missing !== undefined) throw notFound('Contact', missing);
      const now = await conversationsOf(tx, projectId, contactIds);
      const begun = now.find((id) => !locked.has(id));
      if (begun !== undefined) throw new ConversationGone(`conversation ${begun} has just begun`);
      return work(tx, { contacts, conversations: now.flatMap((id) => locked.get(id) ?? []) });
    },
  );
}

async function conversationsOf(
  tx: Pick<EntityManager, 'query'>,
  projectId: string,
  contactIds: readonly string[],
): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(tx, CONVERSATIONS, [projectId, contactIds]);
  return rows.map(({ id }) => id);
}
