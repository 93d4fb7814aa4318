import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import type { Place, RecordedEvent } from '../events/event.js';
import { EventLog, type Places } from '../events/event-log.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import { callbackUrlOf, triggerOf } from './callback.js';
import type { WebhookKey } from './deliveries.js';
import type { WebhookTrigger } from './trigger.js';

/** Also the number of ids that an event needs for its deliveries. */
export const MAX_WEBHOOKS_PER_APP = 5;

/** An event that webhooks are told of, as the statements take it. */
export interface Callable {
  projectId: string;
  appId: string;
  eventId: string;
  eventXact: string;
  eventSeq: string;
  eventAt: Date;
  lane: string;
  trigger: WebhookTrigger;
  /** Goes there alone; null: to the webhooks. */
  url: string | null;
  /** Of that URL: what shares a server shares its pauses, however many paths it has. */
  origin: string | null;
  /** One for each webhook that an app can have. */
  ids: string[];
}

export const CALLABLE_COLUMNS = `"projectId" text, "appId" text, "eventId" text, "eventXact" xid8, "eventSeq" bigint, "eventAt" timestamptz,
  lane text, trigger text, url text, origin text, ids text[]`;

/** Origins that the app has not called yet. In one order, or two transactions that make the same ones deadlock. */
const ORIGINS = `
  INSERT INTO webhooks (project_id, id, app_id, kind, target, secret)
  SELECT DISTINCT ON ("projectId", "appId", origin) "projectId", ids[1], "appId", 'CALLBACK_URL', origin, ''
  FROM jsonb_to_recordset($1::jsonb) AS e(${CALLABLE_COLUMNS})
  WHERE NOT EXISTS (
    SELECT FROM webhooks w WHERE w.project_id = "projectId" AND w.app_id = "appId" AND w.kind = 'CALLBACK_URL' AND w.target = origin)
  ORDER BY "projectId", "appId", origin
  ON CONFLICT (project_id, app_id, kind, target) DO NOTHING`;

const ENQUEUE = prepared(`
  WITH matched AS (
    SELECT e.*, w.id AS webhook_id, w.paused_until, row_number() OVER (PARTITION BY e."eventId" ORDER BY w.id) AS place
    FROM jsonb_to_recordset($1::jsonb) AS e(${CALLABLE_COLUMNS})
    JOIN webhooks w ON w.project_id = e."projectId" AND w.app_id = e."appId"
      AND w.kind = CASE WHEN e.url IS NULL THEN 'WEBHOOK' ELSE 'CALLBACK_URL' END
    WHERE w.target_type = 'HTTP' AND w.disabled_at IS NULL AND (e.trigger = ANY (w.triggers) OR w.target = e.origin)
  ), enqueued AS (
    INSERT INTO webhook_deliveries_pending (project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger, url)
    SELECT "projectId", webhook_id, "eventSeq", "eventXact", "eventAt", "eventId", ids[place], "appId", lane, trigger, url FROM matched
  )
  SELECT DISTINCT "projectId" AS project_id, webhook_id FROM matched WHERE paused_until IS NULL OR paused_until <= now()`);

/** Writes the deliveries of events in the transaction that records them: one row an event and matching webhook. */
@Injectable()
export class WebhookEnqueuer implements OnModuleInit {
  constructor(
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.log.addSink((tx, events, places) => this.enqueue(tx, events, places));
  }

  private async enqueue(tx: EntityManager, events: readonly RecordedEvent[], places: Places): Promise<void> {
    const told = events.filter((event) => triggerOf(event) !== null);
    if (told.length === 0) return;
    const stored = await places;
    const callable = told.flatMap((event) => callableOf(event, stored.get(event.id) as Place) ?? []);
    const elsewhere = callable.filter(({ url }) => url !== null);
    if (elsewhere.length > 0) await tx.query(ORIGINS, [JSON.stringify(elsewhere)]);
    // A target that is down has a job for when it will be probed.
    const awake = await queryRows<WebhookKey>(tx, ENQUEUE, [JSON.stringify(callable)]);
    this.jobs.addSoon(
      tx,
      awake.map((key) => deliverJob(key)),
    );
  }
}

/** Null when no webhook can want the event. */
export function callableOf(event: RecordedEvent, { at, position }: Place): Callable | null {
  const trigger = triggerOf(event);
  if (trigger === null) return null;
  const url = callbackUrlOf(event);
  return {
    projectId: event.projectId,
    appId: event.appId,
    eventId: event.id,
    eventXact: String(position.xact),
    eventSeq: String(position.seq),
    eventAt: at,
    // By contact, so that what makes a contact is told before its conversation, and that before the first message.
    lane: event.contactId ?? event.conversationId ?? event.id,
    trigger,
    url,
    origin: url && new URL(url).origin,
    ids: Array.from({ length: MAX_WEBHOOKS_PER_APP }, newId),
  };
}

/** At most one a webhook waits. */
export function deliverJob({ projectId, webhookId }: WebhookKey, runAt?: Date): NewJob<'deliver'> {
  return { task: 'deliver', payload: { projectId, webhookId }, key: `deliver:${webhookId}`, runAt };
}
