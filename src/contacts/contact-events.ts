import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { type EventKind, type NewEvent, type Snapshot, snapshotOf } from '../events/event.js';
import type { Contact } from './contact.entity.js';
import { readIdentities } from './identities.js';

type ContactEventKind = Extract<EventKind, 'contact.created' | 'contact.updated' | 'contact.deleted'>;

/** The apps that contacts have to do with: their logs tell of them. */
const APPS_OF = `
  SELECT DISTINCT k.contact_id, a.id AS app_id
  FROM unnest($2::text[]) AS k(contact_id)
  CROSS JOIN LATERAL (
    SELECT i.app_id FROM channel_identities i WHERE i.project_id = $1 AND i.contact_id = k.contact_id
    UNION SELECT c.app_id FROM conversations c WHERE c.project_id = $1 AND c.contact_id = k.contact_id
  ) met
  JOIN apps a ON a.project_id = $1 AND a.id = met.app_id
  ORDER BY 1, 2`;

/** The apps of each contact, by its id. */
export async function appsOf(
  tx: EntityManager,
  projectId: string,
  contactIds: readonly string[],
): Promise<Map<string, string[]>> {
  const rows = await queryRows<{ contactId: string; appId: string }>(tx, APPS_OF, [projectId, contactIds]);
  const byContact = Map.groupBy(rows, (row) => row.contactId);
  return new Map(contactIds.map((id) => [id, (byContact.get(id) ?? []).map((row) => row.appId)]));
}

/** Contacts as the log keeps them, with their identities; in the order of `contacts`. */
export async function contactSnapshots(
  tx: EntityManager,
  projectId: string,
  contacts: readonly Contact[],
): Promise<Snapshot[]> {
  const identities = await readIdentities(
    tx,
    projectId,
    contacts.map(({ id }) => id),
  );
  return contacts.map((contact, index) => ({
    ...snapshotOf(contact),
    channelIdentities: identities[index] ?? [],
  }));
}

/** What happened to contacts, for the log of each app that they have to do with. */
export async function contactEvents(
  tx: EntityManager,
  kind: ContactEventKind,
  projectId: string,
  contacts: readonly Contact[],
): Promise<NewEvent[]> {
  const apps = await appsOf(
    tx,
    projectId,
    contacts.map(({ id }) => id),
  );
  const snapshots = await contactSnapshots(tx, projectId, contacts);
  return contacts.flatMap(({ id }, index) =>
    (apps.get(id) ?? []).map((appId): NewEvent => ({
      projectId,
      appId,
      kind,
      contactId: id,
      payload: { contact: snapshots[index] ?? {} },
    })),
  );
}
