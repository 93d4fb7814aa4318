// Webhooks on a database of their own: the parts by hand, one or more worker processes, a clock that can be put forward.
import { ConsoleLogger, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../../src/config.js';
import { createDataSource } from '../../src/database/data-source.js';
import type { EventKind, EventPayloads, NewEvent } from '../../src/events/event.js';
import { EventLog } from '../../src/events/event-log.js';
import { Wakeups } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import { Presence } from '../../src/jobs/presence.js';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';
import { SecretBox } from '../../src/secrets.js';
import { CallbackPoster } from '../../src/webhooks/attempt.js';
import { Clock } from '../../src/webhooks/clock.js';
import { WebhookDispatcher } from '../../src/webhooks/dispatcher.js';
import { WebhookEnqueuer } from '../../src/webhooks/enqueue.js';
import { WebhookReplay } from '../../src/webhooks/replay.js';
import { WebhookTrigger } from '../../src/webhooks/trigger.js';
import type { Webhook } from '../../src/webhooks/webhook.entity.js';
import { WebhooksService } from '../../src/webhooks/webhooks.service.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { logSettled } from './log.js';

export const PROJECT_ID = 'p-webhooks';

export class TestClock extends Clock {
  private offset = 0;

  override now(): Date {
    return new Date(Date.now() + this.offset);
  }

  advance(ms: number): void {
    this.offset += ms;
  }

  reset(): void {
    this.offset = 0;
  }
}

/** A worker process: its own mark on what it works at. */
export interface Worker {
  dispatcher: WebhookDispatcher;
  /** As `kill -9` would: its sign of life is gone, and nothing is given back. */
  die(): Promise<void>;
}

interface DeliveryRow {
  event_seq: string;
  event_id: string;
  id: string;
  status: string;
  attempts: number;
  next_attempt_at: Date | null;
  response_code: number | null;
  response_head: string | null;
  error: string | null;
  duration_ms: number | null;
}

export class WebhookBench {
  readonly clock = new TestClock();
  readonly jobs = new JobsService();
  readonly log: EventLog;
  readonly service: WebhooksService;
  readonly replay: WebhookReplay;
  private readonly secrets = new SecretBox([Buffer.alloc(32, 3).toString('base64')]);
  private readonly agent = new GuardedAgent({ allowPrivate: true });
  private readonly presences: Presence[] = [];

  private constructor(
    private readonly database: TestDatabase,
    readonly dataSource: DataSource,
  ) {
    const config = Object.assign(new Config(), { PARLEY_ALLOW_PRIVATE_TARGETS: true });
    this.log = new EventLog(dataSource, new Wakeups(dataSource, new Config()));
    this.service = new WebhooksService(dataSource, this.jobs, this.secrets, config, this.clock);
    this.replay = new WebhookReplay(dataSource, this.service, this.log, this.jobs);
    new WebhookEnqueuer(this.log, this.jobs).onModuleInit();
  }

  static async start(): Promise<WebhookBench> {
    Logger.overrideLogger(false);
    const database = await createTestDatabase();
    const dataSource = await createDataSource(database.url, 20).initialize();
    await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'Test')`, [
      PROJECT_ID,
    ]);
    return new WebhookBench(database, dataSource);
  }

  async stop(): Promise<void> {
    for (const presence of this.presences) await presence.onApplicationShutdown();
    await this.agent.onApplicationShutdown();
    await this.dataSource.destroy();
    await this.database.drop();
    Logger.overrideLogger(new ConsoleLogger());
  }

  async app(): Promise<string> {
    const id = newId();
    await this.dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'Shop')`, [
      PROJECT_ID,
      id,
    ]);
    return id;
  }

  /** What signs callbacks to the URLs of single sends. */
  async callbackSecret(appId: string, secret: string): Promise<void> {
    await this.dataSource.query(`UPDATE apps SET callback_secret = $2 WHERE id = $1`, [
      appId,
      this.secrets.encrypt(secret),
    ]);
  }

  webhook(appId: string, target: string, more: Record<string, unknown> = {}): Promise<Webhook> {
    const triggers = [WebhookTrigger.MESSAGE_INBOUND];
    return this.service.create(PROJECT_ID, { appId, target, triggers, ...more });
  }

  async worker(): Promise<Worker> {
    const presence = new Presence(this.dataSource);
    await presence.hold(presence.processId);
    this.presences.push(presence);
    const poster = new CallbackPoster(this.agent, this.clock);
    const { dataSource, log, jobs, secrets, clock } = this;
    return {
      dispatcher: new WebhookDispatcher(dataSource, log, jobs, presence, secrets, poster, clock),
      die: () => presence.onApplicationShutdown(),
    };
  }

  /** Records events in one transaction. */
  async record(...events: NewEvent[]): Promise<void> {
    await this.dataSource.transaction((tx) => this.log.record(tx, events));
    await this.jobs.settled();
  }

  /** Replays once nothing holds back an event any more: a replay waits for that, but only for so long. */
  async replayAll(
    webhook: Webhook,
    after: string | null = null,
    until: string | null = null,
  ): Promise<number> {
    await logSettled((sql) => this.dataSource.query(sql));
    return this.replay.replay(PROJECT_ID, webhook.id, after, until);
  }

  /** Where a delivery stands, in order of events. */
  deliveries(webhook: Webhook): Promise<DeliveryRow[]> {
    return this.dataSource.query(
      `SELECT * FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 ORDER BY event_seq, created_at`,
      [PROJECT_ID, webhook.id],
    );
  }

  async job(webhook: Webhook): Promise<{ run_at: Date } | null> {
    const rows: { run_at: Date }[] = await this.dataSource.query(
      `SELECT run_at FROM graphile_worker.jobs WHERE key = $1`,
      [`deliver:${webhook.id}`],
    );
    return rows[0] ?? null;
  }

  get(webhook: Webhook): Promise<Webhook> {
    return this.service.get(PROJECT_ID, webhook.id);
  }
}

export function keyOf(webhook: Webhook): { projectId: string; webhookId: string } {
  return { projectId: webhook.projectId, webhookId: webhook.id };
}

/** An event of an app that says `text`, from one contact. */
export function inbound(appId: string, contactId: string, text: string): NewEvent {
  const conversationId = `conversation-of-${contactId}`;
  return event(appId, contactId, 'message.added', {
    message: {
      id: newId(),
      appId,
      contactId,
      conversationId,
      direction: 'TO_APP',
      channel: 'MESSENGER',
      identity: contactId,
      content: { text_message: { text } },
      metadata: '',
      acceptTime: new Date().toISOString(),
      channelTime: null,
    },
    conversation: { id: conversationId },
  });
}

export function event<K extends EventKind>(
  appId: string,
  contactId: string,
  kind: K,
  payload: EventPayloads[K],
): NewEvent {
  return { projectId: PROJECT_ID, appId, contactId, kind, payload } as NewEvent;
}
