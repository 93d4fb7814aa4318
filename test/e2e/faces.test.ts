// The same sends and reads through GraphQL, gRPC and REST: all say the same, each in its own spelling.
import { credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { graphqlRefusal, grpcRefusal, type Refusal, restRefusal, restRequestOf } from '../support/faces.js';
import { grpcClient, unary, violationsOf } from '../support/grpc.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Records, type StoredMessage } from '../support/records.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId acceptedTime } }`;
const UNKNOWN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const INTERNALS = /node_modules|\.[jt]s:\d+|\bat \S+ \(|SELECT |INSERT |QueryFailed|postgres/;

describe('GraphQL, gRPC and REST', () => {
  let app: TestApp;
  let records: Records;
  let client: MessageServiceClient;
  let rest: Rest;
  let page: TestPage;
  let lonelyApp: string;
  let contactId: string;
  let strangerId: string;
  let other: { appId: string; contactId: string; authorization: string };
  let ids: Record<string, string>;

  beforeAll(async () => {
    app = await startTestApp();
    records = await Records.of(app.databaseUrl);
    client = grpcClient(app.parley.grpc);
    rest = restOf(app);
    page = await connectPage(app);
    lonelyApp = await createApp(app.authorization);
    contactId = await createContact(page.appId, app.authorization);
    strangerId = await createContact(null, app.authorization);
    const projects = app.parley.app.get(ProjectsService, { strict: false });
    const { projectId } = await projects.createProject('Another');
    const { keyId, secret } = await projects.createKey(projectId);
    const authorization = `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
    const appId = await createApp(authorization);
    other = { appId, contactId: await createContact(null, authorization), authorization };
    ids = { lonelyApp, contactId, strangerId, otherApp: other.appId, otherContact: other.contactId };
  });
  afterAll(async () => {
    client.close();
    await records.close();
    await app.stop();
  });

  async function createApp(authorization: string): Promise<string> {
    const mutation = `mutation { createApp(input: { displayName: "Faces" }) { id } }`;
    const { data } = await app.ask<{ createApp: { id: string } }>(mutation, {}, authorization);
    return (data as { createApp: { id: string } }).createApp.id;
  }

  /** A person whom the page may write to. */
  async function acquaintance(): Promise<string> {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
    return psid;
  }

  async function createContact(appId: string | null, authorization: string): Promise<string> {
    const identity = await acquaintance();
    const input = {
      displayName: 'Ann',
      channelIdentities: appId === null ? [] : [{ channel: 'MESSENGER', identity, appId }],
    };
    const { data, errors } = await app.ask<{ createContact: { id: string } }>(
      `mutation ($input: CreateContactInput!) { createContact(input: $input) { id } }`,
      { input },
      authorization,
    );
    if (!data) throw new Error(JSON.stringify(errors));
    return data.createContact.id;
  }

  function valid(changes: Json = {}): Json {
    return {
      appId: page.appId,
      recipient: { contactId },
      message: { textMessage: { text: 'Hello' } },
      ...changes,
    };
  }

  async function byGraphql(input: Json): Promise<string | Refusal> {
    const { data, errors } = await app.ask<{ sendMessage: { messageId: string } }>(SEND, { input });
    if (data) return data.sendMessage.messageId;
    return graphqlRefusal(errors);
  }

  async function byGrpc(input: Json): Promise<string | Refusal> {
    const { request, metadata } = grpcRequestOf(input);
    try {
      const answer = await unary<object, { messageId?: string }>(client.sendMessage.bind(client), request, {
        authorization: app.authorization,
        ...metadata,
      });
      return String(answer.messageId);
    } catch (thrown) {
      return grpcRefusal(thrown);
    }
  }

  async function byRest(input: Json): Promise<string | Refusal> {
    const { body, headers } = restRequestOf(input);
    const answer = await rest('POST', 'messages:send', body, headers);
    return answer.status === 200 ? String(answer.body.message_id) : restRefusal(answer);
  }

  describe('refuse the same way, and store nothing,', () => {
    const choices = (...list: Json[]): Json => ({
      message: { choiceMessage: { textMessage: { text: 'Which?' }, choices: list } },
    });
    const first = 'message.choiceMessage.choices[0]';
    const text = (length: number): string => 'x'.repeat(length);

    test.each<[what: string, changes: Json, fields: string[]]>([
      ['a blank text', { message: { textMessage: { text: ' \n' } } }, ['message.textMessage.text: matches']],
      [
        'a text that is too long',
        { message: { textMessage: { text: text(30_001) } } },
        ['message.textMessage.text: maxLength'],
      ],
      [
        'a text with a NUL',
        { message: { textMessage: { text: 'a\0b' } } },
        ['message.textMessage.text: text'],
      ],
      ['no content', { message: {} }, ['message: exactlyOne']],
      [
        'two contents',
        { message: { textMessage: { text: 'a' }, mediaMessage: { url: 'https://example.com/a.png' } } },
        ['message: exactlyOne'],
      ],
      [
        'media by a path',
        { message: { mediaMessage: { url: '/a.png' } } },
        ['message.mediaMessage.url: isUrl'],
      ],
      [
        'media by another protocol',
        { message: { mediaMessage: { url: 'file:///etc/passwd' } } },
        ['message.mediaMessage.url: isUrl'],
      ],
      [
        'media with an address that is too long',
        { message: { mediaMessage: { url: `https://example.com/${text(2_048)}` } } },
        ['message.mediaMessage.url: maxLength'],
      ],
      [
        'media with a bad thumbnail',
        { message: { mediaMessage: { url: 'https://example.com/a.mp4', thumbnailUrl: 'thumbnail' } } },
        ['message.mediaMessage.thumbnailUrl: isUrl'],
      ],
      [
        'eleven choices',
        choices(...Array.from({ length: 11 }, (_, i) => ({ textMessage: { text: `${i}` } }))),
        ['message.choiceMessage.choices: arrayMaxSize'],
      ],
      ['a choice of nothing', choices({ postbackData: 'a' }), [`${first}: exactlyOne`]],
      [
        'a choice of two kinds',
        choices({ textMessage: { text: 'a' }, urlMessage: { title: 'a', url: 'https://example.com' } }),
        [`${first}: exactlyOne`],
      ],
      [
        'a choice with a blank text',
        choices({ textMessage: { text: ' ' } }),
        [`${first}.textMessage.text: matches`],
      ],
      [
        'a link to a script',
        choices({ urlMessage: { title: 'a', url: 'javascript:alert(1)' } }),
        [`${first}.urlMessage.url: isUrl`],
      ],
      [
        'a call to no number',
        choices({ callMessage: { title: 'a', phoneNumber: 'call me' } }),
        [`${first}.callMessage.phoneNumber: matches`],
      ],
      [
        'a place beyond the poles',
        choices({ locationMessage: { title: 'a', coordinates: { latitude: 91, longitude: -181 } } }),
        [
          `${first}.locationMessage.coordinates.latitude: isLatitude`,
          `${first}.locationMessage.coordinates.longitude: isLongitude`,
        ],
      ],
      [
        'the third choice',
        choices(
          { textMessage: { text: 'a' } },
          { textMessage: { text: 'b' } },
          { urlMessage: { title: 'c', url: 'c' } },
        ),
        ['message.choiceMessage.choices[2].urlMessage.url: isUrl'],
      ],
      [
        'an explicit payload for an agent with a bad picture',
        {
          message: {
            explicitChannelMessage: [{ channel: 'MESSENGER', payload: '{}' }],
            agent: { type: 'BOT', pictureUrl: 'me' },
          },
        },
        ['message.agent.pictureUrl: isUrl'],
      ],
      ['a recipient who is nobody', { recipient: {} }, ['recipient: exactlyOne']],
      [
        'a recipient twice',
        {
          recipient: {
            contactId: UNKNOWN,
            identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: '1' }] },
          },
        },
        ['recipient: exactlyOne'],
      ],
      [
        'an identity that is too long',
        {
          recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: text(256) }] } },
        },
        ['recipient.identifiedBy.channelIdentities[0].identity: maxLength'],
      ],
      ['metadata that are too long', { messageMetadata: text(1_025) }, ['messageMetadata: maxLength']],
      [
        'conversation metadata that are too long',
        { conversationMetadata: { a: text(2_048) } },
        ['conversationMetadata: maxLength'],
      ],
      ['a correlation id that is too long', { correlationId: text(129) }, ['correlationId: maxLength']],
      [
        'a channel property that is no name',
        { channelProperties: [{ key: 'messenger tag', value: 'a' }] },
        ['channelProperties[0].key: matches'],
      ],
      [
        'a channel property that is too long',
        { channelProperties: [{ key: 'MESSENGER_MESSAGE_TAG', value: text(1_025) }] },
        ['channelProperties[0].value: maxLength'],
      ],
      ['a time to live that is too short', { ttl: '2s' }, ['ttl: range']],
      ['a negative time to live', { ttl: '-5s' }, ['ttl: matches']],
      ['an idempotency key that is too long', { idempotencyKey: text(256) }, ['idempotencyKey: maxLength']],
      [
        'several faults at once',
        { correlationId: text(129), message: { mediaMessage: { url: 'a', thumbnailUrl: 'b' } } },
        [
          'correlationId: maxLength',
          'message.mediaMessage.thumbnailUrl: isUrl',
          'message.mediaMessage.url: isUrl',
        ],
      ],
    ])('%s', async (_what, changes, fields) => {
      const before = await records.fingerprint();
      const graphql = await byGraphql(valid(changes));
      const grpc = await byGrpc(valid(changes));
      expect(graphql).toEqual({
        code: 'BAD_USER_INPUT',
        message: expect.any(String),
        fields: [...fields].sort(),
      });
      expect(grpc).toEqual(graphql);
      expect(await byRest(valid(changes))).toEqual(graphql);
      expect(await records.fingerprint()).toBe(before);
    });

    // An empty text is no text to protobuf, so that more rules are broken there.
    test.each<[what: string, changes: Json, path: string]>([
      ['no app', { appId: '' }, 'appId'],
      ['an empty text', { message: { textMessage: { text: '' } } }, 'message.textMessage.text'],
      ['media without an address', { message: { mediaMessage: { url: '' } } }, 'message.mediaMessage.url'],
      ['a question without choices', choices(), 'message.choiceMessage.choices'],
      [
        'a link without a title',
        choices({ urlMessage: { title: '', url: 'https://example.com' } }),
        `${first}.urlMessage.title`,
      ],
      [
        'no identities',
        { recipient: { identifiedBy: { channelIdentities: [] } } },
        'recipient.identifiedBy.channelIdentities',
      ],
      [
        'an empty identity',
        { recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: '' }] } } },
        'recipient.identifiedBy.channelIdentities[0].identity',
      ],
    ])('%s', async (_what, changes, path) => {
      const before = await records.fingerprint();
      const said = valid(changes);
      for (const answer of [await byGraphql(said), await byGrpc(said), await byRest(said)]) {
        expect(answer).toMatchObject({ code: 'BAD_USER_INPUT' });
        expect(new Set((answer as Refusal).fields.map((field) => field.split(': ')[0]))).toEqual(
          new Set([path]),
        );
      }
      expect(await records.fingerprint()).toBe(before);
    });

    test.each<[what: string, changes: () => Json, code: string]>([
      ['an app that does not exist', () => ({ appId: UNKNOWN }), 'NOT_FOUND'],
      ['an app that is not an id at all', () => ({ appId: "'; --" }), 'NOT_FOUND'],
      ['an app of another project', () => ({ appId: ids.otherApp }), 'NOT_FOUND'],
      ['a contact that does not exist', () => ({ recipient: { contactId: UNKNOWN } }), 'NOT_FOUND'],
      ['a contact of another project', () => ({ recipient: { contactId: ids.otherContact } }), 'NOT_FOUND'],
      [
        'a contact on no channel',
        () => ({ recipient: { contactId: ids.strangerId } }),
        'FAILED_PRECONDITION',
      ],
      [
        'an app without channels',
        () => ({ appId: ids.lonelyApp, recipient: personOn('MESSENGER') }),
        'FAILED_PRECONDITION',
      ],
      [
        'a channel in the order that the app does not have',
        () => ({ channelPriorityOrder: ['WHATSAPP'] }),
        'FAILED_PRECONDITION',
      ],
      [
        'an identity on a channel that the app does not have',
        () => ({ recipient: personOn('SMS') }),
        'FAILED_PRECONDITION',
      ],
    ])('%s', async (_what, changes, code) => {
      const before = await records.fingerprint();
      const graphql = await byGraphql(valid(changes()));
      expect(graphql).toEqual({ code, message: expect.any(String), fields: [] });
      expect((graphql as Refusal).message).not.toMatch(INTERNALS);
      expect(await byGrpc(valid(changes()))).toEqual(graphql);
      expect(await byRest(valid(changes()))).toEqual(graphql);
      expect(await records.fingerprint()).toBe(before);
    });
  });

  describe('accept the same messages and store the same row:', () => {
    const question = {
      textMessage: { text: 'Which?' },
      choices: [
        { textMessage: { text: 'Small' }, postbackData: 'size-s' },
        { textMessage: { text: 'Large' } },
        { urlMessage: { title: 'Open', url: 'https://example.com/a?b=c' } },
        { callMessage: { title: 'Call', phoneNumber: '+46732000000' } },
        {
          locationMessage: {
            title: 'Visit',
            label: 'Here',
            coordinates: { latitude: 55.610479, longitude: 13.002873 },
          },
        },
      ],
    };
    test.each<[what: string, changes: Json]>([
      ['a text', {}],
      ['a text in many scripts', { message: { textMessage: { text: 'Grüße 👩‍👩‍👧‍👦 سلام 你好\n\t"\\' } } }],
      [
        'media',
        {
          message: {
            mediaMessage: {
              url: 'https://example.com/a.pdf',
              thumbnailUrl: 'https://example.com/a.png',
              filenameOverride: 'A.pdf',
            },
          },
        },
      ],
      ['a question', { message: { choiceMessage: question } }],
      [
        'an explicit payload with an agent',
        {
          message: {
            explicitChannelMessage: [{ channel: 'MESSENGER', payload: '{"text":"raw"}' }],
            agent: { type: 'HUMAN', displayName: 'Ann', pictureUrl: 'https://example.com/ann.png' },
          },
        },
      ],
      [
        'all that goes with a message',
        {
          channelPriorityOrder: ['MESSENGER'],
          channelProperties: [{ key: 'MESSENGER_NOTIFICATION_TYPE', value: 'NO_PUSH' }],
          messageMetadata: '{"a":1}',
          conversationMetadata: {
            a: 'b',
            n: 1.5,
            t: true,
            none: null,
            list: [1, 'x', {}],
            deep: { er: 'y' },
          },
          correlationId: 'correlation',
          ttl: '3600s',
          queue: 'HIGH_PRIORITY',
          processingStrategy: 'DEFAULT',
          idempotencyKey: 'once',
        },
      ],
    ])('%s', async (_what, changes) => {
      const given = valid({ ...changes, recipient: personOn('MESSENGER', await acquaintance()) });
      const keyed = (idempotencyKey: string): Json =>
        given.idempotencyKey ? { ...given, idempotencyKey } : given;
      const graphql = await settledRow(accepted(await byGraphql(keyed('graphql'))));
      const grpc = await settledRow(accepted(await byGrpc(keyed('grpc'))));
      expect(grpc).toEqual(graphql);
      expect(await settledRow(accepted(await byRest(keyed('rest'))))).toEqual(graphql);
    });

    test('a retry with the same key gets the first answer from every face, and another message a conflict', async () => {
      const input = valid({ idempotencyKey: 'shared' });
      const id = accepted(await byGraphql(input));
      await settledRow(id);
      const before = await records.fingerprint();
      expect(await byGraphql(input)).toBe(id);
      expect(await byGrpc(input)).toBe(id);
      expect(await byRest(input)).toBe(id);
      const another = valid({ idempotencyKey: 'shared', message: { textMessage: { text: 'Another' } } });
      const conflict = await byGraphql(another);
      expect(conflict).toMatchObject({ code: 'CONFLICT' });
      expect(await byGrpc(another)).toEqual(conflict);
      expect(await byRest(another)).toEqual(conflict);
      expect(await records.fingerprint()).toBe(before);
    });

    /** What is stored of a message once it was read, ids and times aside. */
    async function settledRow(id: string): Promise<Json> {
      const row = await eventually(
        async () => (await records.query<Json>(ROW, [id])).find(({ status }) => status === 'READ'),
        `message ${id} being read`,
      );
      return JSON.parse(JSON.stringify(row).replaceAll(id, 'MESSAGE')) as Json;
    }
  });

  describe('read a message back', () => {
    const MESSAGE = `query ($id: ID!) { message(id: $id) { id direction metadata acceptTime status conversation { id } contact { id }
      channelIdentity { channel identity appId } content { __typename ... on TextMessage { text } } } }`;

    const getByGrpc = (messageId: string, authorization = app.authorization): Promise<object> =>
      unary<object, object>(client.getMessage.bind(client), { messageId }, { authorization });

    test('the same way', async () => {
      const id = accepted(await byGrpc(valid({ messageMetadata: 'kept' })));
      await eventually(
        async () => (await records.query(ROW, [id])).some((row) => (row as Json).status === 'READ'),
        'READ',
      );
      const { message } = await app.graphql<{ message: Json }>(MESSAGE, { id });
      const [stored] = (await records.messages(page.appId)).filter((row) => row.id === id) as [StoredMessage];
      const acceptTime = new Date(String(message.acceptTime)).getTime();
      expect(await getByGrpc(id)).toEqual({
        id,
        direction: message.direction,
        appMessage: { textMessage: { text: 'Hello' } },
        channelIdentity: message.channelIdentity,
        conversationId: (message.conversation as Json).id,
        contactId: (message.contact as Json).id,
        metadata: 'kept',
        acceptTime: { seconds: String(Math.floor(acceptTime / 1000)), nanos: (acceptTime % 1000) * 1e6 },
        processingMode: 'CONVERSATION',
        messageStatus: { status: message.status },
      });
      expect(message.content).toEqual({ __typename: 'TextMessage', text: 'Hello' });
      expect(stored.content).toEqual({ text_message: { text: 'Hello' } });
    });

    test('but not one that does not exist, nor one of another project', async () => {
      const id = accepted(await byGraphql(valid()));
      for (const [messageId, authorization] of [
        [UNKNOWN, app.authorization],
        ["'--", app.authorization],
        [id, other.authorization],
      ] as const) {
        const { errors } = await app.ask(MESSAGE, { id: messageId }, authorization);
        expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
        const refusal = await getByGrpc(messageId, authorization).catch((error: ServiceError) => error);
        expect(refusal).toMatchObject({ code: status.NOT_FOUND, details: errors?.[0]?.message });
        // A path of REST names its project: another's key does not open it at all.
        if (authorization !== app.authorization) continue;
        const answer = await rest('GET', `messages/${encodeURIComponent(messageId)}`);
        expect(restRefusal(answer)).toEqual(graphqlRefusal(errors));
      }
    });

    test('and want to know which', async () => {
      const refusal = (await getByGrpc('').catch((error: ServiceError) => error)) as ServiceError;
      expect(refusal.code).toBe(status.INVALID_ARGUMENT);
      expect(violationsOf(refusal).map(({ field }) => field)).toEqual(['message_id']);
    });
  });

  test('the gRPC face tells its health', async () => {
    const { grpc } = load('grpc-health-check', 'proto/health/v1/health.proto') as {
      grpc: { health: { v1: Json } };
    };
    const Health = grpc.health.v1.Health as new (...args: unknown[]) => Json & { close(): void };
    const health = new Health(app.parley.grpc, credentials.createInsecure());
    const check = (health.check as (...args: unknown[]) => unknown).bind(health);
    expect(await unary(check, { service: '' })).toEqual({ status: 'SERVING' });
    health.close();
  });

  test('the gRPC face tells what it offers', async () => {
    const { grpc } = load('@grpc/reflection', 'build/proto/grpc/reflection/v1/reflection.proto') as {
      grpc: { reflection: { v1: Json } };
    };
    const Reflection = grpc.reflection.v1.ServerReflection as new (
      ...args: unknown[]
    ) => Json & { close(): void };
    const reflection = new Reflection(app.parley.grpc, credentials.createInsecure());
    const stream = (reflection.serverReflectionInfo as () => import('node:stream').Duplex).call(reflection);
    const answered = new Promise<Json>((resolve, reject) =>
      stream.once('data', resolve).once('error', reject),
    );
    stream.write({ listServices: '*' });
    const { listServicesResponse } = (await answered) as {
      listServicesResponse: { service: { name: string }[] };
    };
    expect(listServicesResponse.service.map(({ name }) => name)).toContain(
      'parley.conversation.v1.MessageService',
    );
    stream.end();
    reflection.close();
  });
});

const ROW = `SELECT m.app_id, m.direction, m.channel, m.content, m.status, m.reason, m.sent_by, m.metadata, m.correlation_id,
    m.channel_properties, m.reply_to_message_id, c.metadata_json, c.correlation_id AS conversation_correlation_id, c.status AS inbox_status
  FROM messages m JOIN conversations c ON c.project_id = m.project_id AND c.id = m.conversation_id WHERE m.id = $1`;

function accepted(answer: string | Refusal): string {
  if (typeof answer === 'string') return answer;
  throw new Error(JSON.stringify(answer));
}

function personOn(channel: string, identity = newPsid()): Json {
  return { identifiedBy: { channelIdentities: [{ channel, identity }] } };
}

/** A GraphQL input as the gRPC request that means the same: lists of pairs are maps there, and the key is metadata. */
function grpcRequestOf(input: Json): { request: object; metadata: Record<string, string> } {
  const { idempotencyKey, message, channelProperties, ttl, conversationMetadata, ...rest } = input;
  const { explicitChannelMessage, ...content } = message as {
    explicitChannelMessage?: { channel: string; payload: string }[];
  };
  const pairs = channelProperties as { key: string; value: string }[] | undefined;
  const request = {
    ...rest,
    message: {
      ...content,
      ...(explicitChannelMessage
        ? {
            explicitChannelMessage: Object.fromEntries(
              explicitChannelMessage.map(({ channel, payload }) => [channel, payload]),
            ),
          }
        : {}),
    },
    ...(pairs ? { channelProperties: Object.fromEntries(pairs.map(({ key, value }) => [key, value])) } : {}),
    ...(typeof ttl === 'string' ? { ttl: { seconds: ttl.replace('s', '') } } : {}),
    ...(conversationMetadata ? { conversationMetadata: valueOf(conversationMetadata).structValue } : {}),
  };
  return {
    request,
    metadata: typeof idempotencyKey === 'string' ? { 'idempotency-key': idempotencyKey } : {},
  };
}

/** JSON as google.protobuf.Value. */
function valueOf(json: unknown): Json {
  if (json === null) return { nullValue: 'NULL_VALUE' };
  if (Array.isArray(json)) return { listValue: { values: json.map(valueOf) } };
  if (typeof json === 'object') {
    return {
      structValue: {
        fields: Object.fromEntries(Object.entries(json).map(([key, value]) => [key, valueOf(value)])),
      },
    };
  }
  return { [`${typeof json === 'boolean' ? 'bool' : typeof json}Value`]: json };
}

/** The services of a package's own proto file. */
function load(packageName: string, file: string): unknown {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve(`${packageName}/package.json`));
  return loadPackageDefinition(loadSync(join(root, file), { enums: String }));
}
