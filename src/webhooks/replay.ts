import { Injectable } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError } from '../errors.js';
import { decodePosition, isAfter, ORIGIN } from '../events/cursor.js';
import type { Position, StoredEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { CALLABLE_COLUMNS, callableOf, deliverJob } from './enqueue.js';
import type { Webhook } from './webhook.entity.js';
import { WebhooksService } from './webhooks.service.js';

const SLICE = 500;
/** Events that another transaction still holds back are waited for, but not for ever. */
const SETTLE_MS = 5_000;
const LOOK_MS = 20;

/** What was given up comes back, what waits for a retry is due at once, what was never tried is left alone, the rest is made anew. */
const REPLAY = `
  WITH e AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($3::jsonb) AS e(${CALLABLE_COLUMNS})
  ), revived AS (
    DELETE FROM webhook_deliveries_done d USING e
    WHERE d.project_id = $1 AND d.webhook_id = $2 AND d.event_seq = e."eventSeq" AND d.status = 'DEAD'
  )
  INSERT INTO webhook_deliveries_pending AS d (project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger)
  SELECT $1, $2, "eventSeq", "eventXact", "eventAt", "eventId", ids[1], "appId", lane, trigger FROM e
  ON CONFLICT (project_id, webhook_id, event_seq) DO UPDATE SET attempts = 0, next_attempt_at = NULL WHERE d.attempts > 0
  RETURNING id`;

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

  private async queue(
    { projectId, id: webhookId, triggers }: Webhook,
    events: StoredEvent[],
  ): Promise<number> {
    const callable = events
      .flatMap((event) => callableOf(event) ?? [])
      .filter(({ trigger }) => triggers.includes(trigger));
    if (callable.length === 0) return 0;
    return this.dataSource.transaction(async (tx) => {
      const queued = await queryRows(tx, REPLAY, [projectId, webhookId, JSON.stringify(callable)]);
      await this.jobs.add(tx, [deliverJob({ projectId, webhookId })]);
      return queued.length;
    });
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
