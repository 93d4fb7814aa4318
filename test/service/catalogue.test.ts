import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** Read before the project is known, or about no project at all. Everything else belongs to a tenant. */
const SHARED = new Set(['access_key_routes', 'app_routes', 'event_horizon', 'migrations', 'signing_keys']);

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 1).initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

/** Tables and partitioned tables of our own; partitions are held to the same rule. */
async function tables(): Promise<string[]> {
  const rows: { name: string }[] = await dataSource.query(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
  );
  return rows.map((row) => row.name);
}

test("every tenant's table has project_id first in its primary key, and never null", async () => {
  const tenants = (await tables()).filter((name) => !SHARED.has(name));
  expect(tenants.length).toBeGreaterThan(10);
  const rows: { name: string; first: string; required: boolean }[] = await dataSource.query(
    `SELECT c.relname AS name, a.attname AS first, a.attnotnull AS required
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace`,
  );
  const keys = new Map(rows.map((row) => [row.name, row]));
  expect(tenants.map((name) => keys.get(name) ?? { name })).toEqual(
    tenants.map((name) => ({ name, first: 'project_id', required: true })),
  );
});

/** Inverted indexes: each word in them begins with a mark of its tenant. */
const WORDS = new Set(['message_words_words', 'contact_words_words']);

test("every index and unique constraint of a tenant's table leads with project_id", async () => {
  const rows: { name: string; index: string; first: string | null }[] = await dataSource.query(
    `SELECT c.relname AS name, x.relname AS index, a.attname AS first
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE c.relnamespace = 'public'::regnamespace`,
  );
  expect(rows.length).toBeGreaterThan(20);
  const others = rows.filter((row) => !SHARED.has(row.name) && !WORDS.has(row.index));
  expect(others.filter((row) => row.first !== 'project_id')).toEqual([]);
});

test("every foreign key between tenants' tables holds both ends to one project", async () => {
  const rows: { key: string; columns: string[]; table: string }[] = await dataSource.query(
    `SELECT k.conname AS key, k.conrelid::regclass::text AS table,
       array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n(number, place)
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.number ORDER BY n.place) AS columns
     FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace`,
  );
  expect(rows.length).toBeGreaterThan(5);
  expect(rows.filter((row) => !SHARED.has(row.table) && row.columns[0] !== 'project_id')).toEqual([]);
});

test('the shared tables are few, known by name, and all in use', async () => {
  const present = new Set(await tables());
  expect([...SHARED].filter((name) => !present.has(name))).toEqual([]);
});

test('entities and migrated tables have the same columns, nullable in both or in neither', async () => {
  const columns: { name: string; column: string; nullable: boolean }[] = await dataSource.query(
    `SELECT table_name AS name, column_name AS column, is_nullable = 'YES' AS nullable
     FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  const migrated = Map.groupBy(columns, (column) => column.name);
  expect(dataSource.entityMetadatas.length).toBeGreaterThan(5);
  for (const entity of dataSource.entityMetadatas) {
    const described = (list: { column: string; nullable: boolean }[]): string[] =>
      list.map(({ column, nullable }) => `${column}${nullable ? ' null' : ''}`).sort();
    expect(
      described(
        entity.columns.map((column) => ({ column: column.databaseName, nullable: column.isNullable })),
      ),
      entity.tableName,
    ).toEqual(described(migrated.get(entity.tableName) ?? []));
  }
});
