// What becomes of an attempt at media, in the database.
import type { DataSource, EntityManager } from 'typeorm';
import { ConversationGone, lockConversations } from '../conversations/activity.js';
import { queryRows } from '../database/rows.js';
import { snapshotOf } from '../events/event.js';
import type { EventLog } from '../events/event-log.js';
import type { Message } from '../messages/message.entity.js';
import { prepareAndTransact } from '../messages/transaction.js';
import type { Downloaded } from './downloader.js';
import { linkOf, newSecret } from './link.js';
import type { MediaKey, MediaRow } from './media-row.js';

/** An attempt that is not heard of by the end of its lease is lost. */
const CLAIM = `
  UPDATE media SET attempts = attempts + 1, next_attempt_at = now() + $3::int * interval '1 ms'
  WHERE project_id = $1 AND id = $2 AND state = 'PENDING' AND next_attempt_at <= now()
  RETURNING *`;

const RETRY = `
  UPDATE media SET reason = coalesce($4, reason), attempts = attempts - $5::int,
    next_attempt_at = date_trunc('milliseconds', now()) + $3::int * interval '1 ms'
  WHERE project_id = $1 AND id = $2 AND state = 'PENDING'
  RETURNING next_attempt_at`;

const CONVERSATION = `
  SELECT g.conversation_id FROM media m JOIN messages g ON g.project_id = m.project_id AND g.id = m.message_id
  WHERE m.project_id = $1 AND m.id = $2 AND m.state = 'PENDING'`;

const STORED = `
  UPDATE media SET state = 'STORED', next_attempt_at = NULL, reason = NULL, stored_at = now(),
    content_type = $3, size = $4, sha256 = $5, name = $6, secret = $7
  WHERE project_id = $1 AND id = $2 AND state = 'PENDING'
  RETURNING *`;

const FAILED = `
  UPDATE media SET state = 'FAILED', next_attempt_at = NULL, reason = $3
  WHERE project_id = $1 AND id = $2 AND state = 'PENDING'
  RETURNING *`;

/** Not when the content has been changed meanwhile: then nothing shows the media any more. */
const SHOW = `
  UPDATE messages SET content = jsonb_set(content, $3::text[], to_jsonb($5::text), false)
  WHERE project_id = $1 AND id = $2 AND content #>> $3::text[] = $4
  RETURNING *`;

const MESSAGE = `SELECT * FROM messages WHERE project_id = $1 AND id = $2`;

const FORGET = `DELETE FROM media WHERE project_id = $1 AND id = $2`;

/** Begins an attempt; null when another has it, or there is no more to do. @param lease in ms. */
export async function claimMedia(
  dataSource: DataSource,
  key: MediaKey,
  lease: number,
): Promise<MediaRow | null> {
  const [row] = await queryRows<MediaRow>(dataSource.manager, CLAIM, [key.projectId, key.id, lease]);
  return row ?? null;
}

/** When the next attempt is to be made; null when the media are gone. */
export async function postponeMedia(
  dataSource: DataSource,
  key: MediaKey,
  { delay, reason, counts }: { delay: number; reason: string | null; counts: boolean },
): Promise<Date | null> {
  const parameters = [key.projectId, key.id, delay, reason, counts ? 0 : 1];
  const [row] = await queryRows<{ nextAttemptAt: Date }>(dataSource.manager, RETRY, parameters);
  return row?.nextAttemptAt ?? null;
}

/** The message shows our link from now on, and whoever looks at it is told. Forgets media that no message shows any more. */
export async function recordStored(
  { dataSource, log, base }: { dataSource: DataSource; log: EventLog; base: string },
  key: MediaKey,
  { contentType, size, sha256, name }: Downloaded,
): Promise<void> {
  const secret = newSecret();
  await settle(dataSource, log, key, async (tx) => {
    const parameters = [key.projectId, key.id, contentType, size, sha256, name, secret];
    const [row] = await queryRows<MediaRow>(tx, STORED, parameters);
    if (!row) return null;
    const link = linkOf(base, { ...key, name, secret });
    const shown = [row.projectId, row.messageId, row.path, row.originalUrl, link];
    const [message] = await queryRows<Message>(tx, SHOW, shown);
    if (!message) await tx.query(FORGET, [key.projectId, key.id]);
    return message ?? null;
  });
}

/** The message keeps the channel's own link, and says why. */
export async function recordFailed(
  { dataSource, log }: { dataSource: DataSource; log: EventLog },
  key: MediaKey,
  reason: string,
): Promise<void> {
  await settle(dataSource, log, key, async (tx) => {
    const [row] = await queryRows<MediaRow>(tx, FAILED, [key.projectId, key.id, reason]);
    if (!row) return null;
    const [message] = await queryRows<Message>(tx, MESSAGE, [row.projectId, row.messageId]);
    return message ?? null;
  });
}

/** Does `work` with the conversation locked, and tells of the message that it gives back. */
async function settle(
  dataSource: DataSource,
  log: EventLog,
  { projectId, id }: MediaKey,
  work: (tx: EntityManager) => Promise<Message | null>,
): Promise<void> {
  await prepareAndTransact(
    dataSource,
    () => queryRows<{ conversationId: string }>(dataSource.manager, CONVERSATION, [projectId, id]),
    async (tx, [found]) => {
      if (!found) return;
      const locked = await lockConversations(tx, [{ projectId, id: found.conversationId }]);
      const message = await work(tx);
      if (!message) return;
      const conversation = locked.get(message.conversationId);
      if (!conversation)
        throw new ConversationGone(`message ${message.id} has moved to another conversation`);
      await log.record(tx, [
        {
          projectId,
          appId: message.appId,
          kind: 'message.updated',
          conversationId: message.conversationId,
          contactId: message.contactId,
          payload: { message: snapshotOf(message), conversation: snapshotOf(conversation) },
        },
      ]);
    },
  );
}
