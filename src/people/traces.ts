// What stays of a person who is erased: ids and the customer's own key, so that others can erase their copies.
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { EventPayloads, Snapshot } from '../events/event.js';

/** Kinds that say that something is gone: whoever has not been told yet must still be. */
type GoneKind = 'contact.merged' | 'conversation.deleted';

type Gone = { [K in GoneKind]: { kind: K; payload: EventPayloads[K] } }[GoneKind];

type StoredGone = Gone & { appId: string; xact: string; seq: string; at: string };

const GONE = `
  SELECT app_id, xact::text, seq::text, at::text, kind, payload FROM events
  WHERE project_id = $1 AND contact_id = $2 AND kind IN ('contact.merged', 'conversation.deleted') AND NOT payload ? 'erased'`;

/** The rows stay, so that cursors and deliveries keep their place. */
const ERASE = `
  UPDATE events SET payload = '{"erased": true}'
  WHERE project_id = $1 AND contact_id = $2 AND kind NOT IN ('contact.merged', 'conversation.deleted')`;

const KEEP = `
  UPDATE events e SET payload = t.payload
  FROM jsonb_to_recordset($2::jsonb) AS t(app_id text, xact text, seq text, at timestamptz, payload jsonb)
  WHERE e.project_id = $1 AND e.app_id = t.app_id AND e.xact = t.xact::xid8 AND e.seq = t.seq::bigint AND e.at = t.at`;

/** Erases what the log tells of a person. */
export async function eraseContactInLog(tx: EntityManager, projectId: string, id: string): Promise<void> {
  await tx.query(ERASE, [projectId, id]);
  const gone = await queryRows<StoredGone>(tx, GONE, [projectId, id]);
  if (gone.length === 0) return;
  const kept = gone.map((event) => {
    const { appId: app_id, xact, seq, at } = event;
    return { app_id, xact, seq, at, payload: tracesOf(event) };
  });
  await tx.query(KEEP, [projectId, JSON.stringify(kept)]);
}

function tracesOf(event: Gone): Gone['payload'] {
  if (event.kind === 'conversation.deleted')
    return { conversation: conversationTrace(event.payload.conversation) };
  const { preserved, deleted } = event.payload;
  return { preserved: contactTrace(preserved), deleted: contactTrace(deleted) };
}

export function contactTrace({ projectId, id, externalId, createdAt, updatedAt }: Snapshot): Snapshot {
  return {
    ...{ projectId, id, externalId, createdAt, updatedAt },
    ...{ displayName: '', email: '', language: 'UNSPECIFIED', metadata: '' },
    ...{ channelPriority: [], channelIdentities: [] },
  };
}

export function conversationTrace({ projectId, appId, id, contactId, activeChannel }: Snapshot): Snapshot {
  return {
    ...{ projectId, appId, id, contactId, activeChannel, active: false },
    ...{ metadata: '', metadataJson: null, correlationId: '', labels: [], assignee: null },
  };
}
