// The event log by query: the same events as those of the subscription, for those who ask from time to time.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { inboxToken } from '../support/world.js';

interface Pulled {
  edges: {
    cursor: string;
    node: { __typename: string; cursor?: string; message?: { content: { text: string } } };
  }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string };
}

const PULL = `query ($appId: ID!, $after: String, $first: Int) { events(appId: $appId, after: $after, first: $first) {
  edges { cursor node { __typename ... on MessageAdded { cursor message { content { ... on TextMessage { text } } } } } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
const INBOX = `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) {
  ... on MessageAdded { cursor message { content { ... on TextMessage { text } } } } } }`;

describe('pulling events', () => {
  let app: TestApp;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
  });
  beforeEach(async () => {
    page = await connectPage(app);
  });
  afterAll(() => app.stop());

  async function pull(args: { after?: string; first?: number } = {}): Promise<Pulled> {
    return (await app.graphql<{ events: Pulled }>(PULL, { appId: page.appId, ...args })).events;
  }

  async function write(...texts: string[]): Promise<void> {
    const psid = newPsid();
    for (const text of texts)
      await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, text)));
  }

  const textsOf = ({ edges }: Pulled): string[] =>
    edges.flatMap(({ node }) => (node.message ? [node.message.content.text] : []));

  /** Every event, once all of the texts are among them. */
  const pulledWith = (...texts: string[]): Promise<Pulled> =>
    eventually(async () => {
      const events = await pull();
      return textsOf(events).join() === texts.join() && events;
    }, `the events of ${texts.join()}`);

  test('pages in any size give every event once, in order', async () => {
    await write('one', 'two', 'three', 'four');
    await pulledWith('one', 'two', 'three', 'four');
    const all = await pull();
    for (const first of [1, 2, 3]) {
      const found: Pulled['edges'] = [];
      let after: string | undefined;
      for (let more = true; more;) {
        const { edges, pageInfo } = await pull({ first, ...(after === undefined ? {} : { after }) });
        expect(edges.length).toBeLessThanOrEqual(first);
        expect(pageInfo.hasPreviousPage).toBe(after !== undefined);
        expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null);
        found.push(...edges);
        after = pageInfo.endCursor;
        more = pageInfo.hasNextPage;
      }
      // A profile may be told of while the pages are read.
      expect(found.slice(0, all.edges.length)).toEqual(all.edges);
    }
  });

  test('a page without events tells where to go on', async () => {
    const start = await eventually(async () => {
      const { pageInfo } = await pull();
      const empty = await pull({ after: pageInfo.endCursor });
      return empty.edges.length === 0 && empty;
    }, 'the end of the log');
    expect(start.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true, startCursor: null });
    await write('later');
    const found = await eventually(async () => {
      const events = await pull({ after: start.pageInfo.endCursor });
      return textsOf(events).length > 0 && events;
    }, 'a later event');
    expect(textsOf(found)).toEqual(['later']);
  });

  test('a subscription goes on behind an endCursor, and a page behind an event of a subscription', async () => {
    await write('before');
    await pulledWith('before');
    const { pageInfo } = await eventually(async () => {
      const events = await pull();
      return textsOf(events).length === 1 && events;
    }, 'the first event');
    const client = app.socket();
    const seen: { cursor: string; message: { content: { text: string } } }[] = [];
    client.subscribe<{ inbox: { cursor?: string; message?: { content: { text: string } } } }>(
      { query: INBOX, variables: { appId: page.appId, after: pageInfo.endCursor } },
      {
        next: ({ data }) => {
          if (data?.inbox.message) seen.push(data.inbox as (typeof seen)[number]);
        },
        error: () => undefined,
        complete: () => undefined,
      },
    );
    await write('live', 'last');
    await eventually(() => seen.length === 2, 'two events by subscription');
    await client.dispose();
    expect(seen.map(({ message }) => message.content.text)).toEqual(['live', 'last']);
    expect(textsOf(await pull({ after: seen[0]?.cursor ?? '' }))).toEqual(['last']);
  });

  test.each<[args: Record<string, unknown>, path: string]>([
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ after: 'no cursor' }, 'after'],
  ])('%o is refused', async (args, path) => {
    const { errors } = await app.ask(PULL, { appId: page.appId, ...args });
    expect(errors?.map(({ extensions }) => [extensions.code, extensions.fields?.[0]?.path])).toEqual([
      ['BAD_USER_INPUT', path],
    ]);
  });

  test('a cursor before what is kept has expired', async () => {
    await write('old');
    const [first] = (await pulledWith('old')).edges;
    const client = new pg.Client({ connectionString: app.databaseUrl });
    await client.connect();
    try {
      await client.query(`UPDATE event_horizon SET xact = pg_current_xact_id()`);
      const { errors } = await app.ask(PULL, { appId: page.appId, after: first?.cursor });
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['CURSOR_EXPIRED']);
    } finally {
      await client.query(`UPDATE event_horizon SET xact = '0'`);
      await client.end();
    }
  });

  test('an inbox token pulls from its apps only, and is not told of webhooks', async () => {
    await write('hello');
    await pulledWith('hello');
    const client = new pg.Client({ connectionString: app.databaseUrl });
    await client.connect();
    try {
      await client.query(
        `INSERT INTO events (project_id, app_id, id, kind, payload)
         VALUES ($1, $2, '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'webhook.disabled', '{"webhookId":"w","target":"t","reason":"r"}')`,
        [app.projectId, page.appId],
      );
    } finally {
      await client.end();
    }
    const kinds = ({ events }: { events: Pulled }): string[] =>
      events.edges.map(({ node }) => node.__typename);
    await eventually(
      async () => kinds(await app.graphql(PULL, { appId: page.appId })).includes('WebhookDisabled'),
      'the news of the webhook',
    );
    const viewer = await inboxToken(app, 'VIEWER', page.appId);
    const told = await app.ask<{ events: Pulled }>(PULL, { appId: page.appId }, viewer);
    expect(told.data && kinds(told.data)).toContain('MessageAdded');
    expect(told.data && kinds(told.data)).not.toContain('WebhookDisabled');
    const other = await connectPage(app);
    const { errors } = await app.ask(PULL, { appId: other.appId }, viewer);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
  });
});
