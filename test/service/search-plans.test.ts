// How Postgres finds words: by the index, whatever else is stored, and at most so many rows in order.
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import {
  type Order,
  type Search,
  matchesSql,
  matchingIds,
  markOf,
  searchOf,
  type Way,
} from '../../src/words/matches.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const MESSAGES = 20_000;
const OURS = { projectId: 'ours', appId: 'app' };
const THEIRS = { projectId: 'theirs', appId: 'app' };
const NEWEST: Order = { position: null, descending: true };

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 2).initialize();
  for (const scope of [OURS, THEIRS]) await fill(scope);
  // What has just been written waits in front of the index.
  await dataSource.query('VACUUM (ANALYZE) message_words');
  await dataSource.query('VACUUM (ANALYZE) contact_words');
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

/** Messages of which each has a word of its own, every second a frequent one, and every third of the older half another. */
async function fill({ projectId, appId }: typeof OURS): Promise<void> {
  await dataSource.transaction(async (tx) => {
    // The rows of the messages themselves are not read here.
    await tx.query('SET LOCAL session_replication_role = replica');
    const marks = [markOf({ projectId, appId }), markOf({ projectId })];
    await tx.query(
      `INSERT INTO message_words SELECT $1, '01' || lpad(n::text, 24, '0'), $2, array_to_tsvector(ARRAY(SELECT DISTINCT $3::text || w FROM unnest(ARRAY[
         'hello', 'item' || n, CASE WHEN n % 2 = 0 THEN 'blue' ELSE 'red' END, CASE WHEN n < ${MESSAGES / 2} AND n % 3 = 0 THEN 'once' ELSE 'now' END
       ]) AS w)) FROM generate_series(1, ${MESSAGES}) AS n`,
      [projectId, appId, marks[0]],
    );
    await tx.query(
      `INSERT INTO contact_words SELECT $1, '01' || lpad(n::text, 24, '0'), array_to_tsvector(ARRAY['${marks[1]}person', '${marks[1]}name' || n])
       FROM generate_series(1, ${MESSAGES}) AS n`,
      [projectId],
    );
  });
}

function sought(scope: { projectId: string; appId?: string }, text: string): Search {
  const search = searchOf(scope, text, 'text');
  if (!search) throw new Error(`${text} has no words`);
  return search;
}

function ids(scope: typeof OURS, text: string, order = NEWEST, limit = 26): Promise<string[]> {
  return matchingIds(dataSource.manager, 'message', sought(scope, text), order, limit);
}

const idOf = (n: number): string => `01${String(n).padStart(24, '0')}`;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

async function planOf(kind: 'message' | 'contact', way: Way, text: string): Promise<PlanNode[]> {
  const values: unknown[] = [];
  const scope = kind === 'message' ? OURS : { projectId: OURS.projectId };
  const sql = matchesSql(kind, way, sought(scope, text), NEWEST, (value) => `$${values.push(value)}`);
  const [row]: { 'QUERY PLAN': [{ Plan: PlanNode }] }[] = await dataSource.query(
    `EXPLAIN (ANALYZE, FORMAT JSON) SELECT w.id FROM ${sql} w ORDER BY w.id DESC LIMIT 26`,
    values,
  );
  const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];
  return (row?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => flatten(Plan));
}

describe('what is found', () => {
  test('a frequent word, a rare one, beginnings and several words, newest first', async () => {
    expect(await ids(OURS, 'blue', NEWEST, 3)).toEqual([20_000, 19_998, 19_996].map(idOf));
    expect(await ids(OURS, 'item777')).toEqual(
      [777, ...Array.from({ length: 10 }, (_, i) => 7770 + i)].sort((a, b) => b - a).map(idOf),
    );
    expect(await ids(OURS, 'hello item12345 red')).toEqual([idOf(12_345)]);
    expect(await ids(OURS, 'hello item12345 blue')).toEqual([]);
    expect(await ids(OURS, 'blue red')).toEqual([]);
    expect(await ids(OURS, 'once', NEWEST, 2)).toEqual([9_999, 9_996].map(idOf));
  });

  test('from a position on, either way', async () => {
    expect(await ids(OURS, 'blue', { position: idOf(100), descending: true }, 2)).toEqual([98, 96].map(idOf));
    expect(await ids(OURS, 'blue', { position: idOf(100), descending: false }, 2)).toEqual(
      [102, 104].map(idOf),
    );
  });

  test('what the walk finds and what the index finds are the same', async () => {
    for (const text of ['blue', 'it', 'item19', 'red now', 'hello item199']) {
      const search = sought(OURS, text);
      const [walk, index] = await Promise.all(
        (['walk', 'index'] as const).map(async (way) => {
          const values: unknown[] = [];
          const sql = matchesSql('message', way, search, NEWEST, (value) => `$${values.push(value)}`);
          const rows: { id: string }[] = await dataSource.query(
            `SELECT w.id FROM ${sql} w ORDER BY w.id DESC LIMIT 20`,
            values,
          );
          return rows.map(({ id }) => id);
        }),
      );
      expect(walk?.length).toBeGreaterThan(0);
      expect(walk).toEqual(index);
    }
  });
});

describe('how it is found', () => {
  test.each(['item777', 'hello item12345 red', 'absent', 'item1234'])(
    'the index leads to %s, and to no message of anybody else',
    async (text) => {
      const nodes = await planOf('message', 'index', text);
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
      const [scan] = nodes.filter((node) => node['Index Name'] === 'message_words_words');
      expect(scan?.['Node Type']).toBe('Bitmap Index Scan');
      const [heap] = nodes.filter((node) => node['Node Type'] === 'Bitmap Heap Scan');
      expect(scan?.['Actual Rows']).toBe(heap?.['Actual Rows']);
    },
  );

  test.each(['blue', 'he', 'hello blue now'])(
    'the walk meets the frequent %s within few rows of the key',
    async (text) => {
      const nodes = await planOf('message', 'walk', text);
      const [scan] = nodes.filter((node) => node['Relation Name'] === 'message_words');
      expect(scan).toMatchObject({ 'Node Type': 'Index Scan', 'Index Name': 'message_words_pkey' });
      expect(scan?.['Actual Rows']).toBeLessThan(200);
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Sort');
    },
  );

  test('the walk ends after ten thousand rows', async () => {
    const nodes = await planOf('message', 'walk', 'absent');
    const [scan] = nodes.filter((node) => node['Relation Name'] === 'message_words');
    expect(scan).toMatchObject({ 'Index Name': 'message_words_pkey', 'Actual Rows': 10_000 });
  });

  test('contacts are found in the same way', async () => {
    const rare = await planOf('contact', 'index', 'name777');
    expect(rare.map((node) => node['Index Name'])).toContain('contact_words_words');
    expect(rare.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    const frequent = await planOf('contact', 'walk', 'person');
    expect(frequent.map((node) => node['Index Name'])).toContain('contact_words_pkey');
  });
});
