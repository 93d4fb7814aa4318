// GraphQL requests that are wrong as such: each is told what is wrong, by code and field, and learns nothing of the inside.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';

type Json = Record<string, unknown>;

interface Answer {
  status: number;
  text: string;
  errors: { message: string; extensions: { code: string; fields?: { path: string; rule: string }[] } }[];
}

const INTERNALS = /node_modules|stacktrace|\.[jt]s:\d+|\bat \S+ \(|SELECT |INSERT |QueryFailed|postgres/i;
const UNKNOWN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
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
      'asks the same thousands of times',
      `{ ${Array.from({ length: 3_000 }, (_, i) => `a${i}: apps { edges { cursor } }`).join(' ')} }`,
    ],
  ])('a query that %s is refused before it runs', async (_what, query) => {
    const answer = await ask(query);
    expectRefusal(answer);
    expect(answer.status).toBe(400);
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

  test('in production neither the schema nor the explorer is shown', async () => {
    const production = await startTestApp({ NODE_ENV: 'production', HOST: '127.0.0.1' });
    try {
      const { errors } = await production.ask('{ __schema { queryType { name } } }');
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
      const explorer = await fetch(`${production.url}/graphql`, { headers: { accept: 'text/html' } });
      expect(explorer.status).toBe(400);
      expect((await fetch(`${production.url}/sandbox`)).status).toBe(404);
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
