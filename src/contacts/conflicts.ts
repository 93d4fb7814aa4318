import { queryRows } from '../database/rows.js';
import { type Keyset, keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import type { EntityManager } from 'typeorm';

/** A phone number that different contacts have on different channels. Source: Conversation API, contacts:identityConflicts. */
export interface IdentityConflict {
  identity: string;
  channels: string[];
  contactIds: string[];
}

/** On one channel a number belongs to one contact: a key sees to that. */
function conflictsQuery({ backward, position }: Keyset): string {
  const [sign, order] = backward ? ['<', 'DESC'] : ['>', 'ASC'];
  return `
    SELECT identity, array_agg(DISTINCT channel ORDER BY channel) AS channels, array_agg(DISTINCT contact_id ORDER BY contact_id) AS contact_ids
    FROM channel_identities
    WHERE project_id = $1 AND channel IN ('SMS', 'MMS', 'RCS') ${position ? `AND identity ${sign} $3` : ''}
    GROUP BY identity HAVING count(DISTINCT contact_id) > 1
    ORDER BY identity ${order} LIMIT $2`;
}

export async function listConflicts(
  tx: Pick<EntityManager, 'query'>,
  projectId: string,
  request: PageRequest,
): Promise<Page<IdentityConflict>> {
  const keyset = keysetOf(request, 1);
  const rows = await queryRows<IdentityConflict>(tx, conflictsQuery(keyset), [
    projectId,
    keyset.limit + 1,
    ...(keyset.position ?? []),
  ]);
  return pageOf(rows, keyset, ({ identity }) => [identity]);
}
