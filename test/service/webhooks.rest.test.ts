import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppsModule } from '../../src/apps/apps.module.js';
import { WebhooksModule } from '../../src/webhooks/webhooks.module.js';
import { startApi, type TestApi } from '../support/api.js';
import { type Rest, restOf } from '../support/rest.js';

let api: TestApi;
let rest: Rest;
let appId: string;

beforeAll(async () => {
  api = await startApi([AppsModule, WebhooksModule], { PARLEY_ALLOW_PRIVATE_TARGETS: '1' });
  rest = restOf(api);
  ({ id: appId } = await api.ask<{ id: string }>(
    `mutation { createApp(input: {displayName: "Shop"}) { id } }`,
  ));
});
afterAll(() => api.stop());

let targets = 0;
async function created(
  more: Record<string, unknown> = {},
): Promise<Record<string, unknown> & { id: string }> {
  const target = `https://example.com/${targets++}`;
  const { status, body } = await rest<Record<string, unknown> & { id: string }>('POST', 'webhooks', {
    app_id: appId,
    target,
    ...more,
  });
  expect(status).toBe(200);
  return body;
}

test('a webhook is made with the default of the reference, and its secrets come back masked', async () => {
  const webhook = await created({
    secret: 's3cret',
    triggers: ['MESSAGE_INBOUND'],
    client_credentials: { endpoint: 'https://example.com/token', client_id: 'me', client_secret: 'hidden' },
  });
  expect(webhook).toEqual({
    id: expect.stringMatching(/^[0-9A-Z]{26}$/),
    app_id: appId,
    target: expect.stringContaining('https://example.com/'),
    target_type: 'DISMISS',
    secret: '********',
    triggers: ['MESSAGE_INBOUND'],
    client_credentials: {
      endpoint: 'https://example.com/token',
      client_id: 'me',
      client_secret: '********',
      scope: '',
      response_type: '',
      token_request_type: 'BASIC',
    },
  });
  expect((await rest('GET', `webhooks/${webhook.id}`)).body).toEqual(webhook);
  const written = await rest('PATCH', `webhooks/${webhook.id}`, webhook);
  expect(written.body).toEqual(webhook);
  expect((await rest('DELETE', `webhooks/${webhook.id}`)).body).toEqual({});
  expect((await rest('GET', `webhooks/${webhook.id}`)).status).toBe(404);
});

test('a mask says what is written, and what it lists without a value is reset', async () => {
  const webhook = await created({ secret: 's3cret', triggers: ['MESSAGE_INBOUND'] });
  const kept = await rest('PATCH', `webhooks/${webhook.id}?update_mask=triggers`, {
    secret: '',
    triggers: ['CONTACT_CREATE'],
  });
  expect(kept.body).toMatchObject({ secret: '********', triggers: ['CONTACT_CREATE'] });
  const reset = await rest('PATCH', `webhooks/${webhook.id}?update_mask=secret`, {});
  expect(reset.body).toMatchObject({ secret: '', triggers: ['CONTACT_CREATE'] });
  await rest('PATCH', `webhooks/${webhook.id}`, { target_type: 'HTTP' });
  const bare = await rest('PATCH', `webhooks/${webhook.id}?update_mask=triggers,target_type`, {});
  expect(bare).toMatchObject({ status: 200, body: { triggers: [], target_type: 'DISMISS' } });
  const required = await rest('PATCH', `webhooks/${webhook.id}?update_mask=target`, {});
  expect(required.status).toBe(400);
});

test('a mask may list single members of the client credentials; the others stay', async () => {
  const client_credentials = {
    endpoint: 'https://example.com/token',
    client_id: 'me',
    client_secret: 'hidden',
  };
  const webhook = await created({ client_credentials: { ...client_credentials, scope: 'all' } });
  const changed = await rest('PATCH', `webhooks/${webhook.id}?update_mask=client_credentials.client_id`, {
    client_credentials: { client_id: 'you', scope: 'none' },
  });
  expect(changed.body).toEqual({
    ...webhook,
    client_credentials: { ...(webhook.client_credentials as object), client_id: 'you' },
  });
  const bare = await created();
  const refused = await rest('PATCH', `webhooks/${bare.id}?update_mask=client_credentials.client_id`, {
    client_credentials: { client_id: 'you' },
  });
  expect(refused.status).toBe(400);
  expect(JSON.stringify(refused.body)).toContain('client_credentials.endpoint');
});

test('what is wrong is named as the wire spells it, and unknown members are left out', async () => {
  const { status, body } = await rest('POST', 'webhooks', {
    app_id: appId,
    target: 'ftp://x',
    target_type: 'SMOKE',
  });
  expect(status).toBe(400);
  expect(body).toMatchObject({
    error: {
      code: 400,
      status: 'INVALID_ARGUMENT',
      details: [{ fieldViolations: [{ field: 'target_type' }] }],
    },
  });
  expect(await created({ id: 'mine', colour: 'red' })).not.toHaveProperty('colour');
});
