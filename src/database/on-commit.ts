import {
  type EntityManager,
  type EntitySubscriberInterface,
  EventSubscriber,
  type QueryRunner,
} from 'typeorm';

/** Where a transaction keeps what is to happen after it. */
const WORK = 'parleyOnCommit';

/** Runs `work` once the transaction of `tx` has committed, at once when there is none, never when it is rolled back. It must not throw. */
export function onCommit(tx: EntityManager, work: () => void): void {
  const runner = tx.queryRunner;
  if (!runner?.isTransactionActive) return work();
  const data = runner.data as Record<string, (() => void)[] | undefined>;
  (data[WORK] ??= []).push(work);
}

/** Has TypeORM tell when a transaction ends. */
@EventSubscriber()
export class CommitHooks implements EntitySubscriberInterface {
  afterTransactionCommit({ queryRunner }: { queryRunner: QueryRunner }): void {
    for (const work of take(queryRunner)) work();
  }

  afterTransactionRollback({ queryRunner }: { queryRunner: QueryRunner }): void {
    take(queryRunner);
  }
}

function take(runner: QueryRunner): (() => void)[] {
  const data = runner.data as Record<string, (() => void)[] | undefined>;
  const work = data[WORK] ?? [];
  delete data[WORK];
  return work;
}
