import type { EntityManager } from 'typeorm';
import type { InboundReceipt } from '../../channels/channel.js';
import type { ConversationKey } from '../../conversations/activity.js';
import { queryRows } from '../../database/rows.js';
import type { Message } from '../message.entity.js';
import { PREDECESSORS } from '../status.js';
import type { Sourced } from './batch.js';

export interface ReceiptTarget extends Sourced<InboundReceipt> {
  contactId: string;
  /** Those of the person that it may concern. */
  conversationIds: string[];
}

/** The person's active conversation, and stopped ones in which something of ours is still under way. */
const FIND = `
  SELECT r.index, c.project_id, c.contact_id, c.id
  FROM jsonb_to_recordset($1::jsonb) AS r(index int, "projectId" text, "appId" text, channel text, identity text)
  JOIN channel_identities i ON i.project_id = r."projectId" AND i.channel = r.channel AND i.app_id IN ('', r."appId") AND i.identity = r.identity
  JOIN conversations c ON c.project_id = i.project_id AND c.contact_id = i.contact_id AND c.app_id = r."appId"
  WHERE c.active
    OR EXISTS (SELECT FROM sends s WHERE s.project_id = c.project_id AND s.conversation_id = c.id)
    OR EXISTS (SELECT FROM messages m WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND m.status IN ('QUEUED_ON_CHANNEL', 'DELIVERED'))
  UNION ALL
  SELECT r.index, l.project_id, l.conversation_id, l.conversation_id
  FROM jsonb_to_recordset($1::jsonb) AS r(index int, "projectId" text, "appId" text, channel text, identity text)
  JOIN dispatch_lanes l ON l.project_id = r."projectId" AND l.app_id = r."appId" AND l.channel = r.channel AND l.identity = r.identity`;

export interface Receivers {
  targets: ReceiptTarget[];
  /** With those of strangers. */
  all: (Sourced<InboundReceipt> | ReceiptTarget)[];
  conversations: ConversationKey[];
}

/** Whom receipts are of, as far as we know them, and the conversations that they may concern. */
export async function findReceiptTargets(
  tx: Pick<EntityManager, 'query'>,
  receipts: Sourced<InboundReceipt>[],
): Promise<Receivers> {
  if (receipts.length === 0) return { targets: [], all: [], conversations: [] };
  const asked = receipts.map(({ projectId, appId, channel, identity }, index) => ({
    index,
    projectId,
    appId,
    channel,
    identity,
  }));
  const rows = await queryRows<ConversationKey & { index: number; contactId: string }>(tx, FIND, [
    JSON.stringify(asked),
  ]);
  const found = Map.groupBy(rows, ({ index }) => index);
  // A person may be known as a contact and in DISPATCH mode.
  const all = receipts.flatMap((receipt, index): Receivers['all'] => {
    const byContact = Map.groupBy(found.get(index) ?? [], ({ contactId }) => contactId);
    if (byContact.size === 0) return [receipt];
    return [...byContact].map(([contactId, theirs]) => ({
      ...receipt,
      contactId,
      conversationIds: theirs.map(({ id }) => id),
    }));
  });
  return {
    targets: all.filter((receipt): receipt is ReceiptTarget => 'contactId' in receipt),
    all,
    conversations: rows,
  };
}

const RECEIPTS = `jsonb_to_recordset($1::jsonb) AS r("projectId" text, "appId" text, channel text, "conversationIds" jsonb, watermark timestamptz, "channelMessageIds" jsonb)`;

/** Messages named by id, of which a message of several payloads counts by its last one, and everything up to the watermark. */
const MOVE = `
  WITH named AS (
    SELECT coalesce(p.message_id, m.id) AS id, r."projectId" AS project_id
    FROM ${RECEIPTS}
    CROSS JOIN LATERAL jsonb_array_elements_text(r."channelMessageIds") AS mid
    LEFT JOIN message_parts p ON p.project_id = r."projectId" AND p.app_id = r."appId" AND p.channel = r.channel AND p.channel_message_id = mid
      AND p.part = (SELECT max(other.part) FROM message_parts other WHERE other.project_id = p.project_id AND other.message_id = p.message_id)
    LEFT JOIN messages m ON m.project_id = r."projectId" AND m.app_id = r."appId" AND m.channel = r.channel AND m.channel_message_id = mid
  ), passed AS (
    SELECT m.id, m.project_id
    FROM ${RECEIPTS}
    CROSS JOIN LATERAL jsonb_array_elements_text(r."conversationIds") AS place
    JOIN messages m ON m.project_id = r."projectId" AND m.conversation_id = place AND m.channel = r.channel
      AND m.status IN ('QUEUED_ON_CHANNEL', 'DELIVERED') AND m.channel_time <= r.watermark
    WHERE r.watermark IS NOT NULL
  )
  UPDATE messages m SET status = $2
  FROM (SELECT project_id, id FROM named WHERE id IS NOT NULL UNION SELECT project_id, id FROM passed) t
  WHERE m.project_id = t.project_id AND m.id = t.id AND m.direction = 'TO_CONTACT' AND m.status = ANY($3)
    AND m.conversation_id = ANY($4)
    AND NOT EXISTS (SELECT FROM sends s WHERE s.project_id = m.project_id AND s.conversation_id = m.conversation_id AND s.message_id = m.id)
  RETURNING m.*`;

/** Moves statuses forward, never back. Returns what changed, in order of the messages. `conversations` must be locked. */
export async function applyReceipts(
  tx: EntityManager,
  receipts: ReceiptTarget[],
  conversations: ConversationKey[],
  status: 'DELIVERED' | 'READ',
): Promise<Message[]> {
  const given = receipts.filter((receipt) => receipt.status === status);
  if (given.length === 0) return [];
  const rows = JSON.stringify(given);
  const locked = conversations.map(({ id }) => id);
  const moved = await queryRows<Message>(tx, MOVE, [rows, status, PREDECESSORS[status], locked]);
  return moved.sort((a, b) => (a.id < b.id ? -1 : 1));
}
