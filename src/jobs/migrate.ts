import { runMigrations } from 'graphile-worker';

/** Makes the queue's own schema, or brings it up to date. Safe to run by several processes at once. */
export async function migrateJobs(url: string): Promise<void> {
  await runMigrations({ connectionString: url });
}
