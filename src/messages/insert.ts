import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import { EARLIER_RECEIPT } from './inbound/early-receipts.js';
import type { Message } from './message.entity.js';

type RequiredField =
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
  | 'acceptTime';

/** A message as the batch statements insert it. */
export type MessageRow = Pick<Message, RequiredField> &
  Partial<
    Pick<
      Message,
      | 'channelMessageId'
      | 'status'
      | 'reason'
      | 'metadata'
      | 'correlationId'
      | 'callbackUrl'
      | 'channelProperties'
      | 'replyToMessageId'
      | 'channelTime'
      | 'channelData'
      | 'dispatch'
    >
  >;

/** `early`: ids of messages whose reactions, edits or unsend came before them. */
export interface Inserted {
  messages: Message[];
  early: ReadonlySet<string>;
}

/**
 * The unique key on the channel's id makes a redelivery harmless: only what is new is returned, in the given order. What others of the
 * business sent may have been received and read by what is known already.
 */
const INSERT = prepared(`
  INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, channel_message_id, content,
    status, reason, sent_by, metadata, correlation_id, callback_url, channel_properties, reply_to_message_id, accept_time, channel_time,
    channel_data, dispatch)
  SELECT m."projectId", m.id, m."appId", m."conversationId", m."contactId", m.direction, m.channel, m.identity, m."channelMessageId", m.content,
    CASE WHEN m.direction = 'TO_CONTACT' AND m."sentBy" <> 'API' THEN coalesce((${EARLIER_RECEIPT}), m.status) ELSE m.status END, m.reason, m."sentBy", coalesce(m.metadata, ''), coalesce(m."correlationId", ''), m."callbackUrl",
    coalesce(m."channelProperties", '{}'), m."replyToMessageId", m."acceptTime", m."channelTime", m."channelData", coalesce(m.dispatch, false)
  FROM jsonb_to_recordset($1::jsonb) AS m("projectId" text, id text, "appId" text, "conversationId" text, "contactId" text, direction text,
    channel text, identity text, "channelMessageId" text, content jsonb, status text, reason jsonb, "sentBy" text, metadata text,
    "correlationId" text, "callbackUrl" text, "channelProperties" jsonb, "replyToMessageId" text, "acceptTime" timestamptz, "channelTime" timestamptz,
    "channelData" jsonb, dispatch boolean)
  ORDER BY m.id
  ON CONFLICT (project_id, app_id, channel, channel_message_id) WHERE channel_message_id IS NOT NULL DO NOTHING
  RETURNING *, EXISTS (
    SELECT FROM early_changes e
    WHERE e.project_id = messages.project_id AND e.app_id = messages.app_id AND e.channel = messages.channel
      AND e.channel_message_id = split_part(messages.channel_message_id, '#', 1)) AS early`);

/** Stores messages; ids ascend in the order of `rows`. Gives those that were not there yet, in order. */
export async function insertReceived(tx: EntityManager, rows: MessageRow[]): Promise<Inserted> {
  const early = new Set<string>();
  if (rows.length === 0) return { messages: [], early };
  const inserted = await queryRows<Message & { early: boolean }>(tx, INSERT, [JSON.stringify(rows)]);
  const messages = inserted.map(({ early: isEarly, ...message }) => {
    if (isEarly) early.add(message.id);
    return message;
  });
  return { messages: messages.sort((a, b) => (a.id < b.id ? -1 : 1)), early };
}

/** A row as it will be read once it is stored. */
export function messageOf(row: MessageRow): Message {
  return { ...DEFAULTS, ...row };
}

/** As the table has them. */
const DEFAULTS: Omit<Message, RequiredField> = {
  channelMessageId: null,
  status: null,
  reason: null,
  metadata: '',
  correlationId: '',
  channelProperties: {},
  replyToMessageId: null,
  callbackUrl: null,
  channelData: null,
  reactions: [],
  injected: false,
  erased: false,
  dispatch: false,
  channelTime: null,
  editedAt: null,
  editRevision: null,
  deletedAt: null,
};
