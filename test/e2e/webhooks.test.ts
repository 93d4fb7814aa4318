// Webhooks as a customer meets them: set up through GraphQL, told of real conversations, checked with public libraries.
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { eventClient } from '../support/events.js';
import { grpcClient, unary } from '../support/grpc.js';
import { eventCursor } from '../support/log.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../support/receiver.js';

type Json = Record<string, unknown>;

let app: TestApp;
let page: TestPage;
let receiver: Receiver;
let psid: string;

beforeAll(async () => {
  app = await startTestApp();
  page = await connectPage(app);
  receiver = await startReceiver();
});
beforeEach(async () => {
  psid = newPsid();
  await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
});
afterAll(async () => {
  await app.stop();
  await receiver.close();
});

const CREATE = `mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: $input) { id } }`;
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`;

async function createWebhook(path: string, triggers: string[], secret?: string): Promise<string> {
  const input = { appId: page.appId, target: `${receiver.url}${path}`, triggers, secret };
  const { createWebhook: webhook } = await app.graphql<{ createWebhook: { id: string } }>(CREATE, { input });
  return webhook.id;
}
const message = (more: Json = {}): Json => ({
  appId: page.appId,
  recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
  message: { textMessage: { text: 'Hello' } },
  ...more,
});
async function send(more: Json = {}): Promise<string> {
  const answer = await app.graphql<{ sendMessage: { messageId: string } }>(SEND, { input: message(more) });
  return answer.sendMessage.messageId;
}
const at = (path: string): ReceivedRequest[] => receiver.requests.filter((request) => request.path === path);
async function arrived(path: string, count: number): Promise<Json[]> {
  await receiver.waitFor(() => at(path).length >= count);
  return at(path).map(({ json }) => json as Json);
}
const statusOf = (body: Json): unknown => (body.message_delivery_report as Json | undefined)?.status;

describe('a callback URL of one send', () => {
  beforeAll(() => createWebhook('/reports', ['MESSAGE_DELIVERY', 'EVENT_DELIVERY']));

  test('by GraphQL gets all its reports, signed by the secret of the app for such URLs', async () => {
    const update = `mutation ($id: ID!, $input: UpdateAppInput!) { updateApp(id: $id, input: $input) { callbackUrlsSigned } }`;
    const input = { callbackSettings: { secretForOverriddenCallbackUrls: 'for mine' } };
    expect(await app.graphql(update, { id: page.appId, input })).toEqual({
      updateApp: { callbackUrlsSigned: true },
    });
    const messageId = await send({ callbackUrl: `${receiver.url}/mine/1`, messageMetadata: 'order 7' });
    const reports = await arrived('/mine/1', 3);
    expect(reports.map(statusOf)).toEqual(['QUEUED_ON_CHANNEL', 'DELIVERED', 'READ']);
    expect(reports[0]).toMatchObject({
      app_id: page.appId,
      message_delivery_report: { message_id: messageId, metadata: 'order 7' },
    });
    for (const { body, headers } of at('/mine/1'))
      expect(
        new StandardWebhook('for mine', { format: 'raw' }).verify(body, headers as Record<string, string>),
      ).toEqual(JSON.parse(body));
  });

  test('by gRPC gets its reports as well, and so does one of an event', async () => {
    const [messages, events] = [grpcClient(app.parley.grpc), eventClient(app.parley.grpc)];
    await unary(
      messages.sendMessage.bind(messages),
      { ...message(), callbackUrl: `${receiver.url}/mine/2` },
      { authorization: app.authorization },
    );
    await unary(
      events.sendEvent.bind(events),
      { ...message(), event: { composingEvent: {} }, callbackUrl: `${receiver.url}/mine/3` },
      { authorization: app.authorization },
    );
    expect((await arrived('/mine/2', 3)).map(statusOf)).toEqual(['QUEUED_ON_CHANNEL', 'DELIVERED', 'READ']);
    expect(await arrived('/mine/3', 1)).toMatchObject([
      { event_delivery_report: { status: 'QUEUED_ON_CHANNEL' } },
    ]);
    messages.close();
    events.close();
  });

  test('keeps its reports from the webhooks, which get those of other sends', async () => {
    await send({ callbackUrl: `${receiver.url}/mine/4` });
    const messageId = await send();
    await arrived('/mine/4', 3);
    const reports = await arrived('/reports', 3);
    expect(reports.map((body) => (body.message_delivery_report as Json).message_id)).toEqual(
      [1, 2, 3].map(() => messageId),
    );
  });

  test.each([
    ['nonsense', 'isUrl'],
    ['ftp://example.com/', 'isUrl'],
    ['http://user:pass@example.com/', 'credentials'],
    ['http://example.com:22/', 'port'],
    [`http://example.com/${'x'.repeat(724)}`, 'maxLength'],
  ])('%s is refused, by message and by event', async (callbackUrl, rule) => {
    const refusal = [{ extensions: { fields: [{ path: 'callbackUrl', rule }] } }];
    const refused = await app.ask(SEND, { input: message({ callbackUrl }) });
    expect(refused.errors).toMatchObject(refusal);
    const { message: _message, ...event } = message({ callbackUrl, event: { composingEvent: {} } });
    const mutation = `mutation ($input: SendEventInput!) { sendEvent(input: $input) { eventId } }`;
    expect((await app.ask(mutation, { input: event })).errors).toMatchObject(refusal);
  });
});

test('MESSAGE_SUBMIT tells what leaves for the channel, before what becomes of it', async () => {
  await createWebhook('/submitted', ['MESSAGE_SUBMIT', 'MESSAGE_DELIVERY']);
  const messageId = await send({ messageMetadata: 'order 8', correlationId: 'c-8' });
  const about = await eventually(async () => {
    const found = at('/submitted').filter(({ body }) => body.includes(messageId));
    return found.length === 4 && found.map(({ json }) => json as Json);
  }, 'four callbacks');
  expect(about.map((body) => statusOf(body) ?? 'submitted')).toEqual([
    'submitted',
    'QUEUED_ON_CHANNEL',
    'DELIVERED',
    'READ',
  ]);
  expect(about[0]).toEqual({
    app_id: page.appId,
    accepted_time: expect.any(String) as string,
    project_id: app.projectId,
    message_metadata: '',
    correlation_id: 'c-8',
    message_submit_notification: {
      message_id: messageId,
      conversation_id: expect.any(String) as string,
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      contact_id: expect.any(String) as string,
      submitted_message: { text_message: { text: 'Hello' } },
      metadata: 'order 8',
      processing_mode: 'CONVERSATION',
    },
  });
});

test('what the channel refuses was submitted, too; what never left was not', async () => {
  const [blocked, closed] = [newPsid(), newPsid()];
  await app.sandbox('people', { psid: blocked, page_id: page.pageId, window: 'open', blocked: true });
  await app.sandbox('people', { psid: closed, page_id: page.pageId, window: 'closed' });
  const to = (identity: string): Json => ({
    recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity }] } },
  });
  const ids = [await send(to(blocked)), await send({ ...to(closed), ttl: '3s' })];
  const told = async (id: string | undefined): Promise<Json[]> =>
    eventually(async () => {
      const about = at('/submitted').filter(({ body }) => body.includes(id ?? ''));
      return about.some(({ body }) => body.includes('FAILED')) && about.map(({ json }) => json as Json);
    }, 'a report of failure');
  expect((await told(ids[0])).map((body) => statusOf(body) ?? 'submitted')).toEqual(['submitted', 'FAILED']);
  const second = (await told(ids[1])).map((body) => statusOf(body) ?? 'submitted');
  expect(second.at(-1)).toBe('FAILED');
});

test('the secret that was set is the one that signs, also after it was changed', async () => {
  // Lesson 48: the secret shown was not the one that signed.
  const id = await createWebhook('/signed', ['MESSAGE_INBOUND'], 'first ünïcode secret');
  const say = async (count: number): Promise<ReceivedRequest> => {
    await app.sandbox(`people/${psid}/messages`, { page_id: page.pageId, text: `Hello ${count}` });
    await arrived('/signed', count);
    return at('/signed')[count - 1] as ReceivedRequest;
  };
  const verifies = ({ body, headers }: ReceivedRequest, secret: string): boolean => {
    try {
      const verifier = new StandardWebhook(new TextEncoder().encode(secret), { format: 'raw' });
      return Boolean(verifier.verify(body, headers as Record<string, string>));
    } catch {
      return false;
    }
  };
  expect(verifies(await say(1), 'first ünïcode secret')).toBe(true);
  await app.graphql(UPDATE, { id, input: { secret: 'second' } });
  const during = await say(2);
  expect([verifies(during, 'first ünïcode secret'), verifies(during, 'second')]).toEqual([true, true]);
  await app.graphql(UPDATE, { id, input: { previousSecretSeconds: 0 } });
  const after = await say(3);
  expect([verifies(after, 'first ünïcode secret'), verifies(after, 'second')]).toEqual([false, true]);
});

test('a webhook that is disabled is told of in the inbox, and says why', async () => {
  const id = await createWebhook('/gone', ['MESSAGE_INBOUND']);
  receiver.answer(({ path }) => (path === '/gone' ? 410 : 200));
  const client = app.socket();
  const after = await eventCursor(app, page.appId);
  const told = new Promise<unknown>((resolve, reject) => {
    const query = `subscription ($id: ID!, $after: String) { inbox(appId: $id, after: $after) { ... on WebhookDisabled { cursor at webhookId target reason } } }`;
    client.subscribe<{ inbox: Json }>(
      { query, variables: { id: page.appId, after } },
      {
        next: ({ data }) => (data?.inbox.webhookId ? resolve(data.inbox) : undefined),
        error: reject,
        complete: () => reject(new Error('the stream ended')),
      },
    );
  });
  await app.sandbox(`people/${psid}/messages`, { page_id: page.pageId, text: 'Hello' });
  const reason = 'the target answered 410 Gone';
  expect(await told).toMatchObject({ webhookId: id, target: `${receiver.url}/gone`, reason });
  await client.dispose();
  const { webhooks } = await app.graphql<{ webhooks: Json[] }>(
    `query ($id: ID!) { webhooks(appId: $id) { id disabledAt disabledReason } }`,
    { id: page.appId },
  );
  expect(webhooks.find((webhook) => webhook.id === id)).toMatchObject({
    disabledAt: expect.any(String) as string,
    disabledReason: reason,
  });
});
