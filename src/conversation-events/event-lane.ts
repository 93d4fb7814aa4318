import type { EntityManager } from 'typeorm';
import type { Reason } from '../content/reason.js';
import { queryRows } from '../database/rows.js';
import type { NewJob } from '../jobs/task.js';
import type { ConversationEvent, EventStatus } from './conversation-event.entity.js';

/** The events of a conversation that wait to leave; they leave in order of acceptance. */
export interface EventLane {
  projectId: string;
  conversationId: string;
}

/** The first of a lane. Its times are judged by the clock of the database. */
export interface EventSend extends EventLane {
  eventId: string;
  attempts: number;
  nextAttemptAt: Date;
  expiresAt: Date;
  due: boolean;
  expired: boolean;
  /** Somebody is at it. */
  claimed: boolean;
}

type Queries = Pick<EntityManager, 'query'>;

/** Longer than an attempt takes. All that an attempt does may be done twice, so that a lease is lock enough. */
const LEASE = `interval '40 seconds'`;

const SEND = `*, next_attempt_at <= now() AS due, expires_at <= now() AS expired, coalesce(claimed_until > now(), false) AS claimed`;

const ENTER = `
  INSERT INTO event_sends (project_id, conversation_id, event_id, expires_at) VALUES ($1, $2, $3, $4)`;

const HEAD = `
  SELECT ${SEND} FROM event_sends WHERE project_id = $1 AND conversation_id = $2 ORDER BY event_id LIMIT 1`;

const CLAIM = `
  UPDATE event_sends SET claimed_until = now() + ${LEASE}, attempts = attempts + 1
  WHERE project_id = $1 AND conversation_id = $2 AND event_id = $3 AND (claimed_until IS NULL OR claimed_until <= now())
    AND (next_attempt_at <= now() OR expires_at <= now())
  RETURNING ${SEND}`;

const RELEASE = `
  UPDATE event_sends SET claimed_until = NULL, next_attempt_at = $4
  WHERE project_id = $1 AND conversation_id = $2 AND event_id = $3`;

const SETTLE = `
  WITH gone AS (
    DELETE FROM event_sends WHERE project_id = $1 AND conversation_id = $2 AND event_id = $3 RETURNING event_id
  )
  UPDATE conversation_events SET status = $4, reason = $5::jsonb
  WHERE project_id = $1 AND id = (SELECT event_id FROM gone)
  RETURNING *`;

/** Heads that should have been tried by now. */
const FORGOTTEN = `
  SELECT project_id, conversation_id FROM (
    SELECT DISTINCT ON (project_id, conversation_id) project_id, conversation_id, next_attempt_at, claimed_until
    FROM event_sends ORDER BY project_id, conversation_id, event_id
  ) head
  WHERE next_attempt_at < now() - interval '3 seconds' AND (claimed_until IS NULL OR claimed_until <= now())
  LIMIT 1000`;

export async function enterLane(tx: Queries, event: ConversationEvent, expiresAt: Date): Promise<void> {
  await tx.query(ENTER, [event.projectId, event.conversationId, event.id, expiresAt]);
}

export async function headOf(tx: Queries, lane: EventLane): Promise<EventSend | undefined> {
  return (await queryRows<EventSend>(tx, HEAD, [lane.projectId, lane.conversationId]))[0];
}

/** Takes a send, unless somebody else has it or it is neither due nor expired. */
export async function claim(tx: Queries, send: EventSend): Promise<EventSend | undefined> {
  return (await queryRows<EventSend>(tx, CLAIM, [send.projectId, send.conversationId, send.eventId]))[0];
}

/** Gives a claimed send back, to be tried at `at`. */
export async function release(tx: Queries, send: EventSend, at: Date): Promise<void> {
  await tx.query(RELEASE, [send.projectId, send.conversationId, send.eventId, at]);
}

/** Ends a send. Nothing is returned when the event has been deleted, or another attempt has ended it. */
export async function settle(
  tx: Queries,
  send: EventSend,
  status: EventStatus,
  reason: Reason | null,
): Promise<ConversationEvent | undefined> {
  const { projectId, conversationId, eventId } = send;
  const values = [projectId, conversationId, eventId, status, reason && JSON.stringify(reason)];
  return (await queryRows<ConversationEvent>(tx, SETTLE, values))[0];
}

export async function forgottenLanes(tx: Queries): Promise<EventLane[]> {
  return queryRows<EventLane>(tx, FORGOTTEN);
}

/** One job a lane drains it. */
export function eventLaneJob(
  { projectId, conversationId }: EventLane,
  options: { runAt?: Date; highPriority?: boolean } = {},
): NewJob<'send-events'> {
  return {
    task: 'send-events',
    key: `send-events:${conversationId}`,
    payload: { projectId, conversationId },
    ...(options.runAt ? { runAt: options.runAt } : {}),
    priority: options.highPriority ? -10 : 0,
  };
}
