import type { EntityManager } from 'typeorm';
import type { Conversation } from '../conversations/conversation.entity.js';
import { firstUnreadOf, unreadOf } from '../conversations/unread.js';
import { queryRows } from '../database/rows.js';

/** A conversation of the source becomes part of one of the destination's. */
export interface Joint {
  from: string;
  into: string;
}

/** Of each pair of active conversations with the same app, the source's goes into the destination's. */
export function jointsOf(
  conversations: readonly Conversation[],
  sourceId: string,
  destinationId: string,
): Joint[] {
  const active = conversations.filter((conversation) => conversation.active);
  return active.flatMap(({ id: from, appId, contactId }) => {
    if (contactId !== sourceId) return [];
    const into = active.find((other) => other.contactId === destinationId && other.appId === appId);
    return into ? [{ from, into: into.id }] : [];
  });
}

/** A message that is leaving right now still belongs where its sender took it from. */
export class MessageLeaving extends Error {
  override readonly name = 'MessageLeaving';
}

const JOINTS = `jsonb_to_recordset($2::jsonb) AS j("from" text, "into" text)`;

const SENDS = `
  SELECT s.attempt_by FROM sends s JOIN ${JOINTS} ON s.conversation_id = j."from" WHERE s.project_id = $1
  FOR UPDATE OF s`;

/** In this order: a lane is moved with the messages it holds. */
const MOVE = ['messages', 'conversation_events', 'sends', 'event_sends', 'notes'].map(
  (table) => `
  UPDATE ${table} t SET conversation_id = j."into" FROM ${JOINTS} WHERE t.project_id = $1 AND t.conversation_id = j."from"`,
);

/** The first message of either side that nobody has read. */
const FIRST_UNREAD = `
  SELECT j."from", j."into", min(${firstUnreadOf('c')}) AS "firstUnread" FROM ${JOINTS}
  JOIN conversations c ON c.project_id = $1 AND c.id IN (j."from", j."into")
  GROUP BY 1, 2`;

/**
 * What has been read is known by the last one: the mark goes right before the first unread message of either side, so that nothing
 * unread is taken for read. What one side had read after that is unread again.
 */
const JOIN = `
  UPDATE conversations d SET
    read_up_to_message_id = CASE
      WHEN j."firstUnread" IS NULL THEN greatest(d.read_up_to_message_id, s.read_up_to_message_id)
      ELSE (SELECT max(m.id) FROM messages m WHERE m.project_id = $1 AND m.conversation_id = d.id AND m.id < j."firstUnread") END,
    read_at = greatest(d.read_at, s.read_at),
    active_channel = CASE WHEN s.last_message_id > coalesce(d.last_message_id, '') THEN s.active_channel ELSE d.active_channel END,
    last_message_id = greatest(d.last_message_id, s.last_message_id),
    last_received = greatest(d.last_received, s.last_received),
    last_activity = greatest(d.last_activity, s.last_activity),
    last_contact_message_at = greatest(d.last_contact_message_at, s.last_contact_message_at),
    status = CASE WHEN s.status = 'OPEN' AND s.unread_count > 0 THEN 'OPEN' ELSE d.status END,
    snoozed_until = CASE WHEN s.status = 'OPEN' AND s.unread_count > 0 THEN NULL ELSE d.snoozed_until END,
    assignee = coalesce(d.assignee, s.assignee),
    labels = d.labels || ARRAY(SELECT l FROM unnest(s.labels) AS l WHERE l <> ALL (d.labels)),
    metadata = coalesce(nullif(d.metadata, ''), s.metadata),
    metadata_json = coalesce(d.metadata_json, s.metadata_json),
    correlation_id = coalesce(nullif(d.correlation_id, ''), s.correlation_id),
    updated_at = now()
  FROM jsonb_to_recordset($2::jsonb) AS j("from" text, "into" text, "firstUnread" text)
  JOIN conversations s ON s.project_id = $1 AND s.id = j."from"
  WHERE d.project_id = $1 AND d.id = j."into"`;

const COUNT_UNREAD = `
  UPDATE conversations d SET unread_count = ${unreadOf('d')} FROM ${JOINTS} WHERE d.project_id = $1 AND d.id = j."into"`;

const REMOVE = `
  DELETE FROM conversations s USING ${JOINTS} WHERE s.project_id = $1 AND s.id = j."from" RETURNING s.*`;

const EVENTS = `
  UPDATE events e SET contact_id = $4, conversation_id = coalesce(
    (SELECT j."into" FROM ${JOINTS} WHERE j."from" = e.conversation_id), e.conversation_id)
  WHERE e.project_id = $1 AND e.contact_id = $3`;

const PASS = ['messages', 'conversation_events'].map(
  (table) => `
  UPDATE ${table} t SET contact_id = $3
  FROM conversations c WHERE c.project_id = $1 AND c.contact_id = $2 AND t.project_id = $1 AND t.conversation_id = c.id`,
);

const PASS_CONVERSATIONS = `
  UPDATE conversations SET contact_id = $3, updated_at = now() WHERE project_id = $1 AND contact_id = $2`;

/** What is known of messages that have not come yet. */
const PASS_EARLY = `UPDATE early_changes SET contact_id = $3 WHERE project_id = $1 AND contact_id = $2`;

const OF = `SELECT * FROM conversations WHERE project_id = $1 AND id = ANY($2) ORDER BY id`;

/** The source's conversations as the destination's: which have changed, and which have become part of another. */
export interface MovedConversations {
  changed: Conversation[];
  removed: Conversation[];
}

/**
 * Gives the source's conversations to the destination; they must be locked, and so must the contacts.
 * @throws MessageLeaving
 */
export async function moveConversations(
  tx: EntityManager,
  projectId: string,
  conversations: readonly Conversation[],
  [sourceId, destinationId]: [string, string],
): Promise<MovedConversations> {
  const joints = jointsOf(conversations, sourceId, destinationId);
  const joined = [projectId, JSON.stringify(joints)];
  const passed = [projectId, sourceId, destinationId];
  const sends = await queryRows<{ attemptBy: string | null }>(tx, SENDS, joined);
  if (sends.some(({ attemptBy }) => attemptBy !== null)) throw new MessageLeaving();
  // While the conversations are still the source's: afterwards nobody knows whose the messages were.
  for (const statement of PASS) await tx.query(statement, passed);
  const marked = await queryRows(tx, FIRST_UNREAD, joined);
  for (const statement of MOVE) await tx.query(statement, joined);
  await tx.query(JOIN, [projectId, JSON.stringify(marked)]);
  await tx.query(COUNT_UNREAD, joined);
  const removed = await queryRows<Conversation>(tx, REMOVE, joined);
  await tx.query(PASS_CONVERSATIONS, passed);
  await tx.query(PASS_EARLY, passed);
  await tx.query(EVENTS, [...joined, sourceId, destinationId]);
  const gone = new Set(joints.map(({ from }) => from));
  const touched = new Set(joints.map(({ into }) => into));
  const ids = conversations
    .filter(({ id, contactId }) => !gone.has(id) && (contactId === sourceId || touched.has(id)))
    .map(({ id }) => id);
  return { changed: await queryRows<Conversation>(tx, OF, [projectId, ids]), removed };
}
