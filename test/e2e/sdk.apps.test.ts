// Apps and webhooks by the official client, and what its own helper makes of the callbacks that Parley posts.
import { Conversation, ConversationCallbackWebhooks } from '@sinch/sdk-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { connectPage, envelope, newPsid, postWebhook, textItem } from '../support/messenger.js';
import { startReceiver } from '../support/receiver.js';
import { groupsOf, type Sdk, sdkOf, statusOf } from '../support/sdk.js';

const MASK = '********';
const SECRET = 'CactusKnight_SurfsWaves';
const SMS: Conversation.ConversationChannelCredentialRequest = {
  channel: 'SMS',
  static_bearer: { claimed_identity: 'Shop', token: 'sms-secret' },
};

let app: TestApp;
let sdk: Sdk;

beforeAll(async () => {
  app = await startTestApp();
  sdk = sdkOf(app);
});
afterAll(() => app.stop());

test('the client has no group of methods but those that the tests of this folder go through', () => {
  expect(groupsOf(sdk.conversation).sort()).toEqual([
    'app',
    'capability',
    'consents',
    'contact',
    'conversation',
    'events',
    'messages',
    'projectSettings',
    'templatesV1',
    'templatesV2',
    'transcoding',
    'webhooks',
  ]);
});

test('an app is created, listed, read, changed and deleted', async () => {
  const { app: apps } = sdk.conversation;
  const created = await apps.create({
    appCreateRequestBody: { display_name: 'Shop', channel_credentials: [SMS] },
  });
  expect(created).toMatchObject({
    display_name: 'Shop',
    channel_credentials: [
      {
        channel: 'SMS',
        static_bearer: { claimed_identity: 'Shop', token: MASK },
        state: { status: 'PENDING' },
      },
    ],
    conversation_metadata_report_view: 'NONE',
    processing_mode: 'CONVERSATION',
  });
  const app_id = String(created.id);
  const { apps: listed } = await apps.list({});
  expect(listed).toEqual([created]);
  expect(await apps.get({ app_id })).toEqual(created);
  const renamed = await apps.update({
    app_id,
    appUpdateRequestBody: { display_name: 'Hats' },
    update_mask: ['display_name'],
  });
  expect(renamed).toEqual({ ...created, display_name: 'Hats' });
  // No mask: what the body has.
  expect(await apps.update({ app_id, appUpdateRequestBody: { display_name: 'Caps' } })).toEqual({
    ...created,
    display_name: 'Caps',
  });
  expect(await apps.delete({ app_id })).toEqual({});
  expect(await statusOf(apps.get({ app_id }))).toBe(404);
  expect(sdk.uncalled('app')).toEqual([]);
});

test('a page is connected by the token of its credential', async () => {
  const pageId = `7200${Date.now()}`;
  await app.sandbox(`pages/${pageId}`, { name: 'Page', settings: {} });
  const { token } = await app.sandbox<{ token: string }>('pages', { id: pageId });
  const { channel_credentials } = await sdk.conversation.app.create({
    appCreateRequestBody: {
      display_name: 'Messenger',
      channel_credentials: [
        { channel: 'MESSENGER', static_token: { token }, callback_secret: 's', credential_ordinal_number: 0 },
      ],
    },
  });
  expect(channel_credentials).toMatchObject([
    { static_token: { token: MASK }, state: { status: 'ACTIVE' }, channel_known_id: pageId },
  ]);
});

test('a webhook is created, listed, read, moved to another app and deleted', async () => {
  const { webhooks } = sdk.conversation;
  const [one, two] = await Promise.all(
    ['One', 'Two'].map((display_name) =>
      sdk.conversation.app.create({ appCreateRequestBody: { display_name, channel_credentials: [] } }),
    ),
  );
  const app_id = String(one?.id);
  const created = await webhooks.create({
    webhookCreateRequestBody: {
      app_id,
      target: 'https://example.com/hook',
      target_type: 'HTTP',
      triggers: ['MESSAGE_DELIVERY'],
      secret: SECRET,
    },
  });
  expect(created).toMatchObject({
    app_id,
    target: 'https://example.com/hook',
    target_type: 'HTTP',
    triggers: ['MESSAGE_DELIVERY'],
    secret: MASK,
    client_credentials: null,
  });
  expect((await webhooks.list({ app_id })).webhooks).toEqual([created]);
  const webhook_id = String(created.id);
  expect(await webhooks.get({ webhook_id })).toEqual(created);
  const changed = await webhooks.update({
    webhook_id,
    webhookUpdateRequestBody: {
      app_id: String(two?.id),
      target: 'https://example.com/other',
      triggers: ['MESSAGE_SUBMIT'],
      secret: 'another',
    },
    update_mask: ['app_id', 'target', 'triggers', 'secret'],
  });
  expect(changed).toMatchObject({
    app_id: two?.id,
    target: 'https://example.com/other',
    target_type: 'HTTP',
    triggers: ['MESSAGE_SUBMIT'],
  });
  expect(await webhooks.delete({ webhook_id })).toEqual({});
  expect(await statusOf(webhooks.get({ webhook_id }))).toBe(404);
  expect(sdk.uncalled('webhooks')).toEqual([]);
});

test("every callback that Parley posts passes the client's check and is parsed as what it is", async () => {
  const receiver = await startReceiver();
  try {
    const page = await connectPage(app);
    const triggers = [
      'CONTACT_CREATE',
      'CONTACT_UPDATE',
      'CONTACT_MERGE',
      'CONTACT_DELETE',
      'CONVERSATION_START',
      'CONVERSATION_STOP',
      'CONVERSATION_DELETE',
      'MESSAGE_INBOUND',
      'MESSAGE_SUBMIT',
      'MESSAGE_DELIVERY',
      'EVENT_DELIVERY',
      'EVENT_INBOUND',
      'CAPABILITY',
    ] satisfies Conversation.WebhookTrigger[];
    const { conversation: client } = sdk;
    await client.webhooks.create({
      webhookCreateRequestBody: {
        app_id: page.appId,
        target: receiver.url,
        target_type: 'HTTP',
        triggers,
        secret: SECRET,
      },
    });
    const psid = newPsid();
    await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'Hello')));
    const optin = {
      sender: { id: psid },
      recipient: { id: page.pageId },
      timestamp: Date.now(),
      optin: { ref: 'door' },
    };
    await postWebhook(app, page, envelope(page.pageId, optin));
    const [contact] = (await client.contact.list({ channel: 'MESSENGER', identity: psid })).data;
    const recipient = { contact_id: String(contact?.id) };
    await client.messages.sendTextMessage({
      sendMessageRequestBody: { app_id: page.appId, recipient, message: { text_message: { text: 'Hi' } } },
    });
    await client.events.sendComposingEvent({
      sendEventRequestBody: { app_id: page.appId, recipient, event: { composing_event: {} } },
    });
    await client.capability.lookup({ lookupCapabilityRequestBody: { app_id: page.appId, recipient } });
    const [talk] = (await client.conversation.list({ app_id: page.appId })).data;
    await client.conversation.stopActive({ conversation_id: String(talk?.id) });
    const other = await client.contact.create({
      contactCreateRequestBody: {
        channel_identities: [{ channel: 'SMS', identity: '+12015555555' }],
        language: 'EN_US',
      },
    });
    await client.contact.update({
      contact_id: String(contact?.id),
      updateContactRequestBody: { display_name: 'Ada' },
      update_mask: ['display_name'],
    });
    await client.contact.mergeContact({
      destination_id: String(contact?.id),
      mergeContactRequestBody: { source_id: String(other.id) },
    });
    const seen = (): Set<string> =>
      new Set(
        receiver.requests.map(
          ({ body }) => ConversationCallbackWebhooks.parseEvent(JSON.parse(body)).trigger,
        ),
      );
    const before = triggers.filter((trigger) => !trigger.endsWith('_DELETE'));
    await receiver
      .waitFor(() => before.every((trigger) => seen().has(trigger)), 60_000)
      .catch(() => {
        expect([...seen()].sort()).toEqual(expect.arrayContaining(before));
      });
    await client.conversation.delete({ conversation_id: String(talk?.id) });
    await client.contact.delete({ contact_id: String(contact?.id) });
    await receiver
      .waitFor(() => triggers.every((trigger) => seen().has(trigger)), 60_000)
      .catch(() => {
        expect([...seen()].sort()).toEqual([...triggers].sort());
      });
    const helper = new ConversationCallbackWebhooks(SECRET);
    for (const { headers, body } of receiver.requests) {
      expect(helper.validateAuthenticationHeader(headers, body)).toBe(true);
      expect(helper.validateAuthenticationHeader(headers, `${body} `)).toBe(false);
    }
  } finally {
    await receiver.close();
  }
});

test('a webhook that is moved still tells what waited of its former app', async () => {
  const receiver = await startReceiver();
  try {
    receiver.answer(() => 503);
    const [from, to] = [await connectPage(app), await connectPage(app)];
    const { webhooks } = sdk.conversation;
    const { id } = await webhooks.create({
      webhookCreateRequestBody: {
        app_id: from.appId,
        target: receiver.url,
        target_type: 'HTTP',
        triggers: ['MESSAGE_INBOUND'],
      },
    });
    const move = (app_id: string) =>
      webhooks.update({
        webhook_id: String(id),
        webhookUpdateRequestBody: { app_id, target: receiver.url },
        update_mask: ['app_id'],
      });
    expect(await statusOf(move('01ARZ3NDEKTSV4RRFFQ69G5FAV'))).toBe(404);
    await postWebhook(app, from, envelope(from.pageId, textItem(from.pageId, newPsid(), 'Before')));
    await receiver.waitFor((requests) => requests.length === 1);
    expect(await move(to.appId)).toMatchObject({ app_id: to.appId, triggers: ['MESSAGE_INBOUND'] });
    receiver.answer(() => 200);
    await postWebhook(app, to, envelope(to.pageId, textItem(to.pageId, newPsid(), 'After')));
    const requests = await receiver.waitFor((all) => all.length === 3, 60_000);
    const told = requests
      .slice(1)
      .map(({ json }) => [json?.app_id, JSON.stringify(json?.message).includes('After')]);
    expect(told.sort()).toEqual(
      [
        [from.appId, false],
        [to.appId, true],
      ].sort(),
    );
  } finally {
    await receiver.close();
  }
});
