import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

/** One copy at a time on a server: two sessions that copy one template get into each other's way. */
const COPY_LOCK = 7_061_771;
const COPY_ATTEMPTS = 50;

export interface TestDatabase {
  url: string;
  /** Ends what is still connected and drops the database. */
  drop(): Promise<void>;
}

/** A migrated, empty database of the caller's own. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = adminUrlOf(Number(process.env.VITEST_POOL_ID));
  const template = inject('templateDatabase');
  const name = `${template.replace('template', 'test')}_${randomBytes(6).toString('hex')}`;
  await withAdmin(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [COPY_LOCK]);
    await copy(admin, template, name);
  });
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () =>
      withAdmin(adminUrl, async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** The server of a worker, numbered from 1; several share one where there are more of them than servers. */
function adminUrlOf(worker: number): string {
  const urls = inject('adminUrls');
  const url = urls[(worker - 1) % urls.length];
  if (url === undefined) throw new Error(`worker ${worker} has no database server`);
  return url;
}

async function copy(admin: pg.Client, template: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await admin.query(`create database ${name} template ${template}`);
      return;
    } catch (error) {
      // 55006: something (autovacuum, a session that is just ending) is connected to the template.
      if ((error as pg.DatabaseError).code !== '55006' || attempt === COPY_ATTEMPTS) throw error;
      await delay(50);
    }
  }
}

async function withAdmin(url: string, work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  admin.on('error', () => undefined); // the server went away; the query itself fails as well
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
