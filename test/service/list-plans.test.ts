// Every list, on whichever face, is read by an index and reads little more than it shows, however much there is: asked of a running
// service, whose own statements are then explained. The filters of the inbox are in inbox-plans.test.ts, search in search-plans.test.ts.
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Rest, restOf } from '../support/rest.js';

const ROWS = 20_000;
/** Rows that one scan may read, and of a table that is small enough to be read in whatever way. */
const FEW = 400;
/** Whose lists are asked for: one in a hundred of what an app has is theirs. */
const [CONTACT, CONVERSATION] = ['C000000042', 'V000000042'];
const WEBHOOK = 'W000000001';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

interface Statement {
  text: string;
  values: unknown[];
}

let app: TestApp;
let rest: Rest;
let client: pg.Client;
/** Relations with more rows than may be read in passing. */
let large: Set<string>;
let recorded: Statement[] | null = null;

/** What an app of 200 people has collected; every second row is another app's, and every tenth another project's. */
const SEED = [
  `INSERT INTO apps (project_id, id, display_name, dispatch_retention_days) VALUES ($1, 'A', 'Ours', 7), ($1, 'B', 'Other', 0), ('other', 'A', 'Theirs', 7)`,
  `INSERT INTO contacts (project_id, id, display_name, external_id, channel_priority)
   SELECT $1, 'C' || lpad(n::text, 9, '0'), 'Person ' || n, 'key ' || n, '{MESSENGER}' FROM generate_series(1, ${ROWS}) AS n`,
  `INSERT INTO channel_identities (project_id, channel, app_id, identity, contact_id)
   SELECT $1, 'MESSENGER', 'A', n::text, 'C' || lpad(n::text, 9, '0') FROM generate_series(1, ${ROWS}) AS n`,
  `INSERT INTO conversations (project_id, id, app_id, contact_id, active, active_channel, last_received, unread_count, last_message_id, last_activity)
   SELECT project, 'V' || lpad(n::text, 9, '0'), app, 'C' || lpad(n::text, 9, '0'), true, 'MESSENGER', at, n % 3, 'M' || lpad(n::text, 9, '0'), at
   FROM rows`,
  `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, channel_message_id, content, sent_by,
     accept_time, channel_time)
   SELECT project, 'M' || lpad(n::text, 9, '0'), app, 'V' || lpad((n % 200)::text, 9, '0'), 'C' || lpad((n % 200)::text, 9, '0'),
     CASE WHEN n % 4 < 2 THEN 'TO_APP' ELSE 'TO_CONTACT' END, 'MESSENGER', (n % 200)::text, 'm_' || n, '{"text_message": {"text": "Hello"}}',
     'CONTACT', at, at FROM rows`,
  // Behind all others in the order of ids.
  `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, channel_message_id, content, sent_by,
     accept_time, dispatch)
   SELECT $1, 'D' || lpad(n::text, 9, '0'), 'A', 'D', 'D', 'TO_APP', 'MESSENGER', 'dispatched', 'd_' || n, '{"text_message": {"text": "Hello"}}',
     'CONTACT', now(), true FROM generate_series(1, ${ROWS / 4}) AS n`,
  `INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, accept_time)
   SELECT project, 'E' || lpad(n::text, 9, '0'), app, 'V' || lpad((n % 200)::text, 9, '0'), 'C' || lpad((n % 200)::text, 9, '0'), 'TO_APP',
     'MESSENGER', (n % 200)::text, '{"contact_event": {"composing_event": {}}}', at FROM rows`,
  `INSERT INTO notes (project_id, id, conversation_id, text, author)
   SELECT project, 'N' || lpad(n::text, 9, '0'), 'V' || lpad((n % 200)::text, 9, '0'), 'Note', 'ann' FROM rows`,
  `INSERT INTO canned_replies (project_id, id, app_id, shortcut, title, message, input)
   SELECT project, 'R' || lpad(n::text, 9, '0'), app, 'reply-' || n, 'Reply ' || n, '{"text_message": {"text": "Hello"}}',
     '{"textMessage": {"text": "Hello"}}' FROM rows WHERE n % 20 < 4`,
  `INSERT INTO events (project_id, app_id, xact, seq, id, kind, conversation_id, contact_id, payload)
   SELECT project, app, (3 + n / 40)::text::xid8, n, 'L' || lpad(n::text, 9, '0'), 'conversation.updated', 'V' || lpad((n % 200)::text, 9, '0'),
     'C' || lpad((n % 200)::text, 9, '0'),
     jsonb_build_object('conversation', jsonb_build_object('id', 'V' || lpad((n % 200)::text, 9, '0'), 'projectId', project, 'appId', app), 'changes', '[]'::jsonb)
   FROM rows`,
  `INSERT INTO webhooks (project_id, id, app_id, target, target_type, secret)
   VALUES ($1, '${WEBHOOK}', 'A', 'http://127.0.0.1:2/', 'DISMISS', ''), ($1, 'W2', 'A', 'http://127.0.0.1:2/2', 'DISMISS', '')`,
  `INSERT INTO webhook_deliveries_pending (project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger, created_at)
   SELECT $1, CASE WHEN n % 2 = 0 THEN '${WEBHOOK}' ELSE 'W2' END, n, '3', at, n::text, 'D' || lpad(n::text, 9, '0'), 'A', n::text, 'MESSAGE_INBOUND', at
   FROM rows`,
  `INSERT INTO webhook_deliveries_done (project_id, webhook_id, event_seq, event_xact, event_at, event_id, id, app_id, lane, trigger, status, attempts,
     created_at, response_code)
   SELECT $1, CASE WHEN n % 2 = 0 THEN '${WEBHOOK}' ELSE 'W2' END, ${ROWS} + n, '3', at, n::text, 'F' || lpad(n::text, 9, '0'), 'A', n::text, 'MESSAGE_INBOUND',
     CASE WHEN n % 100 = 0 THEN 'DEAD' ELSE 'DELIVERED' END, 1, at, 200 FROM rows`,
];

beforeAll(async () => {
  const query: unknown = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query')?.value;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [string | Statement, unknown];
    const statement = typeof first === 'string' ? { text: first, values: second } : first;
    const { values } = statement;
    recorded?.push({ text: statement.text, values: Array.isArray(values) ? values : [] });
    return Reflect.apply(query as () => unknown, this, args) as never;
  });
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  rest = restOf(app);
  client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  await client.query(`SET session_replication_role = replica`);
  await client.query(
    `CREATE TEMPORARY TABLE rows AS SELECT n, CASE WHEN n % 10 = 0 THEN 'other' ELSE '${app.projectId}' END AS project,
       CASE WHEN n % 2 = 0 THEN 'A' ELSE 'B' END AS app, now() - n * interval '1 second' AS at FROM generate_series(1, ${ROWS}) AS n`,
  );
  for (const sql of SEED) await client.query(sql, sql.includes('$1') ? [app.projectId] : []);
  await client.query('VACUUM ANALYZE');
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > ${FEW}`,
  );
  large = new Set(rows.map(({ name }) => name));
});
afterAll(async () => {
  vi.restoreAllMocks();
  await client.end();
  await app.stop();
});

const COUNTS = /SELECT count\(\*\)/i;

/** What a request asks the database. */
async function asked(request: () => Promise<unknown>): Promise<Statement[]> {
  recorded = [];
  try {
    await request();
    return recorded;
  } finally {
    recorded = null;
  }
}

/** The statements of a request that read and give rows; counts are of all there is, by what they say. */
async function statementsOf(request: () => Promise<unknown>): Promise<Statement[]> {
  const statements = await asked(request);
  return statements.filter(({ text }) => /^\s*(SELECT|WITH)\b/i.test(text) && !COUNTS.test(text));
}

async function planOf({ text, values }: Statement): Promise<PlanNode[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  );
  const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];
  return rows.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => flatten(Plan)));
}

/** What is wrong with how a statement is answered. */
async function faultsOf(statement: Statement): Promise<string[]> {
  const nodes = await planOf(statement);
  return nodes.flatMap((node) => {
    const relation = node['Relation Name'] ?? '';
    const read = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    if (!node['Node Type'].includes('Scan')) return [];
    if (large.has(relation) && node['Node Type'] === 'Seq Scan') return [`all of ${relation} is read`];
    return read > FEW ? [`${node['Node Type']} of ${relation} reads ${read} rows`] : [];
  });
}

/** Each GraphQL list with what it is asked for; `$args` is where the page goes. */
const LISTS: [name: string, field: string, args: string, node: string][] = [
  ['contacts', 'contacts', '', '{ id channelIdentities { identity } }'],
  ['contacts by identity', 'contacts', 'filter: { channel: MESSENGER, identity: "42" }', '{ id }'],
  ["contacts by the customer's key", 'contacts', 'filter: { externalId: "key 42" }', '{ id }'],
  [
    'the inbox',
    'inbox',
    'appId: "A"',
    '{ id contact { id channelIdentities { identity } } lastMessage { id } messagingWindow { open } }',
  ],
  ['the inbox of a contact', 'inbox', `appId: "A", filter: { contactId: "${CONTACT}" }`, '{ id }'],
  ['the events of an app', 'events', 'appId: "A"', '{ __typename }'],
  ['canned replies', 'cannedReplies', 'appId: "A"', '{ id }'],
  ['canned replies by their beginning', 'cannedReplies', 'appId: "A", text: "reply"', '{ id }'],
  ['deliveries', 'webhookDeliveries', `webhookId: "${WEBHOOK}"`, '{ id attempts }'],
  ['deliveries that wait', 'webhookDeliveries', `webhookId: "${WEBHOOK}", status: PENDING`, '{ id }'],
  ['deliveries that arrived', 'webhookDeliveries', `webhookId: "${WEBHOOK}", status: DELIVERED`, '{ id }'],
  ['deliveries that were given up', 'webhookDeliveries', `webhookId: "${WEBHOOK}", status: DEAD`, '{ id }'],
];
const OF_A_CONVERSATION: [name: string, field: string, page: string][] = [
  ['its first messages', 'messages', 'first: 25'],
  ['its last messages', 'messages', 'last: 25'],
  ['its events', 'events', 'last: 25'],
  ['its notes', 'notes', 'last: 25'],
  ['its history', 'history', 'first: 25'],
];
const PATHS: [name: string, path: string][] = [
  ['contacts', 'contacts?page_size=20'],
  ['contacts by identity', 'contacts?channel=MESSENGER&identity=42'],
  ["contacts by the customer's key", 'contacts?external_id=key%2042'],
  ['conversations of an app', 'conversations?app_id=A'],
  ['conversations of a contact', `conversations?contact_id=${CONTACT}`],
  ['active conversations', 'conversations?app_id=A&only_active=true'],
  ['recent conversations', 'conversations:recent?app_id=A'],
  ['recent conversations, the oldest first', 'conversations:recent?app_id=A&order=ASC'],
  ['messages', 'messages?page_size=20'],
  ['messages of an app', 'messages?app_id=A'],
  ['messages of a contact', `messages?contact_id=${CONTACT}`],
  ['messages of a conversation', `messages?conversation_id=${CONVERSATION}`],
  ['messages of an identity', 'messages?channel_identity=42'],
  ['messages of a direction', 'messages?app_id=A&direction=TO_APP'],
  ['messages of DISPATCH mode', 'messages?messages_source=DISPATCH_SOURCE'],
  ["an app's messages of DISPATCH mode", 'messages?app_id=A&messages_source=DISPATCH_SOURCE'],
  [
    "somebody's messages of DISPATCH mode",
    'messages?channel_identity=dispatched&messages_source=DISPATCH_SOURCE',
  ],
  ['events of a contact', `events?contact_id=${CONTACT}`],
  ['events of a conversation', `events?conversation_id=${CONVERSATION}`],
  ['webhooks', 'apps/A/webhooks'],
];

async function expectIndexed(request: () => Promise<unknown>): Promise<void> {
  const statements = await statementsOf(request);
  expect(statements.length).toBeGreaterThan(0);
  for (const statement of statements)
    expect([await faultsOf(statement), statement.text]).toEqual([[], statement.text]);
}

test('there is enough to read for a plan to matter', () => {
  const tables = [
    'contacts',
    'channel_identities',
    'conversations',
    'messages',
    'conversation_events',
    'notes',
  ];
  expect([...large]).toEqual(
    expect.arrayContaining([...tables, 'canned_replies', 'webhook_deliveries_pending']),
  );
  expect([...large].some((name) => name.startsWith('events_'))).toBe(true);
  expect([...large].some((name) => name.startsWith('webhook_deliveries_done_'))).toBe(true);
});

test.each(LISTS)(
  'the GraphQL list of %s reads by an index, and few rows',
  async (_name, field, args, node) => {
    let next = { hasNextPage: true, endCursor: '' };
    const ask = async (): Promise<void> => {
      const after = next.endCursor && `, after: "${next.endCursor}"`;
      const query = `{ ${field}(first: 25${after}${args && `, ${args}`}) { edges { node ${node} } pageInfo { hasNextPage endCursor } } }`;
      const data = await app.graphql<Record<string, { edges: object[]; pageInfo: typeof next }>>(query);
      expect(data[field]?.edges.length).toBeGreaterThan(0);
      next = data[field]?.pageInfo ?? next;
    };
    await expectIndexed(ask);
    if (next.hasNextPage) await expectIndexed(ask);
  },
);

test.each(OF_A_CONVERSATION)(
  'of a conversation %s reads by an index, and few rows',
  async (_name, field, page) => {
    const selection =
      field === 'history' ? 'edges { cursor }' : 'edges { node { id } } pageInfo { endCursor }';
    await expectIndexed(async () => {
      const { conversation } = await app.graphql<{ conversation: Record<string, { edges: object[] }> }>(
        `{ conversation(id: "${CONVERSATION}") { ${field}(${page}) { ${selection} } } }`,
      );
      expect(conversation[field]?.edges).toHaveLength(25);
    });
  },
);

test.each(PATHS)('the REST list of %s reads by an index, and few rows', async (_name, path) => {
  let token = '';
  const ask = async (): Promise<void> => {
    const glue = path.includes('?') ? '&' : '?';
    const { status, body } = await rest(
      'GET',
      `${path}${token && `${glue}page_token=${encodeURIComponent(token)}`}`,
    );
    expect(status).toBe(200);
    const [list] = Object.values(body).filter((value) => Array.isArray(value));
    expect(list?.length).toBeGreaterThan(0);
    token = typeof body.next_page_token === 'string' ? body.next_page_token : '';
  };
  await expectIndexed(ask);
  if (token) await expectIndexed(ask);
});

test("an app's conversations can be counted by their index alone", async () => {
  const statements = await asked(() => rest('GET', 'conversations?app_id=A'));
  // Of so few rows, which no vacuum has marked as visible to all, everything may as well be read.
  await client.query('SET enable_seqscan = off; SET enable_bitmapscan = off');
  const plans = await Promise.all(statements.filter(({ text }) => COUNTS.test(text)).map(planOf));
  await client.query('RESET enable_seqscan; RESET enable_bitmapscan');
  const scans = plans.flat().filter((node) => node['Relation Name'] === 'conversations');
  expect(scans.map((node) => [node['Node Type'], node['Index Name']])).toEqual([
    ['Index Only Scan', 'conversations_app'],
  ]);
});
