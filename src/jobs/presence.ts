import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { newId } from '../ids.js';

/** First half of the advisory locks that say "this process lives". */
const LOCK_CLASS = 0x50_41_52_4c;
const RECONNECT_MS = 500;

const ABSENT = `
  SELECT name FROM unnest($1::text[]) AS name
  WHERE NOT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid = ${LOCK_CLASS} AND objid = (hashtext(name)::bigint & x'ffffffff'::bigint)::oid AND objsubid = 2)`;

/**
 * Tells which processes live. Each holds an advisory lock for every name it works under, on one connection of its own;
 * when it dies, however it dies, Postgres sees the connection close and the lock is gone.
 */
@Injectable()
export class Presence implements OnApplicationShutdown {
  /** This process, in marks that it leaves on rows it is working on. */
  readonly processId = newId();
  private readonly logger = new Logger(Presence.name);
  private readonly names = new Set<string>();
  private client: pg.Client | null = null;
  private connecting: Promise<void> | null = null;
  private closing = false;

  constructor(private readonly dataSource: DataSource) {}

  /** Holds `name` until this process ends. */
  async hold(name: string): Promise<void> {
    this.names.add(name);
    if (this.client) await lock(this.client, name);
    else await (this.connecting ??= this.connect());
  }

  /** Lets `name` go: what was done under it has ended. */
  async drop(name: string): Promise<void> {
    if (!this.names.delete(name)) return;
    await this.client?.query('SELECT pg_advisory_unlock_shared($1, hashtext($2))', [LOCK_CLASS, name]);
  }

  /** Those of `names` that no living process holds. */
  async absent(names: string[]): Promise<string[]> {
    if (names.length === 0) return [];
    const rows: { name: string }[] = await this.dataSource.query(ABSENT, [names]);
    return rows.map((row) => row.name).filter((name) => !this.names.has(name));
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const { url } = this.dataSource.options as { url: string };
    const client = new pg.Client({
      connectionString: url,
      application_name: 'parley presence',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    client.on('end', () => {
      if (this.closing || this.client !== client) return;
      this.logger.warn('lost the connection that shows this process as alive, reconnecting');
      this.client = null;
      this.connecting = this.reconnect();
    });
    await client.connect();
    for (const name of this.names) await lock(client, name);
    this.client = client;
    this.connecting = null;
  }

  private async reconnect(): Promise<void> {
    while (!this.closing && !this.client) {
      try {
        await this.connect();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    }
  }
}

async function lock(client: pg.Client, name: string): Promise<void> {
  await client.query('SELECT pg_advisory_lock_shared($1, hashtext($2))', [LOCK_CLASS, name]);
}
