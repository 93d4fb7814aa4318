import type pg from 'pg';
import { HttpConnection, postBytes } from './http-connection.js';
import { readScans, warnUnlessFewRows, warnUnlessIndexed } from './inbox-page.plan.js';
import { addConversations, type InboxKey, MESSAGES_EACH } from './inbox-page.rows.js';
import { type Machine, withClient } from './machine.js';
import { inTurn, latency, type Result, resultOf } from './measure.js';
import type { Parley } from './parley.js';

const SECONDS = 2;
/** How much longer a page may take at a million than at a thousand. */
const MOST_GROWTH = 1.3;
const SIZES = [
  ['1k', 1_000],
  ['1m', 1_000_000],
] as const;

const QUERY = `query Inbox($appId: ID!) { inbox(appId: $appId, first: 25) { eventCursor edges { cursor node {
  id status unreadCount assignee labels lastActivity contact { id displayName }
  lastMessage { id direction status acceptTime content { __typename ... on TextMessage { text } } } } }
  pageInfo { hasNextPage endCursor } } }`;

interface InboxAnswer {
  data: {
    inbox: { edges: { node: { id: string; contact: { id: string }; lastMessage: { id: string } } }[] };
  };
}
type BaselineAnswer = { id: string; contact: { id: string }; last_message: { id: string } }[];

/**
 * A page of the inbox, one request after the other: an app with a thousand conversations, then one with a million beside it; and how the
 * time at a million compares with that at a thousand, asked in turn.
 */
export async function inboxPage(machine: Machine): Promise<Result[]> {
  const parley = await machine.parley('inbox_page');
  const address = await machine.server('inbox-page.baseline.js', { DATABASE_URL: parley.databaseUrl });
  return withClient(parley.databaseUrl, async (client) => {
    const results: Result[] = [];
    const readers: PageReader[] = [];
    for (const [label, count] of SIZES) {
      const key = { projectId: parley.projectId, appId: await parley.createApp() };
      const messages = (count * MESSAGES_EACH).toLocaleString('en');
      console.log(`inbox-page: making ${count.toLocaleString('en')} conversations with ${messages} messages`);
      await addConversations(client, key, count);
      const name = `inbox-page-${label}`;
      await warnUnlessIndexed(client, name, key);
      const reader = parleyReader(parley, key.appId);
      readers.push(reader);
      results.push(await measure(name, client, reader, baselineReader(address, key)));
    }
    return [...results, await growth(readers)];
  });
}

async function measure(
  name: string,
  client: pg.Client,
  parley: PageReader,
  baseline: PageReader,
): Promise<Result> {
  assertSameRows(await parley.page(), await baseline.page());
  const before = await readScans(client);
  const figures = await inTurn({ parley: () => parley.run(), baseline: () => baseline.run() });
  await warnUnlessFewRows(client, name, before);
  return resultOf(name, 'ms', figures);
}

/** The baseline is the small app. */
async function growth([small, large]: readonly PageReader[]): Promise<Result> {
  if (!small || !large) throw new Error('inbox-page: there are not two sizes');
  const figures = await inTurn({ parley: () => large.run(), baseline: () => small.run() });
  const result = resultOf('inbox-page-growth', 'ms', figures);
  if (result.ratio > MOST_GROWTH)
    console.warn(
      `WARNING inbox-page-growth: a page takes ${result.ratio.toFixed(2)} times as long at a million`,
    );
  return result;
}

/** Asks one server for the page. */
class PageReader {
  private readonly request: Buffer;

  constructor(
    private readonly url: string,
    headers: Record<string, string>,
    body: object,
    /** Ids of conversation, contact and message of each row of the answer. */
    private readonly idsIn: (answer: unknown) => string[][],
  ) {
    this.request = postBytes(url, headers, JSON.stringify(body));
  }

  page(): Promise<string[][]> {
    return this.connected(async (connection) =>
      this.idsIn(JSON.parse((await this.ask(connection)).toString())),
    );
  }

  run(): Promise<number> {
    return this.connected((connection) => latency(SECONDS, () => this.ask(connection)));
  }

  private async ask(connection: HttpConnection): Promise<Buffer> {
    const { status, body } = await connection.exchange(this.request);
    if (status !== 200) throw new Error(`inbox-page: ${this.url} answered ${status} ${body.toString()}`);
    return body;
  }

  /** A connection of this turn's own: servers close those that idle through the other's. */
  private async connected<T>(work: (connection: HttpConnection) => Promise<T>): Promise<T> {
    const connection = await HttpConnection.open(this.url);
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  }
}

function parleyReader(parley: Parley, appId: string): PageReader {
  const headers = { authorization: parley.authorization };
  return new PageReader(`${parley.url}/graphql`, headers, { query: QUERY, variables: { appId } }, (answer) =>
    (answer as InboxAnswer).data.inbox.edges.map(({ node }) => [
      node.id,
      node.contact.id,
      node.lastMessage.id,
    ]),
  );
}

function baselineReader(address: string, key: InboxKey): PageReader {
  return new PageReader(`http://${address}/`, {}, key, (answer) =>
    (answer as BaselineAnswer).map((row) => [row.id, row.contact.id, row.last_message.id]),
  );
}

/** @throws Error when the two pages differ, or are not full. */
function assertSameRows(parley: string[][], baseline: string[][]): void {
  if (parley.length !== 25 || JSON.stringify(parley) !== JSON.stringify(baseline))
    throw new Error(`inbox-page: the pages differ:\n${JSON.stringify(parley)}\n${JSON.stringify(baseline)}`);
}
