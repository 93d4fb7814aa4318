import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { isAfter, ORIGIN } from '../events/cursor.js';
import type { EventKind, Position } from '../events/event.js';
import type { Expiry } from './expiry.js';

/** Events of one statement: a transaction that takes long holds back everybody who follows the log. */
const BATCH = 1_000;
/** What is left of an event is its place, so that cursors and deliveries keep theirs. */
const ERASED = `'{"erased": true}'::jsonb`;

type Queries = Pick<EntityManager, 'query'>;

/** Kinds that tell what was said or done in conversations. */
const TOLD: EventKind[] = [
  'message.added',
  'message.updated',
  'message.submitted',
  'event.added',
  'event.updated',
  'channel.unsupported',
];

/** Kinds that tell it of nobody whom we know. */
const TOLD_OF_NOBODY: EventKind[] = ['channel.unsupported', 'channel.ignored'];

const OF_MESSAGES = `
  UPDATE events SET payload = ${ERASED}
  WHERE project_id = $1 AND kind IN ('message.added', 'message.updated', 'message.submitted')
    AND payload -> 'message' ->> 'id' = ANY($2)`;

/** Found by the contacts: that has an index. */
const OF_EVENTS = `
  UPDATE events SET payload = ${ERASED}
  WHERE project_id = $1 AND contact_id = ANY($2) AND kind IN ('event.added', 'event.updated') AND payload -> 'event' ->> 'id' = ANY($3)`;

const OF_CONVERSATIONS = `
  WITH told AS (
    SELECT app_id, xact, seq, at FROM events
    WHERE project_id = $1 AND contact_id = ANY($2) AND conversation_id = ANY($3) AND payload <> ${ERASED}
    LIMIT ${BATCH})
  UPDATE events e SET payload = ${ERASED} FROM told
  WHERE e.project_id = $1 AND e.app_id = told.app_id AND e.xact = told.xact AND e.seq = told.seq AND e.at = told.at
  RETURNING e.id`;

const OLD = `
  WITH old AS (
    SELECT xact, seq, at FROM events
    WHERE project_id = $1 AND app_id = $2 AND at < $3 AND (xact, seq) > ($4::xid8, $5::bigint) AND payload <> ${ERASED}
      AND (kind = ANY($6) OR conversation_id IS NULL AND kind = ANY($7))
    ORDER BY events.xact, events.seq LIMIT ${BATCH})
  UPDATE events e SET payload = ${ERASED} FROM old
  WHERE e.project_id = $1 AND e.app_id = $2 AND e.xact = old.xact AND e.seq = old.seq AND e.at = old.at
  RETURNING e.xact::text, e.seq::text`;

/** Erases what the log tells of messages, whenever it did. */
export async function eraseMessagesInLog(
  tx: Queries,
  projectId: string,
  messageIds: readonly string[],
): Promise<void> {
  await tx.query(OF_MESSAGES, [projectId, messageIds]);
}

/** Erases what the log tells of events beside messages, whenever it did. */
export async function eraseEventsInLog(
  tx: Queries,
  projectId: string,
  events: readonly { id: string; contactId: string }[],
): Promise<void> {
  const contactIds = [...new Set(events.map(({ contactId }) => contactId))];
  await tx.query(OF_EVENTS, [projectId, contactIds, events.map(({ id }) => id)]);
}

/** Erases some of what the log tells of conversations with these contacts. False when there is no more. */
export async function eraseConversationsInLog(
  tx: Queries,
  projectId: string,
  conversations: readonly { id: string; contactId: string }[],
): Promise<boolean> {
  const contactIds = [...new Set(conversations.map(({ contactId }) => contactId))];
  const ids = conversations.map(({ id }) => id);
  return (await queryRows(tx, OF_CONVERSATIONS, [projectId, contactIds, ids])).length === BATCH;
}

/**
 * Erases some of what the log told too long ago, after a position.
 * @param of `messages`: whatever was said; `nobody`: only what belongs to no conversation.
 * @returns where to go on; null when there is no more.
 */
export async function eraseOldInLog(
  tx: Queries,
  { projectId, appId, before }: Expiry,
  of: 'messages' | 'nobody',
  after: Position = ORIGIN,
): Promise<Position | null> {
  const kinds = of === 'messages' ? TOLD : [];
  const values = [projectId, appId, before, String(after.xact), String(after.seq), kinds, TOLD_OF_NOBODY];
  const rows = await queryRows<{ xact: string; seq: string }>(tx, OLD, values);
  if (rows.length < BATCH) return null;
  const places = rows.map(({ xact, seq }) => ({ xact: BigInt(xact), seq: BigInt(seq) }));
  return places.reduce((last, place) => (isAfter(place, last) ? place : last));
}
