// The delivery rows of one webhook: what is due, the events they tell of, and how attempts at them ended.
import type { DataSource, EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { EventKind, StoredEvent } from '../events/event.js';

export interface WebhookKey {
  projectId: string;
  webhookId: string;
}

/** A delivery whose time has come. */
export interface Due {
  eventSeq: string;
  eventXact: string;
  eventAt: Date;
  eventId: string;
  /** Whose event it is: a webhook that was moved still tells what its former app has waiting. */
  appId: string;
  /** Deliveries of one lane go out in order, one at a time. */
  lane: string;
  /** Goes there rather than to the target of the webhook. */
  url: string | null;
  /** Failed ones so far. */
  attempts: number;
}

/** How an attempt ended, or that none could be made. */
export interface Outcome {
  eventSeq: string;
  /** PENDING: there will be another attempt. */
  status: 'PENDING' | 'DELIVERED' | 'DEAD';
  attempts: number;
  nextAttemptAt: Date | null;
  lastAttemptAt: Date | null;
  responseCode: number | null;
  responseHead: string | null;
  error: string | null;
  durationMs: number | null;
}

/** What a lane waits for is the retry of a delivery that failed once; a second failure, or a retry further off, lets the others pass. */
const HOLD_MS = 60_000;

export function holdsLane({ status, attempts, nextAttemptAt }: Outcome, now: Date): boolean {
  if (status !== 'PENDING' || attempts > 1 || nextAttemptAt === null) return false;
  return nextAttemptAt.getTime() < now.getTime() + HOLD_MS;
}

const OWN = `d.project_id = $1 AND d.webhook_id = $2`;

/** Not behind a delivery of its lane that failed once and is tried again shortly; see HOLD_MS. `$3` is now. */
const NOT_HELD = `NOT EXISTS (
  SELECT FROM webhook_deliveries_pending h
  WHERE h.project_id = d.project_id AND h.webhook_id = d.webhook_id AND h.lane = d.lane
    AND h.attempts = 1 AND h.event_seq < d.event_seq AND h.next_attempt_at < $3::timestamptz + interval '${HOLD_MS} ms')`;

const COLUMNS = `d.event_seq, d.event_xact::text, d.event_at, d.event_id, d.app_id, d.lane, d.url, d.attempts`;

/**
 * Retries by their time, and what was never tried by its number. Events of a conversation are recorded under its lock, so that within a
 * lane numbers ascend with commits. Two arms, for each is a short range of its own index however much waits.
 */
const DUE = `
  (SELECT ${COLUMNS} FROM webhook_deliveries_pending d
   WHERE ${OWN} AND d.attempts > 0 AND d.next_attempt_at <= $3 AND d.lane <> ALL ($4::text[])
   ORDER BY d.next_attempt_at LIMIT $5)
  UNION ALL
  (SELECT ${COLUMNS} FROM webhook_deliveries_pending d
   WHERE ${OWN} AND d.attempts = 0 AND d.lane <> ALL ($4::text[]) AND ${NOT_HELD}
   ORDER BY d.event_seq LIMIT $5)`;

/** What can be tried now, but for lanes that are `busy`: at most `limit` retries and `limit` others. */
export function dueDeliveries(
  dataSource: DataSource,
  { projectId, webhookId }: WebhookKey,
  { now, busy, limit }: { now: Date; busy: string[]; limit: number },
): Promise<Due[]> {
  return queryRows<Due>(dataSource.manager, DUE, [projectId, webhookId, now, busy, limit]);
}

const NEXT = `
  SELECT (SELECT min(d.next_attempt_at) FROM webhook_deliveries_pending d WHERE ${OWN} AND d.attempts > 0) AS retry_at,
    EXISTS (SELECT FROM webhook_deliveries_pending d WHERE ${OWN} AND d.attempts = 0 AND ${NOT_HELD}) AS due`;

/** When there is something to try next; null when nothing waits. */
export async function nextDue(
  tx: EntityManager,
  { projectId, webhookId }: WebhookKey,
  now: Date,
): Promise<Date | null> {
  const [row] = await queryRows<{ retryAt: Date | null; due: boolean }>(tx, NEXT, [
    projectId,
    webhookId,
    now,
  ]);
  return row?.due ? now : (row?.retryAt ?? null);
}

/** Only the bounds keep Postgres from planning for every partition; they are a millisecond wide of what JavaScript cuts off. */
const EVENTS = `
  SELECT e.project_id, e.app_id, e.seq::text, e.xact::text, e.id, e.at, e.kind, e.conversation_id, e.contact_id, e.payload
  FROM unnest($3::xid8[], $4::bigint[]) AS p(xact, seq)
  JOIN events e ON e.project_id = $1 AND e.app_id = $2 AND e.xact = p.xact AND e.seq = p.seq
  WHERE e.at >= $5::timestamptz AND e.at < $6::timestamptz + interval '1 ms'`;

interface EventRow {
  projectId: string;
  appId: string;
  seq: string;
  xact: string;
  id: string;
  at: Date;
  kind: EventKind;
  conversationId: string | null;
  contactId: string | null;
  payload: never;
}

/** The events of these deliveries by their number, in one read of each app. Those that retention has dropped are missing. */
export async function eventsOf(
  dataSource: DataSource,
  projectId: string,
  due: readonly Due[],
): Promise<Map<string, StoredEvent>> {
  const found = await Promise.all(
    [...Map.groupBy(due, ({ appId }) => appId)].map(([appId, some]) =>
      eventRowsOf(dataSource, projectId, appId, some),
    ),
  );
  return new Map(
    found
      .flat()
      .map(({ seq, xact, ...event }) => [
        seq,
        { ...event, position: { xact: BigInt(xact), seq: BigInt(seq) } },
      ]),
  );
}

function eventRowsOf(
  dataSource: DataSource,
  projectId: string,
  appId: string,
  due: readonly Due[],
): Promise<EventRow[]> {
  const times = due.map(({ eventAt }) => eventAt.getTime());
  return queryRows<EventRow>(dataSource.manager, EVENTS, [
    projectId,
    appId,
    due.map(({ eventXact }) => eventXact),
    due.map(({ eventSeq }) => eventSeq),
    new Date(Math.min(...times)),
    new Date(Math.max(...times)),
  ]);
}

const MOVED = `project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger, url, created_at`;

/** All attempts of a row so far, at most the latest 20: what it says of the last moves there when there is another. */
export const EARLIER = `CASE WHEN d.last_attempt_at IS NULL THEN d.earlier ELSE jsonb_path_query_array(
    coalesce(d.earlier, '[]') || jsonb_build_array(jsonb_build_object('at', d.last_attempt_at, 'responseCode', d.response_code,
      'responseHead', left(d.response_head, 256), 'error', d.error, 'durationMs', d.duration_ms)), '$[last - 19 to last]') END`;

const FINISH = `
  WITH r AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($3::jsonb) AS r("eventSeq" bigint, status text, attempts int, "nextAttemptAt" timestamptz,
      "lastAttemptAt" timestamptz, "responseCode" int, "responseHead" text, error text, "durationMs" int)
  ), ended AS (
    DELETE FROM webhook_deliveries_pending d USING r
    WHERE ${OWN} AND d.event_seq = r."eventSeq" AND r.status <> 'PENDING'
    RETURNING d.*, CASE WHEN r."lastAttemptAt" IS NULL THEN d.earlier ELSE ${EARLIER} END AS earlier_attempts
  ), done AS (
    INSERT INTO webhook_deliveries_done (${MOVED}, status, attempts, last_attempt_at, response_code, response_head, error, duration_ms,
      earlier)
    SELECT ${MOVED.replaceAll(/\w+/g, 'e.$&')}, r.status, r.attempts, coalesce(r."lastAttemptAt", e.last_attempt_at),
      r."responseCode", r."responseHead", r.error, r."durationMs", e.earlier_attempts
    FROM ended e JOIN r ON r."eventSeq" = e.event_seq
  )
  UPDATE webhook_deliveries_pending d SET attempts = r.attempts, next_attempt_at = r."nextAttemptAt", last_attempt_at = r."lastAttemptAt",
    response_code = r."responseCode", response_head = r."responseHead", error = r.error, duration_ms = r."durationMs", earlier = ${EARLIER}
  FROM r WHERE ${OWN} AND d.event_seq = r."eventSeq" AND r.status = 'PENDING'`;

/** Records how attempts ended. One that ended meanwhile by other means stays as it is. */
export async function recordOutcomes(
  dataSource: DataSource,
  { projectId, webhookId }: WebhookKey,
  outcomes: readonly Outcome[],
): Promise<void> {
  await dataSource.query(FINISH, [projectId, webhookId, JSON.stringify(outcomes)]);
}

const SOME = `d.event_seq IN (SELECT o.event_seq FROM webhook_deliveries_pending o WHERE o.project_id = $1 AND o.webhook_id = $2 LIMIT 2000)`;

const BURY = `
  WITH ended AS (DELETE FROM webhook_deliveries_pending d WHERE ${OWN} AND ${SOME} RETURNING d.*)
  INSERT INTO webhook_deliveries_done (${MOVED}, status, attempts, last_attempt_at, response_code, response_head, error, duration_ms,
    earlier)
  SELECT ${MOVED}, 'DEAD', attempts, last_attempt_at, response_code, response_head, $3, duration_ms, earlier FROM ended
  RETURNING id`;

/** Gives some of the waiting deliveries up for a reason; false when none waited. */
export async function buryDeliveries(
  dataSource: DataSource,
  { projectId, webhookId }: WebhookKey,
  reason: string,
): Promise<boolean> {
  return (await queryRows(dataSource.manager, BURY, [projectId, webhookId, reason])).length > 0;
}

const FORGET = `DELETE FROM webhook_deliveries_pending d WHERE ${OWN} AND ${SOME} RETURNING d.id`;

/** Drops some of the deliveries of a webhook that is gone; false when none waited. */
export async function forgetDeliveries(
  dataSource: DataSource,
  { projectId, webhookId }: WebhookKey,
): Promise<boolean> {
  return (await queryRows(dataSource.manager, FORGET, [projectId, webhookId])).length > 0;
}

/** Due for this long without anybody at it: the job must have been lost. */
const OVERDUE = `$1::timestamptz - interval '10 s'`;

/** The one read that is not of one project. It leaps from webhook to webhook along the primary key, whatever waits for each. */
const OVERDUE_WEBHOOKS = `
  WITH RECURSIVE target AS (
    (SELECT project_id, webhook_id FROM webhook_deliveries_pending ORDER BY project_id, webhook_id LIMIT 1)
    UNION ALL
    SELECT n.project_id, n.webhook_id FROM target t CROSS JOIN LATERAL (
      SELECT d.project_id, d.webhook_id FROM webhook_deliveries_pending d
      WHERE (d.project_id, d.webhook_id) > (t.project_id, t.webhook_id)
      ORDER BY d.project_id, d.webhook_id LIMIT 1) n
  )
  SELECT t.project_id, t.webhook_id FROM target t
  LEFT JOIN webhooks w ON w.project_id = t.project_id AND w.id = t.webhook_id
  WHERE (w.paused_until IS NULL OR w.paused_until < ${OVERDUE})
    AND ((SELECT d.created_at FROM webhook_deliveries_pending d
          WHERE d.project_id = t.project_id AND d.webhook_id = t.webhook_id AND d.attempts = 0
          ORDER BY d.event_seq LIMIT 1) < ${OVERDUE}
      OR EXISTS (SELECT FROM webhook_deliveries_pending d
          WHERE d.project_id = t.project_id AND d.webhook_id = t.webhook_id AND d.attempts > 0 AND d.next_attempt_at < ${OVERDUE}))`;

export function overdueWebhooks(dataSource: DataSource, now: Date): Promise<WebhookKey[]> {
  return queryRows<WebhookKey>(dataSource.manager, OVERDUE_WEBHOOKS, [now]);
}
