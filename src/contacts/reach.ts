import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';

/**
 * Condition on contacts as `c`: they have a conversation with one of the apps, or an identity of it. Both are looked up by contact
 * (conversations_contact, channel_identities_contact), of which a person has few.
 */
export function metByApps(apps: string): string {
  return `(EXISTS (SELECT FROM channel_identities i WHERE i.project_id = c.project_id AND i.contact_id = c.id AND i.app_id = ANY(${apps}::text[]))
    OR EXISTS (SELECT FROM conversations v WHERE v.project_id = c.project_id AND v.contact_id = c.id AND v.app_id = ANY(${apps}::text[])))`;
}

const MET = `SELECT c.id FROM contacts c WHERE c.project_id = $1 AND c.id = ANY($2) AND ${metByApps('$3')}`;

/** Those of the contacts that have to do with one of the apps. */
export async function metOf(
  tx: Pick<EntityManager, 'query'>,
  projectId: string,
  contactIds: readonly string[],
  appIds: readonly string[],
): Promise<Set<string>> {
  const rows = await queryRows<{ id: string }>(tx, MET, [projectId, contactIds, appIds]);
  return new Set(rows.map(({ id }) => id));
}
