// The published examples of sends: what leaves for Messenger, by Meta's rules, and what the person then sees.
// Source: Conversation API, Messenger channel, rich message support. Limits: messenger-platform/reference/templates/button.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';

type Json = Record<string, unknown>;

interface GraphCall {
  method: string;
  path: string;
  status: number;
  params: Json & { recipient: { id: string }; message: Json };
}

interface Seen {
  quick_replies: Json[];
  messages: {
    from: string;
    text?: string;
    message: Json;
    buttons: Json[];
    delivered: boolean;
    read: boolean;
  }[];
}

const IMAGE =
  'https://1vxc0v12qhrm1e72gq1mmxkf-wpengine.netdna-ssl.com/wp-content/uploads/2018/12/favicon.png';
/** Ours on every send, by which its echo is known. */
const METADATA = expect.stringMatching(/^.{1,1000}$/) as string;

describe('the published example of', () => {
  let app: TestApp;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
    page = await connectPage(app);
  });
  afterAll(() => app.stop());

  /** Sends to somebody who has just written, and waits until it was read. */
  async function sent(message: Json): Promise<{ messageId: string; payloads: Json[]; seen: Seen }> {
    const psid = newPsid();
    await app.sandbox(`people/${psid}/messages`, { page_id: page.pageId, text: 'Hello' });
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
      {
        input: {
          appId: page.appId,
          recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
          message,
          channelPriorityOrder: ['MESSENGER'],
        },
      },
    );
    await eventually(async () => {
      const { message: stored } = await app.graphql<{ message: { status: string; reason: unknown } }>(
        `query ($id: ID!) { message(id: $id) { status reason { code description } } }`,
        { id: sendMessage.messageId },
      );
      if (stored.status === 'FAILED') throw new Error(JSON.stringify(stored.reason));
      return stored.status === 'READ';
    }, 'the READ status');
    const { data } = await app.sandbox<{ data: GraphCall[] }>('calls?path=messages');
    const calls = data.filter(({ params }) => params.recipient?.id === psid);
    for (const call of calls)
      expect(call).toMatchObject({ method: 'POST', path: `/${page.pageId}/messages`, status: 200 });
    const seen = await app.sandbox<Seen>(`people/${psid}/messages?page_id=${page.pageId}`);
    return {
      messageId: sendMessage.messageId,
      payloads: calls.map(({ params: { recipient: _recipient, ...payload } }) => payload),
      seen: { ...seen, messages: seen.messages.filter(({ from }) => from !== 'person') },
    };
  }

  const envelopeOf = (message: Json): Json => ({
    messaging_type: 'RESPONSE',
    message: { ...message, metadata: METADATA },
  });

  test('a text leaves as a text', async () => {
    const text = 'Text message from Sinch Conversation API.';
    const { payloads, seen } = await sent({ textMessage: { text } });
    expect(payloads).toEqual([envelopeOf({ text })]);
    expect(seen.messages).toMatchObject([{ text, delivered: true, read: true }]);
  });

  test('media leaves as an attachment of its kind', async () => {
    const { payloads, seen } = await sent({ mediaMessage: { url: IMAGE } });
    const attachment = { type: 'image', payload: { url: IMAGE } };
    expect(payloads).toEqual([envelopeOf({ attachment })]);
    expect(seen.messages).toMatchObject([{ delivered: true, read: true, message: { attachment } }]);
  });

  test('a question with a text, a link, a call and a place leaves as two templates of buttons', async () => {
    const { messageId, payloads, seen } = await sent({
      choiceMessage: {
        textMessage: { text: 'What do you want to do?' },
        choices: [
          { textMessage: { text: 'Suggested Reply Text' } },
          { urlMessage: { title: 'URL Choice Message:', url: 'https://www.sinch.com' } },
          { callMessage: { title: 'Call Choice Message:Q', phoneNumber: '46732000000' } },
          {
            locationMessage: {
              title: 'Location Choice Message',
              label: 'Enriching Engagement',
              coordinates: { latitude: 55.610479, longitude: 13.002873 },
            },
          },
        ],
      },
    });
    const template = (text: string, ...buttons: Json[]): Json => ({
      attachment: { type: 'template', payload: { template_type: 'button', text, buttons } },
    });
    expect(payloads).toEqual([
      envelopeOf(
        template(
          // At most 20 characters stand on a button; a title that was cut stands whole above.
          'What do you want to do?\n\n• Call Choice Message:Q',
          { type: 'postback', title: 'Suggested Reply Text', payload: `${messageId}_Suggested Reply Text` },
          { type: 'web_url', title: 'URL Choice Message:', url: 'https://www.sinch.com' },
          { type: 'phone_number', title: 'Call Choice Message…', payload: '+46732000000' },
        ),
      ),
      envelopeOf(
        template('Location Choice Message (Enriching Engagement)', {
          type: 'web_url',
          title: 'Location Choice Mes…',
          url: 'https://www.google.com/maps/search/?api=1&query=55.610479,13.002873',
        }),
      ),
    ]);
    expect(seen.messages.map(({ buttons, delivered, read }) => [buttons.length, delivered, read])).toEqual([
      [3, true, true],
      [1, true, true],
    ]);
  });

  test('a question with texts alone leaves with quick replies', async () => {
    const { messageId, payloads, seen } = await sent({
      choiceMessage: {
        textMessage: { text: 'What do you want to do?' },
        choices: [
          { textMessage: { text: 'Suggested Reply Text' } },
          { textMessage: { text: 'Another' }, postbackData: 'other' },
        ],
      },
    });
    const replies = [
      { content_type: 'text', title: 'Suggested Reply Text', payload: `${messageId}_Suggested Reply Text` },
      { content_type: 'text', title: 'Another', payload: 'other' },
    ];
    expect(payloads).toEqual([envelopeOf({ text: 'What do you want to do?', quick_replies: replies })]);
    expect(seen.quick_replies).toEqual(replies);
    expect(seen.messages).toMatchObject([{ text: 'What do you want to do?', delivered: true, read: true }]);
  });
});
