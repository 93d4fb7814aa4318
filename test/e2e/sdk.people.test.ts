// Contacts and conversations by the official client.
import { Conversation } from '@sinch/sdk-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { everyOne, type Sdk, sdkOf, statusOf } from '../support/sdk.js';

let app: TestApp;
let sdk: Sdk;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp();
  sdk = sdkOf(app);
  page = await connectPage(app);
});
afterAll(() => app.stop());

type ContactInput = Conversation.ContactCreateRequest;
async function person(more: Partial<ContactInput> = {}): Promise<Conversation.Contact & { id: string }> {
  const contact = await sdk.conversation.contact.create({
    contactCreateRequestBody: {
      channel_identities: [{ channel: 'MESSENGER', identity: newPsid(), app_id: page.appId }],
      language: 'EN_US',
      ...more,
    },
  });
  return { ...contact, id: String(contact.id) };
}

async function talk(contact_id: string): Promise<string> {
  const { id } = await sdk.conversation.conversation.create({
    createConversationRequestBody: { app_id: page.appId, contact_id },
  });
  return String(id);
}

describe('contacts', () => {
  test('are created, read, changed and deleted', async () => {
    const { contact: contacts } = sdk.conversation;
    const made = await person({ channel_identities: [{ channel: 'SMS', identity: '+12015555555' }] });
    expect(made).toMatchObject({
      channel_identities: [{ channel: 'SMS', identity: '12015555555', app_id: '' }],
      channel_priority: [],
      display_name: 'Unknown',
      email: '',
      external_id: '',
      metadata: '',
      language: 'EN_US',
    });
    const contact_id = made.id;
    expect(await contacts.get({ contact_id })).toEqual(made);
    const changed = await contacts.update({
      contact_id,
      updateContactRequestBody: {
        channel_identities: [
          { channel: 'MESSENGER', identity: newPsid(), app_id: page.appId },
          { channel: 'SMS', identity: '12015555555' },
        ],
        channel_priority: ['MESSENGER', 'SMS'],
        display_name: 'Ada',
      },
      update_mask: ['channel_identities', 'channel_priority', 'display_name'],
    });
    expect(changed).toMatchObject({
      channel_identities: [{ channel: 'MESSENGER' }, { channel: 'SMS' }],
      channel_priority: ['MESSENGER', 'SMS'],
      display_name: 'Ada',
      language: 'EN_US',
    });
    expect(await contacts.delete({ contact_id })).toEqual({});
    expect(await statusOf(contacts.get({ contact_id }))).toBe(404);
  });

  test('are listed page by page, and by the iterator from the first to the last', async () => {
    const { contact: contacts } = sdk.conversation;
    const made = [];
    for (let i = 0; i < 5; i++) made.push((await person({ external_id: `list-${i}` })).id);
    const first = await contacts.list({ page_size: 2 });
    expect(first.data).toHaveLength(2);
    expect(first.hasNextPage).toBe(true);
    const second = await first.nextPage();
    expect(second.data.map(({ id }) => id)).not.toContain(first.data[0]?.id);
    const all = (await everyOne(contacts.list({ page_size: 2 }))).map(({ id }) => id);
    expect(all).toEqual(expect.arrayContaining(made));
    expect(new Set(all).size).toBe(all.length);
    const found = await contacts.list({ external_id: 'list-3' });
    expect(found.data.map(({ id }) => id)).toEqual([made[3]]);
    expect(found.hasNextPage).toBe(false);
  });

  test('are found by a phone number whose plus the client does not escape', async () => {
    const made = await person({ channel_identities: [{ channel: 'RCS', identity: '+4670999' }] });
    const { data } = await sdk.conversation.contact.list({ channel: 'RCS', identity: '+4670999' });
    expect(data.map(({ id }) => id)).toEqual([made.id]);
  });

  test('are merged: the destination comes first, and keeps what it has', async () => {
    const source = await person({
      channel_identities: [
        { channel: 'MMS', identity: '+12015555556' },
        { channel: 'SMS', identity: '+12015555556' },
      ],
      channel_priority: ['MMS'],
      display_name: 'Source',
      email: 'source@example.com',
    });
    const destination = await person({ display_name: 'Destination' });
    const merged = await sdk.conversation.contact.mergeContact({
      destination_id: destination.id,
      mergeContactRequestBody: { source_id: source.id, strategy: 'MERGE' },
    });
    expect(merged).toMatchObject({
      id: destination.id,
      display_name: 'Destination',
      email: 'source@example.com',
      channel_identities: [{ channel: 'MESSENGER' }, { channel: 'MMS' }, { channel: 'SMS' }],
    });
    expect(await statusOf(sdk.conversation.contact.get({ contact_id: source.id }))).toBe(404);
  });

  test('have a profile on their channel, and share identities that are listed as conflicts', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open', first_name: 'Ada' });
    await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'Hello')));
    const { profile_name } = await sdk.conversation.contact.getChannelProfile({
      getChannelProfileRequestBody: {
        app_id: page.appId,
        channel: 'MESSENGER',
        recipient: { identified_by: { channel_identities: [{ channel: 'MESSENGER', identity: psid }] } },
      },
    });
    expect(profile_name).toMatch(/./);
    const [one, two] = [
      await person({ channel_identities: [{ channel: 'SMS', identity: '+12015555557' }] }),
      await person({ channel_identities: [{ channel: 'MMS', identity: '+12015555557' }] }),
    ];
    const conflicts = await everyOne(sdk.conversation.contact.listIdentityConflicts({ page_size: 1 }));
    const found = conflicts.find(({ identity }) => identity === '12015555557');
    expect(found?.contact_ids?.sort()).toEqual([one.id, two.id].sort());
    expect(found?.channels?.sort()).toEqual(['MMS', 'SMS']);
    expect(sdk.uncalled('contact')).toEqual([]);
  });
});

describe('conversations', () => {
  test('are created, read, moved, stopped and deleted', async () => {
    const { conversation: conversations } = sdk.conversation;
    const contact = await person();
    const made = await conversations.create({
      createConversationRequestBody: {
        app_id: page.appId,
        contact_id: contact.id,
        active: true,
        active_channel: 'MESSENGER',
        metadata: 'note',
        metadata_json: { order: 7 },
      },
    });
    expect(made).toMatchObject({
      app_id: page.appId,
      contact_id: contact.id,
      active: true,
      active_channel: 'MESSENGER',
      metadata: 'note',
      metadata_json: { order: 7 },
      correlation_id: '',
      last_received: new Date(0),
    });
    const conversation_id = String(made.id);
    expect(await conversations.get({ conversation_id })).toEqual(made);
    const other = await connectPage(app);
    const changed = await conversations.update({
      conversation_id,
      updateConversationRequestBody: {
        app_id: other.appId,
        active: false,
        metadata: 'moved',
        correlation_id: 'c-1',
        metadata_json: { colour: 'red' },
      },
      update_mask: ['app_id', 'active', 'metadata', 'correlation_id', 'metadata_json'],
      metadata_update_strategy: 'MERGE_PATCH',
    });
    expect(changed).toMatchObject({
      id: made.id,
      app_id: other.appId,
      active: false,
      metadata: 'moved',
      correlation_id: 'c-1',
      metadata_json: { order: 7, colour: 'red' },
    });
    const id = await talk((await person()).id);
    expect(await conversations.stopActive({ conversation_id: id })).toEqual({});
    expect(await conversations.get({ conversation_id: id })).toMatchObject({ active: false });
    expect(await conversations.delete({ conversation_id: id })).toEqual({});
    expect(await statusOf(conversations.get({ conversation_id: id }))).toBe(404);
  });

  test('are listed page by page, and the recent ones with their last message', async () => {
    const { conversation: conversations } = sdk.conversation;
    const shop = await connectPage(app);
    for (let i = 0; i < 3; i++) {
      await postWebhook(app, shop, envelope(shop.pageId, textItem(shop.pageId, newPsid(), `Hello ${i}`)));
    }
    const first = await conversations.list({ app_id: shop.appId, page_size: 2 });
    expect(first.data).toHaveLength(2);
    expect((await first.nextPage()).data).toHaveLength(1);
    expect(await everyOne(conversations.list({ app_id: shop.appId, page_size: 1 }))).toHaveLength(3);
    const [one] = first.data;
    await conversations.stopActive({ conversation_id: String(one?.id) });
    const idle = await conversations.list({ app_id: shop.appId, only_active: false });
    expect(idle.data.map(({ id }) => id)).toEqual([one?.id]);

    const recent = await everyOne(
      conversations.listRecent({ app_id: shop.appId, page_size: 2, order: 'ASC' }),
    );
    expect(recent.map(({ last_message }) => last_message?.contact_message)).toMatchObject(
      [0, 1, 2].map((i) => ({ text_message: { text: `Hello ${i}` } })),
    );
    const newest = await conversations.listRecent({ app_id: shop.appId });
    expect(newest.data.map(({ conversation }) => conversation?.id)).toEqual(
      recent.map(({ conversation }) => conversation?.id).reverse(),
    );
  });

  test('take messages and events that were exchanged elsewhere', async () => {
    const { conversation: conversations, messages } = sdk.conversation;
    const contact = await person();
    const conversation_id = await talk(contact.id);
    const accept_time = new Date(Date.now() - 3_600_000);
    const [identity] = contact.channel_identities ?? [];
    if (!identity) throw new Error('a person has no identity');
    const injected = await conversations.injectMessage({
      conversation_id,
      injectMessageRequestBody: {
        app_message: { text_message: { text: 'By phone' } },
        accept_time,
        channel_identity: identity,
        contact_id: contact.id,
        direction: 'TO_CONTACT',
      },
    });
    expect(injected).toEqual({});
    await conversations.injectMessage({
      conversation_id,
      injectMessageRequestBody: {
        contact_message: { text_message: { text: 'Thanks' } },
        accept_time: new Date(accept_time.getTime() + 1_000),
        channel_identity: identity,
        contact_id: contact.id,
        direction: 'TO_APP',
      },
    });
    const { data } = await messages.list({ conversation_id });
    expect(data).toMatchObject([
      { contact_message: { text_message: { text: 'Thanks' } }, injected: true },
      { app_message: { text_message: { text: 'By phone' } }, injected: true, accept_time },
    ]);
    const event = await conversations.injectEvent({
      conversation_id,
      injectConversationEventRequestBody: { app_event: { composing_event: {} }, accept_time },
    });
    expect(event).toEqual({ event_id: expect.stringMatching(/^[0-9A-Z]{26}$/), accepted_time: accept_time });
    expect(sdk.uncalled('conversation')).toEqual([]);
  });

  test('begin by themselves when a person writes', async () => {
    const psid = newPsid();
    await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'Hello')));
    await eventually(
      async () =>
        (await sdk.conversation.contact.list({ channel: 'MESSENGER', identity: psid })).data.length > 0,
      'the contact of a person who wrote',
    );
    const [contact] = (await sdk.conversation.contact.list({ channel: 'MESSENGER', identity: psid })).data;
    const { data } = await sdk.conversation.conversation.list({ contact_id: String(contact?.id) });
    expect(data).toMatchObject([{ app_id: page.appId, active: true, active_channel: 'MESSENGER' }]);
  });
});
