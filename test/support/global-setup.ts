// Before all tests: a Postgres for each worker (embedded ones of this run's own, or the one of TEST_DATABASE_URL for all), with a
// migrated template.
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/database/embedded.js';
import { temporaryFolder } from './temporary-folder.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** On each server a database whose user may create and drop databases. */
    adminUrls: string[];
    /** Name of the migrated database, on each server, that `createTestDatabase` copies. */
    templateDatabase: string;
  }
}

/** Safe to lose, since the files are deleted with the server. */
const FAST = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  max_wal_size: '256MB', // the folder may be in memory
  autovacuum: 'off', // its transactions hold back event logs, and plans change under a test's feet
};
/** What an open transaction holds back are the event logs of a whole server: no worker's tests may do that to another's. */
const MOST_SERVERS = 2;

interface Server {
  url: string;
  stop(): Promise<void>;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const count = given ? 1 : Math.min(project.config.maxWorkers, MOST_SERVERS);
  const template = `parley_template_${process.pid}`;
  const starts = await Promise.allSettled(Array.from({ length: count }, () => prepared(given, template)));
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const teardown = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed) {
    await teardown().catch(() => undefined); // the first error tells more
    throw failed.reason;
  }
  project.provide(
    'adminUrls',
    servers.map(({ url }) => url),
  );
  project.provide('templateDatabase', template);
  return teardown;
}

/** A server with the template, which takes all databases of this run with it when it stops. */
async function prepared(given: string | undefined, template: string): Promise<Server> {
  const server = given ? { url: given, stop: async () => undefined } : await startTemporary();
  // Its session marks this run's databases as in use, so that no other run takes them for left behind.
  const admin = new pg.Client({ connectionString: server.url, application_name: runName(process.pid) });
  admin.on('error', () => undefined); // the server went away; the next query says so
  const stop = async (): Promise<void> => {
    try {
      await dropDatabases(admin, [process.pid]);
    } finally {
      await admin.end();
      await server.stop();
    }
  };
  try {
    await admin.connect();
    await dropDatabases(admin, await endedRuns(admin));
    await admin.query(`create database ${template}`);
    await migrate(databaseUrl(server.url, template)).catch((error: unknown) => {
      // Text only: vitest cannot print TypeORM's errors, whose name is read-only.
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Error(`The template database could not be migrated: ${detail}`);
    });
  } catch (error) {
    await stop().catch(() => undefined); // the first error tells more
    throw error;
  }
  return { url: server.url, stop };
}

async function startTemporary(): Promise<Server> {
  return startEmbedded({ dataDir: temporaryFolder('parley-test-'), settings: FAST, temporary: true });
}

async function migrate(url: string): Promise<void> {
  // Imported late, so that a module that fails to load is reported as what it is.
  const { createDataSource } = await import('../../src/database/data-source.js');
  const { migrateJobs } = await import('../../src/jobs/migrate.js');
  const dataSource = await createDataSource(url).initialize();
  try {
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
  await migrateJobs(url);
}

/** Runs that were interrupted on a server that outlives them: their databases are here, their session is not. */
async function endedRuns(admin: pg.Client): Promise<number[]> {
  const { rows } = await admin.query<{ pid: string }>(
    `select distinct substring(datname from '^parley_(?:template|test)_(\\d+)') as pid from pg_database
     where datname ~ '^parley_(template|test)_\\d+'`,
  );
  const { rows: sessions } = await admin.query<{ application_name: string }>(
    'select application_name from pg_stat_activity',
  );
  const running = new Set(sessions.map((session) => session.application_name));
  return rows
    .map(({ pid }) => Number(pid))
    .filter((pid) => !running.has(runName(pid)) || pid === process.pid);
}

async function dropDatabases(admin: pg.Client, runs: number[]): Promise<void> {
  for (const run of runs) {
    const { rows } = await admin.query<{ datname: string }>(
      'select datname from pg_database where datname ~ $1',
      [`^parley_(template_${run}$|test_${run}_)`],
    );
    for (const { datname } of rows)
      await admin.query(`drop database if exists ${pg.escapeIdentifier(datname)} with (force)`);
  }
}

function runName(pid: number): string {
  return `parley tests ${pid}`;
}

function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
