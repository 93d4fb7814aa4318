import type { DataSource, EntityManager } from 'typeorm';

/** Class of SQLSTATE for transactions that Postgres ended because of another one: deadlock, serialization failure. */
const CONFLICT = /^40/;
const ATTEMPTS = 5;

/** Runs `work` in a transaction, anew when another transaction got into its way. */
export async function transact<T>(
  dataSource: DataSource,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await dataSource.transaction(work);
    } catch (error) {
      if (!CONFLICT.test(sqlState(error) ?? '') || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The code that Postgres gave an error; undefined when it did not come from there. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
