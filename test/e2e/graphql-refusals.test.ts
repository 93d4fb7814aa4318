// GraphQL requests that are wrong as such: each is told what is wrong, by code and field, and learns nothing of the inside.
import {
  buildClientSchema,
  getIntrospectionQuery,
  getVariableValues,
  type IntrospectionQuery,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXAMPLES } from '../../src/api/graphql-examples.js';
import { startTestApp, type TestApp } from '../support/app.js';

type Json = Record<string, unknown>;

interface Answer {
  status: number;
  text: string;
  errors: { message: string; extensions: { code: string; fields?: { path: string; rule: string }[] } }[];
}

const INTERNALS = /node_modules|stacktrace|\.[jt]s:\d+|\bat \S+ \(|SELECT |INSERT |QueryFailed|postgres/i;
const UNKNOWN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`;

describe('GraphQL', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.stop());

  async function post(body: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: app.authorization, ...headers },
      body,
    });
    return answerOf(response);
  }

  const ask = (query: string, variables: Json = {}): Promise<Answer> =>
    post(JSON.stringify({ query, variables }));

  /** The errors by which a socket refuses the same. */
  async function overSocket(query: string): Promise<Answer['errors']> {
    const client = app.socket();
    try {
      return await new Promise((resolve, reject) => {
        client.subscribe(
          { query },
          {
            next: (answer) => reject(new Error(JSON.stringify(answer))),
            error: (errors) => resolve(errors as Answer['errors']),
            complete: () => reject(new Error('the operation ran')),
          },
        );
      });
    } finally {
      await client.dispose();
    }
  }

  function expectRefusal(answer: Answer, code = 'BAD_USER_INPUT'): void {
    expect(answer.text).not.toMatch(INTERNALS);
    expect(
      answer.errors.map(({ extensions }) => extensions.code),
      answer.text,
    ).toEqual(answer.errors.map(() => code));
    expect(answer.errors.length).toBeGreaterThan(0);
  }

  test.each<[what: string, query: string]>([
    ['is empty', ''],
    ['breaks off', '{ apps { edges'],
    ['is no GraphQL', 'SELECT * FROM apps'],
    ['has a text that does not end', '{ app(id: "'],
    ['asks for a field that does not exist', '{ apps { edges { node { token } } } }'],
    ['asks for an operation that does not exist', 'mutation { dropTables }'],
    ['gives an argument that does not exist', `{ app(id: "${UNKNOWN}", force: true) { id } }`],
    ['gives no argument where one is needed', '{ app { id } }'],
    ['gives a variable that nobody declared', '{ app(id: $id) { id } }'],
    ['uses a fragment that does not exist', '{ apps { ...Missing } }'],
    [
      'uses fragments in a circle',
      '{ apps { ...A } } fragment A on AppConnection { ...B } fragment B on AppConnection { ...A }',
    ],
    ['asks for an object without fields', '{ apps }'],
    [
      'has two operations and names none',
      'query A { apps { edges { cursor } } } query B { apps { edges { cursor } } }',
    ],
    [
      'is deeper than any sensible one',
      `{ message(id: "${UNKNOWN}") ${'{ conversation { lastMessage '.repeat(8)} { id } ${'} }'.repeat(8)} }`,
    ],
    [
      'could answer with millions of objects',
      `{ apps(first: 100) { ${'edges { node { id webhooks { id } } } '.repeat(1)} } inbox(appId: "x", first: 100) { edges { node { messages(first: 100) { edges { node { conversation { messages(first: 100) { edges { cursor } } } } } } } } } }`,
    ],
    [
      'sends fifty messages by aliases',
      `mutation { ${Array.from({ length: 50 }, (_, i) => `s${i}: sendMessage(input: { appId: "${UNKNOWN}", recipient: { contactId: "${UNKNOWN}" }, message: { textMessage: { text: "Hi" } } }) { messageId }`).join(' ')} }`,
    ],
    [
      'gives one field a hundred names',
      `{ app(id: "${UNKNOWN}") { ${Array.from({ length: 101 }, (_, i) => `a${i}: id`).join(' ')} } }`,
    ],
    [
      'repeats a directive ten thousand times',
      `{ apps ${'@include(if: true) '.repeat(10_000)}{ edges { cursor } } }`,
    ],
    [
      'repeats a directive a thousand times',
      `{ apps ${'@include(if: true) '.repeat(1_000)}{ edges { cursor } } }`,
    ],
    ['has directives that nobody knows', `{ apps ${'@a '.repeat(4_000)}{ edges { cursor } } }`],
    ['nests an input a thousand times', `{ app(id: ${'['.repeat(4_000)}${']'.repeat(4_000)}) { id } }`],
    [
      'repeats a field that has fields a thousand times',
      `{ apps { ${'edges { node { id id id } cursor } '.repeat(600)} nothing } }`,
    ],
    [
      'doubles by fragments of fragments',
      `{ apps { ...F0 } } ${Array.from({ length: 60 }, (_, i) => `fragment F${i} on AppConnection { ...F${i + 1} ... { ...F${i + 1} } }`).join(' ')} fragment F60 on AppConnection { edges { cursor } }`,
    ],
    [
      'asks the same thousands of times',
      `{ ${Array.from({ length: 3_000 }, (_, i) => `a${i}: apps { edges { cursor } }`).join(' ')} }`,
    ],
  ])('a query that %s is refused before it runs', async (_what, query) => {
    const answer = await ask(query);
    expectRefusal(answer);
    expect(answer.status).toBe(400);
    const told = await overSocket(query);
    expect(told.length).toBeGreaterThan(0);
    expect(told.map(({ extensions }) => extensions.code)).toEqual(told.map(() => 'BAD_USER_INPUT'));
    expect(JSON.stringify(told)).not.toMatch(INTERNALS);
  });

  const message = { textMessage: { text: 'Hi' } };
  test.each<[what: string, input: unknown, paths: string[]]>([
    ['nothing', undefined, []],
    ['null', null, []],
    ['a list', [], []],
    ['a text', 'input', []],
    ['an empty object', {}, ['appId', 'recipient', 'message']],
    [
      'a number as a text',
      { appId: UNKNOWN, recipient: { contactId: UNKNOWN }, message: { textMessage: { text: 5 } } },
      ['message.textMessage.text'],
    ],
    ['a text as an object', { appId: UNKNOWN, recipient: 'Ann', message }, ['recipient']],
    [
      'an object as a list',
      {
        appId: UNKNOWN,
        recipient: { identifiedBy: { channelIdentities: { channel: 'FAX', identity: '1' } } },
        message,
      },
      ['recipient.identifiedBy.channelIdentities.channel'],
    ],
    [
      'a channel that does not exist',
      {
        appId: UNKNOWN,
        recipient: { contactId: UNKNOWN },
        message,
        channelPriorityOrder: ['MESSENGER', 'FAX'],
      },
      ['channelPriorityOrder[1]'],
    ],
    [
      'a field that does not exist',
      { appId: UNKNOWN, recipient: { contactId: UNKNOWN }, message: { ...message, projectId: 'x' } },
      ['message.projectId'],
    ],
    ['a required field as null', { appId: null, recipient: { contactId: UNKNOWN }, message }, ['appId']],
  ])('%s as an input is refused with the path of the fault', async (_what, input, paths) => {
    const answer = await ask(SEND, { input });
    expectRefusal(answer);
    expect(answer.status).toBe(400);
    const found = answer.errors.flatMap(({ extensions }) =>
      (extensions.fields ?? []).map(({ path }) => path),
    );
    expect(found.sort()).toEqual([...paths].sort());
  });

  test.each<[args: string, path: string]>([
    ['first: 0', 'first'],
    ['first: -1', 'first'],
    ['first: 101', 'first'],
    ['first: 2147483647', 'first'],
    ['after: "not a cursor"', 'after'],
    ['after: "e30="', 'after'],
    ['after: "\\u0000"', 'after'],
  ])('a page by %s is refused', async (args, path) => {
    for (const list of [`apps(${args})`, `contacts(${args})`]) {
      const answer = await ask(`{ ${list} { edges { cursor } } }`);
      expectRefusal(answer);
      expect(answer.errors[0]?.extensions.fields?.map((field) => field.path)).toEqual([path]);
    }
  });

  test.each<[what: string, body: string, status: number]>([
    ['is empty', '', 400],
    ['is not JSON', '{ apps }', 400],
    ['is a list of requests', '[{"query":"{ apps { edges { cursor } } }"}]', 400],
    ['is a number', '1', 400],
    ['is null', 'null', 400],
    ['has a query that is no text', '{"query":{"a":1}}', 400],
    ['has variables that are no object', '{"query":"{ apps { edges { cursor } } }","variables":"a"}', 400],
    [
      'names an operation that it does not have',
      '{"query":"query A { apps { edges { cursor } } }","operationName":"B"}',
      400,
    ],
    [
      'is over a mebibyte',
      JSON.stringify({ query: `{ apps { edges { cursor } } } # ${'x'.repeat(1_100_000)}` }),
      413,
    ],
  ])('a body that %s is refused', async (_what, body, status) => {
    const answer = await post(body);
    expectRefusal(answer);
    expect(answer.status).toBe(status);
  });

  test('a request that a page of another site could make is refused', async () => {
    const url = `${app.url}/graphql?query=${encodeURIComponent('{ apps { edges { cursor } } }')}`;
    const got = await answerOf(await fetch(url, { headers: { authorization: app.authorization } }));
    expect(got.status).toBe(400);
    expect(got.text).not.toMatch(INTERNALS);
    const posted = await post(JSON.stringify({ query: '{ apps { edges { cursor } } }' }), {
      'content-type': 'text/plain',
    });
    expect(posted.status).toBe(400);
    expect(posted.text).not.toMatch(INTERNALS);
  });

  test('a mutation cannot be made by GET', async () => {
    const query = encodeURIComponent('mutation { createApp(input: { displayName: "x" }) { id } }');
    const headers = { authorization: app.authorization, 'apollo-require-preflight': '1' };
    const answer = await answerOf(await fetch(`${app.url}/graphql?query=${query}`, { headers }));
    expect(answer.status).toBe(405);
    expect(answer.text).not.toMatch(INTERNALS);
    const { apps } = await app.graphql<{ apps: { edges: unknown[] } }>('{ apps { edges { cursor } } }');
    expect(apps.edges).toEqual([]);
  });

  test('GraphiQL and everything that it loads come from this server', async () => {
    const response = await fetch(`${app.url}/graphql`, { headers: { accept: BROWSER } });
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`default-src 'none'`);
    expect(policy).not.toMatch(/https?:|wss?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\bstyle=|\bon\w+=/);
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link = '']) => link);
    const ours = links.filter((link) => link !== 'data:,');
    expect(ours.length).toBeGreaterThan(3);
    const read = async (path: string): Promise<string> => {
      const file = await fetch(`${app.url}${path}`);
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers.get('content-type')).toMatch(path.endsWith('.css') ? /^text\/css/ : /javascript/);
      return file.text();
    };
    for (const path of ours) expect(path).toMatch(/^\/graphiql\/[a-z.-]+$/);
    const [start = ''] = ours.filter((path) => path.endsWith('/start.js'));
    const workers = [...(await read(start)).matchAll(/'([a-z]+\.worker\.js)'/g)].map(
      ([, file]) => `/graphiql/${file}`,
    );
    expect(workers).toHaveLength(3);
    for (const path of [...ours, ...workers]) {
      // Addresses in texts and names of vocabularies are no loads; these are.
      expect(await read(path)).not.toMatch(
        /@import\s+(url\()?["']?https?:|url\(\s*["']?(https?:)?\/\/|(fetch|importScripts|import|Worker|EventSource|WebSocket)\(\s*["'`](https?|wss?):/,
      );
    }
    expect((await fetch(`${app.url}/graphiql/__proto__`)).status).toBe(404);
  });

  test('what a script asks is answered by GraphQL, also where a browser would get the page', async () => {
    const response = await fetch(`${app.url}/graphql`, { headers: { accept: 'application/json' } });
    expect(response.status).toBe(400);
  });

  test('the examples of GraphiQL fit the schema', async () => {
    const { data } = await app.ask<IntrospectionQuery>(getIntrospectionQuery());
    const schema = buildClientSchema(data as IntrospectionQuery);
    for (const { query, variables } of EXAMPLES) {
      const document = parse(query);
      expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
      const [operation] = document.definitions as OperationDefinitionNode[];
      const { errors } = getVariableValues(
        schema,
        operation?.variableDefinitions ?? [],
        JSON.parse(variables) as Json,
      );
      expect(errors ?? []).toEqual([]);
    }
  });

  test('in production neither the schema nor the explorer is shown, over HTTP and WebSocket', async () => {
    const production = await startTestApp({ NODE_ENV: 'production', HOST: '127.0.0.1' });
    try {
      const { errors } = await production.ask('{ __schema { queryType { name } } }');
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
      const client = production.socket();
      const told = await new Promise((resolve) => {
        client.subscribe(
          { query: '{ __schema { queryType { name } } app { idd } }' },
          { next: resolve, error: resolve, complete: () => resolve(null) },
        );
      });
      await client.dispose();
      expect(JSON.stringify(told)).toContain('introspection');
      expect(JSON.stringify(told)).not.toContain('Did you mean');
      const explorer = await fetch(`${production.url}/graphql`, { headers: { accept: BROWSER } });
      expect(explorer.status).toBe(400);
      expect((await fetch(`${production.url}/graphiql/graphiql.js`)).status).toBe(404);
      expect((await fetch(`${production.url}/sandbox`)).status).toBe(404);
    } finally {
      await production.stop();
    }
  });

  test('in production GRAPHQL_EXPLORER shows both', async () => {
    const production = await startTestApp({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      GRAPHQL_EXPLORER: '1',
    });
    try {
      const { data } = await production.ask<Json>('{ __schema { queryType { name } } }');
      expect(data).toEqual({ __schema: { queryType: { name: 'Query' } } });
      const explorer = await fetch(`${production.url}/graphql`, { headers: { accept: BROWSER } });
      expect(await explorer.text()).toContain('/graphiql/start.js');
    } finally {
      await production.stop();
    }
  });
});

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const { errors = [] } = text.startsWith('{') ? (JSON.parse(text) as Partial<Answer>) : {};
  return { status: response.status, text, errors };
}
