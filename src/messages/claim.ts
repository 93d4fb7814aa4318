import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { LANE_KEY } from './lane.js';

export interface Lane {
  projectId: string;
  conversationId: string;
}

/** The first send of a lane: what it is, and where it stands. */
export interface Send extends Lane {
  messageId: string;
  parts: number | null;
  partsSent: number;
  attempts: number;
  nextAttemptAt: Date;
  expiresAt: Date;
  attemptBy: string | null;
  /** By the clock of the database, as the claim reckons. */
  due: boolean;
  expired: boolean;
}

/** A process that calls the channel right now, or did so when it died. `since` tells this try from a later one. */
export interface Mark extends Lane {
  messageId: string;
  attemptBy: string;
  since: string;
}

const SEND = `*, next_attempt_at <= now() AS due, expires_at <= now() AS expired`;

const HEAD = `
  SELECT ${SEND} FROM sends WHERE project_id = $1 AND conversation_id = $2 ORDER BY message_id LIMIT 1`;

/** The mark on the head is the lane's lock: who finds it set leaves, for its holder looks for more before it ends. */
const CLAIM = `
  UPDATE sends SET attempt_by = $4, attempt_at = clock_timestamp(), attempts = attempts + 1
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by IS NULL
    AND (next_attempt_at <= now() OR expires_at <= now())
  RETURNING ${SEND}`;

const RELEASE = `
  UPDATE sends SET attempt_by = NULL, next_attempt_at = $5
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by = $4
  RETURNING message_id`;

const REST = `
  SELECT FROM sends
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by IS NULL AND next_attempt_at > now()
  FOR NO KEY UPDATE`;

const PARTS = `
  UPDATE sends SET parts = $4 WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3`;

const MARKS = `
  SELECT project_id, conversation_id, message_id, attempt_by, attempt_at::text AS since FROM sends WHERE attempt_by IS NOT NULL`;

const RECOVER = `
  UPDATE sends s SET attempt_by = NULL, next_attempt_at = $2
  FROM jsonb_to_recordset($1::jsonb) AS m("projectId" text, "conversationId" text, "messageId" text, "attemptBy" text, since timestamptz)
  WHERE s.project_id = m."projectId" AND s.conversation_id = m."conversationId" AND s.message_id = m."messageId"
    AND s.attempt_by = m."attemptBy" AND s.attempt_at = m.since
  RETURNING s.project_id, s.conversation_id`;

/** A head that should have been tried by now, and no job that is about to. */
const FORGOTTEN = `
  SELECT project_id, conversation_id FROM (
    SELECT DISTINCT ON (project_id, conversation_id) project_id, conversation_id, attempt_by, next_attempt_at
    FROM sends ORDER BY project_id, conversation_id, message_id
  ) head
  WHERE attempt_by IS NULL AND next_attempt_at < now() - interval '3 seconds'
    AND NOT EXISTS (SELECT FROM graphile_worker.jobs j
      WHERE j.key = '${LANE_KEY}' || conversation_id AND j.locked_at IS NULL AND j.run_at <= now() AND j.attempts < j.max_attempts)
  LIMIT 1000`;

/** Also those that wait behind a head which is tried again and again. */
const EXPIRED = `
  SELECT ${SEND} FROM sends WHERE attempt_by IS NULL AND expires_at <= now() ORDER BY expires_at LIMIT 1000`;

type Queries = Pick<EntityManager, 'query'>;

export async function headOf(tx: Queries, lane: Lane): Promise<Send | undefined> {
  return (await queryRows<Send>(tx, HEAD, [lane.projectId, lane.conversationId]))[0];
}

/** Takes a send, unless somebody else has it or it is neither due nor expired. */
export async function claim(tx: Queries, send: Send, processId: string): Promise<Send | undefined> {
  return (
    await queryRows<Send>(tx, CLAIM, [send.projectId, send.conversationId, send.messageId, processId])
  )[0];
}

/** Gives a claimed send back, to be tried at `at`. False when it is not ours any more: an echo has settled it. */
export async function release(tx: Queries, send: Send, at: Date): Promise<boolean> {
  const { projectId, conversationId, messageId, attemptBy } = send;
  return (await queryRows(tx, RELEASE, [projectId, conversationId, messageId, attemptBy, at])).length > 0;
}

/** Whether a send rests until its next try; until the end of `tx` no echo can change that. */
export async function isAtRest(tx: Queries, send: Send): Promise<boolean> {
  return (await queryRows(tx, REST, [send.projectId, send.conversationId, send.messageId])).length > 0;
}

export async function rememberParts(tx: Queries, send: Send, parts: number): Promise<void> {
  await tx.query(PARTS, [send.projectId, send.conversationId, send.messageId, parts]);
}

export async function findMarks(tx: Queries): Promise<Mark[]> {
  return queryRows<Mark>(tx, MARKS);
}

/** Takes marks away, unless they changed meanwhile. Returns the lanes of those that were taken away. */
export async function recover(tx: Queries, marks: readonly Mark[], at: Date): Promise<Lane[]> {
  return queryRows<Lane>(tx, RECOVER, [JSON.stringify(marks), at]);
}

export async function forgottenLanes(tx: Queries): Promise<Lane[]> {
  return queryRows<Lane>(tx, FORGOTTEN);
}

export async function expiredSends(tx: Queries): Promise<Send[]> {
  return queryRows<Send>(tx, EXPIRED);
}
