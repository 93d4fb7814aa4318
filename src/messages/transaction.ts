import type { DataSource, EntityManager } from 'typeorm';
import { isOutdatedPlan } from '../database/prepared.js';

/** Class of SQLSTATE for transactions that Postgres ended because of another one: deadlock, serialization failure. */
const CONFLICT = /^40/;
const ATTEMPTS = 5;

/** Runs `work` in a transaction, anew when another transaction got into its way. */
export function transact<T>(dataSource: DataSource, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  return prepareAndTransact(dataSource, () => Promise.resolve(), work);
}

/** The same, with what `prepare` found before the transaction; that is looked up anew as well. */
export async function prepareAndTransact<P, T>(
  dataSource: DataSource,
  prepare: () => Promise<P>,
  work: (tx: EntityManager, prepared: P) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const prepared = await prepare();
      return await dataSource.transaction((tx) => work(tx, prepared));
    } catch (error) {
      const again = CONFLICT.test(sqlState(error) ?? '') || isOutdatedPlan(error);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The code that Postgres gave an error; undefined when it did not come from there. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
