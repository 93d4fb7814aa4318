// Project settings, capability, consents, and what there is not, over REST.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { connectPage, newPsid, postWebhook, type TestPage } from '../support/messenger.js';
import { startReceiver } from '../support/receiver.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;

let app: TestApp;
let rest: Rest;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  page = await connectPage(app);
});
afterAll(() => app.stop());

async function phone(channel: string, identity: string): Promise<Json & { id: string }> {
  const made = await rest<Json & { id: string }>('POST', 'contacts', {
    channel_identities: [{ channel, identity }],
    language: 'EN_US',
  });
  expect(made.status).toBe(200);
  return made.body;
}

test('with unified contacts a number on one channel is one on all, once no two contacts share it', async () => {
  const on = { contact_settings: { unified_contact_id_enabled: true } };
  expect((await rest('GET', 'settings')).status).toBe(404);
  expect((await rest('PATCH', 'settings', on)).status).toBe(404);
  const off = await rest('POST', 'settings', { contact_settings: { unified_contact_id_enabled: false } });
  expect(off.body).toEqual({
    project_id: app.projectId,
    settings: { contact_settings: { unified_contact_id_enabled: false } },
  });
  const [one, other] = [await phone('SMS', '+3161'), await phone('MMS', '+3161')];
  const refused = await rest('PATCH', 'settings', on);
  expect(refused.status).toBe(400);
  expect(refused.body).toMatchObject({ error: { status: 'FAILED_PRECONDITION' } });
  await rest('POST', `contacts/${one.id}:merge`, { source_id: other.id });
  const done = await rest('PATCH', 'settings', on);
  expect(done.body).toMatchObject({ settings: on });
  expect((await phone('RCS', '+3162')).channel_identities).toEqual(
    ['RCS', 'SMS', 'MMS'].map((channel) => ({ channel, identity: '3162', app_id: '' })),
  );
  expect((await rest('PATCH', 'settings', {})).status).toBe(400);
  expect((await rest('DELETE', 'settings')).body).toEqual({});
});

test('a capability query is answered with what was asked, and by the webhook for each identity', async () => {
  const receiver = await startReceiver();
  try {
    await rest('POST', 'webhooks', {
      app_id: page.appId,
      target: receiver.url,
      target_type: 'HTTP',
      triggers: ['CAPABILITY'],
    });
    const identity = newPsid();
    const { body: contact } = await rest('POST', 'contacts', {
      channel_identities: [
        { channel: 'MESSENGER', identity, app_id: page.appId },
        { channel: 'SMS', identity: '+49170' },
      ],
      language: 'DE',
    });
    const asked = { app_id: page.appId, recipient: { contact_id: contact.id } };
    const answer = await rest('POST', 'capability:query', asked);
    expect(answer.body).toEqual({ ...asked, request_id: expect.stringMatching(/^[0-9A-Z]{26}$/) });
    const told = (await receiver.waitFor((requests) => requests.length === 2)).map(
      ({ body }) =>
        (JSON.parse(body.toString()) as { capability_notification: Json }).capability_notification,
    );
    expect(told).toEqual(
      expect.arrayContaining([
        {
          request_id: answer.body.request_id,
          contact_id: contact.id,
          channel: 'MESSENGER',
          identity,
          capability_status: 'CAPABILITY_FULL',
          channel_capabilities: [],
        },
        expect.objectContaining({
          channel: 'SMS',
          capability_status: 'NO_CAPABILITY',
          reason: expect.objectContaining({ code: 'CHANNEL_CONFIGURATION_MISSING' }),
        }),
      ]),
    );
    const stranger = {
      identified_by: { channel_identities: [{ channel: 'MESSENGER', identity: newPsid() }] },
    };
    expect((await rest('POST', 'capability:query', { ...asked, recipient: stranger })).status).toBe(400);
  } finally {
    await receiver.close();
  }
});

async function says(psid: string, notification_messages_status: string, timestamp: number): Promise<void> {
  const messaging = [
    {
      sender: { id: psid },
      recipient: { id: page.pageId },
      timestamp,
      optin: {
        type: 'notification_messages',
        notification_messages_token: '1',
        notification_messages_status,
      },
    },
  ];
  const entry = [{ id: page.pageId, time: timestamp, messaging }];
  expect((await postWebhook(app, page, { object: 'page', entry })).status).toBe(200);
}

async function list(): Promise<unknown> {
  return (await rest('GET', `apps/${page.appId}/consents/OPT_OUT_MARKETING?page_size=10`)).body;
}

test('who stops marketing messages is on the list until they resume, with a record of both', async () => {
  const psid = newPsid();
  const now = Date.now();
  await says(psid, 'STOP NOTIFICATIONS', now);
  await says(psid, 'STOP_NOTIFICATIONS', now + 1);
  expect(await list()).toEqual({ identities: [{ identity: psid }], next_page_token: '' });
  await says(psid, 'RESUME_NOTIFICATIONS', now + 2);
  expect(await list()).toEqual({ identities: [], next_page_token: '' });
  const { body } = await rest<{ audit_records: Json[] }>(
    'GET',
    `apps/${page.appId}/consents/identities/${psid}`,
  );
  const place = { list_type: 'OPT_OUT_MARKETING', project_id: app.projectId, app_id: page.appId };
  expect(body).toEqual({
    identity: { identity: psid },
    audit_records: ['OPERATION_INSERT', 'OPERATION_DELETE'].map((operation) => ({
      ...place,
      operation,
      origin: 'ORIGIN_MO',
      datetime: expect.any(String),
    })),
  });
  expect((await rest('GET', `apps/${page.appId}/consents/OPT_OUT_OTHER`)).status).toBe(400);
});

test('who is erased is on no list any more, and nothing says that they were', async () => {
  const psid = newPsid();
  await says(psid, 'STOP NOTIFICATIONS', Date.now());
  const found = await rest<{ contacts: { id: string }[] }>(
    'GET',
    `contacts?channel=MESSENGER&identity=${psid}`,
  );
  expect((await rest('DELETE', `contacts/${found.body.contacts[0]?.id}`)).status).toBe(200);
  expect(await list()).toEqual({ identities: [], next_page_token: '' });
  const { body } = await rest('GET', `apps/${page.appId}/consents/identities/${psid}`);
  expect(body).toEqual({ identity: { identity: psid }, audit_records: [] });
});

test.each([
  ['GET', 'templates'],
  ['PATCH', 'templates/x'],
  ['POST', 'optins:register'],
  ['POST', 'optouts:register'],
] as const)('%s %s is said to be missing', async (method, path) => {
  const { status, body } = await rest(method, path, method === 'GET' ? undefined : {});
  expect(status).toBe(501);
  expect(body).toMatchObject({ error: { code: 501, status: 'UNIMPLEMENTED' } });
});
