import type { DataSource, EntityManager } from 'typeorm';
import { lockConversations } from '../conversations/activity.js';
import { changeEvent } from '../conversations/changes.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { unreadOf } from '../conversations/unread.js';
import { queryRows } from '../database/rows.js';
import type { NewEvent } from '../events/event.js';
import type { EventLog } from '../events/event-log.js';
import { lowestIdAt } from '../ids.js';
import { transact } from '../messages/transaction.js';
import type { Expiry } from './expiry.js';
import { eraseEventsInLog, eraseMessagesInLog } from './log-content.js';

/** Messages of one transaction, and with them at most as many locks. */
const BATCH = 500;
const EVENT_BATCH = 1_000;

/** What still waits to leave is not too old before it has. */
const UNSENT = `
  EXISTS (SELECT FROM sends s WHERE s.project_id = m.project_id AND s.conversation_id = m.conversation_id AND s.message_id = m.id)`;

/** Ids are ULIDs of the time of acceptance, also of what was imported. */
const old = (dispatch: boolean): string => `
  SELECT m.id, m.conversation_id FROM messages m
  WHERE m.project_id = $1 AND m.app_id = $2 AND m.id < $3 AND ${dispatch ? '' : 'NOT '}m.dispatch AND NOT ${UNSENT}
  ORDER BY m.id LIMIT ${BATCH}`;

/** Takes along media (whose bytes follow), parts and renderings. One that has moved to another conversation meanwhile is left for later. */
const DELETE = `
  DELETE FROM messages m WHERE m.project_id = $1 AND m.id = ANY($2) AND m.conversation_id = ANY($3) AND NOT ${UNSENT}
  RETURNING m.id`;

const DELETE_EVENTS = `
  DELETE FROM conversation_events e WHERE e.project_id = $1 AND e.id IN (
    SELECT o.id FROM conversation_events o
    WHERE o.project_id = $1 AND o.app_id = $2 AND o.id < $3 AND o.dispatch = $4
      AND NOT EXISTS (SELECT FROM event_sends s WHERE s.project_id = o.project_id AND s.event_id = o.id)
    ORDER BY o.id LIMIT ${EVENT_BATCH})
  RETURNING e.id, e.contact_id`;

/** Where the latest message or one that nobody has read was among those that are gone. */
const REFRESH = `
  UPDATE conversations c SET updated_at = now(), unread_count = ${unreadOf('c')}, last_message_id = (
    SELECT m.id FROM messages m WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND NOT m.erased ORDER BY m.id DESC LIMIT 1)
  WHERE c.project_id = $1 AND c.id = ANY($2) AND NOT c.dispatch AND (c.unread_count > 0 OR c.last_message_id = ANY($3))
  RETURNING c.*`;

/** Deletes some of the messages that are too old, the oldest first. False when there are no more. */
export async function expireMessages(
  dataSource: DataSource,
  log: EventLog,
  { projectId, appId, before, dispatch }: Expiry,
): Promise<boolean> {
  const bound = [projectId, appId, lowestIdAt(before)];
  const found = await queryRows<{ id: string; conversationId: string }>(
    dataSource.manager,
    old(dispatch),
    bound,
  );
  if (found.length === 0) return false;
  await transact(dataSource, async (tx) => {
    const ids = [...new Set(found.map(({ conversationId }) => conversationId))];
    const conversations = await lockConversations(
      tx,
      ids.map((id) => ({ projectId, id })),
    );
    const values = [projectId, found.map(({ id }) => id), [...conversations.keys()]];
    const gone = (await queryRows<{ id: string }>(tx, DELETE, values)).map(({ id }) => id);
    await eraseMessagesInLog(tx, projectId, gone);
    await log.record(tx, await withoutMessages(tx, projectId, conversations, gone));
  });
  return found.length === BATCH;
}

/** Deletes some of the events beside messages that are too old, and what the log tells of them. False when there are no more. */
export async function expireEvents(
  dataSource: DataSource,
  { projectId, appId, before, dispatch }: Expiry,
): Promise<boolean> {
  const values = [projectId, appId, lowestIdAt(before), dispatch];
  return transact(dataSource, async (tx) => {
    const gone = await queryRows<{ id: string; contactId: string }>(tx, DELETE_EVENTS, values);
    await eraseEventsInLog(tx, projectId, gone);
    return gone.length === EVENT_BATCH;
  });
}

/** Has conversations, which are locked, show what is left in them. Returns what the log is to tell. */
export async function withoutMessages(
  tx: EntityManager,
  projectId: string,
  conversations: ReadonlyMap<string, Conversation>,
  gone: readonly string[],
): Promise<NewEvent[]> {
  const values = [projectId, [...conversations.keys()], gone];
  return (await queryRows<Conversation>(tx, REFRESH, values)).flatMap((after) => {
    const before = conversations.get(after.id);
    const same = before?.unreadCount === after.unreadCount && before.lastMessageId === after.lastMessageId;
    return before && !same ? [changeEvent('conversation.updated', before, after, null)] : [];
  });
}
