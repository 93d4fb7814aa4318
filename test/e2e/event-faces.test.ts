// The same events through GraphQL, gRPC and REST: all accept, store and refuse the same, each in its own spelling.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import type { EventServiceClient } from '../../src/generated/proto/parley/conversation/v1/EventService.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventClient, personOn } from '../support/events.js';
import { unary } from '../support/grpc.js';
import { graphqlRefusal, grpcRefusal, type Refusal, restRefusal, restRequestOf } from '../support/faces.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Records } from '../support/records.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;

const SEND = `mutation ($input: SendEventInput!) { sendEvent(input: $input) { eventId acceptedTime } }`;
const UNKNOWN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

let app: TestApp;
let records: Records;
let client: EventServiceClient;
let rest: Rest;
let page: TestPage;
let psid: string;
/** What tables of tests name before it exists. */
let ids: { lonelyApp: string; foreignApp: string; heard: string; strangers: string; unheard: string };

beforeAll(async () => {
  app = await startTestApp({ PARLEY_ROLES: 'api' });
  records = await Records.of(app.databaseUrl);
  client = eventClient(app.parley.grpc);
  rest = restOf(app);
  page = await connectPage(app);
  psid = newPsid();
  const stranger = newPsid();
  const projects = app.parley.app.get(ProjectsService, { strict: false });
  const { projectId } = await projects.createProject('Another');
  const { keyId, secret } = await projects.createKey(projectId);
  const foreign = `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
  ids = {
    lonelyApp: await createApp(),
    foreignApp: await createApp(foreign),
    heard: await hear(psid),
    strangers: await hear(stranger),
    unheard: stranger,
  };
});
afterAll(async () => {
  client.close();
  await records.close();
  await app.stop();
});

async function createApp(authorization = app.authorization): Promise<string> {
  const mutation = `mutation { createApp(input: { displayName: "Events" }) { id } }`;
  const { data } = await app.ask<{ createApp: { id: string } }>(mutation, {}, authorization);
  return data?.createApp.id ?? '';
}

async function hear(from: string): Promise<string> {
  await app.sandbox(`people/${from}/messages`, { page_id: page.pageId, text: 'Hello' });
  const message = (await records.messages(page.appId)).find(({ identity }) => identity === from);
  return message?.id ?? '';
}

function valid(changes: Json = {}): Json {
  return { appId: page.appId, recipient: personOn(psid), event: { composingEvent: {} }, ...changes };
}

async function byGraphql(input: Json): Promise<string | Refusal> {
  const { data, errors } = await app.ask<{ sendEvent: { eventId: string } }>(SEND, { input });
  if (data) return data.sendEvent.eventId;
  return graphqlRefusal(errors);
}

async function byGrpc({ idempotencyKey, ...input }: Json): Promise<string | Refusal> {
  try {
    const { eventId } = await unary<object, { eventId?: string }>(
      client.sendEvent.bind(client),
      withStruct(input),
      {
        authorization: app.authorization,
        ...(typeof idempotencyKey === 'string' ? { 'idempotency-key': idempotencyKey } : {}),
      },
    );
    return String(eventId);
  } catch (thrown) {
    return grpcRefusal(thrown);
  }
}

async function byRest(input: Json): Promise<string | Refusal> {
  const { body, headers } = restRequestOf(input);
  const answer = await rest('POST', 'events:send', body, headers);
  return answer.status === 200 ? String(answer.body.event_id) : restRefusal(answer);
}

/** A payload of texts alone as google.protobuf.Struct. */
function withStruct(input: Json): Json {
  const event = input.event as { genericEvent?: { payload: Record<string, string> } } | undefined;
  if (!event?.genericEvent) return input;
  const fields = Object.entries(event.genericEvent.payload).map(([key, text]) => [
    key,
    { stringValue: text },
  ]);
  return { ...input, event: { genericEvent: { payload: { fields: Object.fromEntries(fields) } } } };
}

async function stored(): Promise<string> {
  const rows = await records.query<{ n: string }>(`SELECT count(*) AS n FROM conversation_events`);
  return `${await records.fingerprint()} ${rows[0]?.n}`;
}

describe('GraphQL, gRPC and REST accept the same events and store the same row:', () => {
  test.each<[what: string, changes: () => Json, content: () => object, more?: object]>([
    ['typing', () => ({}), () => ({ composing_event: {} })],
    ['the end of it', () => ({ event: { composingEndEvent: {} } }), () => ({ composing_end_event: {} })],
    ['seen', () => ({ event: { readMessageEvent: {} } }), () => ({ read_message_event: {} })],
    [
      'a reply to a comment',
      () => ({ event: { commentReplyEvent: { text: 'Thänks 👋' } } }),
      () => ({ comment_reply_event: { text: 'Thänks 👋' } }),
    ],
    [
      'an agent who joins',
      () => ({
        event: {
          agentJoinedEvent: {
            agent: { type: 'HUMAN', displayName: 'Ann', pictureUrl: 'https://example.com/a.png' },
          },
        },
      }),
      () => ({
        agent_joined_event: {
          agent: { type: 'HUMAN', display_name: 'Ann', picture_url: 'https://example.com/a.png' },
        },
      }),
    ],
    [
      'an agent who leaves',
      () => ({ event: { agentLeftEvent: { agent: { type: 'BOT' } } } }),
      () => ({ agent_left_event: { agent: { type: 'BOT' } } }),
    ],
    [
      'a generic event',
      () => ({ event: { genericEvent: { payload: { someKey: 'a', other_key: 'b' } } } }),
      () => ({ generic_event: { payload: { someKey: 'a', other_key: 'b' } } }),
    ],
    [
      'a reaction',
      () => ({
        event: { reactionEvent: { messageId: ids.heard, emoji: '👩‍🚀', action: 'REACTION_ACTION_REACT' } },
      }),
      () => ({
        reaction_event: { message_id: ids.heard, emoji: '👩‍🚀', action: 'REACTION_ACTION_REACT' },
      }),
    ],
    [
      'no reaction any more',
      () => ({ event: { reactionEvent: { messageId: ids.heard, action: 'REACTION_ACTION_UNREACT' } } }),
      () => ({ reaction_event: { message_id: ids.heard, action: 'REACTION_ACTION_UNREACT' } }),
    ],
    [
      'all that goes with an event',
      () => ({
        channelPriorityOrder: ['MESSENGER', 'SMS'],
        eventMetadata: '{"a":1}',
        queue: 'HIGH_PRIORITY',
      }),
      () => ({ composing_event: {} }),
      { metadata: '{"a":1}' },
    ],
  ])('%s', async (_what, changes, content, more) => {
    const columns = 'app_id, direction, channel, identity, content, status, reason, metadata';
    const rows = await Promise.all(
      [byGraphql, byGrpc, byRest].map(async (send) => {
        const id = await send(valid(changes()));
        return (
          await records.query<Json>(`SELECT ${columns} FROM conversation_events WHERE id = $1`, [id])
        )[0];
      }),
    );
    const row = {
      app_id: page.appId,
      direction: 'TO_CONTACT',
      channel: 'MESSENGER',
      identity: psid,
      content: content(),
      status: 'QUEUED',
      reason: null,
      metadata: '',
      ...more,
    };
    expect(rows).toEqual([row, row, row]);
  });

  test('a retry with the same key gives the first answer, on every face', async () => {
    const input = valid({ idempotencyKey: 'event-1' });
    const first = await byGraphql(input);
    expect(first).toEqual(expect.any(String));
    const before = await stored();
    expect(await byGrpc(input)).toBe(first);
    expect(await byRest(input)).toBe(first);
    expect(await stored()).toBe(before);
    const other = valid({ idempotencyKey: 'event-1', event: { composingEndEvent: {} } });
    for (const answer of [await byGraphql(other), await byGrpc(other), await byRest(other)])
      expect(answer).toMatchObject({ code: 'CONFLICT' });
    expect(await stored()).toBe(before);
  });
});

describe('GraphQL, gRPC and REST refuse the same way, and store nothing,', () => {
  const text = (length: number): string => 'x'.repeat(length);
  const reaction = (changes: Json): Json => ({
    event: {
      reactionEvent: { messageId: UNKNOWN, emoji: '👍', action: 'REACTION_ACTION_REACT', ...changes },
    },
  });

  test.each<[what: string, changes: Json, fields: string[]]>([
    ['no event', { event: {} }, ['event: exactlyOne']],
    ['two events', { event: { composingEvent: {}, readMessageEvent: {} } }, ['event: exactlyOne']],
    [
      'a blank text',
      { event: { commentReplyEvent: { text: ' ' } } },
      ['event.commentReplyEvent.text: matches'],
    ],
    [
      'a text that is too long',
      { event: { commentReplyEvent: { text: text(2_001) } } },
      ['event.commentReplyEvent.text: maxLength'],
    ],
    [
      'an agent with a bad picture',
      { event: { agentLeftEvent: { agent: { type: 'BOT', pictureUrl: 'me' } } } },
      ['event.agentLeftEvent.agent.pictureUrl: isUrl'],
    ],
    [
      'a payload that is too long',
      { event: { genericEvent: { payload: { a: text(30_000) } } } },
      ['event.genericEvent.payload: maxLength'],
    ],
    ['a reaction with a word', reaction({ emoji: 'like' }), ['event.reactionEvent.emoji: matches']],
    ['a reaction with two emoji', reaction({ emoji: '👍👍' }), ['event.reactionEvent.emoji: matches']],
    ['a recipient who is nobody', { recipient: {} }, ['recipient: exactlyOne']],
    ['metadata that are too long', { eventMetadata: text(1_025) }, ['eventMetadata: maxLength']],
    ['metadata with a NUL', { eventMetadata: 'a\0b' }, ['eventMetadata: text']],
    ['an idempotency key that is too long', { idempotencyKey: text(256) }, ['idempotencyKey: maxLength']],
  ])('%s', async (_what, changes, fields) => {
    const before = await stored();
    const graphql = await byGraphql(valid(changes));
    expect(graphql).toEqual({ code: 'BAD_USER_INPUT', message: expect.any(String) as string, fields });
    expect(await byGrpc(valid(changes))).toEqual(graphql);
    expect(await byRest(valid(changes))).toEqual(graphql);
    expect(await stored()).toBe(before);
  });

  // What is left out is told by more rules where a type does not require it.
  test.each<[what: string, changes: Json, path: string]>([
    ['no app', { appId: '' }, 'appId'],
    ['an empty text', { event: { commentReplyEvent: { text: '' } } }, 'event.commentReplyEvent.text'],
    ['a reaction without an emoji', reaction({ emoji: undefined }), 'event.reactionEvent.emoji'],
    ['a reaction to no message', reaction({ messageId: '' }), 'event.reactionEvent.messageId'],
  ])('%s', async (_what, changes, path) => {
    const before = await stored();
    const said = valid(changes);
    for (const answer of [await byGraphql(said), await byGrpc(said), await byRest(said)]) {
      expect(answer).toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(new Set((answer as Refusal).fields.map((field) => field.split(': ')[0]))).toEqual(
        new Set([path]),
      );
    }
    expect(await stored()).toBe(before);
  });

  test.each<[what: string, changes: () => Json, code: string]>([
    ['an app that does not exist', () => ({ appId: UNKNOWN }), 'NOT_FOUND'],
    ['an app of another project', () => ({ appId: ids.foreignApp }), 'NOT_FOUND'],
    ['a contact that does not exist', () => ({ recipient: { contactId: UNKNOWN } }), 'NOT_FOUND'],
    ['a message that does not exist', () => reaction({}), 'NOT_FOUND'],
    ['a message of somebody else', () => reaction({ messageId: ids.strangers }), 'NOT_FOUND'],
    ['an app without channels', () => ({ appId: ids.lonelyApp }), 'FAILED_PRECONDITION'],
    [
      'a channel that the app does not have',
      () => ({ channelPriorityOrder: ['SMS'] }),
      'FAILED_PRECONDITION',
    ],
  ])('%s', async (_what, changes, code) => {
    const before = await stored();
    const graphql = await byGraphql(valid(changes()));
    expect(graphql).toEqual({ code, message: expect.any(String) as string, fields: [] });
    expect(await byGrpc(valid(changes()))).toEqual(graphql);
    expect(await byRest(valid(changes()))).toEqual(graphql);
    expect(await stored()).toBe(before);
  });

  test('an event of no fields that has some (gRPC does not know them)', async () => {
    expect(await byGraphql(valid({ event: { composingEvent: { seconds: 3 } } }))).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: ['event.composingEvent: isEmpty'],
    });
    expect(await byGraphql(valid({ event: { composingEvent: true } }))).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: ['event.composingEvent: isObject'],
    });
  });
});
