import type { EntityManager } from 'typeorm';
import { queryRows } from '../../database/rows.js';
import type { Changes } from '../changes.js';
import { type ChannelMessage, messageKey } from './changes.js';

/** What befell a message that is not here yet. */
export interface EarlyChange extends ChannelMessage {
  changes: Changes;
}

const NAMED = `jsonb_to_recordset($1::jsonb) AS n("projectId" text, "appId" text, channel text, "channelMessageId" text)`;

const FIND = `
  SELECT e.project_id, e.app_id, e.channel, e.channel_message_id, e.changes
  FROM ${NAMED}
  JOIN early_changes e ON e.project_id = n."projectId" AND e.app_id = n."appId" AND e.channel = n.channel
    AND e.channel_message_id = n."channelMessageId"`;

const KEEP = `
  INSERT INTO early_changes (project_id, app_id, channel, channel_message_id, contact_id, changes, waits)
  SELECT n."projectId", n."appId", n.channel, n."channelMessageId", n."contactId", n.changes, n.waits
  FROM jsonb_to_recordset($1::jsonb)
    AS n("projectId" text, "appId" text, channel text, "channelMessageId" text, "contactId" text, changes jsonb, waits boolean)
  ORDER BY 1, 2, 3, 4
  ON CONFLICT (project_id, app_id, channel, channel_message_id)
    DO UPDATE SET changes = excluded.changes, waits = excluded.waits, at = now()`;

const MET = `
  UPDATE early_changes e SET waits = false
  FROM ${NAMED}
  WHERE e.project_id = n."projectId" AND e.app_id = n."appId" AND e.channel = n.channel
    AND e.channel_message_id = n."channelMessageId" AND e.waits`;

/** An hour: an answer that takes longer than that is lost, and the echo in its place looks by itself. */
const OVERDUE = `
  SELECT e.project_id, e.app_id, e.channel, e.channel_message_id, p.message_id, m.conversation_id
  FROM early_changes e
  JOIN message_parts p ON p.project_id = e.project_id AND p.app_id = e.app_id AND p.channel = e.channel
    AND p.channel_message_id = e.channel_message_id
  JOIN messages m ON m.project_id = p.project_id AND m.id = p.message_id
  WHERE e.waits AND e.at > now() - interval '1 hour'
  LIMIT 200`;

/** What is known of messages that are not here yet, by `messageKey`. */
export async function findEarlyChanges(
  tx: EntityManager,
  named: readonly ChannelMessage[],
): Promise<Map<string, Changes>> {
  if (named.length === 0) return new Map();
  const rows = await queryRows<EarlyChange>(tx, FIND, [JSON.stringify(named.map(nameOf))]);
  return new Map(rows.map((row) => [messageKey(row), row.changes]));
}

/** Keeps for a day what befell messages: `waits` for one that is not here yet, else for parts of it that may follow. */
export async function keepEarlyChanges(
  tx: EntityManager,
  kept: readonly (EarlyChange & { contactId: string; waits: boolean })[],
): Promise<void> {
  if (kept.length > 0) await tx.query(KEEP, [JSON.stringify(kept)]);
}

/** Their messages are here now. */
export async function meetEarlyChanges(tx: EntityManager, named: readonly ChannelMessage[]): Promise<void> {
  if (named.length > 0) await tx.query(MET, [JSON.stringify(named.map(nameOf))]);
}

/** Those whose message was sent by us and has its channel's id by now, each with its conversation. */
export async function findOverdueChanges(
  tx: Pick<EntityManager, 'query'>,
): Promise<(ChannelMessage & { conversationId: string })[]> {
  return queryRows(tx, OVERDUE);
}

function nameOf({ projectId, appId, channel, channelMessageId }: ChannelMessage): ChannelMessage {
  return { projectId, appId, channel, channelMessageId };
}
