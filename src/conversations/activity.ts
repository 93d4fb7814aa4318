import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { leaveToCommit } from '../database/leave-to-commit.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import type { Conversation } from './conversation.entity.js';

export interface ConversationKey {
  projectId: string;
  id: string;
}

/** A conversation because somebody talks there: it is locked only while they do. `key` tells the caller whether it was. */
export interface TalkKey extends ConversationKey {
  key: string;
  appId: string;
  channel: ConversationChannel;
  identity: string;
  /** Whether they talk in DISPATCH mode; as the app is set when absent. */
  dispatch?: boolean;
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
 *
 * What follows in the transaction finds its rows by keys, however small, or badly known, the tables are: a plan that reads one whole would
 * be kept while it grows.
 */
const QUEUE_UP = prepared(`
  SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
    (SELECT count(pg_advisory_xact_lock(${LOCK_CLASS}, turn.key)) FROM (
      SELECT DISTINCT hashtext(k.id) AS key FROM jsonb_to_recordset($1::jsonb) AS k(id text) ORDER BY 1
    ) turn)`);

const LOCK = prepared(`
  SELECT k.key AS wanted, c.* FROM conversations c
  JOIN jsonb_to_recordset($1::jsonb) AS k(key text, "projectId" text, id text, "appId" text, channel text, identity text, dispatch boolean)
    ON c.project_id = k."projectId" AND c.id = k.id
  WHERE k.identity IS NULL OR (c.active AND c.app_id = k."appId"
    AND c.dispatch = coalesce(k.dispatch, (
      SELECT a.processing_mode = 'DISPATCH' FROM apps a WHERE a.project_id = k."projectId" AND a.id = k."appId"))
    AND (c.dispatch OR EXISTS (
      SELECT FROM channel_identities i
      WHERE i.project_id = k."projectId" AND i.channel = k.channel AND i.app_id = k."appId" AND i.identity = k.identity
        AND i.contact_id = c.contact_id)))
  ORDER BY c.project_id, c.id
  FOR NO KEY UPDATE OF c`);

/**
 * Locks conversations in one order for all, so that batches that share some wait for each other instead of deadlocking.
 * To be called before anything is written: then the log tells of each conversation in the order in which it changed.
 */
export async function lockConversations(
  tx: EntityManager,
  keys: readonly ConversationKey[],
): Promise<Map<string, Conversation>> {
  return (await lockTalks(tx, keys)).conversations;
}

/** The same, and the `key`s of those who still talk where they are said to. */
export async function lockTalks(
  tx: EntityManager,
  keys: readonly (ConversationKey | TalkKey)[],
): Promise<{ conversations: Map<string, Conversation>; talking: Set<string> }> {
  const conversations = new Map<string, Conversation>();
  const talking = new Set<string>();
  if (keys.length === 0) return { conversations, talking };
  const given = JSON.stringify(keys);
  // Postgres does the second when the first is done, and so sees what those who were waited for have written.
  const [, locked] = await Promise.all([
    queryRows(tx, QUEUE_UP, [given]),
    queryRows<Conversation & { wanted: string | null }>(tx, LOCK, [given]),
  ]);
  for (const { wanted, ...conversation } of locked) {
    conversations.set(conversation.id, conversation);
    if (wanted !== null) talking.add(wanted);
  }
  return { conversations, talking };
}

/** A conversation was stopped, deleted or left by its person between look-up and lock. Its code makes the transaction run again. */
export class ConversationGone extends Error {
  override readonly name = 'ConversationGone';
  readonly code = '40PAR';
}

const TOUCH = prepared(`
  UPDATE conversations c SET
    last_message_id = a."lastMessageId",
    last_activity = a."lastActivity",
    last_received = a."lastReceived",
    active_channel = a."activeChannel",
    unread_count = a."unreadCount",
    status = a.status,
    snoozed_until = a."snoozedUntil",
    last_contact_message_at = a."lastContactMessageAt",
    metadata_json = coalesce(a."metadataJson", c.metadata_json),
    correlation_id = a."correlationId",
    updated_at = a."updatedAt"
  FROM jsonb_to_recordset($1::jsonb) AS a("projectId" text, id text, "lastMessageId" text, "lastActivity" timestamptz,
    "lastReceived" timestamptz, "activeChannel" text, "unreadCount" int, status text, "snoozedUntil" timestamptz,
    "lastContactMessageAt" timestamptz, "metadataJson" jsonb, "correlationId" text, "updatedAt" timestamptz)
  WHERE c.project_id = a."projectId" AND c.id = a.id`);

/**
 * Moves conversations that have new messages. What they are now is known from what they were under the lock, so that nothing is read; a
 * failure is told by the commit.
 */
export function touchConversations(
  tx: EntityManager,
  locked: ReadonlyMap<string, Conversation>,
  activities: readonly Activity[],
): Map<string, Conversation> {
  const touched = new Map<string, Conversation>();
  if (activities.length === 0) return touched;
  const rows = activities.map((activity) => {
    const before = locked.get(activity.id);
    if (!before) throw new Error(`conversation ${activity.id} is not locked`);
    const changes = changesBy(before, activity);
    const metadataJson = activity.metadataJson ?? null;
    touched.set(activity.id, { ...before, ...changes, metadataJson: metadataJson ?? before.metadataJson });
    return { projectId: activity.projectId, id: activity.id, ...changes, metadataJson };
  });
  leaveToCommit(tx, tx.query(TOUCH, [JSON.stringify(rows)]));
  return touched;
}

/** A person's message opens a closed or snoozed conversation again. */
function changesBy(before: Conversation, activity: Activity) {
  const { lastMessageId, at, channel, unread, contactMessageAt, correlationId } = activity;
  return {
    lastMessageId: latest(before.lastMessageId, lastMessageId),
    lastActivity: latest(before.lastActivity, at),
    lastReceived: latest(before.lastReceived, at),
    activeChannel: channel,
    unreadCount: before.unreadCount + unread,
    status: unread > 0 ? ('OPEN' as const) : before.status,
    snoozedUntil: unread > 0 ? null : before.snoozedUntil,
    lastContactMessageAt: contactMessageAt
      ? latest(before.lastContactMessageAt, contactMessageAt)
      : before.lastContactMessageAt,
    correlationId: correlationId ?? before.correlationId,
    updatedAt: new Date(),
  };
}

function latest<T extends Date | string>(known: T | null, given: T): T {
  return known !== null && known > given ? known : given;
}
