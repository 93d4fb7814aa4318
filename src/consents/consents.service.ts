import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { EventLog } from '../events/event-log.js';
import type { RecordedEvent } from '../events/event.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { AppsService } from '../apps/apps.service.js';
import { type ConsentChange, consentChangeOf, type ListType } from './change.js';

/** What was done to a list, when. */
export interface ConsentRecord {
  listType: ListType;
  operation: 'OPERATION_INSERT' | 'OPERATION_DELETE';
  origin: 'ORIGIN_MO';
  at: Date;
}

const CHANGES = `jsonb_to_recordset($1::jsonb) AS n(id text, "projectId" text, "appId" text, "listType" text, channel text, identity text, operation text)`;

/** One statement for lists and records: a change that changes nothing leaves no record. */
const APPLY = `
  WITH added AS (
    INSERT INTO consents (project_id, app_id, list_type, channel, identity)
    SELECT n."projectId", n."appId", n."listType", n.channel, n.identity FROM ${CHANGES} WHERE n.operation = 'OPERATION_INSERT'
    ON CONFLICT DO NOTHING RETURNING project_id, app_id, list_type, channel, identity
  ), removed AS (
    DELETE FROM consents c USING ${CHANGES}
    WHERE n.operation = 'OPERATION_DELETE' AND c.project_id = n."projectId" AND c.app_id = n."appId"
      AND c.list_type = n."listType" AND c.identity = n.identity AND c.channel = n.channel
    RETURNING c.project_id, c.app_id, c.list_type, c.channel, c.identity
  )
  INSERT INTO consent_records (project_id, app_id, identity, id, channel, list_type, operation, origin)
  SELECT n."projectId", n."appId", n.identity, n.id, n.channel, n."listType", n.operation, 'ORIGIN_MO' FROM ${CHANGES}
  JOIN (SELECT *, 'OPERATION_INSERT' AS operation FROM added UNION ALL SELECT *, 'OPERATION_DELETE' FROM removed) done
    ON done.project_id = n."projectId" AND done.app_id = n."appId" AND done.list_type = n."listType"
      AND done.channel = n.channel AND done.identity = n.identity AND done.operation = n.operation`;

/** Keeps the lists of those who do not want to be written to, as people themselves say it on their channels. */
@Injectable()
export class ConsentsService implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly apps: AppsService,
  ) {}

  onModuleInit(): void {
    this.log.addSink((tx, events) => this.note(tx, events));
  }

  /** In order of identity. @throws DomainError NOT_FOUND (app) */
  async list(
    projectId: string,
    appId: string,
    listType: ListType,
    request: PageRequest,
  ): Promise<Page<string>> {
    await this.apps.get(projectId, appId);
    const keyset = keysetOf(request, 1);
    const rows = await queryRows<{ identity: string }>(
      this.dataSource.manager,
      `SELECT DISTINCT identity FROM consents WHERE project_id = $1 AND app_id = $2 AND list_type = $3
       AND ($4::text IS NULL OR identity > $4) ORDER BY identity LIMIT $5`,
      [projectId, appId, listType, keyset.position?.[0] ?? null, keyset.limit + 1],
    );
    return pageOf(
      rows.map(({ identity }) => identity),
      keyset,
      (identity) => [identity],
    );
  }

  /** Oldest first; empty for an identity that was never on a list. @throws DomainError NOT_FOUND (app) */
  async records(projectId: string, appId: string, identity: string): Promise<ConsentRecord[]> {
    await this.apps.get(projectId, appId);
    return queryRows<ConsentRecord>(
      this.dataSource.manager,
      `SELECT list_type, operation, origin, at FROM consent_records
       WHERE project_id = $1 AND app_id = $2 AND identity = $3 ORDER BY id LIMIT 1000`,
      [projectId, appId, identity],
    );
  }

  private async note(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void> {
    for (const step of steps(events.flatMap((event) => consentChangeOf(event) ?? []))) {
      await tx.query(APPLY, [JSON.stringify(step.map((change) => ({ ...change, id: newId() })))]);
    }
  }
}

/** A statement sees each list once: what a person said twice in a batch is applied one after the other. */
function steps(changes: readonly ConsentChange[]): ConsentChange[][] {
  const result: ConsentChange[][] = [];
  const seen = new Map<string, number>();
  for (const change of changes) {
    const { projectId, appId, listType, channel, identity } = change;
    const key = JSON.stringify([projectId, appId, listType, channel, identity]);
    const step = seen.get(key) ?? 0;
    seen.set(key, step + 1);
    (result[step] ??= []).push(change);
  }
  return result;
}
