import { migrateJobs } from '../jobs/migrate.js';
import { createDataSource } from './data-source.js';

/** Any number: two processes that start at the same time migrate one after the other. */
const MIGRATION_LOCK = 0x5041_524d;

/** Brings the schema and the queue's own up to date. Safe to run by several processes at once. */
export async function migrate(url: string): Promise<void> {
  const dataSource = await createDataSource(url, 2).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
    await migrateJobs(url);
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await runner.release();
    await dataSource.destroy();
  }
}
