import { Injectable, type OnModuleInit } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { DataSource } from 'typeorm';
import { App } from '../apps/app.entity.js';
import { RetentionType } from '../apps/app-enums.js';
import { Config } from '../config.js';
import { queryRows } from '../database/rows.js';
import type { Position } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import { expireConversations } from './expire-conversations.js';
import { expireEvents, expireMessages } from './expire-messages.js';
import { dispatchExpiryOf, type Expiry, expiryOf } from './expiry.js';
import { eraseOldInLog } from './log-content.js';

/** A job gives way after this long; what is left goes on in a new one. */
const SLICE_MS = 20_000;
const APPS = 1_000;

const ALL = `
  SELECT project_id, id AS app_id FROM apps
  WHERE (project_id, id) > ($1, $2) ORDER BY project_id, id LIMIT ${APPS}`;

/** Does some of a work. False when there is no more. */
type Step = () => Promise<boolean>;

/** Deletes what apps have kept for longer than their retention policies say: once a day, in batches. Contacts stay. */
@Injectable()
export class RetentionService implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('retain', (app) => this.retain(app));
    this.jobs.onUpkeep(() => this.begin());
  }

  /** Has each app looked at, by a job of its own. */
  private async begin(): Promise<void> {
    const { manager } = this.dataSource;
    for (let last = ['', '']; ;) {
      const apps = await queryRows<{ projectId: string; appId: string }>(manager, ALL, last);
      await this.jobs.add(
        manager,
        apps.map((app) => jobOf(app)),
      );
      const end = apps.at(-1);
      if (!end || apps.length < APPS) return;
      last = [end.projectId, end.appId];
    }
  }

  /** Job handler. */
  private async retain({ projectId, appId }: { projectId: string; appId: string }): Promise<void> {
    const app = await this.dataSource.manager.findOneBy(App, { projectId, id: appId });
    if (!app) return;
    const until = performance.now() + SLICE_MS;
    for (const step of this.stepsOf(app)) {
      while (await step()) {
        if (performance.now() < until) continue;
        return this.jobs.add(this.dataSource.manager, [jobOf({ projectId, appId })]);
      }
    }
  }

  private stepsOf(app: App): Step[] {
    const { dataSource, log } = this;
    const expiry = expiryOf(app);
    const dispatched = dispatchExpiryOf(app);
    const always: Step[] = [
      () => expireMessages(dataSource, log, dispatched),
      () => expireEvents(dataSource, dispatched),
    ];
    switch (app.retentionType) {
      case RetentionType.MESSAGE_EXPIRE_POLICY:
        return [
          ...always,
          () => expireMessages(dataSource, log, expiry),
          () => expireEvents(dataSource, expiry),
          ...this.logSteps(app, expiry, 'messages'),
        ];
      case RetentionType.CONVERSATION_EXPIRE_POLICY:
        return [
          ...always,
          () => expireConversations(dataSource, log, expiry),
          ...this.logSteps(app, expiry, 'nobody'),
        ];
      case RetentionType.PERSIST_RETENTION_POLICY:
        return always;
    }
  }

  /** Where the log is kept for no longer than messages are, it forgets by itself. */
  private logSteps(app: App, expiry: Expiry, of: 'messages' | 'nobody'): Step[] {
    if (app.retentionDays > this.config.EVENT_RETENTION_DAYS) return [];
    let position: Position | undefined;
    return [
      async () => {
        const next = await eraseOldInLog(this.dataSource, expiry, of, position);
        position = next ?? position;
        return next !== null;
      },
    ];
  }
}

function jobOf(app: { projectId: string; appId: string }): NewJob<'retain'> {
  return { task: 'retain', payload: app, key: `retain:${app.appId}` };
}
