import type { EntityManager } from 'typeorm';

/**
 * Has a statement of a transaction, that nobody waits for, leave together with those after it, at the latest with the commit. Should it
 * fail, whatever comes after it fails with its error, at the latest the commit: see PreparingClient.
 */
export function leaveToCommit(tx: EntityManager, statement: Promise<unknown>): void {
  statement.catch(() => undefined);
  if (!tx.queryRunner?.isTransactionActive)
    throw new Error('there is no transaction whose commit could fail');
}
