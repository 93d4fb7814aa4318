// How many statements an operation takes: as many for a page of one as for a page of twenty-five.
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type IntrospectionQuery,
  isObjectType,
  isLeafType,
  isRequiredArgument,
  isUnionType,
} from 'graphql';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { logSettled } from '../support/log.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { inboxToken } from '../support/world.js';

const PAGE = 25;
const ROWS = PAGE + 1;
/** Lists within lists; small, as their number of statements is not to depend on it either. */
const INNER = 2;

/** Arguments of each list of the schema beside its page size. */
const LISTS: Record<string, (page: TestPage, webhookId: string) => string> = {
  apps: () => '',
  contacts: () => '',
  templates: () => '',
  inbox: ({ appId }) => `appId: "${appId}"`,
  events: ({ appId }) => `appId: "${appId}", after: "${beforeMessages}"`,
  cannedReplies: ({ appId }) => `appId: "${appId}"`,
  searchMessages: ({ appId }) => `appId: "${appId}", text: "hello"`,
  webhookDeliveries: (_page, webhookId) => `webhookId: "${webhookId}"`,
};
/** Lists of what is rare, and has rows of one kind only: nothing in them is read by further statements. */
const FLAT = ['identityConflicts'];

let app: TestApp;
let page: TestPage;
let webhookId: string;
/** Place in the event log from which on messages come, one after the other. */
let beforeMessages: string;
let schema: GraphQLSchema;
const statements: string[] = [];

beforeAll(async () => {
  const query: unknown = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query')?.value;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [statement] = args as [string | { text: string }];
    statements.push(typeof statement === 'string' ? statement : statement.text);
    return Reflect.apply(query as () => unknown, this, args) as never;
  });
  // Without a worker nothing but the requests talks to the database, and nothing that was made changes.
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  const data = await app.graphql<IntrospectionQuery>(getIntrospectionQuery());
  schema = buildClientSchema(data);
  for (let i = 0; i < ROWS; i++) {
    page = await connectPage(app);
    webhookId = await make(
      `createWebhook(input: { appId: "${page.appId}", target: "http://127.0.0.1:8099/${i}", triggers: [MESSAGE_INBOUND] }) { id }`,
    );
    await make(
      'createTemplate(input: { defaultTranslation: "en", translations: [{ languageCode: "en", message: { text_message: { text: "Hi" } } }] }) { id }',
    );
  }
  await fillInbox();
  beforeMessages = await placeBeforeMessages();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await app.stop();
});

async function make(mutation: string, authorization?: string): Promise<string> {
  const { data, errors } = await app.ask<Record<string, { id: string }>>(
    `mutation { ${mutation} }`,
    {},
    authorization,
  );
  const [made] = Object.values(data ?? {});
  if (errors || !made) throw new Error(JSON.stringify(errors));
  return made.id;
}

/** As many conversations, each with messages in and out and a note. */
async function fillInbox(): Promise<void> {
  const psids = Array.from({ length: ROWS }, newPsid);
  const items = psids.flatMap((psid) => [1, 2].map((i) => textItem(page.pageId, psid, `Hello ${i}`)));
  expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  const { inbox } = await app.graphql<{
    inbox: { edges: { node: { id: string; contact: { id: string } } }[] };
  }>(`query ($appId: ID!) { inbox(appId: $appId, first: 100) { edges { node { id contact { id } } } } }`, {
    appId: page.appId,
  });
  expect(inbox.edges).toHaveLength(ROWS);
  const agent = await inboxToken(app, 'AGENT', page.appId);
  for (const [i, { node }] of inbox.edges.entries()) {
    await app.graphql(`mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`, {
      input: {
        appId: page.appId,
        recipient: { contactId: node.contact.id },
        message: { textMessage: { text: 'Hello' } },
      },
    });
    await make(`addNote(conversationId: "${node.id}", text: "Be kind") { id }`, agent);
    await make(
      `createCannedReply(input: { appId: "${page.appId}", shortcut: "hi${i}", title: "Hi", message: { textMessage: { text: "Hi" } } }) { id }`,
    );
  }
}

/** @throws when there is no page of messages in the log. */
async function placeBeforeMessages(): Promise<string> {
  const { events } = await app.graphql<{
    events: { edges: { cursor: string; node: { __typename: string } }[] };
  }>(`query ($appId: ID!) { events(appId: $appId) { edges { cursor node { __typename } } } }`, {
    appId: page.appId,
  });
  const isMessage = events.edges.map(({ node }) => node.__typename === 'MessageAdded');
  const start = isMessage.findIndex(
    (_, i) => i > 0 && isMessage.slice(i, i + PAGE).filter(Boolean).length === PAGE,
  );
  const edge = events.edges[start - 1];
  if (!edge)
    throw new Error(
      `no ${PAGE} messages follow each other: ${events.edges.map(({ node }) => node.__typename).join()}`,
    );
  return edge.cursor;
}

/** Everything that can be asked of a type without arguments that are required. */
function everythingOf(
  type: GraphQLNamedType,
  levels: number,
  outer: readonly GraphQLNamedType[] = [],
): string {
  if (isLeafType(type)) return '';
  if (outer.includes(type) || outer.length > levels) return '{ __typename }';
  const inner = [...outer, type];
  if (isUnionType(type)) {
    const members = type
      .getTypes()
      .map((member) => `... on ${member.name} ${everythingOf(member, levels, inner)}`);
    return `{ __typename ${members.join(' ')} }`;
  }
  if (!isObjectType(type)) throw new Error(`${type.name} is no type of an answer`);
  const fields = Object.values(type.getFields())
    .filter(({ args }) => !args.some(isRequiredArgument))
    .map((field) => {
      const paged = field.args.some(({ name }) => name === 'first');
      return `${aliasOf(field, outer.at(-1))}${field.name}${paged ? `(first: ${INNER})` : ''} ${everythingOf(getNamedType(field.type), levels, inner)}`;
    });
  return `{ ${fields.join(' ')} }`;
}

/** Members of a union that have a field of one name in different types can only be asked for both by other names. */
function aliasOf(field: GraphQLField<unknown, unknown>, parent: GraphQLNamedType | undefined): string {
  if (!isUnionType(parent)) return '';
  const types = parent.getTypes().map((member) => member.getFields()[field.name]?.type);
  const same = types.every((type) => type === undefined || String(type) === String(field.type));
  return same ? '' : `${field.name}${String(field.type).replace(/\W/g, '')}: `;
}

/** The statements of a query once it is warm; the fewest of a few runs, as a timer may come between. */
async function statementsOf(query: string): Promise<{ data: Record<string, unknown>; made: string[] }> {
  let data = await app.graphql<Record<string, unknown>>(query);
  let made: string[] | null = null;
  for (let run = 0; run < 3; run++) {
    statements.length = 0;
    data = await app.graphql(query);
    if (!made || statements.length < made.length) made = [...statements];
  }
  return { data, made: made ?? [] };
}

const summary = (made: readonly string[]): string[] =>
  made.map((text) => text.replace(/\s+/g, ' ').slice(0, 160));

describe('the statements of a query', () => {
  test('are counted for every list of the schema', () => {
    const lists = Object.values(schema.getQueryType()?.getFields() ?? {})
      .filter(({ args }) => args.some(({ name }) => name === 'first'))
      .map(({ name }) => name);
    expect([...Object.keys(LISTS), ...FLAT].sort()).toEqual(lists.sort());
  });

  test.each(Object.keys(LISTS))('%s takes as many for one as for twenty-five', async (name) => {
    const field = schema.getQueryType()?.getFields()[name];
    if (!field) throw new Error(`there is no ${name}`);
    // Each kind of event has a whole conversation: what it leads to is left to the other lists, or the query were too long.
    const selection = everythingOf(getNamedType(field.type), name === 'events' ? 5 : 9);
    const args = LISTS[name]?.(page, webhookId) ?? '';
    const ask = (first: number): string => `{ ${name}(first: ${first}${args && `, ${args}`}) ${selection} }`;
    const one = await statementsOf(ask(1));
    const many = await statementsOf(ask(PAGE));
    const sizeOf = ({ data }: typeof one): number => (data[name] as { edges: unknown[] }).edges.length;
    expect([sizeOf(one), sizeOf(many)]).toEqual([1, PAGE]);
    expect(one.made.length).toBeGreaterThan(0);
    expect(summary(many.made).sort()).toEqual(summary(one.made).sort());
  });
});

describe('the statements of an event', () => {
  test('are as many for one subscriber as for twenty', async () => {
    const query = `subscription ($appId: ID!) { inbox(appId: $appId) {
      ... on MessageAdded { message { id content { ... on TextMessage { text } } } conversation { id unreadCount } } } }`;
    const clients: ReturnType<TestApp['socket']>[] = [];
    // How many have heard of the message with this text: of those before it some may hear late.
    let awaited = '';
    let told = 0;
    const join = async (): Promise<void> => {
      const client = app.socket();
      clients.push(client);
      const before = statements.length;
      client.subscribe<{ inbox: { message?: { content: { text: string } } } }>(
        { query, variables: { appId: page.appId } },
        {
          next: ({ data }) => void (data?.inbox.message?.content.text === awaited && (told += 1)),
          error: () => undefined,
          complete: () => undefined,
        },
      );
      await eventually(() => statements.length > before, 'the subscription');
    };
    const psid = newPsid();
    const post = async (): Promise<void> => {
      awaited = randomUUID();
      told = 0;
      await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, awaited)));
    };
    const everybody = (): boolean => told >= clients.length;
    // Until their streams stand, what is written may come before them.
    const allListen = (): Promise<boolean> =>
      eventually(async () => {
        await post();
        return eventually(everybody, 'an event', 5_000);
      }, 'an event at everybody');
    const write = async (): Promise<number> => {
      // A reader looks again and again while a transaction holds back what it is to read.
      await logSettled((sql) => app.parley.app.get(DataSource, { strict: false }).query(sql));
      statements.length = 0;
      await post();
      await eventually(everybody, 'the event at every subscriber');
      return statements.length;
    };
    const fewest = async (): Promise<number> => Math.min(await write(), await write(), await write());
    await join();
    await allListen();
    const one = await fewest();
    while (clients.length < 20) await join();
    await allListen();
    const twenty = await fewest();
    for (const client of clients) await client.dispose();
    expect(one).toBeGreaterThan(0);
    // A reader that is woken twice looks twice.
    expect(twenty).toBeLessThanOrEqual(one + 3);
  });
});
