import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';
import type { Send } from './claim.js';

type Queries = Pick<EntityManager, 'query'>;

/** Of our own messages the channel knows the payloads, of which the last one stands for the message. */
const QUOTED = `
  SELECT coalesce(m.channel_message_id, (
    SELECT p.channel_message_id FROM message_parts p
    WHERE p.project_id = m.project_id AND p.message_id = m.id AND p.channel = m.channel ORDER BY p.part DESC LIMIT 1)) AS id
  FROM messages m
  WHERE m.project_id = $1 AND m.id = $2 AND m.app_id = $3 AND m.channel = $4 AND m.conversation_id = coalesce($5, m.conversation_id)`;

const HEARD = `
  SELECT least(m.channel_time, m.accept_time) AS at FROM messages m
  WHERE m.project_id = $1 AND m.conversation_id = $2 AND m.channel = $3 AND m.direction = 'TO_APP'
  ORDER BY m.id DESC LIMIT 1`;

/** Where a message is quoted; a preview knows no conversation. */
export interface Quoting {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
  conversationId: string | null;
}

/** The channel's id of a message there; undefined when the channel never had it. */
export async function quotedOn(tx: Queries, where: Quoting, messageId: string): Promise<string | undefined> {
  const { projectId, appId, channel, conversationId } = where;
  const values = [projectId, messageId, appId, channel, conversationId];
  const [row] = await queryRows<{ id: string | null }>(tx, QUOTED, values);
  return row?.id ?? undefined;
}

/** When the person last wrote on the send's channel; null when they never did. */
export async function lastHeardOn(tx: Queries, send: Send): Promise<Date | null> {
  const { projectId, conversationId, channel } = send;
  const [row] = await queryRows<{ at: Date }>(tx, HEARD, [projectId, conversationId, channel]);
  return row?.at ?? null;
}
