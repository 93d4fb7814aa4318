import type { EntityManager } from 'typeorm';
import type { ConversationChannel, SlowDown } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';

/** An app's channel: all that goes out there shares one token, and so one allowance. */
export interface Account {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * Calls that were under way when the pause began say the same again, which makes it neither longer nor another strike; unless the
 * channel says how long.
 */
const PAUSE = `
  INSERT INTO channel_pauses AS p (project_id, app_id, channel, until, strikes)
  VALUES ($1, $2, $3, now() + coalesce($4::float, ${FIRST_MS} * $5::float) * interval '1 ms', 1)
  ON CONFLICT (project_id, app_id, channel) DO UPDATE SET
    until = CASE WHEN $4::float IS NULL AND p.until > now() THEN p.until
      ELSE greatest(p.until, now()
        + coalesce($4::float, least(${LONGEST_MS}, ${FIRST_MS} * 2 ^ least(p.strikes, 30)) * $5::float) * interval '1 ms') END,
    strikes = CASE WHEN p.until > now() THEN p.strikes ELSE p.strikes + 1 END
  RETURNING until`;

const END = `
  DELETE FROM channel_pauses WHERE project_id = $1 AND app_id = $2 AND channel = $3 AND until <= now()`;

/**
 * Sends nothing there for as long as the channel says; where it does not say, for a second, doubling up to five minutes while it
 * keeps asking, with a jitter of a fifth. For every process. Returns until when.
 */
export async function pause(
  tx: Pick<EntityManager, 'query'>,
  { projectId, appId, channel }: Account,
  { ms }: SlowDown,
  random: () => number = Math.random,
): Promise<Date> {
  const jitter = 0.8 + 0.4 * random();
  const [row] = await queryRows<{ until: Date }>(tx, PAUSE, [projectId, appId, channel, ms, jitter]);
  if (!row) throw new Error('a pause was not stored');
  return row.until;
}

/** A call went well after the pause: the next one begins with a second again. */
export async function forgetPause(
  tx: Pick<EntityManager, 'query'>,
  { projectId, appId, channel }: Account,
): Promise<void> {
  await tx.query(END, [projectId, appId, channel]);
}
