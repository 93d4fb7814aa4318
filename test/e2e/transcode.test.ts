// transcodeMessage by GraphQL and gRPC: what would be sent, and why it cannot be.
import { type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import type { TranscodeMessageResponse } from '../../src/generated/proto/parley/conversation/v1/TranscodeMessageResponse.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { grpcClient, unary, violationsOf } from '../support/grpc.js';
import { eventually } from '../support/eventually.js';
import { connectPage, envelope, newPsid, postWebhook, textItem } from '../support/messenger.js';
import { Records } from '../support/records.js';

type Json = Record<string, unknown>;

interface Preview {
  channel: string;
  payloads: Json[];
  notes: { field: string; rule: string; action: string }[];
}

interface Refusal {
  code: string;
  /** Each `path: rule`; the message is called `message`, in camelCase. */
  fields: string[];
}

const TRANSCODE = `query ($appId: ID!, $message: AppMessageInput!, $channels: [ConversationChannel!]!, $channelProperties: [ChannelPropertyInput!]) {
  transcodeMessage(appId: $appId, message: $message, channels: $channels, channelProperties: $channelProperties) {
    channel payloads notes { field rule action }
  }
}`;
const UNKNOWN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const CODES: Record<number, string> = {
  [status.INVALID_ARGUMENT]: 'BAD_USER_INPUT',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
  [status.UNIMPLEMENTED]: 'UNIMPLEMENTED',
};

/** In `{message_id}_{title}`: the message has no id. */
const NO_ID = '00000000000000000000000000';

let app: TestApp;
let records: Records;
let client: MessageServiceClient;
/** An app without any channel. */
let appId: string;
let foreignAppId: string;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
  client = grpcClient(app.parley.grpc);
  appId = await createApp(app.authorization);
  const projects = app.parley.app.get(ProjectsService, { strict: false });
  const { projectId } = await projects.createProject('Another');
  const { keyId, secret } = await projects.createKey(projectId);
  foreignAppId = await createApp(`Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`);
});
afterAll(async () => {
  client.close();
  await records.close();
  await app.stop();
});

async function createApp(authorization: string): Promise<string> {
  const mutation = `mutation { createApp(input: { displayName: "Previews" }) { id } }`;
  const { data } = await app.ask<{ createApp: { id: string } }>(mutation, {}, authorization);
  return (data as { createApp: { id: string } }).createApp.id;
}

async function byGraphql(message: Json, more: Json = {}): Promise<Preview[] | Refusal> {
  const variables = { appId, message, channels: ['MESSENGER'], ...more };
  const { data, errors } = await app.ask<{ transcodeMessage: Preview[] }>(TRANSCODE, variables);
  if (data) return data.transcodeMessage;
  const [error] = errors ?? [];
  if (!error) throw new Error('neither data nor errors');
  const fields = (error.extensions.fields ?? []).map(({ path, rule }) => `${path}: ${rule}`);
  return { code: error.extensions.code, fields: fields.sort() };
}

async function byGrpc(message: Json, more: Json = {}): Promise<Preview[] | Refusal> {
  const { explicitChannelMessage, ...content } = message as Json & {
    explicitChannelMessage?: { channel: string; payload: string }[];
  };
  const { templateMessage, replyToMessageId, ...plain } = content as Json & {
    replyToMessageId?: string;
    templateMessage?: { omniTemplate: { parameters?: { key: string; value: string }[] } };
  };
  const { channelProperties, ...rest } = more as Json & {
    channelProperties?: { key: string; value: string }[];
  };
  const request = {
    appId,
    channels: ['MESSENGER'],
    ...rest,
    appMessage: {
      ...plain,
      ...(replyToMessageId ? { replyTo: { messageId: replyToMessageId } } : {}),
      ...(templateMessage
        ? {
            templateMessage: {
              omniTemplate: {
                ...templateMessage.omniTemplate,
                parameters: mapOf(templateMessage.omniTemplate.parameters ?? []),
              },
            },
          }
        : {}),
      ...(explicitChannelMessage
        ? {
            explicitChannelMessage: Object.fromEntries(
              explicitChannelMessage.map(({ channel, payload }) => [channel, payload]),
            ),
          }
        : {}),
    },
    ...(channelProperties ? { channelProperties: mapOf(channelProperties) } : {}),
  };
  try {
    const { transcodedMessages = [] } = await unary<object, TranscodeMessageResponse>(
      client.transcodeMessage.bind(client),
      request,
      { authorization: app.authorization },
    );
    return transcodedMessages.map(({ channel, payloads = [], notes = [] }) => ({
      channel: String(channel),
      payloads: payloads.map((payload) => JSON.parse(payload) as Json),
      notes: notes as Preview['notes'],
    }));
  } catch (thrown) {
    const error = thrown as ServiceError;
    const fields = violationsOf(error).map(({ field, reason }) => `${field}: ${reason}`);
    return { code: CODES[error.code] ?? String(error.code), fields: fields.sort() };
  }
}

function mapOf(pairs: { key: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

/** A path in the spelling of gRPC, where the message is `app_message`. */
function inProto(field: string): string {
  return field
    .replace(/^message(?=[.:])/, 'app_message')
    .replace(/\b[a-z]\w*(?=[.:[])/g, (name) =>
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
}

const RESPONSE = { messaging_type: 'RESPONSE' };

describe('a preview by GraphQL and by gRPC has', () => {
  test.each<[what: string, message: Json, more: Json, payloads: Json[]]>([
    [
      'the payload of a text',
      { textMessage: { text: 'Hej 👋' } },
      {},
      [{ ...RESPONSE, message: { text: 'Hej 👋' } }],
    ],
    [
      'the channel properties in it',
      { textMessage: { text: 'Hej' } },
      { channelProperties: [{ key: 'MESSENGER_NOTIFICATION_TYPE', value: 'NO_PUSH' }] },
      [{ ...RESPONSE, notification_type: 'NO_PUSH', message: { text: 'Hej' } }],
    ],
    [
      'an explicit payload without its recipient',
      {
        explicitChannelMessage: [
          {
            channel: 'MESSENGER',
            payload: '{"recipient":{"id":"1"},"messaging_type":"UPDATE","message":{"text":"raw"}}',
          },
        ],
      },
      {},
      [{ messaging_type: 'UPDATE', message: { text: 'raw' } }],
    ],
    [
      'zeros for the id that the message would get',
      {
        choiceMessage: {
          textMessage: { text: 'Which?' },
          choices: [
            { textMessage: { text: 'Small' } },
            { textMessage: { text: 'Large' }, postbackData: 'l' },
          ],
        },
      },
      {},
      [
        {
          ...RESPONSE,
          message: {
            text: 'Which?',
            quick_replies: [
              { content_type: 'text', title: 'Small', payload: `${NO_ID}_Small` },
              { content_type: 'text', title: 'Large', payload: 'l' },
            ],
          },
        },
      ],
    ],
  ])('%s', async (_what, message, more, payloads) => {
    const expected = [{ channel: 'MESSENGER', payloads, notes: [] }];
    expect(await byGraphql(message, more)).toEqual(expected);
    expect(await byGrpc(message, more)).toEqual(expected);
  });

  test('every payload in order, and a note for what was changed', async () => {
    const paragraphs = ['a', 'b', 'c'].map((letter) => letter.repeat(1_500));
    const message = { textMessage: { text: paragraphs.join('\n\n') } };
    const more = { channelProperties: [{ key: 'MESSENGER_MESSAGE_TAG', value: 'ACCOUNT_UPDATE' }] };
    const [preview] = (await byGraphql(message, more)) as [Preview];
    expect(preview.payloads.map((payload) => (payload.message as Json).text)).toEqual(paragraphs);
    const noted = preview.notes.map(({ field }) => field);
    expect(noted).toContain('channel_properties.MESSENGER_MESSAGE_TAG');
    expect(noted.some((field) => field.includes('text_message'))).toBe(true);
    for (const { rule, action } of preview.notes) expect([rule, action].every(Boolean)).toBe(true);
    expect(await byGrpc(message, more)).toEqual([preview]);
  });
});

describe('a preview is refused by GraphQL and by gRPC for', () => {
  const text = { textMessage: { text: 'Hej' } };
  test.each<[what: string, message: Json, more: Json, fields: string[]]>([
    ['a blank text', { textMessage: { text: ' ' } }, {}, ['message.textMessage.text: matches']],
    ['no content', {}, {}, ['message: exactlyOne']],
    [
      'a choice without kind',
      { choiceMessage: { textMessage: { text: 'Which?' }, choices: [{ postbackData: 'a' }] } },
      {},
      ['message.choiceMessage.choices[0]: exactlyOne'],
    ],
    [
      'an explicit payload that is no object',
      { explicitChannelMessage: [{ channel: 'MESSENGER', payload: '[]' }] },
      {},
      ['message.explicitChannelMessage.MESSENGER: json'],
    ],
    [
      'a property that the channel does not have',
      text,
      { channelProperties: [{ key: 'MESSENGER_MESSAGING_TYPE', value: 'ADVERT' }] },
      ['channelProperties.MESSENGER_MESSAGING_TYPE: isIn'],
    ],
    [
      'a property that is no name',
      text,
      { channelProperties: [{ key: 'a b', value: 'c' }] },
      ['channelProperties[0].key: matches'],
    ],
    ['no channel', text, { channels: [] }, ['channels: arrayMinSize']],
    ['a channel twice', text, { channels: ['MESSENGER', 'MESSENGER'] }, ['channels: arrayUnique']],
    ['a channel that is none', text, { channels: ['CHANNEL_UNSPECIFIED'] }, ['channels[0]: supported']],
  ])('%s', async (_what, message, more, fields) => {
    expect(await byGraphql(message, more)).toEqual({ code: 'BAD_USER_INPUT', fields });
    expect(await byGrpc(message, more)).toEqual({ code: 'BAD_USER_INPUT', fields: fields.map(inProto) });
  });

  test('a channel that nothing serves, as a method that is not there', async () => {
    const refusal = { code: 'UNIMPLEMENTED', fields: [] };
    const channels = { channels: ['MESSENGER', 'WHATSAPP'] };
    expect(await byGraphql(text, channels)).toEqual(refusal);
    expect(await byGrpc(text, channels)).toEqual(refusal);
  });

  test('an app that is not there', async () => {
    for (const unknown of [UNKNOWN, foreignAppId]) {
      const refusal = { code: 'NOT_FOUND', fields: [] };
      expect(await byGraphql(text, { appId: unknown })).toEqual(refusal);
      expect(await byGrpc(text, { appId: unknown })).toEqual(refusal);
    }
  });

  test('a request without message', async () => {
    const refusal = await unary(
      client.transcodeMessage.bind(client),
      { appId, channels: ['MESSENGER'] },
      { authorization: app.authorization },
    ).catch((error: ServiceError) => error);
    expect((refusal as ServiceError).code).toBe(status.INVALID_ARGUMENT);
    expect(violationsOf(refusal as ServiceError).map(({ field }) => field)).toContain('app_message');
  });
});

test('a preview stores and sends nothing', async () => {
  const before = await records.fingerprint();
  await byGraphql({ textMessage: { text: 'Hej' } });
  await byGrpc({ textMessage: { text: 'Hej' } });
  expect(await records.fingerprint()).toBe(before);
});

describe('a preview of a template', () => {
  const hello = (languageCode: string, ...parameters: { key: string; value: string }[]): Json => ({
    templateMessage: { omniTemplate: { templateId: 'hello', languageCode, parameters } },
  });

  beforeAll(async () => {
    const message = { text_message: { text: 'Hello ${name}' } };
    const translation = { languageCode: 'en-US', message, variables: [{ key: 'name' }] };
    await app.graphql(`mutation ($input: CreateTemplateInput!) { createTemplate(input: $input) { id } }`, {
      input: { id: 'hello', defaultTranslation: 'en-US', translations: [translation] },
    });
  });

  test('is filled in', async () => {
    const expected = [
      { channel: 'MESSENGER', payloads: [{ ...RESPONSE, message: { text: 'Hello Ann' } }], notes: [] },
    ];
    const message = hello('en-US', { key: 'name', value: 'Ann' });
    expect(await byGraphql(message)).toEqual(expected);
    expect(await byGrpc(message)).toEqual(expected);
  });

  test.each<[what: string, message: Json]>([
    ['without a variable', hello('en-US')],
    ['in a language that it does not have', hello('de-DE', { key: 'name', value: 'Ann' })],
    ['that is not there', { templateMessage: { omniTemplate: { templateId: 'none' } } }],
  ])('%s is refused', async (_what, message) => {
    const field = 'message.templateMessage: template';
    expect(await byGraphql(message)).toEqual({ code: 'BAD_USER_INPUT', fields: [field] });
    expect(await byGrpc(message)).toEqual({ code: 'BAD_USER_INPUT', fields: [inProto(field)] });
  });
});

test('a preview quotes the message that it replies to, where the app has it', async () => {
  const [page, other] = [await connectPage(app), await connectPage(app)];
  const item = textItem(page.pageId, newPsid(), 'Do you have it?', 'm_asked');
  await postWebhook(app, page, envelope(page.pageId, item));
  const [asked] = await records.messages(page.appId);
  const reply = { textMessage: { text: 'Yes' }, replyToMessageId: asked?.id };
  const [quoting] = (await byGraphql(reply, { appId: page.appId })) as [Preview];
  expect(quoting).toMatchObject({ payloads: [{ reply_to: { mid: 'm_asked' } }], notes: [] });
  expect(await byGrpc(reply, { appId: page.appId })).toEqual([quoting]);
  const [elsewhere] = (await byGraphql(reply, { appId: other.appId })) as [Preview];
  expect(elsewhere.payloads).toEqual([{ ...RESPONSE, message: { text: 'Yes' } }]);
  expect(elsewhere.notes.map(({ field }) => field)).toEqual(['reply_to']);
});

describe('what a preview shows is what is sent, but for recipient, reference and the id in default postback data:', () => {
  const choices = [
    { textMessage: { text: 'Small' } },
    { urlMessage: { title: 'Open', url: 'https://a.example' } },
  ];
  test.each<[what: string, message: Json]>([
    ['a text', { textMessage: { text: 'Hej' } }],
    ['a text of two payloads', { textMessage: { text: `${'a'.repeat(1_500)}\n\n${'b'.repeat(1_500)}` } }],
    ['a question', { choiceMessage: { textMessage: { text: 'Which?' }, choices } }],
  ])('%s', async (_what, message) => {
    const page = await connectPage(app);
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
    const channelProperties = [{ key: 'MESSENGER_NOTIFICATION_TYPE', value: 'SILENT_PUSH' }];
    const [preview] = (await byGraphql(message, { channelProperties })) as [Preview];
    const recipient = { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } };
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
      { input: { appId: page.appId, recipient, message, channelProperties } },
    );
    const sent = await eventually(async () => {
      const { data } = await app.sandbox<{ data: { page_id: string; params: SendBody }[] }>(
        'calls?path=messages',
      );
      const bodies = data.filter(({ page_id }) => page_id === page.pageId).map(({ params }) => params);
      return bodies.length === preview.payloads.length && bodies;
    }, 'every call');
    const shown = sent.map(({ recipient: to, message: { metadata, ...said }, ...envelope }) => {
      expect([to.id, typeof metadata]).toEqual([psid, 'string']);
      return { ...envelope, message: said };
    });
    const text = JSON.stringify(preview.payloads).replaceAll(NO_ID, sendMessage.messageId);
    expect(shown).toEqual(JSON.parse(text));
  });
});

interface SendBody extends Json {
  recipient: { id: string };
  message: Json & { metadata: string };
}
