// Every kind of content through GraphQL, gRPC and REST: stored as the Conversation API has it, given back as it was said, refused alike.
import { status, type ServiceError } from '@grpc/grpc-js';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { type GraphQLNamedType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message__Output } from '../../src/generated/proto/parley/conversation/v1/Message.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { choices, REFUSED, TWICE } from '../support/content-refused.js';
import { calendar, SAID } from '../support/content-said.js';
import { restRefusal, restRequestOf } from '../support/faces.js';
import { grpcMessageOf } from '../support/grpc-content.js';
import { grpcClient, unary, violationsOf } from '../support/grpc.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Records } from '../support/records.js';
import { type Rest, restOf } from '../support/rest.js';
import { selectionOf } from '../support/selection.js';

type Json = Record<string, unknown>;

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`;

describe('GraphQL, gRPC and REST', () => {
  let app: TestApp;
  let records: Records;
  let client: MessageServiceClient;
  let rest: Rest;
  let page: TestPage;
  let identity: string;
  let MESSAGE: string;

  beforeAll(async () => {
    app = await startTestApp();
    records = await Records.of(app.databaseUrl);
    client = grpcClient(app.parley.grpc);
    rest = restOf(app);
    page = await connectPage(app);
    identity = newPsid();
    await app.sandbox('people', { psid: identity, page_id: page.pageId, window: 'open' });
    const { schema } = app.parley.app.get(GraphQLSchemaHost, { strict: false });
    const content = selectionOf(schema.getType('MessageContent') as GraphQLNamedType);
    MESSAGE = `query ($id: ID!) { message(id: $id) { replyToMessageId content ${content} } }`;
  });
  afterAll(async () => {
    client.close();
    await records.close();
    await app.stop();
  });

  const send = (message: Json): Json => ({
    appId: page.appId,
    recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity }] } },
    message,
  });

  async function sendByGraphql(message: Json): Promise<string> {
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(SEND, {
      input: send(message),
    });
    return sendMessage.messageId;
  }

  async function sendByGrpc(message: Json): Promise<string> {
    const { messageId } = await unary<object, { messageId?: string }>(
      client.sendMessage.bind(client),
      send(grpcMessageOf(message)),
      { authorization: app.authorization },
    );
    return String(messageId);
  }

  async function sendByRest(message: Json): Promise<string> {
    const answer = await rest('POST', 'messages:send', restRequestOf(send(message)).body);
    expect(answer).toMatchObject({ status: 200 });
    return String(answer.body.message_id);
  }

  async function stored(id: string): Promise<unknown> {
    const [row] = await records.query<{ content: unknown }>('SELECT content FROM messages WHERE id = $1', [
      id,
    ]);
    return row?.content;
  }

  // First: what is being sent changes what is stored.
  describe('refuse the same way, and store nothing,', () => {
    test.each(REFUSED)('%s', async (_what, message, fields) => {
      const before = await records.fingerprint();
      const graphql = await refusedByGraphql(message);
      expect(graphql.fields).toEqual([...fields].sort());
      expect(await refusedByGrpc(message)).toEqual(graphql);
      expect(await refusedByRest(message)).toEqual(graphql);
      expect(await records.fingerprint()).toBe(before);
    });

    test.each(TWICE)('a key that %s has twice', async (field, message) => {
      const { fields } = await refusedByGraphql(message);
      expect(fields).toEqual([`message.${field}: arrayUnique`]);
    });

    test('a channel that does not exist as the key of a map', async () => {
      const { fields } = await refusedByGrpc({
        explicitChannelMessage: [{ channel: 'PIGEON', payload: '{}' }],
        channelSpecificMessage: [{ channel: 'messenger', messageType: 'X', message: {} }],
      });
      expect(fields).toEqual([
        'message.channelSpecificMessage[0].channel: isEnum',
        'message.explicitChannelMessage[0].channel: isEnum',
      ]);
    });

    test('an event without its times', async () => {
      const { eventStart: _start, eventEnd: _end, ...rest } = calendar;
      const { fields } = await refusedByGrpc(choices({ calendarMessage: rest }));
      const path = 'message.choiceMessage.choices[0].calendarMessage';
      expect(fields).toEqual([`${path}.eventEnd: isDate`, `${path}.eventStart: isDate`]);
    });
  });

  describe('store what is said as the Conversation API has it, and give it back:', () => {
    test.each(SAID)('$what', async ({ said, stored: expected, shown = said }) => {
      const [byGraphql, byGrpc] = [await sendByGraphql(said), await sendByGrpc(said)];
      expect(await stored(byGraphql)).toEqual(expected);
      expect(await stored(byGrpc)).toEqual(expected);
      const { body } = await rest('GET', `messages/${await sendByRest(said)}`);
      expect(body.app_message).toEqual(expected);

      const { message } = await app.graphql<{ message: { content: Json } }>(MESSAGE, { id: byGrpc });
      const { __typename: kind, ...fields } = message.content;
      const [[field, content]] = Object.entries(shown) as [[string, Json]];
      expect(kind).toBe(`${field[0]?.toUpperCase()}${field.slice(1)}`);
      expect(filled(fields)).toEqual(filled(content));

      const { appMessage } = await unary<object, Message__Output>(
        client.getMessage.bind(client),
        { messageId: byGraphql },
        { authorization: app.authorization },
      );
      expect(withoutZeros(appMessage)).toEqual(withoutZeros(grpcMessageOf(said)));
    });

    test('an answer to another message', async () => {
      const asked = await sendByGraphql({ textMessage: { text: 'Well?' } });
      const answer = { textMessage: { text: 'Yes' }, replyToMessageId: asked };
      for (const send of [sendByGraphql, sendByGrpc, sendByRest]) {
        const id = await send(answer);
        expect(await stored(id)).toEqual({ text_message: { text: 'Yes' }, reply_to: { message_id: asked } });
      }
    });

    test('who spoke for the business', async () => {
      const agent = { type: 'BOT', displayName: 'Robin', pictureUrl: null };
      const id = await sendByGraphql({ textMessage: { text: 'Hello' }, agent });
      const query = `query ($id: ID!) { message(id: $id) { agent { type displayName pictureUrl } } }`;
      expect(await app.graphql(query, { id })).toEqual({ message: { agent } });
    });

    test('every kind there is', () => {
      const { schema } = app.parley.app.get(GraphQLSchemaHost, { strict: false });
      const input = schema.getType('AppMessageInput');
      if (!isInputObjectType(input)) throw new Error('AppMessageInput is no input');
      const said = new Set(SAID.flatMap((one) => Object.keys(one.said)));
      expect([...said, 'replyToMessageId'].sort()).toEqual(Object.keys(input.getFields()).sort());
    });
  });

  interface Refusal {
    message: string;
    /** Each `path: rule`, sorted; paths in camelCase. */
    fields: string[];
  }

  async function refusedByGraphql(message: Json): Promise<Refusal> {
    const { errors } = await app.ask(SEND, { input: send(message) });
    const [error] = errors ?? [];
    if (error?.extensions.code !== 'BAD_USER_INPUT') throw new Error(JSON.stringify(errors ?? 'accepted'));
    const fields = (error.extensions.fields ?? []).map(({ path, rule }) => `${path}: ${rule}`);
    return { message: error.message, fields: fields.sort() };
  }

  async function refusedByRest(message: Json): Promise<Refusal> {
    const answer = await rest('POST', 'messages:send', restRequestOf(send(message)).body);
    const { code, ...refusal } = restRefusal(answer);
    if (code !== 'BAD_USER_INPUT') throw new Error(JSON.stringify(answer.body));
    return refusal;
  }

  async function refusedByGrpc(message: Json): Promise<Refusal> {
    const error: unknown = await sendByGrpc(message).catch((thrown: unknown) => thrown);
    if ((error as ServiceError).code !== status.INVALID_ARGUMENT) throw new Error(String(error));
    const fields = violationsOf(error as ServiceError).map(
      ({ field, reason }) => `${camelCase(field)}: ${reason}`,
    );
    return { message: (error as ServiceError).details, fields: fields.sort() };
  }
});

function camelCase(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Without what GraphQL fills in for what was not said. */
function filled(value: unknown): unknown {
  const EMPTY: unknown[] = [null, '', 'UNSPECIFIED_HEIGHT'];
  if (Array.isArray(value)) return value.map(filled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => !EMPTY.includes(child) && !(Array.isArray(child) && child.length === 0))
      .map(([name, child]) => [name, filled(child)]),
  );
}

/** Without what protobuf does not send; a Struct is data and stays. */
function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== 0)
      .map(([name, child]) => [name, withoutZeros(child)]),
  );
}
