import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbedded } from '../../src/database/embedded.js';
import { Child, stopChildren } from './child.js';
import { LISTENING } from './listen.js';
import { Parley } from './parley.js';

export const PAGE_ID = '108900000000001';

/** What the benchmarks run on: a Postgres of this run's own, with default settings, and processes that end with it. */
export class Machine {
  private constructor(private readonly postgres: EmbeddedPostgres) {}

  static async start(): Promise<Machine> {
    // On the disk, where fsync means something; open to traversal, since root's server runs as somebody else.
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
    chmodSync(dataDir, 0o711);
    return new Machine(await startEmbedded({ dataDir, temporary: true }));
  }

  async stop(): Promise<void> {
    await stopChildren();
    await this.postgres.stop();
  }

  /** An empty database. */
  async database(name: string): Promise<string> {
    await withClient(this.postgres.url, (client) =>
      client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`),
    );
    const url = new URL(this.postgres.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** What autovacuum does within a minute: before it, Postgres plans for tables that it takes to be empty. */
  async analyze(databaseUrls: readonly string[]): Promise<void> {
    for (const url of databaseUrls) await withClient(url, (client) => client.query('ANALYZE'));
  }

  /** A Parley with a database of its own, speaking to a Graph API that agrees with everything; `slow` and `down` are when it is asked of people. */
  async parley(
    database: string,
    settings: Record<string, string> = {},
    graph: 'ok' | 'slow' | 'down' = 'ok',
  ): Promise<Parley> {
    const outside = await this.server('stand-in.js', { PAGE_ID, GRAPH: graph });
    return Parley.start(await this.database(database), outside, settings);
  }

  /** Starts a server script of this folder; its `host:port`. */
  async server(script: string, env: Record<string, string>): Promise<string> {
    const { match } = await Child.start(new URL(script, import.meta.url), env, LISTENING);
    return match[1] ?? '';
  }
}

/** Runs `work` with a connection of its own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
