import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import type { ChannelAddress } from './command.js';

export interface Lane {
  projectId: string;
  conversationId: string;
}

/** What waits to leave, with all that a try of it needs: the send, its message and where both stand. */
export interface Send extends Lane {
  messageId: string;
  appId: string;
  contactId: string;
  channel: ConversationChannel;
  identity: string;
  content: AppMessage;
  channelProperties: Record<string, string>;
  /** What the content says once its templates are filled in; null until the first try, and when there are none. */
  rendered: AppMessage | null;
  /** In the channel's clock; opens the messaging window. */
  lastContactMessageAt: Date | null;
  /** Where it goes when this channel fails, in order. */
  channels: ChannelAddress[];
  /** How many channels have failed. */
  switches: number;
  partsSent: number;
  attempts: number;
  /** Of what it is trying now, on this channel. */
  failingSince: Date | null;
  /** How long after the first failure it is tried again; null: until it expires. */
  retrySeconds: number | null;
  /** Whether its last try began when that was over. */
  triedOut: boolean;
  expiresAt: Date;
  attemptBy: string | null;
  /** Until its next try, the end of its channel's pause, or the end of its time to live. */
  restsUntil: Date;
  /** Whether it rests no more, by the clock of the database, as the claim reckons. */
  due: boolean;
  expired: boolean;
  /** Whether its channel has been asking for fewer calls. */
  slowed: boolean;
  /** Whether anything in its lane is to pass bulk traffic. */
  highPriority: boolean;
}

/** After a pause, those of high priority go first: for longer than it takes the queue to notice that their time has come. */
export const HEAD_START_MS = 2_000;

/** Of the lane of `s`. */
export const HIGH_PRIORITY = `EXISTS (
  SELECT FROM sends u WHERE u.project_id = s.project_id AND u.conversation_id = s.conversation_id AND u.high_priority)`;

/**
 * The sends that `chosen` selects, with what a try needs: one statement, for this is asked once a message. `OFFSET 0` keeps the rows
 * apart that are found by key; joined, and before there are statistics, Postgres may read all of a project's for one.
 */
function sendsOf(chosen: string): string {
  return `
    SELECT s.project_id, s.conversation_id, s.message_id, m.app_id, m.contact_id, m.channel, m.identity, m.content, m.channel_properties,
      (SELECT content FROM message_renderings r WHERE r.project_id = m.project_id AND r.message_id = m.id AND r.channel = m.channel) AS rendered,
      c.last_contact_message_at, s.channels, s.switches, s.parts_sent, s.attempts, s.failing_since, a.retry_seconds,
      coalesce(s.failing_since + a.retry_seconds * interval '1 second' <= s.attempt_at, false) AS tried_out, s.expires_at, s.attempt_by,
      rest.until AS rests_until, rest.until <= now() AS due, s.expires_at <= now() AS expired, p.until IS NOT NULL AS slowed, lane.high_priority
    FROM (${chosen}) s
    CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.project_id = s.project_id AND m.id = s.message_id OFFSET 0) m
    CROSS JOIN LATERAL (
      SELECT last_contact_message_at FROM conversations c WHERE c.project_id = s.project_id AND c.id = s.conversation_id OFFSET 0) c
    LEFT JOIN LATERAL (
      SELECT until FROM channel_pauses p WHERE p.project_id = s.project_id AND p.app_id = m.app_id AND p.channel = m.channel OFFSET 0
    ) p ON true
    CROSS JOIN LATERAL (SELECT retry_seconds FROM apps a WHERE a.project_id = s.project_id AND a.id = m.app_id OFFSET 0) a
    CROSS JOIN LATERAL (SELECT ${HIGH_PRIORITY} AS high_priority OFFSET 0) lane
    CROSS JOIN LATERAL (SELECT least(s.expires_at, greatest(s.next_attempt_at,
      p.until + CASE WHEN lane.high_priority THEN interval '0' ELSE interval '${HEAD_START_MS} ms' END)) AS until) rest`;
}

const HEAD = prepared(
  sendsOf('SELECT * FROM sends WHERE project_id = $1 AND conversation_id = $2 ORDER BY message_id LIMIT 1'),
);

/** Also those that wait behind a head which is tried again and again. */
const EXPIRED = sendsOf(
  'SELECT * FROM sends WHERE attempt_by IS NULL AND expires_at <= now() ORDER BY expires_at LIMIT 1000',
);

/**
 * The mark on the head is the lane's lock: who finds it set leaves, for its holder looks for more before it ends. A send that has
 * switched channels meanwhile is not what was prepared.
 */
const CLAIM = prepared(`
  WITH said AS (
    INSERT INTO message_renderings (project_id, message_id, channel, content) SELECT $1, $3, $8, $7::jsonb WHERE $7 IS NOT NULL
    ON CONFLICT DO NOTHING
  )
  UPDATE sends SET attempt_by = $4, attempt_at = clock_timestamp(), attempts = attempts + 1, parts = $6
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by IS NULL AND switches = $5
    AND next_attempt_at <= now()
  RETURNING attempts, attempt_by, parts_sent`);

/**
 * The channel may have taken a payload whose answer was lost: until its echo has had time, the message is not given up either. A channel
 * that only asks for fewer calls has not failed the message, whose time for being tried again begins anew with its next failure.
 */
const RELEASE = `
  UPDATE sends SET attempt_by = NULL, attempts = attempts - $6::int, next_attempt_at = $5,
    expires_at = CASE WHEN $7 THEN greatest(expires_at, $5) ELSE expires_at END,
    failing_since = CASE WHEN $8 THEN coalesce(failing_since, now()) WHEN $6::int = 1 THEN NULL ELSE failing_since END
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by = $4
  RETURNING message_id`;

const REST = `
  SELECT FROM sends
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by IS NULL AND parts_sent = $4 AND switches = $5
  FOR NO KEY UPDATE`;

type Queries = Pick<EntityManager, 'query'>;

export async function headOf(tx: Queries, lane: Lane): Promise<Send | undefined> {
  return (await queryRows<Send>(tx, HEAD, [lane.projectId, lane.conversationId]))[0];
}

export async function expiredSends(tx: Queries): Promise<Send[]> {
  return queryRows<Send>(tx, EXPIRED);
}

/** Takes a send for a try of so many payloads, unless somebody else has it or it is not due. */
export async function claim(
  tx: Queries,
  send: Send,
  processId: string,
  { parts, rendered }: { parts: number; rendered: AppMessage | null },
): Promise<Send | undefined> {
  const [claimed] = await queryRows<Pick<Send, 'attempts' | 'attemptBy' | 'partsSent'>>(tx, CLAIM, [
    ...keyOf(send),
    processId,
    send.switches,
    parts,
    rendered && JSON.stringify(rendered),
    send.channel,
  ]);
  return claimed && { ...send, ...claimed };
}

/**
 * Gives a claimed send back, to be tried at `at`. False when it is not ours any more: an echo has settled it.
 * @param how `uncertain`: the channel may have taken it; `uncounted`: the try says nothing about the message; `failed`: it did not go
 * well.
 */
export async function release(
  tx: Queries,
  send: Send,
  at: Date,
  how: { uncertain?: boolean; uncounted?: boolean; failed?: boolean } = {},
): Promise<boolean> {
  const { uncertain = false, uncounted = false, failed = false } = how;
  const values = [...keyOf(send), send.attemptBy, at, uncounted ? 1 : 0, uncertain, failed];
  return (await queryRows(tx, RELEASE, values)).length > 0;
}

/** Whether a send is still at rest as it was found; until the end of `tx` no echo can change that. */
export async function isAtRest(tx: Queries, send: Send): Promise<boolean> {
  return (await queryRows(tx, REST, [...keyOf(send), send.partsSent, send.switches])).length > 0;
}

function keyOf({ projectId, conversationId, messageId }: Send): string[] {
  return [projectId, conversationId, messageId];
}
