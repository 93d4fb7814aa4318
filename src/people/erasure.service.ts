import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Contact } from '../contacts/contact.entity.js';
import { appsOf } from '../contacts/contact-events.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { type NewEvent, type Snapshot, snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { withContacts } from './locked.js';

/** What the log tells of a person: the rows stay, so that cursors and deliveries keep their place. */
const ERASE_EVENTS = `
  UPDATE events SET payload = '{"erased": true}' WHERE project_id = $1 AND contact_id = $2`;

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
      await tx.query(ERASE_EVENTS, [projectId, id]);
      await tx.query(ERASE_RECEIPTS, [projectId, id]);
      await tx.query(DELETE, [projectId, id]);
      const contact = traceOf(contacts.get(id) as Contact);
      const events: NewEvent[] = [
        ...conversations.map((conversation): NewEvent => endOf(conversation)),
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

function traceOf(contact: Contact): Snapshot {
  const { projectId, id, externalId, createdAt } = contact;
  return {
    ...snapshotOf({ projectId, id, externalId, createdAt }),
    displayName: '',
    email: '',
    language: 'UNSPECIFIED',
    metadata: '',
    channelPriority: [],
    channelIdentities: [],
  };
}

function endOf(conversation: Conversation): NewEvent {
  const { projectId, appId, id, contactId, activeChannel } = conversation;
  const trace = {
    ...{ projectId, appId, id, contactId, activeChannel, active: false },
    ...{ metadata: '', metadataJson: null, correlationId: '', labels: [], assignee: null },
  };
  return {
    projectId,
    appId,
    kind: 'conversation.deleted',
    conversationId: id,
    contactId,
    payload: { conversation: trace },
  };
}
