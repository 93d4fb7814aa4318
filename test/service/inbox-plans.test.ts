// Each filter of the inbox is answered by an index in the order of the list, whatever its size: held by the plans that Postgres makes.
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InboxFilter, inboxStatement } from '../../src/conversations/inbox-query.js';
import { createDataSource } from '../../src/database/data-source.js';
import { encodeCursor, keysetOf } from '../../src/page.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const CONVERSATIONS = 20_000;

/** The conversations of another app of the project, and of another project, are between them. */
const SEED = `
  INSERT INTO conversations (project_id, id, app_id, contact_id, active, active_channel, status, unread_count, assignee, labels, snoozed_until,
    last_activity)
  SELECT CASE WHEN n % 10 = 0 THEN 'other' ELSE 'p' END, 'V' || lpad(n::text, 9, '0'), CASE WHEN n % 10 = 1 THEN 'b' ELSE 'a' END,
    'C' || n % 5000, n <= 5000, CASE WHEN n % 97 = 0 THEN 'SMS' ELSE 'MESSENGER' END,
    CASE n % 20 WHEN 0 THEN 'OPEN' WHEN 2 THEN 'OPEN' WHEN 3 THEN 'SNOOZED' ELSE 'CLOSED' END, CASE WHEN n % 30 = 2 THEN 1 ELSE 0 END,
    CASE WHEN n % 50 <> 7 THEN 'agent-' || n % 40 END,
    CASE WHEN n % 400 = 3 THEN '{vip}' WHEN n % 3 = 0 THEN '{sales,new}' ELSE '{}' END::text[],
    CASE WHEN n % 20 = 3 THEN now() + n * interval '1 second' END, now() - n * interval '1 minute'
  FROM generate_series(1, $1::int) AS n`;

const FILTERS: [string, InboxFilter][] = [
  ['nothing', {}],
  ['a frequent status', { status: 'CLOSED' }],
  ['a rare status', { status: 'OPEN' }],
  ['snoozed', { status: 'SNOOZED' }],
  ['an assignee', { assignee: 'agent-5' }],
  ['an assignee whom nobody knows', { assignee: 'nobody' }],
  ['unassigned', { unassigned: true }],
  ['assigned', { unassigned: false }],
  ['unread', { unread: true }],
  ['read', { unread: false }],
  ['a frequent channel', { channel: 'MESSENGER' }],
  ['a rare channel', { channel: 'SMS' }],
  ['active', { active: true }],
  ['stopped', { active: false }],
  ['a rare label', { labels: ['vip'] }],
  ['a frequent label', { labels: ['sales'] }],
  ['two labels', { labels: ['new', 'sales'] }],
  ['a label that nothing has', { labels: ['nothing'] }],
  ['a contact', { contactId: 'C42' }],
];

/** Where few conversations are left, Postgres may well sort them. */
const COMBINATIONS: [string, InboxFilter][] = [
  ['a status and an assignee', { status: 'OPEN', assignee: 'agent-22' }],
  ['a status and unassigned', { status: 'CLOSED', unassigned: true }],
  ['a label, unread and a status', { labels: ['sales'], unread: true, status: 'OPEN' }],
];

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 2).initialize();
  const runner = dataSource.createQueryRunner();
  // Foreign keys are beside the point; the trigger that keeps the labels is not.
  await runner.query('ALTER TABLE conversations DISABLE TRIGGER ALL');
  await runner.query('ALTER TABLE conversations ENABLE TRIGGER conversations_labelled');
  await runner.query('ALTER TABLE conversation_labels DISABLE TRIGGER ALL');
  await runner.query(SEED, [CONVERSATIONS]);
  await runner.query('VACUUM ANALYZE conversations, conversation_labels');
  await runner.release();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

async function plan(sql: string, values: unknown[]): Promise<PlanNode[]> {
  const [row] = await dataSource.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
    values,
  );
  const top = row?.['QUERY PLAN'][0].Plan;
  if (!top) throw new Error('there is no plan');
  return flatten(top);
}

describe.each([
  ['the first page', null],
  ['a page in the middle', [new Date(Date.now() - 6_000 * 60_000).toISOString(), 'V000006000']],
])('%s', (_page, position) => {
  const keyset = keysetOf({ first: 25, after: position && encodeCursor(position) }, 2);

  test.each(FILTERS)('of %s is an index scan in the order of the list', async (_name, filter) => {
    const { sql, values } = inboxStatement('p', 'a', filter, keyset);
    const nodes = await plan(sql, values);
    const kinds = nodes.map((node) => node['Node Type']);
    expect(kinds.filter((kind) => /Seq Scan|Sort|Bitmap|Hash|Materialize/.test(kind))).toEqual([]);
    expect(kinds.filter((kind) => /^Index (Only )?Scan$/.test(kind)).length).toBeGreaterThan(0);
  });

  test.each(FILTERS)('of %s reads little more than it shows', async (_name, filter) => {
    const { sql, values } = inboxStatement('p', 'a', filter, keyset);
    const nodes = await plan(sql, values);
    const read = nodes
      .filter((node) => node['Node Type'].includes('Scan'))
      .map((node) => ((node['Rows Removed by Filter'] ?? 0) + node['Actual Rows']) * node['Actual Loops']);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    expect(Math.max(...read)).toBeLessThan(CONVERSATIONS / 20);
  });

  test.each(COMBINATIONS)('of %s goes by the indexes', async (_name, filter) => {
    const { sql, values } = inboxStatement('p', 'a', filter, keyset);
    const kinds = (await plan(sql, values)).map((node) => node['Node Type']);
    expect(kinds).not.toContain('Seq Scan');
  });
});

test('the labels keep the order of the inbox when conversations move, are relabelled and pass to another app', async () => {
  const labels = () =>
    dataSource.query<object[]>(
      `SELECT count(*) FILTER (WHERE c.id IS NULL) AS strange, count(*) AS rows,
         (SELECT sum(cardinality(labels)) FROM conversations) AS labels
       FROM conversation_labels l LEFT JOIN conversations c ON c.project_id = l.project_id AND c.app_id = l.app_id AND c.id = l.conversation_id
         AND c.last_activity = l.last_activity AND l.label = ANY (c.labels)`,
    );
  await dataSource.query('ALTER TABLE conversations ENABLE TRIGGER conversations_relabelled');
  await dataSource.query(`UPDATE conversations SET last_activity = now() WHERE id < 'V000000500'`);
  await dataSource.query(`UPDATE conversations SET labels = '{vip,late}' WHERE id < 'V000000200'`);
  await dataSource.query(
    `UPDATE conversations SET app_id = 'b', labels = labels[2:] WHERE id < 'V000000100'`,
  );
  await dataSource.query(`UPDATE conversations SET app_id = 'b' WHERE id < 'V000000300'`);
  const [kept] = (await labels()) as { strange: string; rows: string; labels: string }[];
  expect(kept?.strange).toBe('0');
  expect(kept?.rows).toBe(kept?.labels);
});
