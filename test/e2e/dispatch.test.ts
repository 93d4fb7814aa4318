// DISPATCH mode: messages without contacts and conversations.
import { type requestCallback, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message__Output } from '../../src/generated/proto/parley/conversation/v1/Message.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import { RepeatRetention } from '../../src/messages/retention.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { grpcClient, unary } from '../support/grpc.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { Records } from '../support/records.js';
import { type Rest, type RestAnswer, restOf } from '../support/rest.js';
import { Sending } from '../support/sending.js';

type Json = Record<string, unknown>;
interface List extends Json {
  messages: Json[];
}

const TRIGGERS = [
  'MESSAGE_INBOUND',
  'MESSAGE_SUBMIT',
  'MESSAGE_DELIVERY',
  'EVENT_INBOUND',
  'EVENT_DELIVERY',
  'CONTACT_CREATE',
  'CONTACT_UPDATE',
  'CONVERSATION_START',
  'CONVERSATION_STOP',
  'CONVERSATION_DELETE',
];

let app: TestApp;
let rest: Rest;
let records: Records;
let sending: Sending;
let receiver: Receiver;
let client: MessageServiceClient;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  records = await Records.of(app.databaseUrl);
  sending = new Sending(app);
  receiver = await startReceiver();
  client = grpcClient(app.parley.grpc);
});
afterAll(async () => {
  client.close();
  await records.close();
  await app.stop();
  await receiver.close();
});

/** An app with a page and a webhook for everything. */
async function connected(settings: string): Promise<TestPage> {
  const page = await connectPage(app);
  await app.graphql(`mutation ($id: ID!) { updateApp(id: $id, input: { ${settings} }) { id } }`, {
    id: page.appId,
  });
  await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
    input: { appId: page.appId, target: `${receiver.url}/${page.appId}`, secret: 's', triggers: TRIGGERS },
  });
  return page;
}

async function received(page: TestPage, psid: string, text: string): Promise<void> {
  const answer = await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, text)));
  expect(answer.status).toBe(200);
}

function send(page: TestPage, recipient: Json, text: string, more: Json = {}): Promise<RestAnswer> {
  const message = { text_message: { text } };
  return rest('POST', 'messages:send', { app_id: page.appId, recipient, message, ...more });
}

const to = (psid: string): Json => ({
  identified_by: { channel_identities: [{ channel: 'MESSENGER', identity: psid }] },
});

async function sent(page: TestPage, psid: string, text: string, more: Json = {}): Promise<string> {
  const { status, body } = await send(page, to(psid), text, more);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.message_id as string;
}

async function stored(query: string): Promise<Json[]> {
  const { status, body } = await rest<List>('GET', `messages?${query}`);
  expect(status).toBe(200);
  return body.messages;
}

const textOf = (message: Json): unknown =>
  ((message.app_message ?? message.contact_message) as { text_message?: { text: string } }).text_message
    ?.text;

/** What the app's webhook was told, once it is as much as `enough`. */
async function told(page: TestPage, enough: (bodies: Json[]) => boolean): Promise<Json[]> {
  const bodies = (requests: Receiver['requests']): Json[] =>
    requests.filter(({ path }) => path === `/${page.appId}`).map(({ json }) => json as Json);
  return bodies(await receiver.waitFor((requests) => enough(bodies(requests))));
}

const reports = (bodies: Json[], id: string): Json[] =>
  bodies.flatMap(({ message_delivery_report: report }) =>
    (report as Json | undefined)?.message_id === id ? [report as Json] : [],
  );

describe('an app in DISPATCH mode', () => {
  let page: TestPage;
  let psid: string;
  let id: string;

  beforeAll(async () => {
    page = await connected('processingMode: DISPATCH, dispatchRetentionPolicy: { ttlDays: 2 }');
    psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
    await received(page, psid, 'Unseen question');
    id = await sent(page, psid, 'Unseen answer', {
      message_metadata: 'meta',
      conversation_metadata: { a: 1 },
    });
    await told(page, (bodies) => reports(bodies, id).some(({ status }) => status === 'READ'));
  });

  test('is told of messages and reports without contact and conversation', async () => {
    const bodies = await told(page, (all) => all.some(({ message }) => message));
    const [inbound] = bodies.flatMap(({ message }) => (message ? [message] : []));
    expect(inbound).toMatchObject({
      contact_message: { text_message: { text: 'Unseen question' } },
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      conversation_id: '',
      contact_id: '',
      processing_mode: 'DISPATCH',
    });
    expect(reports(bodies, id).map(({ status }) => status)).toContain('READ');
    for (const report of reports(bodies, id))
      expect(report).toMatchObject({
        conversation_id: '',
        contact_id: '',
        metadata: 'meta',
        processing_mode: 'DISPATCH',
      });
    const kinds = bodies
      .flatMap((body) => Object.keys(body))
      .filter((key) => /contact_|conversation_/.test(key));
    expect(kinds).toEqual([]);
  });

  test('shows nobody a contact or a conversation of it, on any face', async () => {
    const shown = await app.graphql<Json>(
      `query ($appId: ID!, $id: ID!) {
        contacts { edges { node { id } } }
        inbox(appId: $appId) { edges { node { id } } }
        found: searchMessages(appId: $appId, text: "unseen") { edges { node { id } } }
        events(appId: $appId) { edges { node { __typename } } }
        message(id: $id) { content { ... on TextMessage { text } } conversation { id } contact { id } }
      }`,
      { appId: page.appId, id },
    );
    expect(shown).toEqual({
      contacts: { edges: [] },
      inbox: { edges: [] },
      found: { edges: [] },
      events: { edges: expect.not.arrayContaining([{ node: { __typename: 'MessageAdded' } }]) as unknown },
      message: { content: { text: 'Unseen answer' }, conversation: null, contact: null },
    });
    expect((await rest('GET', `conversations?app_id=${page.appId}`)).body).toMatchObject({
      conversations: [],
    });
    expect((await rest('GET', `conversations:recent?app_id=${page.appId}`)).body).toMatchObject({
      conversations: [],
    });
    expect((await rest('GET', 'contacts')).body).toMatchObject({ contacts: [] });
    expect(await records.query('SELECT 1 FROM contacts')).toEqual([]);
    // Nor does it help to know how it is kept.
    const [hidden] = await records.query<{ id: string }>('SELECT id FROM conversations WHERE app_id = $1', [
      page.appId,
    ]);
    for (const path of ['', ':stop', ':inject-message'])
      expect(
        (
          await rest(
            path === '' ? 'GET' : 'POST',
            `conversations/${hidden?.id}${path}`,
            path === '' ? undefined : {},
          )
        ).status,
      ).toBeGreaterThanOrEqual(400);
    expect((await rest('DELETE', `conversations/${hidden?.id}`)).status).toBe(404);
    const { errors } = await app.ask(`query ($id: ID!) { conversation(id: $id) { id } }`, { id: hidden?.id });
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    const noted = await app.ask(`mutation ($id: ID!) { addNote(conversationId: $id, text: "Seen") { id } }`, {
      id: hidden?.id,
    });
    expect(noted.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(await stored(`conversation_id=${hidden?.id}`)).toEqual([]);
    expect(await stored(`contact_id=${hidden?.id}`)).toEqual([]);
  });

  test('has its messages read from the source of their own', async () => {
    const source = `channel_identity=${psid}&messages_source=DISPATCH_SOURCE`;
    expect(await stored(`channel_identity=${psid}`)).toEqual([]);
    const messages = await stored(source);
    expect(messages.map(textOf)).toEqual(['Unseen answer', 'Unseen question']);
    for (const message of messages)
      expect(message).toMatchObject({ conversation_id: '', contact_id: '', processing_mode: 'DISPATCH' });
    expect((await stored(`${source}&only_recipient_originated=true`)).map(textOf)).toEqual([
      'Unseen question',
    ]);
    expect((await rest('GET', `messages/${id}`)).status).toBe(404);
    expect((await rest('GET', `messages/${id}?messages_source=DISPATCH_SOURCE`)).body).toMatchObject({
      id,
      metadata: 'meta',
    });
    const last = await rest<List>('POST', 'messages:fetch-last-message', {
      channel_identities: [psid],
      messages_source: 'DISPATCH_SOURCE',
    });
    expect(last.body.messages.map(({ id: one }) => one)).toEqual([id]);
    const byGrpc = await unary(
      (request: object, metadata, callback: requestCallback<Message__Output>) =>
        client.getMessage(request, metadata, callback),
      { messageId: id },
      { authorization: app.authorization },
    );
    expect(byGrpc).toMatchObject({ processingMode: 'DISPATCH' });
    expect([byGrpc.conversationId ?? '', byGrpc.contactId ?? '']).toEqual(['', '']);
  });

  test('gives back what a send said of the identity', async () => {
    const [lane] = await records.query<Json>('SELECT metadata_json FROM conversations WHERE app_id = $1', [
      page.appId,
    ]);
    expect(lane).toEqual({ metadata_json: { a: 1 } });
  });

  test('refuses a contact as the recipient of a message or an event', async () => {
    const { body: contact } = await rest('POST', 'contacts', {
      channel_identities: [{ channel: 'SMS', identity: '+46700000001' }],
      language: 'EN',
    });
    const answers = [
      await send(page, { contact_id: contact.id }, 'Hi'),
      await rest('POST', 'events:send', {
        app_id: page.appId,
        recipient: { contact_id: contact.id },
        event: { composing_event: {} },
      }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain('"recipient.contact_id"');
    }
  });

  test('sends events, which have no contact and no conversation either', async () => {
    const { status, body } = await rest('POST', 'events:send', {
      app_id: page.appId,
      recipient: to(psid),
      event: { composing_event: {} },
    });
    expect(status).toBe(200);
    expect((await rest('GET', `events/${String(body.event_id)}`)).body).toMatchObject({
      conversation_id: '',
      contact_id: '',
      processing_mode: 'DISPATCH',
      channel_identity: { identity: psid },
    });
    const bodies = await told(page, (all) => all.some(({ event_delivery_report: report }) => report));
    expect(bodies.find(({ event_delivery_report: report }) => report)?.event_delivery_report).toMatchObject({
      event_id: body.event_id,
      contact_id: '',
      processing_mode: 'DISPATCH',
    });
  });

  test('keeps who does not want to be written to, although they are no contact', async () => {
    const someone = newPsid();
    const says = async (notification_messages_status: string, timestamp: number): Promise<void> => {
      const optin = {
        type: 'notification_messages',
        notification_messages_token: '1',
        notification_messages_status,
      };
      const item = { sender: { id: someone }, recipient: { id: page.pageId }, timestamp, optin };
      expect((await postWebhook(app, page, envelope(page.pageId, item))).status).toBe(200);
    };
    const listed = async (): Promise<unknown> =>
      (await rest('GET', `apps/${page.appId}/consents/OPT_OUT_MARKETING`)).body.identities;
    const now = Date.now();
    await says('STOP NOTIFICATIONS', now);
    expect(await listed()).toEqual([{ identity: someone }]);
    await says('RESUME NOTIFICATIONS', now + 1);
    expect(await listed()).toEqual([]);
    const { body } = await rest<{ audit_records: Json[] }>(
      'GET',
      `apps/${page.appId}/consents/identities/${someone}`,
    );
    expect(body.audit_records.map(({ operation }) => operation)).toEqual([
      'OPERATION_INSERT',
      'OPERATION_DELETE',
    ]);
    const unsupported = (await records.events(page.appId)).filter(
      ({ kind }) => kind === 'channel.unsupported',
    );
    expect(unsupported).toEqual([]);
  });

  test('keeps the order of what is sent to one person', async () => {
    const someone = newPsid();
    await app.sandbox('people', { psid: someone, page_id: page.pageId, window: 'open' });
    const texts = Array.from({ length: 12 }, (_, index) => `number ${index}`);
    const answers = texts.map((text) => send(page, to(someone), text));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(texts.map(() => 200));
    await eventually(async () => (await sending.seen(page, someone)).length === texts.length, 'all of them');
    const accepted = await stored(`channel_identity=${someone}&messages_source=DISPATCH_SOURCE&page_size=20`);
    expect(await sending.seen(page, someone)).toEqual(accepted.map(textOf).reverse());
  });

  test('begins with contacts and conversations once its mode is changed, and ends with them', async () => {
    const someone = newPsid();
    const mode = async (to: string): Promise<void> => {
      await app.graphql(
        `mutation ($id: ID!) { updateApp(id: $id, input: { processingMode: ${to} }) { id } }`,
        { id: page.appId },
      );
    };
    await received(page, someone, 'one');
    await mode('CONVERSATION');
    await received(page, someone, 'two');
    await mode('DISPATCH');
    await received(page, someone, 'three');
    expect((await stored(`channel_identity=${someone}`)).map(textOf)).toEqual(['two']);
    const apart = await stored(`channel_identity=${someone}&messages_source=DISPATCH_SOURCE`);
    expect(apart.map(textOf)).toEqual(['three', 'one']);
  });
});

describe('a message that is dispatched only', () => {
  let page: TestPage;

  beforeAll(async () => {
    page = await connected('displayName: "Talks"');
  });

  test('is in no conversation, although the person has one, and both learn that it was read', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
    await received(page, psid, 'Hello');
    const ours = await sent(page, psid, 'in the conversation');
    const apart = await sent(page, psid, 'apart', { processing_strategy: 'DISPATCH_ONLY' });
    const bodies = await told(page, (all) =>
      [ours, apart].every((id) => reports(all, id).some(({ status }) => status === 'READ')),
    );
    expect(reports(bodies, apart)[0]).toMatchObject({
      conversation_id: '',
      contact_id: '',
      processing_mode: 'DISPATCH',
    });
    expect(reports(bodies, ours)[0]).toMatchObject({
      conversation_id: expect.stringMatching(/./),
      processing_mode: 'CONVERSATION',
    });
    expect((await stored(`channel_identity=${psid}`)).map(textOf)).toEqual(['in the conversation', 'Hello']);
    const { inbox } = await app.graphql<{ inbox: unknown }>(
      `query ($appId: ID!) { inbox(appId: $appId) { edges { node { messages { edges { node { id } } } lastMessage { id } } } } }`,
      { appId: page.appId },
    );
    expect(JSON.stringify(inbox)).toContain(ours);
    expect(JSON.stringify(inbox)).not.toContain(apart);
  });

  test('may be asked for by GraphQL, where it has neither conversation nor contact', async () => {
    const { sendMessage } = await app.graphql<{ sendMessage: Json }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { conversation { id } contact { id } } } }`,
      { input: sending.inputOf(page, newPsid(), 'apart', { processingStrategy: 'DISPATCH_ONLY' }) },
    );
    expect(sendMessage).toEqual({ message: { conversation: null, contact: null } });
  });

  test('is not to be read afterwards where nothing is kept, nor is what it said of the identity', async () => {
    const psid = newPsid();
    const id = await sent(page, psid, 'gone', {
      processing_strategy: 'DISPATCH_ONLY',
      conversation_metadata: { a: 1 },
    });
    expect(await stored(`channel_identity=${psid}&messages_source=DISPATCH_SOURCE`)).toEqual([]);
    expect((await rest('GET', `messages/${id}?messages_source=DISPATCH_SOURCE`)).status).toBe(404);
    const { errors } = await app.ask('query ($id: ID!) { message(id: $id) { id } }', { id });
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    const byGrpc = unary(
      client.getMessage.bind(client),
      { messageId: id },
      { authorization: app.authorization },
    );
    await expect(byGrpc).rejects.toMatchObject({ code: status.NOT_FOUND });
    const kept = await records.query<Json>(
      'SELECT c.metadata_json FROM conversations c JOIN messages m ON m.conversation_id = c.id WHERE m.id = $1',
      [id],
    );
    expect(kept).toEqual([{ metadata_json: null }]);
  });

  test('leaves nothing behind once it is deleted', async () => {
    const psid = newPsid();
    const id = await sent(page, psid, 'soon gone', { processing_strategy: 'DISPATCH_ONLY' });
    const hung = await records.query<{ id: string }>(
      'SELECT conversation_id AS id FROM messages WHERE id = $1',
      [id],
    );
    await records.query('DELETE FROM messages WHERE id = $1', [id]);
    await records.query(`UPDATE conversations SET updated_at = now() - interval '8 days' WHERE id = $1`, [
      hung[0]?.id,
    ]);
    await app.parley.app.get(RepeatRetention, { strict: false }).forget();
    expect(await records.query('SELECT 1 FROM conversations WHERE id = $1', [hung[0]?.id])).toEqual([]);
    expect(await records.query('SELECT 1 FROM dispatch_lanes WHERE identity = $1', [psid])).toEqual([]);
    await sent(page, psid, 'again', { processing_strategy: 'DISPATCH_ONLY' });
  });
});
