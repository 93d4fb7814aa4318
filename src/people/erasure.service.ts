import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Contact } from '../contacts/contact.entity.js';
import { appsOf } from '../contacts/contact-events.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { type NewEvent, snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { withContacts } from './locked.js';
import { contactTrace, conversationTrace, eraseContactInLog } from './traces.js';

/** What is known of how far the person has read is kept by who they are on their channel. */
const ERASE_RECEIPTS = `
  DELETE FROM early_receipts r USING channel_identities i
  WHERE i.project_id = $1 AND i.contact_id = $2 AND r.project_id = $1 AND r.app_id = i.app_id AND r.channel = i.channel
    AND r.channel_message_id IN ('DELIVERED ' || i.identity, 'READ ' || i.identity)`;

/** Takes all that hangs on it along: identities, profiles, conversations, messages, media, what waits to be sent. */
const DELETE = `DELETE FROM contacts WHERE project_id = $1 AND id = $2`;

/** Forgets people. */
@Injectable()
export class ErasureService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /**
   * Erases the person and what the event log tells of them. The events that say so keep only ids and the customer's own key,
   * so that others can erase their copies. Who writes again is somebody new.
   * @throws DomainError NOT_FOUND
   */
  async erase(projectId: string, id: string): Promise<void> {
    await withContacts(this.dataSource, projectId, [id], async (tx, { contacts, conversations }) => {
      const apps = (await appsOf(tx, projectId, [id])).get(id) ?? [];
      await eraseContactInLog(tx, projectId, id);
      await tx.query(ERASE_RECEIPTS, [projectId, id]);
      await tx.query(DELETE, [projectId, id]);
      const contact = contactTrace(snapshotOf(contacts.get(id) as Contact));
      const events: NewEvent[] = [
        ...conversations.map(endOf),
        ...apps.map((appId): NewEvent => ({
          projectId,
          appId,
          kind: 'contact.deleted',
          contactId: id,
          payload: { contact },
        })),
      ];
      await this.log.record(tx, events);
    });
  }
}

function endOf(conversation: Conversation): NewEvent {
  const { projectId, appId, id: conversationId, contactId } = conversation;
  const payload = { conversation: conversationTrace(snapshotOf(conversation)) };
  return { projectId, appId, kind: 'conversation.deleted', conversationId, contactId, payload };
}
