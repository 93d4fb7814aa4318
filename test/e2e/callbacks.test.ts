// The published examples of callbacks, field by field: a real webhook of Meta's comes in, a real callback goes out.
// Sources: Conversation API, Messenger channel; the examples of September and October 2020.
import { createHmac, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../support/receiver.js';

type Json = Record<string, unknown>;

const SECRET = 'foo_secret1234 with spaces & ünïcode';
const ULID = expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/) as string;
/** RFC 3339 in UTC; a fraction of none, three or six digits. */
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z$/) as string;
const TRIGGERS = [
  'MESSAGE_DELIVERY',
  'EVENT_DELIVERY',
  'MESSAGE_INBOUND',
  'EVENT_INBOUND',
  'CONVERSATION_START',
  'CONVERSATION_STOP',
  'UNSUPPORTED',
];
/** What every body has beside the published fields. */
const MORE = { message_metadata: '', correlation_id: '' };

describe('callbacks', () => {
  let app: TestApp;
  let page: TestPage;
  let receiver: Receiver;
  let unsupportedOnly: Receiver;

  beforeAll(async () => {
    app = await startTestApp();
    page = await connectPage(app);
    [receiver, unsupportedOnly] = await Promise.all([startReceiver(), startReceiver()]);
    await createWebhook(receiver, TRIGGERS);
    await createWebhook(unsupportedOnly, ['UNSUPPORTED']);
  });
  afterAll(async () => {
    await app.stop();
    await Promise.all([receiver.close(), unsupportedOnly.close()]);
  });

  async function createWebhook({ url }: Receiver, triggers: string[]): Promise<void> {
    await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
      input: { appId: page.appId, target: `${url}/callbacks?of=${page.appId}`, secret: SECRET, triggers },
    });
  }

  /** The callbacks about a person, oldest first, once there are as many as `count`. */
  async function callbacksAbout(psid: string, key: string, count = 1): Promise<Json[]> {
    const about = (requests: ReceivedRequest[]): Json[] =>
      requests.map(({ json }) => json as Json).filter((body) => personOf(body[key]) === psid);
    return about(await receiver.waitFor((requests) => about(requests).length >= count));
  }

  /** Posts what a person did and gives back the one callback of MESSAGE_INBOUND. */
  async function inbound(psid: string, message: Json, timestamp: number): Promise<Json> {
    const item = {
      sender: { id: psid },
      recipient: { id: page.pageId },
      timestamp,
      message: { mid: `m_${randomUUID()}`, ...message },
    };
    expect((await postWebhook(app, page, envelope(page.pageId, item))).status).toBe(200);
    const bodies = await callbacksAbout(psid, 'message');
    expect(bodies).toHaveLength(1);
    return bodies[0] as Json;
  }

  /** The published body of MESSAGE_INBOUND, with these contents. */
  const inboundBody = (psid: string, contactMessage: Json, eventTime: string): Json => ({
    app_id: page.appId,
    accepted_time: TIME,
    event_time: eventTime,
    project_id: app.projectId,
    ...MORE,
    message: {
      id: ULID,
      direction: 'TO_APP',
      contact_message: contactMessage,
      channel: 'MESSENGER',
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      conversation_id: ULID,
      contact_id: ULID,
      metadata: '',
      accept_time: TIME,
      sender_id: '',
      processing_mode: 'CONVERSATION',
      injected: false,
    },
  });

  test('a first message starts a conversation, and then arrives itself', async () => {
    const psid = newPsid();
    const item = textItem(page.pageId, psid, 'Hello World');
    await postWebhook(app, page, envelope(page.pageId, item));
    const [body] = await callbacksAbout(psid, 'message');
    const { conversation_id, contact_id } = body?.message as Json;
    const about = receiver.requests
      .map(({ json }) => json as Json)
      .filter((json) => JSON.stringify(json).includes(String(contact_id)));
    expect(about).toEqual([
      {
        app_id: page.appId,
        project_id: app.projectId,
        ...MORE,
        conversation_start_notification: {
          conversation: {
            id: conversation_id,
            app_id: page.appId,
            contact_id,
            last_received: TIME,
            active_channel: 'CHANNEL_UNSPECIFIED',
            active: true,
            metadata: '',
            metadata_json: null,
            correlation_id: '',
            active_channel_senders: [],
          },
        },
      },
      inboundBody(psid, { text_message: { text: 'Hello World' } }, TIME),
    ]);
  });

  test.each<[what: string, message: Json, contactMessage: Json]>([
    [
      'a text',
      { text: 'This is text message from a Messenger user.' },
      { text_message: { text: 'This is text message from a Messenger user.' } },
    ],
    [
      'a location',
      { attachments: [{ type: 'location', payload: { coordinates: { lat: 55.73064, long: 13.160131 } } }] },
      {
        location_message: { title: '', coordinates: { latitude: 55.73064, longitude: 13.160131 }, label: '' },
      },
    ],
    [
      'media',
      {
        attachments: [
          { type: 'image', payload: { url: 'https://scontent.xx.fbcdn.net/v/t1.15752-9/174244980_n.jpg' } },
        ],
      },
      { media_message: { url: 'https://scontent.xx.fbcdn.net/v/t1.15752-9/174244980_n.jpg' } },
    ],
    [
      'media with a text',
      {
        text: 'caption text',
        attachments: [{ type: 'image', payload: { url: 'https://scontent.xx.fbcdn.net/v/174244980_n.jpg' } }],
      },
      {
        media_card_message: {
          url: 'https://scontent.xx.fbcdn.net/v/174244980_n.jpg',
          caption: 'caption text',
        },
      },
    ],
  ])('%s', async (_what, message, contactMessage) => {
    const psid = newPsid();
    const at = '2020-10-01T12:06:13.254Z';
    expect(await inbound(psid, message, Date.parse(at))).toEqual(inboundBody(psid, contactMessage, at));
  });

  test('a quick reply names the message that offered it', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
    const messageId = await send(psid, {
      choiceMessage: {
        textMessage: { text: 'What do you want to do?' },
        choices: [
          { textMessage: { text: 'Suggested Reply Text' }, postbackData: 'suggested reply postback' },
        ],
      },
    });
    await callbacksAbout(psid, 'message_delivery_report', 3);
    await app.sandbox(`people/${psid}/taps`, { page_id: page.pageId, title: 'Suggested Reply Text' });
    expect(await callbacksAbout(psid, 'message')).toEqual([
      inboundBody(
        psid,
        { choice_response_message: { message_id: messageId, postback_data: 'suggested reply postback' } },
        TIME,
      ),
    ]);
  });

  test('a message that was sent is reported from the channel to READ', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
    const messageId = await send(psid, {
      textMessage: { text: 'Text message from Sinch Conversation API.' },
    });
    const reports = await callbacksAbout(psid, 'message_delivery_report', 3);
    const statuses = ['QUEUED_ON_CHANNEL', 'DELIVERED', 'READ'];
    expect(reports).toEqual(
      statuses.map((status) => ({
        app_id: page.appId,
        accepted_time: TIME,
        event_time: TIME,
        project_id: app.projectId,
        ...MORE,
        message_delivery_report: {
          message_id: messageId,
          conversation_id: ULID,
          status,
          channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
          contact_id: ULID,
          metadata: '',
          processing_mode: 'CONVERSATION',
        },
      })),
    );
    const places = reports.map(({ message_delivery_report: report }) => {
      const { conversation_id, contact_id } = report as Json;
      return `${String(conversation_id)} ${String(contact_id)}`;
    });
    expect(new Set(places).size).toBe(1);
  });

  test('a message that cannot be sent is reported FAILED with its reason and its metadata', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open', blocked: true });
    const more = { messageMetadata: '{"order":17}', correlationId: 'order 17' };
    const messageId = await send(psid, { textMessage: { text: 'Hello' } }, more);
    expect(await callbacksAbout(psid, 'message_delivery_report')).toEqual([
      {
        app_id: page.appId,
        accepted_time: TIME,
        project_id: app.projectId,
        message_metadata: '',
        correlation_id: 'order 17',
        message_delivery_report: {
          message_id: messageId,
          conversation_id: ULID,
          status: 'FAILED',
          channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
          contact_id: ULID,
          reason: {
            code: expect.stringMatching(/^[A-Z_]+$/) as string,
            description: expect.stringMatching(/\S/) as string,
            sub_code: 'UNSPECIFIED_SUB_CODE',
            channel_code: expect.stringMatching(/^\d+(\/\d+)?$/) as string,
          },
          metadata: '{"order":17}',
          processing_mode: 'CONVERSATION',
        },
      },
    ]);
  });

  test('what has no generic form comes as it was, to those who ask for it', async () => {
    const psid = newPsid();
    const item = {
      sender: { id: psid },
      recipient: { id: page.pageId },
      timestamp: Date.now(),
      something_new: { type: 'of_tomorrow', payload: 'å"\\', token: '5829841234567890123' },
    };
    await postWebhook(app, page, envelope(page.pageId, item));
    const [body] = await callbacksAbout(psid, 'unsupported_callback');
    expect(body).toEqual({
      app_id: page.appId,
      accepted_time: TIME,
      project_id: app.projectId,
      ...MORE,
      unsupported_callback: {
        channel: 'MESSENGER',
        payload: expect.any(String) as string,
        id: ULID,
        // Nobody whom we know.
        contact_id: '',
        conversation_id: '',
        channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
        processing_mode: 'CONVERSATION',
      },
    });
    const { payload } = body?.unsupported_callback as { payload: string };
    expect(JSON.parse(payload)).toEqual(item);
    const [same] = await unsupportedOnly.waitFor((requests) => requests.length > 0);
    expect(same?.json).toEqual(body);
    expect(unsupportedOnly.requests).toHaveLength(1);
  });

  test('every callback is a signed POST of JSON that both kinds of receivers verify', () => {
    expect(receiver.requests.length).toBeGreaterThan(15);
    const nonces = new Set<string>();
    for (const { method, path, headers, body, json } of receiver.requests) {
      expect({ method, path }).toEqual({ method: 'POST', path: `/callbacks?of=${page.appId}` });
      expect(headers['content-type']).toMatch(/^application\/json/);
      const nonce = String(headers['x-sinch-webhook-signature-nonce']);
      const timestamp = String(headers['x-sinch-webhook-signature-timestamp']);
      expect(headers['x-sinch-webhook-signature-algorithm']).toBe('HmacSHA256');
      expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(120);
      const signature = createHmac('sha256', SECRET).update(`${body}.${nonce}.${timestamp}`).digest('base64');
      expect(headers['x-sinch-webhook-signature']).toBe(signature);
      nonces.add(nonce);

      const given = headers as Record<string, string>;
      expect(new Webhook(base64(SECRET)).verify(body, given)).toEqual(json);
      expect(() => new Webhook(base64('another')).verify(body, given)).toThrow();
      // Receivers that parse first and check later still find the same text.
      expect(JSON.stringify(json)).toBe(body);
    }
    expect(nonces.size).toBe(receiver.requests.length);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(
      receiver.requests.length,
    );
  });

  test('no body has two of the keys by which receivers tell the kind', () => {
    const keys = /^(message|event|.*_(notification|report|callback|redaction))$/;
    for (const { json } of receiver.requests)
      expect(Object.keys(json as Json).filter((key) => keys.test(key))).toHaveLength(1);
  });

  async function send(psid: string, message: Json, more: Json = {}): Promise<string> {
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
      {
        input: {
          appId: page.appId,
          recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
          message,
          ...more,
        },
      },
    );
    return sendMessage.messageId;
  }
});

function personOf(content: unknown): unknown {
  return ((content as Json | undefined)?.channel_identity as Json | undefined)?.identity;
}

/** As the libraries of Standard Webhooks take a secret. */
function base64(secret: string): string {
  return Buffer.from(secret).toString('base64');
}
