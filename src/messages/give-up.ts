import type { EntityManager } from 'typeorm';
import { reason, type Reason } from '../content/reason.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import type { Send } from './claim.js';
import type { ChannelAddress } from './command.js';
import type { Message } from './message.entity.js';

/** A send is only given up by who has it: whoever claimed it, or whoever found it unclaimed. */
const OURS = `project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by IS NOT DISTINCT FROM $4 AND switches = $5`;

const STANDING = `SELECT parts_sent FROM sends WHERE ${OURS} FOR NO KEY UPDATE`;

const FAIL = `
  WITH gone AS (DELETE FROM sends WHERE ${OURS} RETURNING message_id)
  UPDATE messages SET status = 'FAILED', reason = $6::jsonb
  WHERE project_id = $1 AND id = (SELECT message_id FROM gone) AND status IN ('QUEUED', 'SWITCHING_CHANNEL')
  RETURNING *`;

const SWITCH = `
  WITH moved AS (
    UPDATE sends SET channels = channels - 0, switches = switches + 1, parts = NULL, attempts = 0, failing_since = NULL,
      attempt_by = NULL, attempt_at = NULL, next_attempt_at = now()
    WHERE ${OURS} RETURNING message_id)
  UPDATE messages SET status = 'SWITCHING_CHANNEL', reason = $6::jsonb, channel = $7, identity = $8
  WHERE project_id = $1 AND id = (SELECT message_id FROM moved) AND status IN ('QUEUED', 'SWITCHING_CHANNEL')
  RETURNING *`;

/** Who follows the conversation finds it on the channel that its last message is trying. */
const FOLLOW = `
  UPDATE conversations SET active_channel = $4, updated_at = now()
  WHERE project_id = $1 AND id = $2 AND last_message_id = $3 RETURNING *`;

/** An identity that only the caller knew: what the person does there has to be found. In DISPATCH mode there is no contact. */
const KNOW = `
  INSERT INTO channel_identities (project_id, channel, app_id, identity, contact_id, position)
  SELECT $1, $2, $3, $4, $5, (SELECT count(*) FROM channel_identities WHERE project_id = $1 AND contact_id = $5)
  WHERE EXISTS (SELECT FROM contacts WHERE project_id = $1 AND id = $5) AND NOT EXISTS (
    SELECT FROM channel_identities WHERE project_id = $1 AND channel = $2 AND app_id IN ('', $3) AND identity = $4)
  ON CONFLICT DO NOTHING`;

/** How many payloads the channel has taken by now; undefined when the send was settled or is somebody else's. */
export async function partsTaken(tx: EntityManager, send: Send): Promise<number | undefined> {
  return (await queryRows<{ partsSent: number }>(tx, STANDING, ours(send)))[0]?.partsSent;
}

/** Ends a send for good. Returns nothing when it was settled meanwhile. */
export async function failSend(tx: EntityManager, send: Send, why: Reason): Promise<Message[]> {
  return queryRows<Message>(tx, FAIL, [...ours(send), JSON.stringify(why)]);
}

/**
 * Has a send go on by another channel, of which nothing was said yet. Its conversation must be locked, and is changed in
 * `conversations`. Returns the message as it stood on the channel that failed: that is what the report of it tells.
 */
export async function switchSend(
  tx: EntityManager,
  send: Send,
  next: ChannelAddress,
  why: Reason,
  conversations: Map<string, Conversation>,
): Promise<Message[]> {
  const { projectId, conversationId, messageId, appId, contactId } = send;
  const values = [...ours(send), JSON.stringify(why), next.channel, next.identity];
  const switched = await queryRows<Message>(tx, SWITCH, values);
  if (switched.length === 0) return [];
  await tx.query(KNOW, [projectId, next.channel, appId, next.identity, contactId]);
  const followed = await queryRows<Conversation>(tx, FOLLOW, [
    projectId,
    conversationId,
    messageId,
    next.channel,
  ]);
  for (const conversation of followed) conversations.set(conversation.id, conversation);
  return switched.map((message) => ({ ...message, channel: send.channel, identity: send.identity }));
}

/** Why a message fails in the end: by its only channel's reason, or because none of several would have it. */
export function finalReason(send: Send, why: Reason, partsSent: number): Reason {
  if (partsSent > 0 && send.channels.length > 0) {
    const taken = `; ${send.channel} had taken the beginning of the message, so no other channel was tried`;
    return { ...why, description: why.description + taken };
  }
  if (send.switches === 0) return why;
  const all = `all ${send.switches + 1} channels failed, the last of them, ${send.channel}, with ${why.code}: ${why.description}`;
  return { ...reason('NO_CHANNELS_LEFT', all, why.channel_code), sub_code: why.sub_code };
}

function ours({ projectId, conversationId, messageId, attemptBy, switches }: Send): unknown[] {
  return [projectId, conversationId, messageId, attemptBy, switches];
}
