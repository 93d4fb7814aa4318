// ListMessages: the filters, the pages, and what of them the database can serve by its indexes.
import { type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { timestamp } from '../../src/api/well-known.js';
import type { ListMessagesRequest } from '../../src/generated/proto/parley/conversation/v1/ListMessagesRequest.js';
import type { ListMessagesResponse__Output as Page } from '../../src/generated/proto/parley/conversation/v1/ListMessagesResponse.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import { type MessageFilter, messageListQuery } from '../../src/messages/list-messages.js';
import { encodeCursor } from '../../src/page.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { grpcClient, unary, violationsOf } from '../support/grpc.js';
import { connectPage, type TestPage } from '../support/messenger.js';
import { Records } from '../support/records.js';
import { restOf } from '../support/rest.js';
import { Sending } from '../support/sending.js';

interface Row {
  id: string;
  conversation_id: string;
  contact_id: string;
  app_id: string;
  identity: string;
  direction: string;
  accept_time: Date;
}

let app: TestApp;
let records: Records;
let client: MessageServiceClient;
/** Everything, the latest first. */
let rows: Row[];
let pages: TestPage[];

beforeAll(async () => {
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  records = await Records.of(app.databaseUrl);
  client = grpcClient(app.parley.grpc);
  const sending = new Sending(app);
  pages = [await connectPage(app), await connectPage(app)];
  for (const page of pages) {
    const people = [await sending.person(page), await sending.person(page)];
    for (let turn = 0; turn < 6; turn++)
      await sending.send(page, people[turn % 2] as string, `number ${turn}`, { messageMetadata: `m${turn}` });
  }
  rows = await records.query<Row>('SELECT * FROM messages ORDER BY id DESC');
});
afterAll(async () => {
  client.close();
  await records.close();
  await app.stop();
});

function list(request: ListMessagesRequest): Promise<Page> {
  return unary(client.listMessages.bind(client), request, { authorization: app.authorization });
}

async function idsOf(request: ListMessagesRequest): Promise<string[]> {
  const { messages } = await list({ pageSize: 1_000, ...request });
  return (messages ?? []).map(({ id }) => id ?? '');
}

function idsWhere(matches: (row: Row) => boolean): string[] {
  return rows.filter(matches).map(({ id }) => id);
}

test('every filter leaves the messages that it applies to, the latest first', async () => {
  expect(rows).toHaveLength(16);
  const [some] = rows.slice(5) as [Row];
  const from = rows[10]?.accept_time as Date;
  const to = rows[3]?.accept_time as Date;
  const cases: [ListMessagesRequest, (row: Row) => boolean][] = [
    [{}, () => true],
    [{ conversationId: some.conversation_id }, (row) => row.conversation_id === some.conversation_id],
    [{ contactId: some.contact_id }, (row) => row.contact_id === some.contact_id],
    [{ appId: some.app_id }, (row) => row.app_id === some.app_id],
    [{ channelIdentity: some.identity }, (row) => row.identity === some.identity],
    [{ channelIdentity: `+${some.identity}` }, (row) => row.identity === some.identity],
    [{ direction: 'TO_APP' }, (row) => row.direction === 'TO_APP'],
    [
      { direction: 'TO_CONTACT', contactId: some.contact_id },
      (row) => row.direction === 'TO_CONTACT' && row.contact_id === some.contact_id,
    ],
    [{ channel: 'MESSENGER' }, () => true],
    [{ channel: 'WHATSAPP' }, () => false],
    [{ startTime: timestamp(from) }, (row) => row.accept_time >= from],
    [{ endTime: timestamp(to) }, (row) => row.accept_time < to],
    [
      { startTime: timestamp(from), endTime: timestamp(to), appId: some.app_id, direction: 'TO_CONTACT' },
      (row) =>
        row.accept_time >= from &&
        row.accept_time < to &&
        row.app_id === some.app_id &&
        row.direction === 'TO_CONTACT',
    ],
    [{ messagesSource: 'DISPATCH_SOURCE', onlyRecipientOriginated: true }, () => false],
    [{ conversationId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, () => false],
  ];
  for (const [request, matches] of cases)
    expect([request, await idsOf(request)]).toEqual([request, idsWhere(matches)]);
});

test.each([
  ['of everything', () => ({})],
  ['of an app', () => ({ appId: pages[0]?.appId })],
  ['of a contact', () => ({ contactId: rows[0]?.contact_id })],
])('pages %s follow each other without gap or double', async (_name, filterOf) => {
  const filter = filterOf();
  const all = await idsOf(filter);
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await list({ ...filter, pageSize: 3, pageToken });
    expect(page.messages?.length).toBe(Math.min(3, all.length - seen.length));
    seen.push(...(page.messages ?? []).map(({ id }) => id ?? ''));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  expect(seen).toEqual(all);
});

test('a page has 10 messages unless asked otherwise, each as GetMessage has it, and without metadata when asked so', async () => {
  const { messages = [], nextPageToken } = await list({});
  expect(messages).toHaveLength(10);
  expect(nextPageToken).not.toBe('');
  expect((await list({ pageSize: 0 })).messages).toEqual(messages);
  const read = await unary(
    client.getMessage.bind(client),
    { messageId: messages[0]?.id },
    { authorization: app.authorization },
  );
  expect(messages[0]).toEqual(read);
  expect(messages[0]?.metadata).toBe('m5');
  const bare = await list({ view: 'WITHOUT_METADATA' });
  expect(bare.messages?.map(({ metadata }) => metadata)).toEqual(Array(10).fill(''));
});

test.each<[string, ListMessagesRequest, string]>([
  ['a page too large', { pageSize: 1_001 }, 'page_size'],
  ['a page of less than none', { pageSize: -1 }, 'page_size'],
  ['a token of nobody', { pageToken: 'nonsense' }, 'page_token'],
  ['a token that cannot be stored', { pageToken: encodeCursor(['\0']) }, 'page_token'],
  ['times the wrong way round', { startTime: { seconds: '20' }, endTime: { seconds: '10' } }, 'end_time'],
  [
    'a conversation of dispatch',
    { messagesSource: 'DISPATCH_SOURCE', conversationId: 'c' },
    'conversation_id',
  ],
  ['recipients first in conversations', { onlyRecipientOriginated: true }, 'only_recipient_originated'],
])('%s is refused, naming the field', async (_name, request, field) => {
  const error = (await list(request).catch((thrown: unknown) => thrown)) as ServiceError;
  expect(error.code).toBe(status.INVALID_ARGUMENT);
  expect(violationsOf(error).map((violation) => violation.field)).toEqual([field]);
});

test.each([
  ['without an id', {}],
  ['of an empty id', { messageId: '' }],
  ['of an id that cannot be stored', { messageId: 'a\0' }],
])('a message %s is refused, naming the field', async (_name, request) => {
  const read = unary(client.getMessage.bind(client), request, { authorization: app.authorization });
  const error = (await read.catch((thrown: unknown) => thrown)) as ServiceError;
  expect(error.code).toBe(status.INVALID_ARGUMENT);
  expect(new Set(violationsOf(error).map((violation) => violation.field))).toEqual(new Set(['message_id']));
});

test('a page of large messages is cut to what a client takes, and the next goes on from there', async () => {
  const page = await connectPage(app);
  const sending = new Sending(app);
  const psid = await sending.person(page);
  const sent = [await sending.send(page, psid, 'x')];
  // 200 messages of 60,000 bytes are 12 MB.
  await records.query(
    `INSERT INTO messages SELECT (jsonb_populate_record(m, jsonb_build_object(
       'id', left(m.id, 10) || lpad(n::text, 16, '0'), 'content', jsonb_build_object('text_message', jsonb_build_object('text', repeat('y', 60000)))))).*
     FROM messages m, generate_series(1, 200) n WHERE m.id = $1`,
    sent,
  );
  const expected = (
    await records.query<{ id: string }>('SELECT id FROM messages WHERE app_id = $1 ORDER BY id DESC', [
      page.appId,
    ])
  ).map(({ id }) => id);
  const seen: string[] = [];
  let pageToken = '';
  let asked = 0;
  do {
    const answer = await list({ appId: page.appId, pageSize: 1_000, pageToken });
    seen.push(...(answer.messages ?? []).map(({ id }) => id ?? ''));
    pageToken = answer.nextPageToken ?? '';
    asked += 1;
  } while (pageToken !== '');
  expect(seen).toEqual(expected);
  expect(asked).toBeGreaterThan(3);
});

test('every selective filter is served by an index that begins where the page does', async () => {
  await records.query(
    `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, sent_by, accept_time)
     SELECT m.project_id, left(m.id, 10) || lpad((row_number() OVER ())::text, 16, '0'), m.app_id, m.conversation_id, m.contact_id, m.direction, m.channel,
       CASE WHEN n % 50 = 0 THEN m.identity ELSE m.identity || n % 50 END, '{}', m.sent_by, m.accept_time
     FROM (SELECT * FROM messages WHERE identity <> '' ORDER BY id LIMIT 16) m, generate_series(1, 1500) n`,
  );
  await records.query('ANALYZE messages');
  const some = rows.at(-1) as Row;
  const time = new Date(some.accept_time.getTime() + 1);
  const filters: MessageFilter[] = [
    {},
    { appId: some.app_id },
    { conversationId: some.conversation_id },
    { contactId: some.contact_id },
    { channelIdentity: some.identity },
    { channelIdentity: some.identity, appId: some.app_id },
    { conversationId: some.conversation_id, direction: 'TO_CONTACT', channel: 'MESSENGER' },
    { appId: some.app_id, startTime: new Date(0), endTime: time },
    { startTime: new Date(0), endTime: time },
  ];
  const token = Buffer.from(JSON.stringify([`${rows[3]?.id}`])).toString('base64url');
  for (const filter of filters)
    for (const page of [
      { size: 10, token: null },
      { size: 10, token },
    ]) {
      const { sql, values } = messageListQuery(app.projectId, filter, page);
      const plan = (await records.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values))
        .map((row) => row['QUERY PLAN'])
        .join('\n');
      expect(plan).toMatch(
        /Index Scan[\w ]* using messages_|Index Scan[\w ]* using conversations|Bitmap Index Scan/,
      );
      expect(plan).not.toContain('Seq Scan on messages');
    }
});

test('what was put in by hand was received when the person said it, and else has no status', async () => {
  const page = await connectPage(app);
  const psid = await new Sending(app).person(page);
  const [received] = await records.query<Row>('SELECT * FROM messages WHERE app_id = $1', [page.appId]);
  for (const said of [
    { direction: 'TO_APP', contact_message: { text_message: { text: 'theirs' } } },
    { direction: 'TO_CONTACT', app_message: { text_message: { text: 'ours' } } },
  ]) {
    const path = `conversations/${received?.conversation_id}:inject-message`;
    const { status: answered } = await restOf(app)('POST', path, {
      ...said,
      accept_time: new Date(Date.now() - 60_000).toISOString(),
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      contact_id: received?.contact_id,
    });
    expect(answered).toBe(200);
  }
  const { messages = [] } = await list({ appId: page.appId });
  const statuses = messages
    .filter(({ injected }) => injected)
    .map(({ direction, messageStatus }) => [direction, messageStatus?.status]);
  expect(Object.fromEntries(statuses)).toEqual({ TO_APP: 'RECEIVED', TO_CONTACT: 'STATUS_UNSPECIFIED' });
});
