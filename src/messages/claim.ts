import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';

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
}

const HEAD = `
  SELECT * FROM sends WHERE project_id = $1 AND conversation_id = $2 ORDER BY message_id LIMIT 1`;

/** The mark on the head is the lane's lock: who finds it set leaves, for its holder looks for more before it ends. */
const CLAIM = `
  UPDATE sends SET attempt_by = $4, attempt_at = now(), attempts = attempts + 1
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3 AND attempt_by IS NULL AND next_attempt_at <= now()
  RETURNING *`;

const RELEASE = `
  UPDATE sends SET attempt_by = NULL, next_attempt_at = $4
  WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3`;

const PARTS = `
  UPDATE sends SET parts = $4 WHERE project_id = $1 AND conversation_id = $2 AND message_id = $3`;

/** Marks that dead processes left. The channel may have taken the payload: its echo gets time to tell before another try. */
const RECOVER = `
  UPDATE sends SET attempt_by = NULL, next_attempt_at = $2
  WHERE attempt_by = ANY($1)
  RETURNING *`;

const MARKS = `SELECT DISTINCT attempt_by AS name FROM sends WHERE attempt_by IS NOT NULL`;

/** Lanes with a send that should have been tried by now: their job was lost. */
const FORGOTTEN = `
  SELECT DISTINCT project_id, conversation_id FROM sends
  WHERE attempt_by IS NULL AND next_attempt_at < now() - interval '3 seconds' LIMIT 1000`;

export async function headOf(tx: Pick<EntityManager, 'query'>, lane: Lane): Promise<Send | undefined> {
  return (await queryRows<Send>(tx, HEAD, [lane.projectId, lane.conversationId]))[0];
}

/** Takes the lane's head, unless somebody else has it or it is not due. */
export async function claimHead(
  tx: Pick<EntityManager, 'query'>,
  head: Send,
  processId: string,
): Promise<Send | undefined> {
  return (
    await queryRows<Send>(tx, CLAIM, [head.projectId, head.conversationId, head.messageId, processId])
  )[0];
}

/** Gives the head back, to be tried at `at`. */
export async function releaseHead(tx: Pick<EntityManager, 'query'>, send: Send, at: Date): Promise<void> {
  await tx.query(RELEASE, [send.projectId, send.conversationId, send.messageId, at]);
}

export async function rememberParts(
  tx: Pick<EntityManager, 'query'>,
  send: Send,
  parts: number,
): Promise<void> {
  await tx.query(PARTS, [send.projectId, send.conversationId, send.messageId, parts]);
}

export async function recoverMarks(
  tx: Pick<EntityManager, 'query'>,
  processIds: string[],
  at: Date,
): Promise<Send[]> {
  return queryRows<Send>(tx, RECOVER, [processIds, at]);
}

export async function marks(tx: Pick<EntityManager, 'query'>): Promise<string[]> {
  return (await queryRows<{ name: string }>(tx, MARKS)).map((row) => row.name);
}

export async function forgottenLanes(tx: Pick<EntityManager, 'query'>): Promise<Lane[]> {
  return queryRows<Lane>(tx, FORGOTTEN);
}
