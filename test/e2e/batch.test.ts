// sendMessages: many at once, each on its own.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Records } from '../support/records.js';

type Json = Record<string, unknown>;

interface Result {
  messageId: string | null;
  acceptedTime: string | null;
  error: { code: string; message: string; fields: { path: string; rule: string; message: string }[] } | null;
}

const SEND = `mutation ($input: [SendMessageInput!]!) {
  sendMessages(input: $input) { messageId acceptedTime error { code message fields { path rule message } } }
}`;
const ACCEPTED = { messageId: expect.any(String), acceptedTime: expect.any(String), error: null } as object;

let app: TestApp;
let records: Records;
let page: TestPage;

beforeAll(async () => {
  // Without workers, so that only the accepting of messages queries the database.
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  records = await Records.of(app.databaseUrl);
  page = await connectPage(app);
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

function to(identity: string): Json {
  return { recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity }] } } };
}

function text(said: string, more: Json = {}): Json {
  return { appId: page.appId, ...to(newPsid()), message: { textMessage: { text: said } }, ...more };
}

async function send(input: Json[]): Promise<Result[]> {
  return (await app.graphql<{ sendMessages: Result[] }>(SEND, { input })).sendMessages;
}

/** How many statements the service gives to the database meanwhile. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return query.mock.calls.length;
  } finally {
    query.mockRestore();
  }
}

async function textsOf(results: Result[]): Promise<(string | undefined)[]> {
  const ids = results.map(({ messageId }) => messageId);
  const rows = await records.query<{ id: string; text: string }>(
    `SELECT id, content -> 'text_message' ->> 'text' AS text FROM messages WHERE id = ANY($1)`,
    [ids],
  );
  const texts = new Map(rows.map((row) => [row.id, row.text]));
  return ids.map((id) => texts.get(id ?? ''));
}

const BAD: [what: string, changes: Json, error: { code: string; fields: string[] }][] = [
  [
    'a blank text',
    { message: { textMessage: { text: ' ' } } },
    { code: 'BAD_USER_INPUT', fields: ['message.textMessage.text'] },
  ],
  ['no content', { message: {} }, { code: 'BAD_USER_INPUT', fields: ['message'] }],
  [
    'a text with a NUL',
    { message: { textMessage: { text: 'a\0b' } } },
    { code: 'BAD_USER_INPUT', fields: ['message.textMessage.text'] },
  ],
  ['a recipient who is nobody', { recipient: {} }, { code: 'BAD_USER_INPUT', fields: ['recipient'] }],
  ['a time to live that is too short', { ttl: '1s' }, { code: 'BAD_USER_INPUT', fields: ['ttl'] }],
  ['an app that does not exist', { appId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, { code: 'NOT_FOUND', fields: [] }],
  [
    'a contact that does not exist',
    { recipient: { contactId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' } },
    { code: 'NOT_FOUND', fields: [] },
  ],
  [
    'a channel that the app does not have',
    { channelPriorityOrder: ['WHATSAPP'] },
    { code: 'FAILED_PRECONDITION', fields: [] },
  ],
];

test('of 1,000 messages of which every tenth is bad, the others are accepted in order, each with its own result', async () => {
  const people = Array.from({ length: 37 }, () => newPsid());
  const input = Array.from({ length: 1_000 }, (_, index) => {
    const [, changes = {}] = index % 10 === 9 ? (BAD[((index - 9) / 10) % BAD.length] ?? []) : [];
    return text(`Number ${index}`, { ...to(people[index % people.length] as string), ...changes });
  });
  const results = await send(input);
  expect(results).toHaveLength(1_000);
  const texts = await textsOf(results);
  for (const [index, result] of results.entries()) {
    if (index % 10 === 9) {
      const error = BAD[((index - 9) / 10) % BAD.length]?.[2];
      expect({ index, ...result, fields: result.error?.fields.map(({ path }) => path) }).toMatchObject({
        index,
        messageId: null,
        acceptedTime: null,
        error: { code: error?.code },
        fields: error?.fields,
      });
    } else {
      expect({ index, ...result, text: texts[index] }).toEqual({
        index,
        text: `Number ${index}`,
        ...ACCEPTED,
      });
    }
  }
  const stored = await records.messages(page.appId);
  expect(stored).toHaveLength(900);
  for (const person of people) {
    const said = stored.flatMap(({ identity, content }) =>
      identity === person ? [Number(/\d+/.exec((content.text_message as { text: string }).text)?.[0])] : [],
    );
    expect(said).toEqual([...said].sort((a, b) => a - b));
    expect(said.length).toBeGreaterThan(0);
  }
});

test.each(BAD)('%s has the error that sendMessage has', async (_what, changes) => {
  const input = text('Bad', changes);
  const [before, result, after] = await send([text('Before'), input, text('After')]);
  const { errors } = await app.ask(
    `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
    { input },
  );
  const [error] = errors ?? [];
  expect(result?.error).toEqual({
    code: error?.extensions.code,
    message: error?.message,
    fields: error?.extensions.fields ?? [],
  });
  expect([before, after]).toEqual([ACCEPTED, ACCEPTED]);
});

test('1,000 messages to people who are not known yet take few statements', async () => {
  const known = await statementsOf(() => send([text('One')]));
  const statements = await statementsOf(() =>
    send(Array.from({ length: 1_000 }, (_, index) => text(`Number ${index}`))),
  );
  expect(known).toBeGreaterThan(5);
  // Four transactions that make people, and four that store messages.
  expect(statements).toBeLessThan(6 * known);
});

test('1,000 messages to one person keep their order', async () => {
  const person = newPsid();
  const texts = Array.from({ length: 1_000 }, (_, index) => `Number ${index}`);
  const results = await send(texts.map((said) => text(said, to(person))));
  expect(results.map(({ error }) => error)).toEqual(texts.map(() => null));
  const ids = results.map(({ messageId }) => messageId);
  expect(ids).toEqual([...ids].sort());
  expect(await textsOf(results)).toEqual(texts);
});

test('many requests at the same time all find room', async () => {
  // Of an app that does not exist, so that they are looked at but not stored.
  const input = Array.from({ length: 1_000 }, (_, index) =>
    text(`Number ${index}`, { appId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }),
  );
  const requests = await Promise.all(Array.from({ length: 12 }, () => send(input)));
  expect(new Set(requests.flat().map(({ error }) => error?.code))).toEqual(new Set(['NOT_FOUND']));
});

test('a key counts for its own message, also within one request', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  const hello = text('Hello');
  const input = [
    { ...hello, idempotencyKey: first },
    { ...hello, idempotencyKey: second },
    { ...hello, idempotencyKey: first },
    { ...text('Something else'), idempotencyKey: second },
  ];
  const results = await send(input);
  expect(results[0]).toEqual(ACCEPTED);
  expect(results[1]).toEqual(ACCEPTED);
  expect(results[1]?.messageId).not.toBe(results[0]?.messageId);
  expect(results[2]).toEqual(results[0]);
  expect(results[3]?.error).toMatchObject({ code: 'CONFLICT', fields: [] });
  expect(await send(input.slice(0, 3))).toEqual(results.slice(0, 3));
});

test('what one message breaks in the database keeps none of the others back', async () => {
  // Only the database knows this rule.
  await records.query(
    `ALTER TABLE messages ADD CONSTRAINT no_poison CHECK (content -> 'text_message' ->> 'text' <> 'poison') NOT VALID`,
  );
  try {
    const results = await send(
      Array.from({ length: 300 }, (_, index) =>
        text([17, 250].includes(index) ? 'poison' : `Number ${index}`),
      ),
    );
    expect(results.flatMap(({ error }, index) => (error ? [{ index, code: error.code }] : []))).toEqual([
      { index: 17, code: 'INTERNAL' },
      { index: 250, code: 'INTERNAL' },
    ]);
    expect(results[17]?.error?.message).not.toMatch(/poison|constraint/);
  } finally {
    await records.query(`ALTER TABLE messages DROP CONSTRAINT no_poison`);
  }
});

test.each<[what: string, count: number, rule: string]>([
  ['no message at all', 0, 'arrayMinSize'],
  ['more than 1,000 messages', 1_001, 'arrayMaxSize'],
])('%s is refused as a whole', async (_what, count, rule) => {
  const before = await records.fingerprint();
  const { data, errors } = await app.ask(SEND, { input: Array.from({ length: count }, () => text('Hi')) });
  expect(data).toBeNull();
  expect(errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'input', rule }] } },
  ]);
  expect(await records.fingerprint()).toBe(before);
});

test('1,000 ordinary messages fit into a request', async () => {
  const said = 'x'.repeat(500);
  const results = await send(
    Array.from({ length: 1_000 }, (_, index) =>
      text(said, {
        ...to(`5000${index % 10}`),
        messageMetadata: '{"campaign":"spring"}',
        correlationId: randomUUID(),
        idempotencyKey: randomUUID(),
      }),
    ),
  );
  expect(results.filter(({ error }) => error !== null)).toEqual([]);
});
