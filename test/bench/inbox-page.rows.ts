import { randomBytes } from 'node:crypto';
import type pg from 'pg';

export interface InboxKey {
  projectId: string;
  appId: string;
}

/** The statement that the baseline serves: a page of 25 with contact and last message, latest activity first. */
export const PAGE = `
  SELECT c.id, c.status, c.unread_count, c.assignee, c.labels, c.last_activity,
    json_build_object('id', p.id, 'displayName', p.display_name) AS contact,
    json_build_object('id', m.id, 'direction', m.direction, 'status', m.status, 'acceptTime', m.accept_time, 'content', m.content) AS last_message
  FROM conversations c
  JOIN contacts p ON p.project_id = c.project_id AND p.id = c.contact_id
  LEFT JOIN messages m ON m.project_id = c.project_id AND m.id = c.last_message_id
  WHERE c.project_id = $1 AND c.app_id = $2
  ORDER BY c.last_activity DESC, c.id DESC
  LIMIT 25`;

/** A conversation's last message, and those before it. */
export const MESSAGES_EACH = 5;

/** Ids like ours, none of them taken: a prefix of the batch's own and a number. */
const ROWS = `CREATE TEMPORARY TABLE numbers ON COMMIT DROP AS
  SELECT $1 || 'C' || lpad(n::text, 9, '0') AS contact_id, $1 || 'V' || lpad(n::text, 9, '0') AS conversation_id,
    $1 || 'M' || lpad((n * ${MESSAGES_EACH})::text, 9, '0') AS message_id, n::text AS identity, n,
    now() - random() * interval '90 days' AS at, floor(random() * 4)::int AS unread
  FROM generate_series(1, $2::int) AS n`;

const INSERTS = [
  `INSERT INTO contacts (project_id, id, display_name, channel_priority, created_at, updated_at)
   SELECT $1, contact_id, 'Person ' || identity, '{MESSENGER}', at, at FROM numbers`,
  `INSERT INTO channel_identities (project_id, channel, app_id, identity, contact_id)
   SELECT $1, 'MESSENGER', $2, identity, contact_id FROM numbers`,
  `INSERT INTO conversations (project_id, id, app_id, contact_id, active_channel, last_received, unread_count, last_message_id,
     last_activity, last_contact_message_at, created_at, updated_at)
   SELECT $1, conversation_id, $2, contact_id, 'MESSENGER', at, unread, message_id, at, at, at, at FROM numbers`,
  `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, channel_message_id, content,
     sent_by, accept_time, channel_time)
   SELECT $1, id, $2, conversation_id, contact_id, 'TO_APP', 'MESSENGER', identity, 'm_' || id,
     jsonb_build_object('text_message', jsonb_build_object('text', 'Hello, is number ' || identity || ' still available in blue?')),
     'CONTACT', at, at
   FROM numbers, generate_series(0, ${MESSAGES_EACH - 1}) AS earlier,
     LATERAL (SELECT left(message_id, 17) || lpad((n * ${MESSAGES_EACH} - earlier)::text, 9, '0') AS id) AS ids`,
];

/** Fills an app's inbox with conversations of a few messages each. */
export async function addConversations(
  client: pg.Client,
  { projectId, appId }: InboxKey,
  count: number,
): Promise<void> {
  // 'Z' sorts behind the clock's ids and is still a letter of theirs.
  const prefix = `Z${randomBytes(8).toString('hex').slice(0, 15).toUpperCase()}`;
  await client.query('BEGIN');
  // The rows are right; checking each foreign key would take most of the time.
  await client.query('SET LOCAL session_replication_role = replica');
  await client.query(ROWS, [prefix, count]);
  for (const insert of INSERTS) {
    const values = insert.includes('$2') ? [projectId, appId] : [projectId];
    await client.query(insert, values);
  }
  await client.query('COMMIT');
  // What autovacuum would otherwise do in the middle of the measurement.
  await client.query('VACUUM (ANALYZE) contacts, channel_identities, conversations, messages');
  await client.query('CHECKPOINT');
}
