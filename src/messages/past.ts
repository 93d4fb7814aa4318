// Messages that were said before and elsewhere: they are stored where they belong in time, and make nothing new.
import type { EntityManager } from 'typeorm';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import { activitiesOf } from './activity.js';
import { type Inserted, insertReceived, type MessageRow } from './insert.js';

const INJECTED = `UPDATE messages SET injected = true WHERE project_id = $1 AND id = ANY($2)`;

/** History counts as read, opens nothing again, and where nothing was said later, it gives the time. */
const TOUCH = `
  UPDATE conversations c SET
    last_activity = CASE WHEN c.last_message_id IS NULL THEN a.at ELSE greatest(c.last_activity, a.at) END,
    last_received = CASE WHEN c.last_message_id IS NULL THEN a.at ELSE greatest(c.last_received, a.at) END,
    last_message_id = greatest(c.last_message_id, a."lastMessageId"),
    active_channel = CASE WHEN c.active_channel = 'CHANNEL_UNSPECIFIED' THEN a.channel ELSE c.active_channel END,
    last_contact_message_at = greatest(c.last_contact_message_at, a."contactMessageAt"),
    updated_at = now()
  FROM jsonb_to_recordset($1::jsonb) AS a("projectId" text, id text, "lastMessageId" text, at timestamptz, channel text, "contactMessageAt" timestamptz)
  WHERE c.project_id = a."projectId" AND c.id = a.id
  RETURNING c.*`;

/**
 * Stores messages of one project whose ids are made of the times at which they were said. Those that are here already are left out.
 * Their conversations must be locked, and are brought up to date in `conversations`.
 */
export async function insertPast(
  tx: EntityManager,
  projectId: string,
  rows: MessageRow[],
  conversations: Map<string, Conversation>,
): Promise<Inserted> {
  const { messages, early } = await insertReceived(tx, rows);
  if (messages.length === 0) return { messages, early };
  await tx.query(INJECTED, [projectId, messages.map(({ id }) => id)]);
  for (const conversation of await queryRows<Conversation>(tx, TOUCH, [
    JSON.stringify(activitiesOf(messages)),
  ]))
    conversations.set(conversation.id, conversation);
  return { messages: messages.map((message) => ({ ...message, injected: true })), early };
}
