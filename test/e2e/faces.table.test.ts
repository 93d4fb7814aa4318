// One table of requests, good and bad, put to GraphQL, gRPC and REST alike. Content is in content.faces.test.ts, sends and events whole are in
// faces.test.ts and event-faces.test.ts; here is the rest of what the faces share: the edges of limits, previews, reads, lists and keys.
import type { requestCallback } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import type { EventServiceClient } from '../../src/generated/proto/parley/conversation/v1/EventService.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventClient, personOn } from '../support/events.js';
import {
  graphqlRefusal,
  grpcRefusal,
  type Refusal,
  restMessageOf,
  restRefusal,
  restRequestOf,
} from '../support/faces.js';
import { grpcMessageOf } from '../support/grpc-content.js';
import { grpcClient, unary } from '../support/grpc.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { Records } from '../support/records.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;
type Operation = 'send' | 'event' | 'transcode' | 'get' | 'list';
/** What a face answers: of what it took, what it says or has stored. */
type Answer = Json | Refusal;
type Face = Record<Operation, (input: Json, authorization?: string) => Promise<Answer>>;

const UNKNOWN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const GIVEN = `SELECT app_id, direction, channel, identity, content, metadata, correlation_id, channel_properties FROM messages WHERE id = $1`;
const EVENT = `SELECT app_id, direction, channel, identity, content, metadata FROM conversation_events WHERE id = $1`;

let app: TestApp;
let rest: Rest;
let records: Records;
let messages: MessageServiceClient;
let events: EventServiceClient;
let page: TestPage;
let psid: string;
let ids: { message: string; contact: string; conversation: string; foreignApp: string; foreignKey: string };

beforeAll(async () => {
  // Nothing leaves: what a face has stored stays as it was stored.
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  rest = restOf(app);
  records = await Records.of(app.databaseUrl);
  messages = grpcClient(app.parley.grpc);
  events = eventClient(app.parley.grpc);
  page = await connectPage(app);
  psid = newPsid();
  await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'Hello')));
  const [heard] = await records.messages(page.appId);
  const projects = app.parley.app.get(ProjectsService, { strict: false });
  const { projectId } = await projects.createProject('Another');
  const { keyId, secret } = await projects.createKey(projectId);
  const foreignKey = `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
  const { data } = await app.ask<{ createApp: { id: string } }>(
    `mutation { createApp(input: { displayName: "Foreign" }) { id } }`,
    {},
    foreignKey,
  );
  ids = {
    message: String(heard?.id),
    contact: String(heard?.contactId),
    conversation: String(heard?.conversationId),
    foreignApp: String(data?.createApp.id),
    foreignKey,
  };
});
afterAll(async () => {
  messages.close();
  events.close();
  await records.close();
  await app.stop();
});

async function storedMessage(id: unknown): Promise<Json> {
  return (await records.query<Json>(GIVEN, [id]))[0] ?? {};
}

async function storedEvent(id: unknown): Promise<Json> {
  return (await records.query<Json>(EVENT, [id]))[0] ?? {};
}

async function ask(
  query: string,
  variables: Json,
  authorization: string | undefined,
  read: (data: never) => Answer | Promise<Answer>,
): Promise<Answer> {
  const { data, errors } = await app.ask<never>(query, variables, authorization);
  return data && !errors ? read(data) : graphqlRefusal(errors);
}

const graphql: Face = {
  send: (input, key) =>
    ask(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
      { input },
      key,
      ({ sendMessage }: { sendMessage: Json }) => storedMessage(sendMessage.messageId),
    ),
  event: (input, key) =>
    ask(
      `mutation ($input: SendEventInput!) { sendEvent(input: $input) { eventId } }`,
      { input },
      key,
      ({ sendEvent }: { sendEvent: Json }) => storedEvent(sendEvent.eventId),
    ),
  transcode: (input, key) =>
    ask(
      `query ($appId: ID!, $message: AppMessageInput!, $channels: [ConversationChannel!]!) {
        transcodeMessage(appId: $appId, message: $message, channels: $channels) { channel payloads } }`,
      input,
      key,
      ({ transcodeMessage }: { transcodeMessage: { channel: string; payloads: Json[] }[] }) =>
        Object.fromEntries(transcodeMessage.map(({ channel, payloads }) => [channel, payloads])),
    ),
  get: (input, key) =>
    ask(
      `query ($messageId: ID!) { message(id: $messageId) { id direction metadata conversation { id } contact { id } channelIdentity { channel identity appId } } }`,
      input,
      key,
      ({ message: { conversation, contact, ...message } }: { message: Json }) => ({
        ...message,
        metadata: message.metadata ?? '',
        conversationId: (conversation as Json).id,
        contactId: (contact as Json).id,
      }),
    ),
  // Of GraphQL a conversation's messages are the list.
  list: ({ conversationId }, key) =>
    ask(
      `query ($id: ID!) { conversation(id: $id) { messages(last: 10) { edges { node { id } } } } }`,
      { id: conversationId },
      key,
      ({ conversation }: { conversation: { messages: { edges: { node: Json }[] } } }) => ({
        ids: conversation.messages.edges.map(({ node }) => node.id).reverse(),
      }),
    ),
};

async function call(
  method: (request: never, metadata: never, callback: never) => unknown,
  request: Json,
  authorization: string | undefined,
  read: (answer: Json) => Answer | Promise<Answer>,
): Promise<Answer> {
  const given = method as (request: Json, metadata: unknown, callback: requestCallback<Json>) => unknown;
  const key = authorization ?? app.authorization;
  const { idempotencyKey, ...fields } = request;
  try {
    const answer = await unary<Json, Json>(given, fields, {
      ...(key === '' ? {} : { authorization: key }),
      ...(typeof idempotencyKey === 'string' ? { 'idempotency-key': idempotencyKey } : {}),
    });
    return await read(answer);
  } catch (error) {
    return grpcRefusal(error);
  }
}

/** Lists of pairs are maps, and a duration is a message. */
function grpcSendOf({ channelProperties, ttl, message, ...input }: Json): Json {
  const pairs = channelProperties as { key: string; value: string }[] | undefined;
  return {
    ...input,
    ...(message === undefined ? {} : { message: grpcMessageOf(message as Json) }),
    ...(typeof ttl === 'string' ? { ttl: { seconds: ttl.replace('s', '') } } : {}),
    ...(pairs ? { channelProperties: Object.fromEntries(pairs.map(({ key, value }) => [key, value])) } : {}),
  };
}

const grpc: Face = {
  send: (input, key) =>
    call(messages.sendMessage.bind(messages), grpcSendOf(input), key, ({ messageId }) =>
      storedMessage(messageId),
    ),
  event: (input, key) =>
    call(events.sendEvent.bind(events), input, key, ({ eventId }) => storedEvent(eventId)),
  transcode: ({ message, ...input }, key) =>
    call(
      messages.transcodeMessage.bind(messages),
      { ...input, appMessage: grpcMessageOf(message as Json) },
      key,
      ({ transcodedMessages = [] }) =>
        Object.fromEntries(
          (transcodedMessages as { channel: string; payloads: string[] }[]).map(({ channel, payloads }) => [
            channel,
            payloads.map((payload) => JSON.parse(payload) as Json),
          ]),
        ),
    ),
  get: (input, key) =>
    call(
      messages.getMessage.bind(messages),
      input,
      key,
      ({ id, direction, metadata = '', conversationId, contactId, channelIdentity }) => ({
        ...{ id, direction, metadata, conversationId, contactId, channelIdentity },
      }),
    ),
  list: (input, key) =>
    call(messages.listMessages.bind(messages), input, key, ({ messages: listed = [] }) => ({
      ids: (listed as Json[]).map(({ id }) => id),
    })),
};

async function request(
  method: 'GET' | 'POST',
  path: string,
  body: Json | undefined,
  headers: Record<string, string>,
  read: (body: Json) => Answer | Promise<Answer>,
): Promise<Answer> {
  const answer = await rest<Json>(method, path, body, headers);
  return answer.status === 200 ? read(answer.body) : restRefusal(answer);
}

const keyOf = (authorization?: string): Record<string, string> =>
  authorization === undefined ? {} : { authorization };

const byRest: Face = {
  send: (input, key) => {
    const { body, headers } = restRequestOf(input);
    const all = { ...headers, ...keyOf(key) };
    return request('POST', 'messages:send', body, all, ({ message_id }) => storedMessage(message_id));
  },
  event: (input, key) => {
    const { body, headers } = restRequestOf(input);
    return request('POST', 'events:send', body, { ...headers, ...keyOf(key) }, ({ event_id }) =>
      storedEvent(event_id),
    );
  },
  transcode: ({ message, appId, channels }, key) =>
    request(
      'POST',
      'messages:transcode',
      { app_id: appId, channels, app_message: restMessageOf(message as Json) },
      keyOf(key),
      ({ transcoded_message }) =>
        Object.fromEntries(
          Object.entries(transcoded_message as Record<string, string>).map(([channel, text]) => [
            channel,
            [JSON.parse(text) as Json | Json[]].flat().map(({ recipient: _, ...payload }) => payload),
          ]),
        ),
    ),
  get: ({ messageId }, key) =>
    request('GET', `messages/${encodeURIComponent(String(messageId))}`, undefined, keyOf(key), (message) => ({
      id: message.id,
      direction: message.direction,
      metadata: message.metadata,
      conversationId: message.conversation_id,
      contactId: message.contact_id,
      channelIdentity: channelIdentityOf(message.channel_identity as Json),
    })),
  list: ({ conversationId }, key) =>
    request('GET', `messages?conversation_id=${String(conversationId)}`, undefined, keyOf(key), (body) => ({
      ids: (body.messages as Json[]).map(({ id }) => id),
    })),
};

const channelIdentityOf = ({ app_id: appId, ...rest }: Json): Json => ({ ...rest, appId });

const text = (length: number): string => 'x'.repeat(length);
const sending = (changes: Json = {}): Json => ({
  appId: page.appId,
  recipient: personOn(psid),
  message: { textMessage: { text: 'Hello' } },
  ...changes,
});
const signing = (changes: Json = {}): Json => ({
  appId: page.appId,
  recipient: personOn(psid),
  event: { composingEvent: {} },
  ...changes,
});
const previewing = (message: Json, changes: Json = {}): Json => ({
  appId: page.appId,
  channels: ['MESSENGER'],
  message,
  ...changes,
});
const replies = (count: number): Json[] =>
  Array.from({ length: count }, (_, i) => ({ textMessage: { text: `Reply ${i}` }, postbackData: `r${i}` }));

describe('GraphQL, gRPC and REST take the same, and make the same of it:', () => {
  test.each<[what: string, operation: Operation, input: () => Json]>([
    ['a text of one character', 'send', () => sending({ message: { textMessage: { text: 'x' } } })],
    ['the longest text', 'send', () => sending({ message: { textMessage: { text: text(30_000) } } })],
    ['the longest metadata', 'send', () => sending({ messageMetadata: text(1_024) })],
    ['the longest correlation id', 'send', () => sending({ correlationId: text(128) })],
    ['the shortest life', 'send', () => sending({ ttl: '3s' })],
    ['the longest life', 'send', () => sending({ ttl: '315576000000s' })],
    [
      'the longest channel property',
      'send',
      () => sending({ channelProperties: [{ key: 'MESSENGER_MESSAGE_TAG', value: text(1_024) }] }),
    ],
    [
      'a channel property that nobody knows',
      'send',
      () => sending({ channelProperties: [{ key: 'PIGEON_COLOUR', value: 'grey' }] }),
    ],
    ['ten choices', 'send', () => sending({ message: { choiceMessage: { choices: replies(10) } } })],
    [
      'ten cards with three choices under them',
      'send',
      () =>
        sending({
          message: {
            carouselMessage: {
              cards: Array.from({ length: 10 }, (_, i) => ({ title: `${i}` })),
              choices: replies(3),
            },
          },
        }),
    ],
    ['a known contact', 'send', () => sending({ recipient: { contactId: ids.contact } })],
    [
      'a recipient on several channels, of which the app has one',
      'send',
      () =>
        sending({
          recipient: {
            identifiedBy: {
              channelIdentities: [
                { channel: 'SMS', identity: '+4670' },
                { channel: 'MESSENGER', identity: psid },
              ],
            },
          },
        }),
    ],
    [
      'an answer to what nobody said',
      'send',
      () => sending({ message: { textMessage: { text: 'a' }, replyToMessageId: UNKNOWN } }),
    ],
    [
      'an answer to what was heard',
      'send',
      () => sending({ message: { textMessage: { text: 'a' }, replyToMessageId: ids.message } }),
    ],
    [
      'the longest idempotency key',
      'send',
      () => sending({ idempotencyKey: `${Math.random()}`.padEnd(255, 'k') }),
    ],
    ['typing to a known contact', 'event', () => signing({ recipient: { contactId: ids.contact } })],
    ['the longest metadata of an event', 'event', () => signing({ eventMetadata: text(1_024) })],
    [
      'the longest reply to a comment',
      'event',
      () => signing({ event: { commentReplyEvent: { text: text(2_000) } } }),
    ],
    ['the preview of a text', 'transcode', () => previewing({ textMessage: { text: 'Hello' } })],
    [
      'the preview of a text in parts',
      'transcode',
      () => previewing({ textMessage: { text: 'word '.repeat(1_000) } }),
    ],
    [
      'the preview of a question',
      'transcode',
      () => previewing({ choiceMessage: { textMessage: { text: 'Which?' }, choices: replies(3) } }),
    ],
    [
      'the preview of a card',
      'transcode',
      () => previewing({ cardMessage: { title: 'Hat', choices: replies(2) } }),
    ],
    [
      'the preview of a carousel',
      'transcode',
      () => previewing({ carouselMessage: { cards: [{ title: 'Hat' }, { title: 'Cap' }] } }),
    ],
    [
      'the preview of a list',
      'transcode',
      () =>
        previewing({
          listMessage: { title: 'Menu', sections: [{ items: [{ choice: { title: 'Soup' } }] }] },
        }),
    ],
    [
      'the preview of a place',
      'transcode',
      () =>
        previewing({ locationMessage: { title: 'Shop', coordinates: { latitude: 55.5, longitude: 13 } } }),
    ],
    [
      'the preview of what is given as it is',
      'transcode',
      () => previewing({ explicitChannelMessage: [{ channel: 'MESSENGER', payload: '{"text":"raw"}' }] }),
    ],
    ['a message', 'get', () => ({ messageId: ids.message })],
    ['the messages of a conversation', 'list', () => ({ conversationId: ids.conversation })],
  ])('%s', async (_what, operation, input) => {
    const answers: Answer[] = [];
    for (const face of [graphql, grpc, byRest]) {
      const given = input();
      // Each face has its own key, or it would be told what the first was told.
      const keyed = given.idempotencyKey ? { ...given, idempotencyKey: text(255 - answers.length) } : given;
      answers.push(await face[operation](keyed));
    }
    const [first] = answers;
    expect(first).not.toHaveProperty('code');
    expect(Object.keys(first ?? {}).length).toBeGreaterThan(0);
    expect(answers).toEqual([first, first, first]);
  });
});

describe('GraphQL, gRPC and REST refuse the same, and store nothing:', () => {
  const wrong = 'Basic bm9ib2R5Om5vdGhpbmc=';

  test.each<
    [
      what: string,
      operation: Operation,
      input: () => Json,
      code: string,
      fields?: string[],
      key?: () => string,
    ]
  >([
    [
      'a preview for no app',
      'transcode',
      () => previewing({ textMessage: { text: 'a' } }, { appId: UNKNOWN }),
      'NOT_FOUND',
    ],
    [
      'a preview for an app of another project',
      'transcode',
      () => previewing({ textMessage: { text: 'a' } }, { appId: ids.foreignApp }),
      'NOT_FOUND',
    ],
    ['a preview of nothing', 'transcode', () => previewing({}), 'BAD_USER_INPUT', ['message: exactlyOne']],
    [
      'a preview of a blank text',
      'transcode',
      () => previewing({ textMessage: { text: ' ' } }),
      'BAD_USER_INPUT',
      ['message.textMessage.text: matches'],
    ],
    [
      'a preview for no channel',
      'transcode',
      () => previewing({ textMessage: { text: 'a' } }, { channels: [] }),
      'BAD_USER_INPUT',
      ['channels: arrayMinSize'],
    ],
    [
      'a preview for a channel twice',
      'transcode',
      () => previewing({ textMessage: { text: 'a' } }, { channels: ['MESSENGER', 'MESSENGER'] }),
      'BAD_USER_INPUT',
      ['channels: arrayUnique'],
    ],
    [
      'a preview for a channel that Parley does not speak',
      'transcode',
      () => previewing({ textMessage: { text: 'a' } }, { channels: ['LINE'] }),
      'UNIMPLEMENTED',
    ],
    ['a message that does not exist', 'get', () => ({ messageId: UNKNOWN }), 'NOT_FOUND'],
    ['a message that is no id at all', 'get', () => ({ messageId: "'; --" }), 'NOT_FOUND'],
    ['a send with wrong credentials', 'send', () => sending(), 'UNAUTHENTICATED', [], () => wrong],
    [
      'a send with credentials that are none',
      'send',
      () => sending(),
      'UNAUTHENTICATED',
      [],
      () => 'Bearer a.b.c',
    ],
    ['a send without credentials', 'send', () => sending(), 'UNAUTHENTICATED', [], () => ''],
    ['an event without credentials', 'event', () => signing(), 'UNAUTHENTICATED', [], () => ''],
    [
      'a preview without credentials',
      'transcode',
      () => previewing({ textMessage: { text: 'a' } }),
      'UNAUTHENTICATED',
      [],
      () => '',
    ],
    [
      'a read without credentials',
      'get',
      () => ({ messageId: ids.message }),
      'UNAUTHENTICATED',
      [],
      () => '',
    ],
    [
      'a list without credentials',
      'list',
      () => ({ conversationId: ids.conversation }),
      'UNAUTHENTICATED',
      [],
      () => '',
    ],
    [
      'one more than the longest text',
      'send',
      () => sending({ message: { textMessage: { text: text(30_001) } } }),
      'BAD_USER_INPUT',
      ['message.textMessage.text: maxLength'],
    ],
    [
      'one more than the longest metadata',
      'send',
      () => sending({ messageMetadata: text(1_025) }),
      'BAD_USER_INPUT',
      ['messageMetadata: maxLength'],
    ],
    [
      'one more than the longest life',
      'send',
      () => sending({ ttl: '315576000001s' }),
      'BAD_USER_INPUT',
      ['ttl: range'],
    ],
    [
      'an eleventh choice',
      'send',
      () => sending({ message: { choiceMessage: { choices: replies(11) } } }),
      'BAD_USER_INPUT',
      ['message.choiceMessage.choices: arrayMaxSize'],
    ],
    [
      'a fourth choice under a carousel',
      'send',
      () => sending({ message: { carouselMessage: { cards: [{ title: 'a' }], choices: replies(4) } } }),
      'BAD_USER_INPUT',
      ['message.carouselMessage.choices: arrayMaxSize'],
    ],
    ['a callback that is no address', 'send', () => sending({ callbackUrl: 'nowhere' }), 'BAD_USER_INPUT'],
    [
      'a callback by another protocol',
      'send',
      () => sending({ callbackUrl: 'ftp://example.com/a' }),
      'BAD_USER_INPUT',
    ],
    [
      'an event for no one',
      'event',
      () => signing({ recipient: {} }),
      'BAD_USER_INPUT',
      ['recipient: exactlyOne'],
    ],
    [
      'an event for an app of another project',
      'event',
      () => signing({ appId: ids.foreignApp }),
      'NOT_FOUND',
    ],
    [
      'one more than the longest reply to a comment',
      'event',
      () => signing({ event: { commentReplyEvent: { text: text(2_001) } } }),
      'BAD_USER_INPUT',
      ['event.commentReplyEvent.text: maxLength'],
    ],
    [
      'an event that asks a channel that the app lacks',
      'event',
      () => signing({ channelPriorityOrder: ['WHATSAPP'] }),
      'FAILED_PRECONDITION',
    ],
  ])('%s', async (_what, operation, input, code, fields, key) => {
    const before = await records.fingerprint();
    const answers: Refusal[] = [];
    for (const face of [graphql, grpc, byRest]) {
      answers.push(normal((await face[operation](input(), key?.())) as Refusal));
    }
    const [first] = answers;
    expect(first).toMatchObject({ code, ...(fields ? { fields } : {}) });
    expect(answers).toEqual([first, first, first]);
    expect(await records.fingerprint()).toBe(before);
  });

  // Each face has words of its own for what its types do not know.
  test.each<[what: string, operation: Operation, input: () => Json]>([
    ['a channel that does not exist', 'send', () => sending({ channelPriorityOrder: ['PIGEON'] })],
    ['a queue that does not exist', 'send', () => sending({ queue: 'LOWEST_PRIORITY' })],
    ['a text that is a list', 'send', () => sending({ message: { textMessage: ['a'] } })],
  ])('%s, as bad input', async (_what, operation, input) => {
    const before = await records.fingerprint();
    for (const face of [graphql, byRest]) {
      expect(await face[operation](input())).toMatchObject({ code: 'BAD_USER_INPUT' });
    }
    expect(await records.fingerprint()).toBe(before);
  });

  test("another project's key, which over REST does not open the project at all", async () => {
    expect(await graphql.send(sending(), ids.foreignKey)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await grpc.send(sending(), ids.foreignKey)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await byRest.send(sending(), ids.foreignKey)).toMatchObject({ code: 'FORBIDDEN' });
  });
});

/** What REST and gRPC call `app_message` in previews is `message` of GraphQL. */
function normal({ code, message, fields }: Refusal): Refusal {
  const renamed = (path: string): string => path.replace(/^appMessage/, 'message');
  return { code, message: renamed(message), fields: fields.map(renamed) };
}
