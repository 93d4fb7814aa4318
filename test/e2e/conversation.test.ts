import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';

interface MessageView {
  id: string;
  direction: string;
  status: string | null;
  sentBy: string;
  reason: { code: string; channelCode: string | null } | null;
  content: { __typename: string; text?: string; messageId?: string; postbackData?: string };
}

interface InboxView {
  inbox: {
    eventCursor: string;
    edges: {
      node: {
        id: string;
        unreadCount: number;
        contact: { id: string; channelIdentities: { identity: string }[] };
        lastMessage: MessageView;
        messages: { edges: { node: MessageView }[] };
      };
    }[];
  };
}

const MESSAGE = `id direction status sentBy reason { code channelCode } content { __typename ... on TextMessage { text } ... on ChoiceResponseMessage { messageId postbackData } }`;
const INBOX = `query ($appId: ID!) { inbox(appId: $appId) { eventCursor edges { node { id unreadCount
  contact { id channelIdentities { channel identity appId } } lastMessage { ${MESSAGE} } messages { edges { node { ${MESSAGE} } } } } } } }`;
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId acceptedTime message { ${MESSAGE} } } }`;

describe('a conversation on Messenger', () => {
  let app: TestApp;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
    page = await connectPage(app);
  });
  afterAll(() => app.stop());

  async function inboxOf(psid: string): Promise<InboxView['inbox']['edges'][number]['node'] | undefined> {
    const { inbox } = await app.graphql<InboxView>(INBOX, { appId: page.appId });
    return inbox.edges.find(({ node }) => node.contact.channelIdentities[0]?.identity === psid)?.node;
  }

  test('a message in appears in the inbox, a reply goes out and is delivered and read', async () => {
    const psid = newPsid();
    const written = await app.sandbox<{ delivered: { status: number } }>(`people/${psid}/messages`, {
      page_id: page.pageId,
      text: 'Hello',
    });
    expect(written.delivered.status).toBe(200);
    const conversation = await inboxOf(psid);
    expect(conversation).toMatchObject({
      unreadCount: 1,
      lastMessage: { direction: 'TO_APP', sentBy: 'CONTACT', content: { text: 'Hello' }, status: null },
    });

    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string; message: MessageView } }>(
      SEND,
      {
        input: {
          appId: page.appId,
          recipient: { contactId: conversation?.contact.id },
          message: { textMessage: { text: 'Hi there' } },
        },
      },
    );
    expect(sendMessage.message).toMatchObject({ direction: 'TO_CONTACT', sentBy: 'API' });
    await eventually(async () => (await inboxOf(psid))?.lastMessage.status === 'READ', 'the READ status');
    const after = await inboxOf(psid);
    expect(
      after?.messages.edges.map(({ node }) => [node.id === sendMessage.messageId, node.content.text]),
    ).toEqual([
      [false, 'Hello'],
      [true, 'Hi there'],
    ]);
  });

  test('a tapped quick reply says which message offered it', async () => {
    const psid = newPsid();
    await app.sandbox(`people/${psid}/messages`, { page_id: page.pageId, text: 'Size?' });
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(SEND, {
      input: {
        appId: page.appId,
        recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
        message: {
          choiceMessage: {
            textMessage: { text: 'Which?' },
            choices: [
              { textMessage: { text: 'L' }, postbackData: 'size-l' },
              { textMessage: { text: 'XL' } },
            ],
          },
        },
      },
    });
    await eventually(async () => (await inboxOf(psid))?.lastMessage.status === 'READ', 'the READ status');
    await app.sandbox(`people/${psid}/taps`, { page_id: page.pageId, title: 'L' });
    await app.sandbox(`people/${psid}/messages`, {
      page_id: page.pageId,
      quick_reply: { payload: `${sendMessage.messageId}_XL` },
      text: 'XL',
    });
    const answers = (await inboxOf(psid))?.messages.edges.map(({ node }) => node.content).slice(-2);
    expect(answers).toEqual([
      { __typename: 'ChoiceResponseMessage', messageId: sendMessage.messageId, postbackData: 'size-l' },
      {
        __typename: 'ChoiceResponseMessage',
        messageId: sendMessage.messageId,
        postbackData: `${sendMessage.messageId}_XL`,
      },
    ]);
  });

  beforeAll(async () => {
    await app.graphql(
      `mutation ($message: JSON!) { createTemplate(input: { id: "sizes", defaultTranslation: "en", translations: [
        { languageCode: "en", message: $message, variables: [{ key: "data" }] }] }) { id } }`,
      {
        message: {
          choice_message: {
            text_message: { text: 'Which?' },
            choices: [
              { text_message: { text: 'S' } },
              { text_message: { text: 'M' }, postback_data: '${data}' },
            ],
          },
        },
      },
    );
  });
  const postbackData = `long-${'x'.repeat(1500)}`;
  const other = { textMessage: { text: 'S' } };
  const chosen = { textMessage: { text: 'M' }, postbackData };
  test.each<[what: string, message: object]>([
    ['choice message', { choiceMessage: { textMessage: { text: 'Which?' }, choices: [other, chosen] } }],
    ['card', { cardMessage: { title: 'Shirt', description: 'Cotton', choices: [other, chosen] } }],
    [
      'carousel',
      {
        carouselMessage: {
          cards: [
            { title: 'Shirt', description: 'Cotton', choices: [other, { textMessage: { text: 'L' } }] },
            { title: 'Coat', description: 'Wool', choices: [other, chosen] },
          ],
          choices: [{ textMessage: { text: 'Neither' } }],
        },
      },
    ],
    [
      'list',
      {
        listMessage: {
          title: 'Sizes',
          sections: [
            { title: 'Small', items: [{ choice: { title: 'S' } }] },
            { title: 'Not so small', items: [{ choice: { title: 'M', postbackData } }] },
          ],
        },
      },
    ],
    [
      'template',
      {
        templateMessage: {
          omniTemplate: { templateId: 'sizes', parameters: [{ key: 'data', value: postbackData }] },
        },
      },
    ],
  ])('postback data of a %s that are too long for Messenger come back whole', async (_what, message) => {
    const psid = newPsid();
    await app.sandbox(`people/${psid}/messages`, { page_id: page.pageId, text: 'Size?' });
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(SEND, {
      input: {
        appId: page.appId,
        recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
        message,
      },
    });
    await eventually(async () => (await inboxOf(psid))?.lastMessage.status === 'READ', 'the READ status');
    await app.sandbox(`people/${psid}/taps`, { page_id: page.pageId, title: 'M' });
    expect((await inboxOf(psid))?.lastMessage.content).toEqual({
      __typename: 'ChoiceResponseMessage',
      messageId: sendMessage.messageId,
      postbackData,
    });
  });
});
