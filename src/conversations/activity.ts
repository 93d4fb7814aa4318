import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';
import type { Conversation } from './conversation.entity.js';

export interface ConversationKey {
  projectId: string;
  id: string;
}

/** What new messages change in their conversation. */
export interface Activity extends ConversationKey {
  lastMessageId: string;
  at: Date;
  channel: ConversationChannel;
  /** New messages of the person. */
  unread: number;
  /** The person's latest message, in the channel's clock; null when there is none among the new ones. */
  contactMessageAt: Date | null;
  /** Given by a send, kept until the next one gives another. */
  metadataJson?: Record<string, unknown> | null;
  correlationId?: string | null;
}

/** First half of the advisory locks on conversations. */
const LOCK_CLASS = 0x43_4f_4e_56;

/**
 * The log is ordered by transaction ids, and a transaction gets its id with its first row lock: one that held a row and waited for the
 * next would stand in the log before those it waited for. So the waiting is done for advisory locks, which take no id.
 */
const QUEUE_UP = `
  SELECT pg_advisory_xact_lock(${LOCK_CLASS}, turn.key) FROM (
    SELECT DISTINCT hashtext(k.id) AS key FROM jsonb_to_recordset($1::jsonb) AS k(id text) ORDER BY 1
  ) turn`;

const LOCK = `
  SELECT c.* FROM conversations c
  JOIN jsonb_to_recordset($1::jsonb) AS k("projectId" text, id text) ON c.project_id = k."projectId" AND c.id = k.id
  ORDER BY c.project_id, c.id
  FOR NO KEY UPDATE OF c`;

/**
 * Locks conversations in one order for all, so that batches that share some wait for each other instead of deadlocking.
 * To be called before anything is written: then the log tells of each conversation in the order in which it changed.
 */
export async function lockConversations(
  tx: EntityManager,
  keys: Iterable<ConversationKey>,
): Promise<Map<string, Conversation>> {
  const distinct = new Map<string, ConversationKey>();
  for (const { projectId, id } of keys) distinct.set(id, { projectId, id });
  if (distinct.size === 0) return new Map();
  const given = JSON.stringify([...distinct.values()]);
  await queryRows(tx, QUEUE_UP, [given]);
  const rows = await queryRows<Conversation>(tx, LOCK, [given]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** A conversation was stopped or deleted between its look-up and its lock. Its code makes the transaction run again. */
export class ConversationGone extends Error {
  override readonly name = 'ConversationGone';
  readonly code = '40PAR';
}

/** @throws ConversationGone when a message cannot be written to one of `ids` any more. */
export function assertActive(locked: ReadonlyMap<string, Conversation>, ids: Iterable<string>): void {
  for (const id of ids)
    if (!locked.get(id)?.active) throw new ConversationGone(`conversation ${id} is no longer active`);
}

/** A person's message opens a closed or snoozed conversation again. */
const TOUCH = `
  UPDATE conversations c SET
    last_message_id = greatest(c.last_message_id, a."lastMessageId"),
    last_activity = greatest(c.last_activity, a.at),
    last_received = greatest(c.last_received, a.at),
    active_channel = a.channel,
    unread_count = c.unread_count + a.unread,
    status = CASE WHEN a.unread > 0 THEN 'OPEN' ELSE c.status END,
    snoozed_until = CASE WHEN a.unread > 0 THEN NULL ELSE c.snoozed_until END,
    last_contact_message_at = greatest(c.last_contact_message_at, a."contactMessageAt"),
    metadata_json = coalesce(a."metadataJson", c.metadata_json),
    correlation_id = coalesce(a."correlationId", c.correlation_id),
    updated_at = now()
  FROM jsonb_to_recordset($1::jsonb) AS a("projectId" text, id text, "lastMessageId" text, at timestamptz, channel text, unread int,
    "contactMessageAt" timestamptz, "metadataJson" jsonb, "correlationId" text)
  WHERE c.project_id = a."projectId" AND c.id = a.id
  RETURNING c.*`;

/** Moves conversations that have new messages; they must be locked already. */
export async function touchConversations(
  tx: EntityManager,
  activities: Activity[],
): Promise<Map<string, Conversation>> {
  if (activities.length === 0) return new Map();
  const rows = await queryRows<Conversation>(tx, TOUCH, [JSON.stringify(activities)]);
  return new Map(rows.map((row) => [row.id, row]));
}
