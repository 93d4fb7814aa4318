import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import type { Nudges } from './nudges.js';

const CHANNEL = 'parley_events';
const RECONNECT_MS = 500;

/** Nudges by LISTEN and NOTIFY. Not in the transactions that write: those that notify commit one after the other. */
export class PostgresNudges implements Nudges {
  private readonly logger = new Logger(PostgresNudges.name);
  private client: pg.Client | null = null;
  private closing = false;

  constructor(private readonly dataSource: DataSource) {}

  async listen(heard: (app: string | null) => void): Promise<void> {
    await this.connect(heard);
  }

  async announce(apps: string[]): Promise<void> {
    await this.dataSource.query(`SELECT pg_notify($1, app) FROM unnest($2::text[]) AS app`, [CHANNEL, apps]);
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.client?.end().catch(() => undefined);
  }

  /** With a connection of its own: LISTEN belongs to a session, a pooled one would lose it. */
  private async connect(heard: (app: string | null) => void): Promise<void> {
    const { url } = this.dataSource.options as { url: string };
    const client = new pg.Client({
      connectionString: url,
      application_name: 'parley wake-ups',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    client.on('end', () => {
      if (this.closing || this.client !== client) return;
      this.logger.warn('lost the connection that hears of new events, reconnecting');
      this.client = null;
      void this.reconnect(heard);
    });
    client.on('notification', ({ payload }) => heard(payload ?? ''));
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    this.client = client;
  }

  private async reconnect(heard: (app: string | null) => void): Promise<void> {
    while (!this.closing && !this.client) {
      try {
        await this.connect(heard);
        heard(null);
      } catch {
        await sleep(RECONNECT_MS);
      }
    }
  }
}
