import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { onCommit } from '../../src/database/on-commit.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let done: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 2).initialize();
});
beforeEach(() => {
  done = [];
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

test('work is done after the commit, in order, and once', async () => {
  await dataSource.transaction(async (tx) => {
    onCommit(tx, () => done.push('first'));
    onCommit(tx, () => done.push('second'));
    await tx.query('SELECT 1');
    expect(done).toEqual([]);
  });
  expect(done).toEqual(['first', 'second']);
  await dataSource.transaction((tx) => tx.query('SELECT 1'));
  expect(done).toHaveLength(2);
});

test('work of a transaction that is rolled back is not done', async () => {
  const lost = dataSource.transaction(async (tx) => {
    onCommit(tx, () => done.push('lost'));
    await tx.query('SELECT 1/0');
  });
  await expect(lost).rejects.toThrow('division by zero');
  await dataSource.transaction((tx) => tx.query('SELECT 1'));
  expect(done).toEqual([]);
});

test('without a transaction it is done at once', () => {
  onCommit(dataSource.manager, () => done.push('now'));
  expect(done).toEqual(['now']);
});
