import type pg from 'pg';
import { type InboxKey, PAGE } from './inbox-page.rows.js';

/** A page is 25 conversations and one more; a plan that reads many more does not find them by the index alone. */
const MOST_ROWS = 100;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

/** Warns when Postgres plans the page's query as anything but an index scan of the conversations in order. */
export async function warnUnlessIndexed(client: pg.Client, name: string, key: InboxKey): Promise<void> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (FORMAT JSON) ${PAGE}`,
    [key.projectId, key.appId],
  );
  const nodes = rows.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => flatten(Plan)));
  const scan = nodes.find((node) => node['Relation Name'] === 'conversations');
  const sorts = nodes.some((node) => node['Node Type'].includes('Sort'));
  if (scan?.['Node Type'] !== 'Index Scan' || sorts)
    console.warn(
      `WARNING ${name}: the page is planned as ${nodes.map((node) => node['Node Type']).join(', ')}`,
    );
}

/** How the table of conversations has been read so far. */
export interface Scans {
  sequential: number;
  indexed: number;
  indexRows: number;
}

export async function readScans(client: pg.Client): Promise<Scans> {
  const { rows } = await client.query<Record<keyof Scans, number>>(
    `SELECT sum(DISTINCT t.seq_scan)::float8 AS sequential, sum(i.idx_scan)::float8 AS indexed, sum(i.idx_tup_read)::float8 AS "indexRows"
     FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid) WHERE t.relname = 'conversations'`,
  );
  return rows[0] ?? { sequential: 0, indexed: 0, indexRows: 0 };
}

/** Warns when what was really run since `before` read the whole table, or more of an index than a page. */
export async function warnUnlessFewRows(client: pg.Client, name: string, before: Scans): Promise<void> {
  const after = await readScans(client);
  const sequential = after.sequential - before.sequential;
  const rows = (after.indexRows - before.indexRows) / Math.max(1, after.indexed - before.indexed);
  if (sequential > 0)
    console.warn(`WARNING ${name}: the whole table of conversations was read ${sequential} times`);
  if (rows > MOST_ROWS)
    console.warn(`WARNING ${name}: a page reads ${rows.toFixed(0)} rows of conversations`);
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
