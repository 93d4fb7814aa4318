import type { EntityManager } from 'typeorm';
import type { InboundReceipt } from '../../channels/channel.js';
import type { Sourced } from './batch.js';
import type { ReceiptTarget } from './receipts.js';

const RECEIPTS = `jsonb_to_recordset($1::jsonb) AS r("projectId" text, "appId" text, channel text, identity text, "conversationIds" jsonb, watermark timestamptz, "channelMessageIds" jsonb)`;

/** Whether something of ours is on its way to the person of `r`. */
const UNDER_WAY = `
  FROM jsonb_array_elements_text(r."conversationIds") AS place
  JOIN sends s ON s.project_id = r."projectId" AND s.conversation_id = place AND s.attempt_at IS NOT NULL
  WHERE true`;

/**
 * A receipt may overtake the answer of its send, or the echo of what others of the business sent. It is kept by channel id, where that is
 * not known yet; a watermark by the person, and by our own id of the sends that it may be about.
 */
const KEEP = `
  WITH kept AS (
    SELECT r."projectId", r."appId", r.channel, mid AS id, now() AS at
    FROM ${RECEIPTS} CROSS JOIN LATERAL jsonb_array_elements_text(r."channelMessageIds") AS mid
    WHERE EXISTS (SELECT ${UNDER_WAY})
      OR NOT EXISTS (SELECT FROM message_parts p
          WHERE p.project_id = r."projectId" AND p.app_id = r."appId" AND p.channel = r.channel AND p.channel_message_id = mid)
        AND NOT EXISTS (SELECT FROM messages m
          WHERE m.project_id = r."projectId" AND m.app_id = r."appId" AND m.channel = r.channel AND m.channel_message_id = mid)
    UNION ALL
    SELECT r."projectId", r."appId", r.channel, $2 || ' ' || r.identity, least(r.watermark, now() + interval '1 day')
    FROM ${RECEIPTS} WHERE r.watermark IS NOT NULL
    UNION ALL
    SELECT r."projectId", r."appId", r.channel, sent.id, least(r.watermark, now() + interval '1 day')
    FROM ${RECEIPTS} CROSS JOIN LATERAL (
      SELECT s.message_id AS id ${UNDER_WAY} AND date_trunc('milliseconds', s.attempt_at) <= r.watermark
    ) sent
  )
  INSERT INTO early_receipts (project_id, app_id, channel, channel_message_id, status, at)
  SELECT "projectId", "appId", channel, id, $2, max(at) FROM kept
  GROUP BY 1, 2, 3, 4
  ORDER BY 1, 2, 3, 4
  ON CONFLICT (project_id, app_id, channel, channel_message_id)
    DO UPDATE SET status = greatest(early_receipts.status, excluded.status), at = greatest(early_receipts.at, excluded.at)`;

/** The furthest status that is known of a row `m` which is about to be inserted; no row when none is. */
export const EARLIER_RECEIPT = `
  SELECT e.status FROM early_receipts e
  WHERE e.project_id = m."projectId" AND e.app_id = m."appId" AND e.channel = m.channel AND (
    e.channel_message_id = m."channelMessageId"
    OR e.channel_message_id IN ('DELIVERED ' || m.identity, 'READ ' || m.identity) AND e.at >= m."channelTime")
  ORDER BY e.status DESC LIMIT 1`;

/** Remembers for a day what receipts say of messages that are still to come. Call it after `applyReceipts`. */
export async function keepReceipts(
  tx: EntityManager,
  receipts: readonly (Sourced<InboundReceipt> | ReceiptTarget)[],
  status: InboundReceipt['status'],
): Promise<void> {
  const given = receipts.filter((receipt) => receipt.status === status);
  if (given.length > 0) await tx.query(KEEP, [JSON.stringify(given), status]);
}
