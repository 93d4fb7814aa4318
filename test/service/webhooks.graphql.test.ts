import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppsModule } from '../../src/apps/apps.module.js';
import { EventLog } from '../../src/events/event-log.js';
import { WebhooksModule } from '../../src/webhooks/webhooks.module.js';
import { startApi, type TestApi } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { logSettled } from '../support/log.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { inbound } from '../support/webhooks.js';

interface Webhook {
  id: string;
  target: string;
  triggers: string[];
}

const FIELDS = `id appId target targetType triggers signed disabledAt disabledReason failingSince pausedUntil
  clientCredentials { endpoint clientId scope responseType tokenRequestType }`;
const CREATE = `mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { ${FIELDS} } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: $input) { ${FIELDS} } }`;
const DELIVERIES = `query ($id: ID!, $status: WebhookDeliveryStatus) { webhookDeliveries(webhookId: $id, status: $status) {
  edges { node { id webhookId eventId trigger status attempts responseCode responseHead error durationMs nextAttemptAt lastAttemptAt } } } }`;

let api: TestApi;
let receiver: Receiver;
let appId: string;

beforeAll(async () => {
  api = await startApi([AppsModule, WebhooksModule], { PARLEY_ALLOW_PRIVATE_TARGETS: '1' });
});
beforeEach(async () => {
  receiver = await startReceiver();
  ({ id: appId } = await api.ask<{ id: string }>(
    `mutation { createApp(input: {displayName: "Shop"}) { id } }`,
  ));
});
afterEach(() => receiver.close());
afterAll(() => api.stop());

function create(more: Record<string, unknown> = {}): Promise<Webhook> {
  return api.ask<Webhook>(CREATE, {
    input: { appId, target: receiver.url, triggers: ['MESSAGE_INBOUND'], ...more },
  });
}

test('a webhook is made with HTTP and without a secret unless told otherwise, and is listed with its app', async () => {
  const webhook = await create();
  expect(webhook).toEqual({
    id: expect.stringMatching(/^[0-9A-Z]{26}$/),
    appId,
    target: receiver.url,
    targetType: 'HTTP',
    triggers: ['MESSAGE_INBOUND'],
    signed: false,
    disabledAt: null,
    disabledReason: null,
    failingSince: null,
    pausedUntil: null,
    clientCredentials: null,
  });
  const other = await create({
    target: `${receiver.url}/2`,
    targetType: 'DISMISS',
    secret: 's',
    clientCredentials: { endpoint: receiver.url, clientId: 'id', clientSecret: 'secret' },
  });
  expect(other).toMatchObject({
    targetType: 'DISMISS',
    signed: true,
    clientCredentials: { endpoint: receiver.url, clientId: 'id', scope: '', tokenRequestType: 'BASIC' },
  });
  const listed = await api.ask<Webhook[]>(`query ($appId: ID!) { webhooks(appId: $appId) { ${FIELDS} } }`, {
    appId,
  });
  expect(listed).toEqual([webhook, other]);
  const app = await api.ask<{ webhooks: Webhook[] }>(
    `query ($appId: ID!) { app(id: $appId) { webhooks { ${FIELDS} } } }`,
    {
      appId,
    },
  );
  expect(app.webhooks).toEqual(listed);
});

test('every published trigger is taken', async () => {
  const { enumValues } = await api.ask<{ enumValues: { name: string }[] }>(
    `{ __type(name: "WebhookTrigger") { enumValues { name } } }`,
  );
  const triggers = enumValues.map(({ name }) => name);
  expect(triggers).toEqual(
    expect.arrayContaining(['SMART_CONVERSATION', 'SMART_CONVERSATIONS', 'UNSUPPORTED']),
  );
  expect((await create({ triggers })).triggers).toEqual(triggers);
});

test('no type of the schema can show a secret', async () => {
  const { types } = await api.ask<{ types: { name: string; fields: { name: string }[] | null }[] }>(
    `{ __schema { types { name fields { name } } } }`,
  );
  const shown = types.flatMap(({ name, fields }) => (fields ?? []).map((field) => `${name}.${field.name}`));
  expect(shown).toContain('Webhook.target');
  expect(shown.filter((field) => /secret/i.test(field))).toEqual([]);
});

test.each<[string, Record<string, unknown>, string, string]>([
  [
    'a target that is too long',
    { target: `https://example.com/${'x'.repeat(723)}` },
    'input.target',
    'maxLength',
  ],
  ['a target that is no URL', { target: 'example.com' }, 'target', 'isUrl'],
  ['the same trigger twice', { triggers: ['UNSUPPORTED', 'UNSUPPORTED'] }, 'input.triggers', 'arrayUnique'],
  ['a secret that is too long', { secret: 's'.repeat(257) }, 'input.secret', 'maxLength'],
  [
    'client credentials without a secret',
    { clientCredentials: { endpoint: 'https://example.com', clientId: 'id' } },
    'clientCredentials.clientSecret',
    'isNotEmpty',
  ],
])('%s is refused with field and rule', async (_what, fields, path, rule) => {
  const error = await api.refusal(CREATE, { input: { appId, target: receiver.url, ...fields } });
  expect(error.extensions.code).toBe('BAD_USER_INPUT');
  expect(
    error.extensions.fields?.map((field) => [field.path.replace(/^input\./, ''), field.rule]),
  ).toContainEqual([path.replace(/^input\./, ''), rule]);
});

test('an update changes what is given, and nothing else', async () => {
  const { id } = await create({ secret: 's' });
  expect(await api.ask(UPDATE, { id, input: { triggers: ['UNSUPPORTED'] } })).toMatchObject({
    target: receiver.url,
    triggers: ['UNSUPPORTED'],
    signed: true,
  });
  expect(await api.ask(UPDATE, { id, input: { secret: null } })).toMatchObject({ signed: false });
  const refusal = await api.refusal(UPDATE, { id, input: { target: null } });
  expect(refusal.extensions.code).toBe('BAD_USER_INPUT');
});

test('an event reaches the target by itself, is listed, and can be replayed', async () => {
  const { id } = await create();
  const log = api.app.get(EventLog, { strict: false });
  await api.dataSource.transaction((tx) =>
    log.record(tx, [{ ...inbound(appId, 'a', 'hi'), projectId: api.projectId }]),
  );
  await receiver.waitFor((requests) => requests.length === 1);
  const [first] = await eventually(async () => {
    const { edges } = await api.ask<{ edges: { node: Record<string, unknown> }[] }>(DELIVERIES, {
      id,
      status: 'DELIVERED',
    });
    return edges.length === 1 && edges;
  }, 'a delivery in the list');
  expect(first?.node).toMatchObject({
    webhookId: id,
    eventId: receiver.requests[0]?.headers['webhook-id'],
    trigger: 'MESSAGE_INBOUND',
    attempts: 1,
    responseCode: 200,
    error: null,
    nextAttemptAt: null,
  });
  await logSettled((sql) => api.dataSource.query(sql));
  expect(await api.ask(`mutation ($id: ID!) { replayWebhook(id: $id) }`, { id })).toBe(1);
  await receiver.waitFor((requests) => requests.length === 2);
  expect(receiver.requests[1]?.headers['webhook-id']).toBe(first?.node.eventId);
});

test('a failed delivery comes again by itself after 5 seconds', async () => {
  await create();
  let answers = 0;
  receiver.answer(() => (answers++ === 0 ? 500 : 200));
  const log = api.app.get(EventLog, { strict: false });
  const started = Date.now();
  await api.dataSource.transaction((tx) =>
    log.record(tx, [{ ...inbound(appId, 'a', 'hi'), projectId: api.projectId }]),
  );
  await receiver.waitFor((requests) => requests.length === 2);
  expect(Date.now() - started).toBeGreaterThan(3_900);
});

test("another project's webhook is not found", async () => {
  const { id } = await create();
  const { authorization } = await api.project();
  for (const operation of [
    `mutation { deleteWebhook(id: "${id}") }`,
    `mutation { replayWebhook(id: "${id}") }`,
    `mutation { updateWebhook(id: "${id}", input: {}) { id } }`,
    `{ webhookDeliveries(webhookId: "${id}") { edges { cursor } } }`,
    `{ webhooks(appId: "${appId}") { id } }`,
    `{ callbackOrigins(appId: "${appId}") { id } }`,
    `mutation { testWebhook(id: "${id}") { delivered } }`,
    `mutation { retryWebhookDelivery(webhookId: "${id}", id: "${id}") { id } }`,
  ]) {
    expect((await api.refusal(operation, {}, authorization)).extensions.code).toBe('NOT_FOUND');
  }
  expect(await api.ask(`mutation { deleteWebhook(id: "${id}") }`)).toBe(true);
});

describe('insight', () => {
  const LIST = `query ($id: ID!, $trigger: WebhookTrigger, $responseCode: Int, $since: DateTime, $until: DateTime) {
    webhookDeliveries(webhookId: $id, trigger: $trigger, responseCode: $responseCode, since: $since, until: $until) {
      edges { node { id eventId trigger url status attempts responseCode attemptList { at responseCode responseHead error durationMs } } } } }`;
  const RETRY = `mutation ($webhookId: ID!, $id: ID!) { retryWebhookDelivery(webhookId: $webhookId, id: $id) { id eventId status attempts } }`;

  interface Shown {
    id: string;
    eventId: string;
    status: string;
    attemptList: { responseCode: number | null; responseHead: string | null }[];
  }
  const list = async (id: string, filter = {}): Promise<Shown[]> =>
    (await api.ask<{ edges: { node: Shown }[] }>(LIST, { id, ...filter })).edges.map(({ node }) => node);
  const record = (...texts: string[]): Promise<void> =>
    api.dataSource.transaction((tx) =>
      api.app.get(EventLog, { strict: false }).record(
        tx,
        texts.map((text) => ({ ...inbound(appId, `person ${text}`, text), projectId: api.projectId })),
      ),
    );
  const ended = (id: string, count: number): Promise<Shown[]> =>
    eventually(async () => {
      const found = (await list(id)).filter(({ status }) => status !== 'PENDING');
      return found.length === count && found;
    }, `${count} deliveries that ended`);

  test('deliveries are found by trigger, by code and by time', async () => {
    const { id } = await create();
    receiver.answer(({ body }) => (body.includes('refuse me') ? 400 : 200));
    await record('take me', 'refuse me');
    await ended(id, 2);
    expect((await list(id, { responseCode: 400 })).map(({ status }) => status)).toEqual(['DEAD']);
    expect(await list(id, { trigger: 'MESSAGE_INBOUND' })).toHaveLength(2);
    expect(await list(id, { trigger: 'UNSUPPORTED' })).toEqual([]);
    const now = Date.now();
    expect(await list(id, { since: new Date(now - 60_000), until: new Date(now + 60_000) })).toHaveLength(2);
    expect(await list(id, { since: new Date(now + 60_000) })).toEqual([]);
    expect(await list(id, { until: new Date(now - 60_000) })).toEqual([]);
  });

  test('one that was given up is tried again by hand, keeps its ids, and shows both attempts', async () => {
    const webhook = await create();
    receiver.answer(() => ({ status: 400, body: 'not yet' }));
    await record('hello');
    const [dead] = await ended(webhook.id, 1);
    receiver.answer(() => ({ status: 200, body: 'now' }));
    const retried = await api.ask<Shown>(RETRY, { webhookId: webhook.id, id: dead?.id });
    expect(retried).toMatchObject({ id: dead?.id, eventId: dead?.eventId, status: 'PENDING', attempts: 0 });
    await receiver.waitFor((requests) => requests.length === 2);
    const [delivered, ...others] = await eventually(async () => {
      const found = await list(webhook.id);
      return found[0]?.status === 'DELIVERED' && found;
    }, 'the second attempt');
    expect(others).toEqual([]);
    expect(delivered?.attemptList).toMatchObject([
      { responseCode: 400, responseHead: 'not yet' },
      { responseCode: 200, responseHead: 'now' },
    ]);
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([
      dead?.eventId,
      dead?.eventId,
    ]);
  });

  test('one that waits for its retry goes at once, and one that arrived goes again', async () => {
    const webhook = await create();
    let answer = 503;
    receiver.answer(() => answer);
    await record('hello');
    const [waiting] = await eventually(async () => {
      const found = await list(webhook.id);
      return found[0]?.attemptList.length === 1 && found;
    }, 'a first attempt');
    answer = 200;
    await api.ask(RETRY, { webhookId: webhook.id, id: waiting?.id });
    const [arrived] = await ended(webhook.id, 1);
    await api.ask(RETRY, { webhookId: webhook.id, id: arrived?.id });
    const both = await ended(webhook.id, 2);
    expect(new Set(both.map(({ eventId }) => eventId)).size).toBe(1);
    expect(receiver.requests).toHaveLength(3);
  });

  test('a delivery of another webhook, or of none, is not found', async () => {
    const [webhook, other] = [
      await create(),
      await create({ target: `${receiver.url}/other`, triggers: [] }),
    ];
    await record('hello');
    const [delivery] = await ended(webhook.id, 1);
    for (const key of [
      { webhookId: other.id, id: delivery?.id },
      { webhookId: webhook.id, id: webhook.id },
    ])
      expect((await api.refusal(RETRY, key)).extensions.code).toBe('NOT_FOUND');
  });

  const TEST = `mutation ($id: ID!, $trigger: WebhookTrigger) {
    testWebhook(id: $id, trigger: $trigger) { delivered eventId body attempt { at responseCode responseHead error durationMs } } }`;

  test('a test says what the target answered, is signed, and is neither queued nor listed', async () => {
    const { id } = await create({ secret: 's3cret' });
    receiver.answer(() => ({ status: 418, body: 'a teapot' }));
    const result = await api.ask<{ eventId: string; body: string }>(TEST, { id });
    expect(result).toMatchObject({
      delivered: false,
      attempt: { responseCode: 418, responseHead: 'a teapot', error: null },
    });
    const [request] = receiver.requests;
    expect(request?.body).toBe(result.body);
    expect(request?.headers['webhook-id']).toBe(result.eventId);
    const verifier = new StandardWebhook('s3cret', { format: 'raw' });
    expect(verifier.verify(request?.body ?? '', request?.headers as Record<string, string>)).toMatchObject({
      app_id: appId,
      message: { direction: 'TO_APP' },
    });
    expect(await list(id)).toEqual([]);
  });

  test('a test tells of any trigger that is sent, and refuses one that never is', async () => {
    const { id } = await create({ triggers: [] });
    const result = await api.ask<{ delivered: boolean; body: string }>(TEST, {
      id,
      trigger: 'CONTACT_CREATE',
    });
    expect(result.delivered).toBe(true);
    expect(JSON.parse(result.body)).toHaveProperty('contact_create_notification.contact');
    const refusal = await api.refusal(TEST, { id, trigger: 'RECORD_NOTIFICATION' });
    expect(refusal.extensions.fields).toMatchObject([{ path: 'trigger', rule: 'sent' }]);
  });

  test('of one webhook there is one test at a time', async () => {
    const { id } = await create();
    const held = Promise.withResolvers<number>();
    receiver.answer(() => held.promise);
    const first = api.ask(TEST, { id });
    await receiver.waitFor((requests) => requests.length === 1);
    expect((await api.refusal(TEST, { id })).extensions.code).toBe('RESOURCE_EXHAUSTED');
    held.resolve(200);
    expect(await first).toMatchObject({ delivered: true });
  });
});

test('a rotation says until when both secrets sign', async () => {
  const { id } = await create({ secret: 'old' });
  const update = `mutation ($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: $input) { previousUntil } }`;
  const shown = await api.ask<{ previousUntil: string }>(update, {
    id,
    input: { secret: 'new', previousSecretSeconds: 600 },
  });
  expect(Math.abs(Date.parse(shown.previousUntil) - Date.now() - 600_000)).toBeLessThan(30_000);
  expect(await api.ask(update, { id, input: { previousSecretSeconds: 0 } })).toEqual({ previousUntil: null });
  const refusal = await api.refusal(update, { id, input: { previousSecretSeconds: 700_000 } });
  expect(refusal.extensions.fields).toMatchObject([{ path: 'previousSecretSeconds', rule: 'max' }]);
});
