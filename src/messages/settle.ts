import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import type { Message } from './message.entity.js';

/** A payload of ours that the channel has taken, known from its answer or from its echo. */
export interface SettledPart {
  projectId: string;
  messageId: string;
  part: number;
  channelMessageId: string | null;
  /** The channel's own time of it, or when the call began. */
  at: Date;
}

const PARTS = `jsonb_to_recordset($1::jsonb) AS p("projectId" text, "messageId" text, part int, "channelMessageId" text, at timestamptz)`;

/** Answer and echo may come in any order, so both do the same and the second finds it done. */
const REMEMBER = prepared(`
  INSERT INTO message_parts (project_id, app_id, channel, channel_message_id, message_id, part)
  SELECT m.project_id, m.app_id, m.channel, p."channelMessageId", m.id, p.part
  FROM ${PARTS} JOIN messages m ON m.project_id = p."projectId" AND m.id = p."messageId"
  WHERE p."channelMessageId" IS NOT NULL
  ON CONFLICT DO NOTHING`);

const ADVANCE = prepared(`
  UPDATE sends s SET parts_sent = greatest(s.parts_sent, p.sent), attempts = 0, failing_since = NULL,
    next_attempt_at = CASE WHEN s.attempt_by IS NULL THEN now() ELSE s.next_attempt_at END
  FROM (SELECT p."projectId", p."messageId", max(p.part) + 1 AS sent FROM ${PARTS} GROUP BY 1, 2) p
  WHERE s.project_id = p."projectId" AND s.message_id = p."messageId"
    AND s.conversation_id = (SELECT m.conversation_id FROM messages m WHERE m.project_id = p."projectId" AND m.id = p."messageId")`);

const COMPLETE = prepared(`
  DELETE FROM sends s USING messages m
  WHERE m.project_id = s.project_id AND m.id = s.message_id AND s.conversation_id = m.conversation_id
    AND (m.project_id, m.id) IN (SELECT p."projectId", p."messageId" FROM ${PARTS})
    AND s.parts_sent >= s.parts
  RETURNING s.project_id, s.message_id`);

/** A receipt that overtook this counts now: one that names the last payload, or a watermark past it. */
const ON_CHANNEL = prepared(`
  UPDATE messages m SET
    status = coalesce((
      SELECT e.status FROM early_receipts e
      WHERE e.project_id = m.project_id AND e.app_id = m.app_id AND e.channel = m.channel AND (
        (e.channel_message_id = m.id AND e.at >= p.at) OR e.channel_message_id IN (
          SELECT mp.channel_message_id FROM message_parts mp WHERE mp.project_id = m.project_id AND mp.message_id = m.id
            AND mp.part = (SELECT max(part) FROM message_parts WHERE project_id = m.project_id AND message_id = m.id)))
      ORDER BY e.status DESC LIMIT 1), 'QUEUED_ON_CHANNEL'),
    reason = NULL,
    channel_time = greatest(m.channel_time, p.at)
  FROM (SELECT p."projectId", p."messageId", max(p.at) AS at FROM ${PARTS} GROUP BY 1, 2) p
  WHERE m.project_id = p."projectId" AND m.id = p."messageId" AND m.status IN ('QUEUED', 'SWITCHING_CHANNEL')
    AND (m.project_id, m.id) IN (SELECT d."projectId", d."messageId" FROM jsonb_to_recordset($2::jsonb) AS d("projectId" text, "messageId" text))
  RETURNING m.*`);

/** The channel's own time is better than ours, for receipts by watermark compare with it. */
const CLOCK = `
  UPDATE messages m SET channel_time = p.at
  FROM (SELECT p."projectId", p."messageId", max(p.at) AS at FROM ${PARTS} GROUP BY 1, 2) p
  WHERE m.project_id = p."projectId" AND m.id = p."messageId" AND m.status IN ('QUEUED', 'SWITCHING_CHANNEL', 'QUEUED_ON_CHANNEL')`;

/**
 * Records payloads as taken; the messages whose last payload that was are on the channel now, and are returned.
 * The conversations concerned must be locked.
 */
export async function settleParts(
  tx: EntityManager,
  parts: SettledPart[],
  clock: 'channel' | 'ours',
): Promise<Message[]> {
  if (parts.length === 0) return [];
  const given = JSON.stringify(parts);
  await tx.query(REMEMBER, [given]);
  await tx.query(ADVANCE, [given]);
  const complete = await queryRows<{ projectId: string; messageId: string }>(tx, COMPLETE, [given]);
  const messages =
    complete.length > 0 ? await queryRows<Message>(tx, ON_CHANNEL, [given, JSON.stringify(complete)]) : [];
  if (clock === 'channel') await tx.query(CLOCK, [given]);
  return messages;
}
