// Messages, events and transcoding by the official client.
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

type To = Conversation.ContactId;
const ULID = /^[0-9A-Z]{26}$/;
const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const PICTURE = 'https://example.com/hat.png';
const PAGE = 'https://example.com/more';
const ACCEPTED = { message_id: expect.stringMatching(ULID), accepted_time: expect.any(Date) };

let app: TestApp;
let sdk: Sdk;
let page: TestPage;
let psid: string;
let recipient: To;

beforeAll(async () => {
  app = await startTestApp();
  sdk = sdkOf(app);
  page = await connectPage(app);
  psid = newPsid();
  recipient = { contact_id: await acquaintance(psid) };
});
afterAll(() => app.stop());

/** Who has written to the page, as a contact. */
async function acquaintance(identity: string, of = page): Promise<string> {
  await app.sandbox('people', { psid: identity, page_id: of.pageId, window: 'open' });
  await postWebhook(app, of, envelope(of.pageId, textItem(of.pageId, identity, 'Hello')));
  const { data } = await sdk.conversation.contact.list({ channel: 'MESSENGER', identity });
  return String(data[0]?.id);
}

function request<T extends object>(message: T): { app_id: string; recipient: To; message: T } {
  return { app_id: page.appId, recipient, message };
}

async function read(message_id: string): Promise<Conversation.ConversationMessage> {
  return sdk.conversation.messages.get({ message_id });
}

async function texted(text: string): Promise<string> {
  const { message_id } = await sdk.conversation.messages.sendTextMessage({
    sendMessageRequestBody: request({ text_message: { text } }),
  });
  return String(message_id);
}

describe('messages', () => {
  const choices: Conversation.Choice[] = [
    { text_message: { text: 'Small' }, postback_data: 's' },
    { url_message: { title: 'Open', url: PAGE }, postback_data: 'u' },
    { call_message: { title: 'Call', phone_number: '+46732000000' }, postback_data: 'c' },
  ];
  const place = { title: 'Shop', label: 'Here', coordinates: { latitude: 55.5, longitude: 13 } };

  test('of every kind are accepted, and stored as they were said', async () => {
    const { messages } = sdk.conversation;
    const card = {
      card_message: { title: 'Hat', description: 'Brown', choices, media_message: { url: PICTURE } },
    };
    const carousel = {
      carousel_message: { cards: [{ title: 'Hat' }, { title: 'Cap' }], choices: choices.slice(0, 1) },
    };
    const choice = { choice_message: { text_message: { text: 'Which?' }, choices } };
    const contactInfo = {
      contact_info_message: {
        name: { full_name: 'Ada Lovelace' },
        phone_numbers: [{ phone_number: '+46732000000', type: 'WORK' }],
        addresses: [{ city: 'Lund', country: 'Sweden', zip: '222', type: 'HOME', country_code: 'SE' }],
        email_addresses: [{ email_address: 'ada@example.com' }],
        organization: { company: 'Hats' },
        urls: [{ url: PAGE }],
      },
    };
    const list = {
      list_message: {
        title: 'Menu',
        sections: [{ title: 'Warm', items: [{ choice: { title: 'Soup', postback_data: 'soup' } }] }],
      },
    };
    const location = { location_message: place };
    const media = { media_message: { url: PICTURE } };
    const template = {
      template_message: { omni_template: { template_id: 'none', version: '1', parameters: { name: 'Ada' } } },
    };
    const text = { text_message: { text: 'Hello, Łódź' } };
    const answers = [
      [card, await messages.sendCardMessage({ sendMessageRequestBody: request(card) })],
      [carousel, await messages.sendCarouselMessage({ sendMessageRequestBody: request(carousel) })],
      [choice, await messages.sendChoiceMessage({ sendMessageRequestBody: request(choice) })],
      [contactInfo, await messages.sendContactInfoMessage({ sendMessageRequestBody: request(contactInfo) })],
      [list, await messages.sendListMessage({ sendMessageRequestBody: request(list) })],
      [location, await messages.sendLocationMessage({ sendMessageRequestBody: request(location) })],
      [media, await messages.sendMediaMessage({ sendMessageRequestBody: request(media) })],
      [template, await messages.sendTemplateMessage({ sendMessageRequestBody: request(template) })],
      [text, await messages.sendTextMessage({ sendMessageRequestBody: request(text) })],
      [text, await messages.send({ sendMessageRequestBody: request(text) })],
    ] as const;
    for (const [said, answer] of answers) {
      expect(answer).toEqual(ACCEPTED);
      const { app_message } = await read(String(answer.message_id));
      expect(app_message).toMatchObject(said);
    }
  });

  test('take everything that a request may carry, and a time to live as a number', async () => {
    const { message_id } = await sdk.conversation.messages.send({
      sendMessageRequestBody: {
        ...request({ text_message: { text: 'Everything' } }),
        ttl: 60,
        queue: 'HIGH_PRIORITY',
        processing_strategy: 'DEFAULT',
        channel_priority_order: ['MESSENGER'],
        channel_properties: { MESSENGER_NOTIFICATION_TYPE: 'SILENT_PUSH' },
        message_metadata: 'order 7',
        conversation_metadata: { order: 7 },
        conversation_metadata_update_strategy: 'MERGE_PATCH',
        correlation_id: 'c-1',
        callback_url: 'https://example.com/reports',
        message_content_type: 'CONTENT_NOTIFICATION',
      },
    });
    expect(await read(String(message_id))).toMatchObject({
      metadata: 'order 7',
      direction: 'TO_CONTACT',
      processing_mode: 'CONVERSATION',
      injected: false,
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      contact_id: recipient.contact_id,
    });
  });

  test('that are wrong are refused with what is wrong, and nothing of them is kept', async () => {
    const { messages } = sdk.conversation;
    const wrong = messages.sendTextMessage({
      sendMessageRequestBody: request({ text_message: { text: '' } }),
    });
    const error = await wrong.catch((thrown: unknown) => thrown as { statusCode: number; data: string });
    expect(error).toMatchObject({ statusCode: 400 });
    expect(JSON.parse((error as { data: string }).data)).toMatchObject({
      error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ fieldViolations: expect.any(Array) }] },
    });
    const nobody = { ...request({ text_message: { text: 'Hi' } }), recipient: { contact_id: NOBODYS } };
    expect(await statusOf(messages.send({ sendMessageRequestBody: nobody }))).toBe(404);
  });

  test('are listed newest first, page by page and by every filter, and the last ones by person', async () => {
    const { messages } = sdk.conversation;
    const shop = await connectPage(app);
    const people = [newPsid(), newPsid(), newPsid()];
    const contacts = [];
    for (const person of people) contacts.push(await acquaintance(person, shop));
    const before = new Date();
    const { message_id } = await messages.send({
      sendMessageRequestBody: {
        app_id: shop.appId,
        recipient: { contact_id: String(contacts[0]) },
        message: { text_message: { text: 'Bye' } },
      },
    });
    const first = await messages.list({ app_id: shop.appId, page_size: 2 });
    expect(first.data).toHaveLength(2);
    expect(first.data[0]?.id).toBe(message_id);
    expect((await first.nextPage()).data).toHaveLength(2);
    const all = await everyOne(messages.list({ app_id: shop.appId, page_size: 3 }));
    expect(all).toHaveLength(4);
    const filters: Conversation.ListMessagesRequestData[] = [
      { contact_id: String(contacts[0]) },
      { channel_identity: String(people[0]), channel: 'MESSENGER' },
      { conversation_id: String(first.data[0]?.conversation_id), view: 'WITHOUT_METADATA' },
    ];
    for (const filter of filters) {
      expect(await everyOne(messages.list({ ...filter, page_size: 1 }))).toHaveLength(2);
    }
    const late = await messages.list({
      app_id: shop.appId,
      start_time: before,
      end_time: new Date(Date.now() + 60_000),
    });
    expect(late.data.map(({ id }) => id)).toEqual([message_id]);
    const said = await messages.list({ app_id: shop.appId, direction: 'TO_CONTACT' });
    expect(said.data.map(({ id }) => id)).toEqual([message_id]);

    const lastBody = { channel_identities: people, app_id: shop.appId, page_size: 2 };
    const last = await messages.listLastMessagesByChannelIdentity({
      listLastMessagesByChannelIdentityRequestBody: lastBody,
    });
    expect(last.data).toHaveLength(2);
    expect(last.data[0]?.id).toBe(message_id);
    const every = await everyOne(
      messages.listLastMessagesByChannelIdentity({ listLastMessagesByChannelIdentityRequestBody: lastBody }),
    );
    expect(every).toHaveLength(3);
    const ofContacts = await messages.listLastMessagesByChannelIdentity({
      listLastMessagesByChannelIdentityRequestBody: {
        contact_ids: contacts,
        messages_source: 'CONVERSATION_SOURCE',
      },
    });
    expect(ofContacts.data).toHaveLength(3);
  });

  test('have metadata that change, and are deleted', async () => {
    const { messages } = sdk.conversation;
    const message_id = await texted('For now');
    const changed = await messages.update({ message_id, updateMessageRequestBody: { metadata: 'changed' } });
    expect(changed).toMatchObject({ id: message_id, metadata: 'changed' });
    expect(await messages.delete({ message_id })).toEqual({});
    expect(await statusOf(messages.get({ message_id }))).toBe(404);
    expect(sdk.uncalled('messages')).toEqual([]);
  });

  test('reach the person', async () => {
    const text = `Hello ${Date.now()}`;
    await texted(text);
    await eventually(
      async () =>
        JSON.stringify(await app.sandbox(`people/${psid}/messages?page_id=${page.pageId}`)).includes(text),
      'the message on the phone',
    );
  });
});

describe('transcoding', () => {
  test('gives what the channel would be sent, as JSON text', async () => {
    const { transcoded_message } = await sdk.conversation.transcoding.transcodeMessage({
      transcodeMessageRequestBody: {
        app_id: page.appId,
        app_message: { text_message: { text: 'Hello' } },
        channels: ['MESSENGER'],
        to: psid,
      },
    });
    const payload = JSON.parse(String(transcoded_message?.MESSENGER)) as object;
    expect(payload).toMatchObject({ recipient: { id: psid }, message: { text: 'Hello' } });
    expect(sdk.uncalled('transcoding')).toEqual([]);
  });
});

describe('events', () => {
  test('of every kind are accepted', async () => {
    const { events } = sdk.conversation;
    const asked = { app_id: page.appId, recipient };
    const agent: Conversation.Agent = { display_name: 'Eve', type: 'HUMAN', picture_url: PICTURE };
    const answers = [
      await events.send({ sendEventRequestBody: { ...asked, event: { composing_event: {} } } }),
      await events.sendComposingEvent({ sendEventRequestBody: { ...asked, event: { composing_event: {} } } }),
      await events.sendComposingEndEvent({
        sendEventRequestBody: { ...asked, event: { composing_end_event: {} } },
      }),
      await events.sendCommentReplyEvent({
        sendEventRequestBody: { ...asked, event: { comment_reply_event: { text: 'Thanks' } } },
      }),
      await events.sendAgentJoinedEvent({
        sendEventRequestBody: { ...asked, event: { agent_joined_event: { agent } } },
      }),
      await events.sendAgentLeftEvent({
        sendEventRequestBody: { ...asked, event: { agent_left_event: { agent } } },
      }),
      await events.sendGenericEvent({
        sendEventRequestBody: { ...asked, event: { generic_event: { payload: { a: 1 } } } },
      }),
    ];
    for (const answer of answers) {
      expect(answer).toEqual({ event_id: expect.stringMatching(ULID), accepted_time: expect.any(Date) });
    }
  });

  test('are listed page by page, read and deleted', async () => {
    const { events } = sdk.conversation;
    const { contact_id } = recipient;
    const first = await events.list({ contact_id, page_size: 2 });
    expect(first.data).toHaveLength(2);
    expect((await first.nextPage()).data).toHaveLength(2);
    const all = await everyOne(events.list({ contact_id, page_size: 3 }));
    expect(all.length).toBeGreaterThanOrEqual(7);
    const typing = all.find((event) => 'app_event' in event && 'composing_event' in (event.app_event ?? {}));
    const event_id = String(typing?.id);
    expect(await events.get({ event_id })).toMatchObject({
      id: event_id,
      direction: 'TO_CONTACT',
      app_event: { composing_event: {} },
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      contact_id,
      processing_mode: 'CONVERSATION',
      accept_time: expect.any(Date),
    });
    expect(await events.delete({ event_id })).toEqual({});
    expect(await statusOf(events.get({ event_id }))).toBe(404);
    expect(sdk.uncalled('events')).toEqual([]);
  });

  test('are listed of everything when nothing is named, as clients do', async () => {
    const { data } = await sdk.conversation.events.list({ page_size: 2 });
    expect(data).toHaveLength(2);
  });
});
