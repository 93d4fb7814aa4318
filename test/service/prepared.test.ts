// Prepared statements and the pipeline, on a real connection.
import type { DataSource, EntityManager } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isDatabaseAway } from '../../src/database/availability.js';
import { createDataSource } from '../../src/database/data-source.js';
import { leaveToCommit } from '../../src/database/leave-to-commit.js';
import { onCommit } from '../../src/database/on-commit.js';
import { prepared } from '../../src/database/prepared.js';
import { queryRows } from '../../src/database/rows.js';
import { transact } from '../../src/messages/transaction.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const FIND = prepared('SELECT * FROM probes WHERE id = $1');
const FIND_LETTER = prepared('SELECT * FROM letters WHERE id = $1');
const CONFLICT = `DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'; END $$`;
const NAMES = `SELECT name, statement FROM pg_prepared_statements WHERE statement = $1`;

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 1).initialize();
  await dataSource.query(`CREATE TABLE probes (id int PRIMARY KEY, said text NOT NULL)`);
  await dataSource.query(`INSERT INTO probes VALUES (1, 'one'), (2, 'two')`);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

test('a marked statement is read once a connection, another each time', async () => {
  for (const id of [1, 2, 1]) await dataSource.query(FIND, [id]);
  expect(await dataSource.query(NAMES, [FIND])).toHaveLength(1);
  const other = 'SELECT said FROM probes WHERE id = $1';
  expect(await dataSource.query(other, [2])).toEqual([{ said: 'two' }]);
  expect(await dataSource.query(NAMES, [other])).toEqual([]);
});

test('a migration in between costs a transaction another try, and nothing else', async () => {
  await dataSource.query(`CREATE TABLE letters AS SELECT 1 AS id`);
  const find = (): Promise<unknown[]> => transact(dataSource, (tx) => queryRows(tx, FIND_LETTER, [1]));
  expect(await find()).toEqual([{ id: 1 }]);
  await dataSource.query(`ALTER TABLE letters ADD COLUMN in_reply_to int`);
  expect(await find()).toEqual([{ id: 1, inReplyTo: null }]);
  expect(await find()).toEqual([{ id: 1, inReplyTo: null }]);
});

test('what a transaction asks at once is done in that order, and sees what went before', async () => {
  const answers = await dataSource.transaction((tx) =>
    Promise.all([
      queryRows(tx, `INSERT INTO probes VALUES ($1, 'three') RETURNING id`, [3]),
      queryRows(tx, FIND, [3]),
      queryRows(tx, `DELETE FROM probes WHERE id = $1 RETURNING id`, [3]),
      queryRows(tx, FIND, [3]),
    ]),
  );
  expect(answers).toEqual([[{ id: 3 }], [{ id: 3, said: 'three' }], [{ id: 3 }], []]);
});

test('of what a transaction asks at once the first fault counts, and nothing stays', async () => {
  const failed = dataSource.transaction((tx) =>
    Promise.all([
      queryRows(tx, `INSERT INTO probes VALUES ($1, 'three')`, [3]),
      queryRows(tx, `INSERT INTO probes VALUES ($1, 'again')`, [1]),
      queryRows(tx, FIND, [3]),
    ]),
  );
  await expect(failed).rejects.toMatchObject({ code: '23505' });
  expect(await dataSource.query('SELECT id FROM probes ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
});

test('what nobody waits for fails the commit, with its own error, and nothing stays', async () => {
  const after: string[] = [];
  const failed = dataSource.transaction(async (tx) => {
    onCommit(tx, () => after.push('committed'));
    await tx.query(FIND, [1]);
    leaveToCommit(tx, tx.query(`INSERT INTO probes VALUES (4, 'four')`));
    leaveToCommit(tx, tx.query(`INSERT INTO probes VALUES (1, 'again')`));
    leaveToCommit(tx, tx.query(`INSERT INTO probes VALUES (5, 'five')`));
  });
  await expect(failed).rejects.toMatchObject({ code: '23505', constraint: 'probes_pkey' });
  expect(after).toEqual([]);
  expect(await dataSource.query('SELECT id FROM probes ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
  await dataSource.transaction((tx) => {
    onCommit(tx, () => after.push('committed'));
    leaveToCommit(tx, tx.query(`INSERT INTO probes VALUES (4, 'four')`));
    return Promise.resolve();
  });
  expect(after).toEqual(['committed']);
  expect(await dataSource.query(FIND, [4])).toEqual([{ id: 4, said: 'four' }]);
  await dataSource.query('DELETE FROM probes WHERE id = 4');
});

test('whoever waits for a later statement learns why the first one failed', async () => {
  const failed = dataSource.transaction(async (tx) => {
    leaveToCommit(tx, tx.query(`INSERT INTO probes VALUES (1, 'again')`));
    await tx.query(FIND, [2]);
  });
  await expect(failed).rejects.toMatchObject({ code: '23505', constraint: 'probes_pkey' });
});

test('a conflict in what nobody waits for has the transaction run again', async () => {
  let attempts = 0;
  const done = transact(dataSource, async (tx) => {
    attempts += 1;
    if (attempts === 1) leaveToCommit(tx, tx.query(CONFLICT));
    return queryRows(tx, FIND, [1]);
  });
  expect(await done).toEqual([{ id: 1, said: 'one' }]);
  expect(attempts).toBe(2);
});

test('a failure of one transaction is not told by the next', async () => {
  await expect(
    dataSource.transaction((tx) => {
      leaveToCommit(tx, tx.query('SELECT 1/0'));
      return Promise.resolve();
    }),
  ).rejects.toThrow('division by zero');
  await dataSource.transaction((tx) => tx.query('SELECT 1'));
});

test('outside of a transaction nothing may be left to its commit', () => {
  expect(() => {
    leaveToCommit(dataSource.manager, Promise.resolve());
  }).toThrow('no transaction');
});

test('a connection that is cut is the database being away, also for who asks after it was lost', async () => {
  const other = await createDataSource(database.url, 1).initialize();
  const cut = async (statements: (tx: EntityManager) => Promise<unknown>): Promise<unknown> =>
    other
      .transaction(async (tx) => {
        const [{ pid }] = await tx.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
        await dataSource.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
        // The loss is known once somebody has asked, or a moment later.
        await tx.query('SELECT 1').catch(() => undefined);
        return statements(tx);
      })
      .catch((error: unknown) => error);
  try {
    const asked = await cut((tx) => tx.query('SELECT 1'));
    const committed = await cut(() => Promise.resolve());
    expect([asked, committed].map((error) => isDatabaseAway(error))).toEqual([true, true]);
  } finally {
    await other.destroy();
  }
});
