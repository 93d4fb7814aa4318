import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { AppsModule } from '../../src/apps/apps.module.js';
import { EventLog } from '../../src/events/event-log.js';
import { WebhooksModule } from '../../src/webhooks/webhooks.module.js';
import { startApi, type TestApi } from '../support/api.js';
import { eventually } from '../support/eventually.js';
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
  ]) {
    expect((await api.refusal(operation, {}, authorization)).extensions.code).toBe('NOT_FOUND');
  }
  expect(await api.ask(`mutation { deleteWebhook(id: "${id}") }`)).toBe(true);
});
