// StreamEvents as a customer uses it.
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventServiceClient } from '../../src/generated/proto/parley/conversation/v1/EventService.js';
import { EventFollower } from '../../src/events/follow.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { eventClient, Events } from '../support/events.js';
import { detailsOf } from '../support/grpc.js';
import { EventStream } from '../support/grpc-stream.js';
import { connectPage, type TestPage } from '../support/messenger.js';
import { Sending } from '../support/sending.js';

let app: TestApp;
let sending: Sending;
let client: EventServiceClient;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp({ GRPC_SLOW_CONSUMER_SECONDS: '1' });
  sending = new Sending(app);
  client = eventClient(app.parley.grpc);
  page = await connectPage(app);
});
afterAll(async () => {
  client.close();
  await app.stop();
});

function open(after?: string, appId = page.appId): EventStream {
  return new EventStream(client, app.authorization, { appId, ...(after === undefined ? {} : { after }) });
}

test('what happens to an app is told in order, in the shapes of the callbacks, and again to who goes on from a cursor', async () => {
  const live = open();
  await live.begun;
  const psid = await sending.person(page);
  const sent = await sending.send(page, psid, 'Welcome', { messageMetadata: 'mine', correlationId: 'c-1' });
  await sending.reaches(sent, 'READ');
  await new Events(app).send(page, psid, { composingEvent: {} });
  const typing = await live.first(({ event }) => event?.appEvent?.composingEvent, 'the typing');
  const read = await live.first(
    ({ messageDeliveryReport: report }) => report?.status === 'READ',
    'the report',
  );

  const told = live.events;
  const kinds = told.map((event) => Object.keys(event).at(-1));
  expect(kinds.indexOf('contactCreateNotification')).toBeLessThan(
    kinds.indexOf('conversationStartNotification'),
  );
  const heard = told.find(({ message }) => message?.direction === 'TO_APP');
  expect(heard).toMatchObject({
    appId: page.appId,
    id: expect.stringMatching(/^[0-9A-Z]{26}$/) as unknown,
    message: {
      contactMessage: { textMessage: { text: 'Hello' } },
      channelIdentity: { channel: 'MESSENGER', identity: psid, appId: page.appId },
    },
  });
  const added = told.find(({ message }) => message?.id === sent);
  expect(added).toMatchObject({
    correlationId: 'c-1',
    message: {
      direction: 'TO_CONTACT',
      appMessage: { textMessage: { text: 'Welcome' } },
      metadata: 'mine',
      conversationId: heard?.message?.conversationId,
      contactId: heard?.message?.contactId,
    },
  });
  expect(told.find(({ messageSubmitNotification: n }) => n?.messageId === sent)).toMatchObject({
    messageSubmitNotification: { submittedMessage: { textMessage: { text: 'Welcome' } } },
  });
  expect(read.messageDeliveryReport).toMatchObject({ messageId: sent, metadata: 'mine' });
  expect(typing.event).toMatchObject({
    direction: 'TO_CONTACT',
    conversationId: heard?.message?.conversationId,
  });

  const again = open(heard?.cursor);
  const behind = told.slice(told.indexOf(heard as (typeof told)[number]) + 1);
  await eventually(() => again.events.length >= behind.length, 'the replay');
  expect(again.events.slice(0, behind.length).map(({ cursor }) => cursor)).toEqual(
    behind.map(({ cursor }) => cursor),
  );
  expect(new Set(again.events.map(({ id }) => id)).size).toBe(again.events.length);

  const { events } = await app
    .graphql<{ events: { edges: { cursor: string }[] } }>(
      `query ($appId: ID!, $after: String) { events(appId: $appId, after: $after) { edges { cursor } } }`,
      { appId: page.appId, after: heard?.cursor },
    )
    .catch(() => ({ events: null }));
  if (events) expect(behind.map(({ cursor }) => cursor)).toContain(events.edges[0]?.cursor);
  for (const stream of [live, again]) stream.call.cancel();
  expect((await live.ended).code).toBe(status.CANCELLED);
});

test.each([
  ['no app', { appId: '' }, status.INVALID_ARGUMENT],
  ['an app that cannot be stored', { appId: 'a\0' }, status.INVALID_ARGUMENT],
  ['an app of nobody', { appId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, status.NOT_FOUND],
  ['a cursor of nobody', { after: 'nonsense' }, status.INVALID_ARGUMENT],
])('%s is refused', async (_name, request, code) => {
  const stream = new EventStream(client, app.authorization, { appId: page.appId, ...request });
  expect((await stream.ended).code).toBe(code);
});

test('a cursor behind which events are no longer kept is told as such', async () => {
  const own = await connectPage(app);
  const psid = await sending.person(own);
  const first = open(Buffer.from('0.0').toString('base64url'), own.appId);
  const { cursor } = await first.first(({ message }) => message, `the message of ${psid}`);
  first.call.cancel();
  const [horizon] = (await sending.query(
    `UPDATE event_horizon SET xact = pg_current_xact_id() RETURNING xact::text`,
  )) as { xact: string }[];
  expect(horizon).toBeDefined();
  const stream = open(cursor, own.appId);
  const end = await stream.ended;
  expect(end.code).toBe(status.OUT_OF_RANGE);
  expect(detailsOf(end)).toEqual([{ type: 'ErrorInfo', reason: 'CURSOR_EXPIRED', domain: 'parley' }]);
});

test('a client that does not read is dropped with a reason, and goes on where it was', async () => {
  const own = await connectPage(app);
  const slow = open(undefined, own.appId);
  slow.call.pause();
  await slow.begun;
  // More than the buffers of HTTP/2 and of both ends hold.
  const many = 1_500;
  const [channel] = (await sending.query('SELECT project_id FROM channels WHERE app_id = $1', [
    own.appId,
  ])) as {
    project_id: string;
  }[];
  await sending.query(
    `INSERT INTO events (project_id, app_id, id, kind, payload)
     SELECT $1, $2, lpad(n::text, 26, '0'), 'channel.updated',
       jsonb_build_object('channel', jsonb_build_object('channel', 'MESSENGER', 'state', 'ACTIVE', 'accountId', n, 'lastError', repeat('x', 500)))
     FROM generate_series(1, $3::int) n`,
    [channel?.project_id, own.appId, many],
  );
  // It reads again only after it was dropped; what had been sent is still there to be read.
  const { feeds } = app.parley.app.get<{ feeds: Map<string, object> }>(EventFollower, { strict: false });
  const key = `${app.projectId} ${own.appId}`;
  expect(feeds.has(key)).toBe(true);
  await eventually(() => !feeds.has(key), 'the end of the slow stream');
  slow.call.resume();
  const end = await slow.ended;
  expect(end.code).toBe(status.RESOURCE_EXHAUSTED);
  expect(detailsOf(end)).toMatchObject([
    { type: 'ErrorInfo', reason: 'SLOW_CONSUMER' },
    { type: 'RetryInfo' },
  ]);
  const news = slow.events.filter(({ channelUpdateNotification }) => channelUpdateNotification);
  expect(news.length).toBeGreaterThan(0);
  expect(news.length).toBeLessThan(many);
  const rest = open(slow.events.at(-1)?.cursor, own.appId);
  await eventually(() => rest.events.length >= many - news.length, 'the rest');
  rest.call.cancel();
  expect([...news, ...rest.events].map(({ id }) => Number(id))).toEqual(
    Array.from({ length: many }, (_, i) => i + 1),
  );
});

test('a stream of events ends at its deadline', async () => {
  const stream = new EventStream(
    client,
    app.authorization,
    { appId: page.appId },
    new Date(Date.now() + 500),
  );
  expect((await stream.ended).code).toBe(status.DEADLINE_EXCEEDED);
});
