// Events of the Conversation API over REST, and what is put into a conversation later.
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EventSend, settle } from '../../src/conversation-events/event-lane.js';
import { lockConversations } from '../../src/conversations/activity.js';
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
import { Records } from '../support/records.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;

const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const DAY_MS = 24 * 3600 * 1000;

let app: TestApp;
let rest: Rest;
let records: Records;
let page: TestPage;
let psid: string;
let conversationId: string;
let contactId: string;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  records = await Records.of(app.databaseUrl);
  page = await connectPage(app);
  psid = newPsid();
  const { status } = await postWebhook(
    app,
    page,
    envelope(page.pageId, textItem(page.pageId, psid, 'Hello')),
  );
  expect(status).toBe(200);
  const { body } = await rest<{ messages: Json[] }>('GET', `messages?channel_identity=${psid}`);
  ({ conversation_id: conversationId, contact_id: contactId } = body.messages[0] as {
    conversation_id: string;
    contact_id: string;
  });
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

const sending = (event: unknown, more: Json = {}): Json => ({
  app_id: page.appId,
  recipient: { contact_id: contactId },
  event,
  ...more,
});

async function sent(event: unknown): Promise<string> {
  const { status, body } = await rest('POST', 'events:send', sending(event));
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.event_id as string;
}

describe('events', () => {
  test.each([
    ['directly', { composing_event: {} }],
    ['wrapped once more', { app_event: { composing_event: {} } }],
  ])('are sent %s, and given back as the API has them', async (_how, event) => {
    const { status, body } = await rest('POST', 'events:send', sending(event));
    expect({ status, body }).toEqual({
      status: 200,
      body: { event_id: expect.any(String), accepted_time: expect.stringMatching(/Z$/) },
    });
    expect((await rest('GET', `events/${String(body.event_id)}`)).body).toEqual({
      id: body.event_id,
      direction: 'TO_CONTACT',
      app_event: { composing_event: {} },
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      conversation_id: conversationId,
      contact_id: contactId,
      accept_time: body.accepted_time,
      processing_mode: 'CONVERSATION',
    });
  });

  test('keep the payload of a generic event as it is', async () => {
    const event = { generic_event: { payload: { some_key: { otherKey: [1, { deep_key: null }] } } } };
    const { body } = await rest('GET', `events/${await sent(event)}`);
    expect(body.app_event).toEqual(event);
  });

  test('are listed of a conversation or a contact, the latest first, page by page', async () => {
    const ids = [await sent({ composing_event: {} }), await sent({ composing_end_event: {} })].reverse();
    for (const filter of [`conversation_id=${conversationId}`, `contact_id=${contactId}`]) {
      const { body } = await rest<{ events: Json[]; next_page_token: string }>(
        'GET',
        `events?${filter}&page_size=1`,
      );
      expect(body.events.map(({ id }) => id)).toEqual([ids[0]]);
      const next = await rest<{ events: Json[] }>(
        'GET',
        `events?${filter}&page_size=1&page_token=${body.next_page_token}`,
      );
      expect(next.body.events.map(({ id }) => id)).toEqual([ids[1]]);
    }
    expect((await rest('GET', `events?contact_id=${contactId}&conversation_id=${NOBODYS}`)).body).toEqual({
      events: [],
      next_page_token: '',
    });
    const all = await rest<{ events: Json[] }>('GET', 'events');
    expect(all.body.events.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  });

  test('that are deleted are gone, in the log as well', async () => {
    const id = await sent({ generic_event: { payload: { secret: 'nobody may know' } } });
    expect((await rest('DELETE', `events/${id}`)).body).toEqual({});
    expect((await rest('GET', `events/${id}`)).status).toBe(404);
    expect((await rest('DELETE', `events/${id}`)).status).toBe(404);
    expect(await records.query(`SELECT 1 FROM events WHERE payload::text LIKE '%nobody may know%'`)).toEqual(
      [],
    );
  });

  test('can be deleted while they are being sent', async () => {
    const id = await sent({ composing_end_event: {} });
    const waiting = `SELECT project_id, conversation_id, event_id FROM event_sends WHERE event_id = '${id}'`;
    await eventually(async () => (await records.query(waiting)).length === 0, 'the end of the send');
    await records.query(
      `INSERT INTO event_sends (project_id, conversation_id, event_id, next_attempt_at, expires_at)
       SELECT project_id, conversation_id, id, now() + interval '1 hour', now() + interval '1 hour' FROM conversation_events WHERE id = $1`,
      [id],
    );
    const { projectId } = app;
    let deletion: ReturnType<Rest> | undefined;
    await app.parley.app.get(DataSource, { strict: false }).transaction(async (tx) => {
      await lockConversations(tx, [{ projectId, id: conversationId }]);
      await tx.query(`${waiting} FOR UPDATE`);
      deletion = rest('DELETE', `events/${id}`);
      await eventually(
        async () =>
          (
            await records.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            )
          ).length > 0,
        'the deletion to wait',
      );
      await settle(tx, { projectId, conversationId, eventId: id } as EventSend, 'QUEUED_ON_CHANNEL', null);
    });
    expect(await deletion).toMatchObject({ status: 200 });
    expect((await rest('GET', `events/${id}`)).status).toBe(404);
  });

  test('refuse what is wrong', async () => {
    const wrong: unknown[] = [
      undefined,
      'x',
      [],
      [{ composing_event: {} }],
      {},
      { composing_event: 1 },
      { composing_event: [] },
      { composing_event: {}, composing_end_event: {} },
      { app_event: {} },
      { app_event: 'x' },
      { comment_reply_event: [{ text: 'a' }] },
      { generic_event: { payload: [] } },
    ];
    for (const event of wrong) {
      const { status } = await rest('POST', 'events:send', sending(event));
      expect({ event, status }).toEqual({ event, status: 400 });
    }
    const nobody = await rest('POST', 'events:send', sending({ composing_event: {} }, { app_id: NOBODYS }));
    expect(nobody.status).toBe(404);
  });
});

describe('what is injected', () => {
  const at = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
  const channel_identity = (): Json => ({ channel: 'MESSENGER', identity: psid, app_id: page.appId });
  const message = (more: Json = {}): Json => ({
    contact_message: { text_message: { text: 'last week' } },
    accept_time: at(7),
    channel_identity: channel_identity(),
    contact_id: contactId,
    direction: 'TO_APP',
    ...more,
  });
  const inject = (body: Json, id = conversationId): ReturnType<Rest> =>
    rest('POST', `conversations/${id}:inject-message`, body);

  test('reads in its place, is told to nobody, and nobody has to read it', async () => {
    const unread = `SELECT unread_count, last_message_id FROM conversations WHERE id = '${conversationId}'`;
    const before = await records.query(unread);
    const [accept_time, earlier] = [at(7), at(8)];
    expect((await inject(message({ accept_time, metadata: 'kept' }))).body).toEqual({});
    const ours = { app_message: { text_message: { text: 'the week before' } }, contact_message: undefined };
    expect((await inject(message({ ...ours, direction: 'TO_CONTACT', accept_time: earlier }))).status).toBe(
      200,
    );
    const { body } = await rest<{ messages: Json[] }>('GET', `messages?conversation_id=${conversationId}`);
    expect(body.messages).toMatchObject([
      { injected: false },
      {
        injected: true,
        direction: 'TO_APP',
        contact_message: { text_message: { text: 'last week' } },
        metadata: 'kept',
        accept_time,
        channel_identity: channel_identity(),
        contact_id: contactId,
      },
      { injected: true, direction: 'TO_CONTACT', app_message: { text_message: { text: 'the week before' } } },
    ]);
    expect(await records.query(unread)).toEqual(before);
    expect(await records.query('SELECT 1 FROM sends')).toEqual([]);
    const told = await records.query(`SELECT payload -> 'message' ->> 'injected' AS injected FROM events
      WHERE kind = 'message.added' AND payload -> 'message' ->> 'injected' = 'true'`);
    expect(told).toHaveLength(2);
  });

  test.each<[what: string, content: Json, stored?: Json]>([
    ['media with a caption', { media_card_message: { url: 'https://example.com/a.png', caption: 'Look' } }],
    [
      'a place without a name',
      { location_message: { coordinates: { latitude: 1, longitude: 2 } } },
      { location_message: { title: '', coordinates: { latitude: 1, longitude: 2 } } },
    ],
    ['a picked choice', { choice_response_message: { message_id: NOBODYS, postback_data: 'x' } }],
    [
      'products',
      { product_response_message: { products: [{ id: 'p', marketplace: 'FACEBOOK' }], catalog_id: 'c' } },
    ],
    [
      'products with a title',
      { product_response_message: { products: [{ id: 'p', marketplace: 'FACEBOOK' }], title: 'Hats' } },
      {
        product_response_message: {
          products: [{ id: 'p', marketplace: 'FACEBOOK' }],
          title: 'Hats',
          text: 'Hats',
        },
      },
    ],
    [
      'products with a text, as some clients call the title',
      { product_response_message: { products: [{ id: 'p', marketplace: 'FACEBOOK' }], text: 'Hats' } },
      {
        product_response_message: {
          products: [{ id: 'p', marketplace: 'FACEBOOK' }],
          title: 'Hats',
          text: 'Hats',
        },
      },
    ],
    [
      'what nobody understood',
      { fallback_message: { raw_message: '{}', reason: { code: 'UNKNOWN' } } },
      {
        fallback_message: {
          raw_message: '{}',
          reason: { code: 'UNKNOWN', description: '', sub_code: 'UNSPECIFIED_SUB_CODE' },
        },
      },
    ],
    ['an answer', { text_message: { text: 'Yes' }, reply_to: { message_id: NOBODYS } }],
  ])('%s is stored as it is said', async (_what, contact_message, stored = contact_message) => {
    const accept_time = at(20 * Math.random() + 1);
    expect(await inject(message({ contact_message, accept_time }))).toMatchObject({ status: 200 });
    const query = `conversation_id=${conversationId}&start_time=${accept_time}&page_size=1000`;
    const { body } = await rest<{ messages: Json[] }>('GET', `messages?${query}`);
    expect(body.messages.at(-1)).toMatchObject({ accept_time, contact_message: stored });
  });

  test('has to be of the conversation, of the last 30 days, and well formed', async () => {
    const wrong: Json[] = [
      { accept_time: at(-1) },
      { accept_time: at(31) },
      { accept_time: undefined },
      { accept_time: 'yesterday' },
      { contact_id: NOBODYS },
      { contact_id: undefined },
      { channel_identity: { channel: 'MESSENGER', identity: newPsid() } },
      { channel_identity: { ...channel_identity(), app_id: NOBODYS } },
      { channel_identity: [] },
      { channel_identity: undefined },
      { direction: 'TO_CONTACT' },
      { direction: 'SIDEWAYS' },
      { contact_message: undefined },
      { contact_message: [] },
      { contact_message: {} },
      { contact_message: { text_message: { text: ' ' } } },
      { app_message: { text_message: { text: 'both' } } },
      { metadata: 'x'.repeat(1_025) },
    ];
    for (const more of wrong) {
      const { status } = await inject(message(more));
      expect({ more, status }).toEqual({ more, status: 400 });
    }
    expect((await inject(message(), NOBODYS)).status).toBe(404);
  });

  test('may be an event, which followers of the app are told of; but who typed then is not typing', async () => {
    interface Pulled {
      events: { edges: { node: { __typename: string; event?: { id: string } } }[] };
    }
    const pulled = async (): Promise<Pulled['events']['edges'][number]['node'][]> => {
      const query = `query ($appId: ID!) { events(appId: $appId) { edges { node { __typename ... on EventAdded { event { id } } } } } }`;
      const { events } = await app.graphql<Pulled>(query, { appId: page.appId });
      return events.edges.map(({ node }) => node);
    };
    const done = { generic_event: { payload: { done: 'elsewhere' } } };
    const ids: unknown[] = [];
    for (const app_event of [done, { composing_event: {} }, done]) {
      const injected = { app_event, accept_time: at(2), contact_id: contactId };
      const { body } = await rest('POST', `conversations/${conversationId}:inject-event`, injected);
      ids.push(body.event_id);
    }
    const recorded = await records.query(
      `SELECT payload -> 'event' ->> 'id' AS id FROM events WHERE kind = 'event.added' AND payload -> 'event' ->> 'id' = ANY ($1) ORDER BY xact, seq`,
      [ids],
    );
    expect(recorded).toEqual(ids.map((id) => ({ id })));
    const told = await eventually(async () => {
      const nodes = await pulled();
      const [first, last] = [ids[0], ids[2]].map((id) => nodes.findIndex(({ event }) => event?.id === id));
      return first !== undefined && last !== undefined && last > 0 && nodes.slice(first, last + 1);
    }, 'the last one told');
    expect(told.map(({ __typename: type, event }) => [type, event?.id])).toEqual([
      ['EventAdded', ids[0]],
      ['EventAdded', ids[2]],
    ]);
  });

  test('may be an event, whose time is given back', async () => {
    const accept_time = at(3);
    const body = { app_event: { composing_event: {} }, accept_time, contact_id: contactId };
    const answer = await rest('POST', `conversations/${conversationId}:inject-event`, body);
    expect(answer).toMatchObject({ status: 200, body: { accepted_time: accept_time.replace('.000Z', 'Z') } });
    const { body: event } = await rest('GET', `events/${String(answer.body.event_id)}`);
    expect(event).toMatchObject({
      accept_time: answer.body.accepted_time,
      channel_identity: channel_identity(),
      conversation_id: conversationId,
      app_event: { composing_event: {} },
    });
    expect(
      await records.query('SELECT 1 FROM event_sends WHERE event_id = $1', [answer.body.event_id]),
    ).toEqual([]);
    for (const more of [
      { accept_time: at(31) },
      { app_event: undefined },
      { contact_id: NOBODYS },
      { channel_identity: { channel: 'SMS', identity: '1' } },
    ]) {
      const refused = await rest('POST', `conversations/${conversationId}:inject-event`, {
        ...body,
        ...more,
      });
      expect({ more, status: refused.status }).toEqual({ more, status: 400 });
    }
    expect((await rest('POST', `conversations/${NOBODYS}:inject-event`, body)).status).toBe(404);
  });
});
