import { Injectable } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { decodePosition, isAfter, ORIGIN } from '../events/cursor.js';
import type { Position, StoredEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import { EARLIER } from './deliveries.js';
import type { Delivery } from './delivery.js';
import { CALLABLE_COLUMNS, callableOf, deliverJob } from './enqueue.js';
import type { Webhook } from './webhook.entity.js';
import { WebhooksService } from './webhooks.service.js';

const SLICE = 500;
/** Events that another transaction still holds back are waited for, but not for ever. */
const SETTLE_MS = 5_000;
const LOOK_MS = 20;

/** What waits for a retry is due at once, what was never tried is left alone. */
const AGAIN = `ON CONFLICT (project_id, webhook_id, event_seq) DO UPDATE SET attempts = 0, next_attempt_at = NULL WHERE d.attempts > 0`;
const PLACES = `project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger, url`;

/** What was given up comes back, the rest is made anew. */
const REPLAY = `
  WITH e AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($3::jsonb) AS e(${CALLABLE_COLUMNS})
  ), revived AS (
    DELETE FROM webhook_deliveries_done d USING e
    WHERE d.project_id = $1 AND d.webhook_id = $2 AND d.event_seq = e."eventSeq" AND d.status = 'DEAD'
  )
  INSERT INTO webhook_deliveries_pending AS d (${PLACES})
  SELECT $1, $2, "eventSeq", "eventXact", "eventAt", "eventId", ids[1], "appId", lane, trigger, url FROM e
  ${AGAIN}
  RETURNING id`;

/** One that was given up keeps its id and what is known of it; one that arrived is made anew. */
const RETRY = `
  WITH ended AS (
    SELECT d.*, ${EARLIER} AS so_far FROM webhook_deliveries_done d WHERE project_id = $1 AND webhook_id = $2 AND id = $3
  ), revived AS (
    DELETE FROM webhook_deliveries_done d USING ended e
    WHERE d.project_id = $1 AND d.webhook_id = $2 AND d.id = e.id AND d.done_at = e.done_at AND d.status = 'DEAD'
  )
  INSERT INTO webhook_deliveries_pending AS d (${PLACES}, earlier)
  SELECT ${PLACES.replace(' id,', ` CASE status WHEN 'DEAD' THEN id ELSE $4 END,`)}, CASE status WHEN 'DEAD' THEN so_far END FROM ended
  ${AGAIN}
  RETURNING id`;

const HASTEN = `
  UPDATE webhook_deliveries_pending SET attempts = 0, next_attempt_at = NULL
  WHERE project_id = $1 AND webhook_id = $2 AND id = $3 RETURNING id`;

/** A target that is left alone is probed now. */
const PROBE = `UPDATE webhooks SET paused_until = least(paused_until, now()) WHERE project_id = $1 AND id = $2`;

/** Of the event that a delivery was about. */
const PENDING = `
  SELECT * FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 AND status = 'PENDING'
    AND event_seq = (SELECT event_seq FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 AND id = $3 LIMIT 1)`;

/** Delivers once more what the log still holds. */
@Injectable()
export class WebhookReplay {
  constructor(
    private readonly dataSource: DataSource,
    private readonly webhooks: WebhooksService,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  /**
   * Queues the app's events after one cursor up to another for a webhook, again or for the first time; each keeps its event's id.
   * @param after event cursor; null: from the beginning of what is kept.
   * @param until event cursor, included; null: to the end.
   * @returns how many were queued.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT (cursor), OUT_OF_RANGE (`CURSOR_EXPIRED`), FAILED_PRECONDITION (it receives nothing).
   */
  async replay(
    projectId: string,
    webhookId: string,
    after: string | null,
    until: string | null,
  ): Promise<number> {
    const from = after === null ? ORIGIN : decodePosition(after, 'after');
    const to = until === null ? null : decodePosition(until, 'until');
    const webhook = await this.webhooks.get(projectId, webhookId);
    assertReceives(webhook);
    await this.log.assertReadable(from);
    let count = 0;
    for await (const events of this.read(webhook, from, to)) count += await this.queue(webhook, events);
    return count;
  }

  /**
   * Queues one delivery again: one that was given up or waits is tried now, with all its attempts before it, and one that arrived is
   * delivered once more. It keeps its event's id.
   * @throws DomainError NOT_FOUND (webhook, delivery), FAILED_PRECONDITION (the webhook receives nothing).
   */
  async retry(projectId: string, webhookId: string, id: string): Promise<Delivery> {
    const webhook = await this.webhooks.receiver(projectId, webhookId);
    assertReceives(webhook);
    return this.dataSource.transaction(async (tx) => {
      const key = [projectId, webhookId, id];
      const hastened = await queryRows(tx, HASTEN, key);
      if (hastened.length === 0) await tx.query(RETRY, [...key, newId()]);
      const [delivery] = await queryRows<Delivery>(tx, PENDING, key);
      if (!delivery) throw notFound('Delivery', id);
      await this.wake(tx, webhook);
      return delivery;
    });
  }

  private async *read(
    { projectId, appId }: Webhook,
    from: Position,
    to: Position | null,
  ): AsyncGenerator<StoredEvent[]> {
    const patience = performance.now() + SETTLE_MS;
    for (let position = from; ;) {
      const { events, end, settled } = await this.log.read({ projectId, appId }, position, SLICE);
      const wanted = events.filter((event) => to === null || !isAfter(event.position, to));
      if (wanted.length > 0) yield wanted;
      if (wanted.length < events.length || (to !== null && !isAfter(to, end))) return;
      if (events.length < SLICE) {
        if (settled || performance.now() > patience) return;
        await delay(LOOK_MS);
      }
      position = end;
    }
  }

  private async queue(webhook: Webhook, events: StoredEvent[]): Promise<number> {
    const { projectId, id, triggers } = webhook;
    // What went to the callback URL of its send was never the webhook's.
    const callable = events
      .flatMap((event) => callableOf(event, event) ?? [])
      .filter(({ trigger, url }) => url === null && triggers.includes(trigger));
    if (callable.length === 0) return 0;
    return this.dataSource.transaction(async (tx) => {
      const queued = await queryRows(tx, REPLAY, [projectId, id, JSON.stringify(callable)]);
      await this.wake(tx, webhook);
      return queued.length;
    });
  }

  private async wake(tx: EntityManager, { projectId, id: webhookId }: Webhook): Promise<void> {
    await tx.query(PROBE, [projectId, webhookId]);
    await this.jobs.add(tx, [deliverJob({ projectId, webhookId })]);
  }
}

function assertReceives({ id, targetType, disabledAt }: Webhook): void {
  if (targetType !== 'HTTP' || disabledAt) {
    throw new DomainError(
      'FAILED_PRECONDITION',
      `webhook ${id} is ${disabledAt ? 'disabled' : `set to ${targetType}`}; update it first`,
    );
  }
}
