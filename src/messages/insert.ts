import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { Message } from './message.entity.js';

/** A message as the batch statements insert it. */
export type MessageRow = Pick<
  Message,
  | 'projectId'
  | 'id'
  | 'appId'
  | 'conversationId'
  | 'contactId'
  | 'direction'
  | 'channel'
  | 'identity'
  | 'content'
  | 'sentBy'
  | 'acceptTime'
> &
  Partial<
    Pick<
      Message,
      | 'channelMessageId'
      | 'status'
      | 'reason'
      | 'metadata'
      | 'correlationId'
      | 'channelProperties'
      | 'replyToMessageId'
      | 'channelTime'
    >
  >;

/** The unique key on the channel's id makes a redelivery harmless: only what is new is returned, in the given order. */
const INSERT = `
  INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, channel_message_id, content,
    status, reason, sent_by, metadata, correlation_id, channel_properties, reply_to_message_id, accept_time, channel_time)
  SELECT m."projectId", m.id, m."appId", m."conversationId", m."contactId", m.direction, m.channel, m.identity, m."channelMessageId", m.content,
    m.status, m.reason, m."sentBy", coalesce(m.metadata, ''), coalesce(m."correlationId", ''), coalesce(m."channelProperties", '{}'),
    m."replyToMessageId", m."acceptTime", m."channelTime"
  FROM jsonb_to_recordset($1::jsonb) AS m("projectId" text, id text, "appId" text, "conversationId" text, "contactId" text, direction text,
    channel text, identity text, "channelMessageId" text, content jsonb, status text, reason jsonb, "sentBy" text, metadata text,
    "correlationId" text, "channelProperties" jsonb, "replyToMessageId" text, "acceptTime" timestamptz, "channelTime" timestamptz)
  ORDER BY m.id
  ON CONFLICT (project_id, app_id, channel, channel_message_id) WHERE channel_message_id IS NOT NULL DO NOTHING
  RETURNING *`;

/** Stores messages; ids ascend in the order of `rows`. Returns those that were not there yet, in order. */
export async function insertMessages(tx: EntityManager, rows: MessageRow[]): Promise<Message[]> {
  if (rows.length === 0) return [];
  const inserted = await queryRows<Message>(tx, INSERT, [JSON.stringify(rows)]);
  return inserted.sort((a, b) => (a.id < b.id ? -1 : 1));
}
