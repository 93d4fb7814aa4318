import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { StoredEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import { triggerOf } from './callback.js';
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
  /** One for each webhook that an app can have. */
  ids: string[];
}

export const CALLABLE_COLUMNS = `"projectId" text, "appId" text, "eventId" text, "eventXact" xid8, "eventSeq" bigint, "eventAt" timestamptz,
  lane text, trigger text, ids text[]`;

const ENQUEUE = `
  WITH matched AS (
    SELECT e.*, w.id AS webhook_id, w.paused_until, row_number() OVER (PARTITION BY e."eventId" ORDER BY w.id) AS place
    FROM jsonb_to_recordset($1::jsonb) AS e(${CALLABLE_COLUMNS})
    JOIN webhooks w ON w.project_id = e."projectId" AND w.app_id = e."appId"
    WHERE w.target_type = 'HTTP' AND w.disabled_at IS NULL AND e.trigger = ANY (w.triggers)
  ), enqueued AS (
    INSERT INTO webhook_deliveries_pending (project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger)
    SELECT "projectId", webhook_id, "eventSeq", "eventXact", "eventAt", "eventId", ids[place], "appId", lane, trigger FROM matched
  )
  SELECT DISTINCT "projectId" AS project_id, webhook_id FROM matched WHERE paused_until IS NULL OR paused_until <= now()`;

/** Writes the deliveries of events in the transaction that records them: one row an event and matching webhook. */
@Injectable()
export class WebhookEnqueuer implements OnModuleInit {
  constructor(
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.log.addSink((tx, events) => this.enqueue(tx, events));
  }

  private async enqueue(tx: EntityManager, events: readonly StoredEvent[]): Promise<void> {
    const callable = events.flatMap((event) => callableOf(event) ?? []);
    if (callable.length === 0) return;
    // A target that is down has a job for when it will be probed.
    const awake = await queryRows<WebhookKey>(tx, ENQUEUE, [JSON.stringify(callable)]);
    await this.jobs.add(
      tx,
      awake.map((key) => deliverJob(key)),
    );
  }
}

/** Null when no webhook can want the event. */
export function callableOf(event: StoredEvent): Callable | null {
  const trigger = triggerOf(event);
  if (trigger === null) return null;
  return {
    projectId: event.projectId,
    appId: event.appId,
    eventId: event.id,
    eventXact: String(event.position.xact),
    eventSeq: String(event.position.seq),
    eventAt: event.at,
    // By contact, so that what makes a contact is told before its conversation, and that before the first message.
    lane: event.contactId ?? event.conversationId ?? event.id,
    trigger,
    ids: Array.from({ length: MAX_WEBHOOKS_PER_APP }, newId),
  };
}

/** At most one a webhook waits. */
export function deliverJob({ projectId, webhookId }: WebhookKey, runAt?: Date): NewJob<'deliver'> {
  return { task: 'deliver', payload: { projectId, webhookId }, key: `deliver:${webhookId}`, runAt };
}
