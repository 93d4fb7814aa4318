import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 2).initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

/** Every column, constraint, index, trigger and function that is ours, as text; partitions come and go by the day. */
async function everything(): Promise<string[]> {
  const rows: { thing: string }[] = await dataSource.query(`
    WITH ours AS (
      SELECT c.oid, c.relname FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'v', 'S') AND c.relname <> 'migrations'
        AND c.relname <> 'migrations_id_seq')
    SELECT 'relation ' || relname AS thing FROM ours
    UNION ALL SELECT 'column ' || relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
      || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
      FROM ours JOIN pg_attribute a ON a.attrelid = ours.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL SELECT 'constraint ' || relname || ' ' || conname || ' ' || pg_get_constraintdef(k.oid) FROM ours JOIN pg_constraint k ON k.conrelid = ours.oid
    UNION ALL SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM ours JOIN pg_index i ON i.indrelid = ours.oid
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM ours JOIN pg_trigger t ON t.tgrelid = ours.oid AND NOT t.tgisinternal
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1`);
  return rows.map(({ thing }) => thing);
}

test('every migration can be taken back, one after the other, and made again', async () => {
  const before = await everything();
  const count = dataSource.migrations.length;
  for (let undone = 0; undone < count; undone += 1) await dataSource.undoLastMigration();
  expect(await everything()).toEqual([]);
  expect(await dataSource.runMigrations()).toHaveLength(count);
  expect(await everything()).toEqual(before);
});
