import type { DataSource } from 'typeorm';
import { type ConversationKey, lockConversations } from '../conversations/activity.js';
import { deletedEvent } from '../conversations/changes.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import type { EventLog } from '../events/event-log.js';
import { transact } from '../messages/transaction.js';
import { withoutMessages } from './expire-messages.js';
import type { Expiry } from './expiry.js';
import { eraseConversationsInLog } from './log-content.js';

const BATCH = 100;
/** A long conversation goes bit by bit: a transaction that takes long holds back everybody who follows the log. */
const MESSAGES = 1_000;

/** Each message moves its conversation's last activity. */
const OLD = `
  SELECT c.* FROM conversations c
  WHERE c.project_id = $1 AND c.app_id = $2 AND c.last_activity < $3 AND NOT c.dispatch
    AND NOT EXISTS (SELECT FROM sends s WHERE s.project_id = c.project_id AND s.conversation_id = c.id)
  ORDER BY c.last_activity, c.id LIMIT ${BATCH}`;

const DELETE_MESSAGES = `
  DELETE FROM messages m WHERE m.project_id = $1 AND m.id IN (
    SELECT o.id FROM messages o WHERE o.project_id = $1 AND o.conversation_id = ANY($2) LIMIT ${MESSAGES})
  RETURNING m.id`;

const DELETE = `DELETE FROM conversations WHERE project_id = $1 AND id = ANY($2)`;

/** Deletes some of the conversations whose last message is too old, with all that is in them. False when there are no more. */
export async function expireConversations(
  dataSource: DataSource,
  log: EventLog,
  expiry: Expiry,
): Promise<boolean> {
  const { projectId, appId, before } = expiry;
  const found = await queryRows<Conversation>(dataSource.manager, OLD, [projectId, appId, before]);
  if (found.length === 0) return false;
  const keys = found.map(({ id }) => ({ projectId, id }));
  if (await expireContent(dataSource, log, expiry, keys)) return true;
  if (await expireTold(dataSource, expiry, keys)) return true;
  await transact(dataSource, async (tx) => {
    const old = stillOld(await lockConversations(tx, keys), before);
    await tx.query(DELETE, [projectId, [...old.keys()]]);
    await log.record(tx, [...old.values()].map(deletedEvent));
  });
  return found.length === BATCH;
}

/** Deletes some of their messages. False when there are no more. */
async function expireContent(
  dataSource: DataSource,
  log: EventLog,
  { projectId, before }: Expiry,
  keys: ConversationKey[],
): Promise<boolean> {
  return transact(dataSource, async (tx) => {
    const old = stillOld(await lockConversations(tx, keys), before);
    const rows = await queryRows<{ id: string }>(tx, DELETE_MESSAGES, [projectId, [...old.keys()]]);
    const gone = rows.map(({ id }) => id);
    // Somebody may write before the conversation goes, and then it stays.
    if (gone.length > 0) await log.record(tx, await withoutMessages(tx, projectId, old, gone));
    return gone.length === MESSAGES;
  });
}

/** Erases some of what the log tells of them. False when there is no more. */
async function expireTold(
  dataSource: DataSource,
  { projectId, before }: Expiry,
  keys: ConversationKey[],
): Promise<boolean> {
  return transact(dataSource, async (tx) => {
    const old = stillOld(await lockConversations(tx, keys), before);
    return eraseConversationsInLog(tx, projectId, [...old.values()]);
  });
}

/** Somebody may have written in the meantime. */
function stillOld(locked: ReadonlyMap<string, Conversation>, before: Date): Map<string, Conversation> {
  return new Map([...locked].filter(([, { lastActivity }]) => lastActivity < before));
}
