// Contacts and conversations over REST, as the reference has them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { type Rest, restOf } from '../support/rest.js';
import { inboxToken } from '../support/world.js';

type Json = Record<string, unknown>;

let app: TestApp;
let rest: Rest;
let appId: string;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  ({
    createApp: { id: appId },
  } = await app.graphql<{ createApp: { id: string } }>(
    `mutation { createApp(input: {displayName: "Shop"}) { id } }`,
  ));
});
afterAll(() => app.stop());

const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** The status, and the fields that are said to be wrong. */
function fieldsOf({ status, body }: { status: number; body: Json }): [number, ...unknown[]] {
  const { error } = body as { error?: { details?: { fieldViolations?: { field: string }[] }[] } };
  const violations = (error?.details ?? []).flatMap(({ fieldViolations }) => fieldViolations ?? []);
  return [status, ...new Set(violations.map(({ field }) => field))];
}

let people = 0;
async function contact(more: Json = {}): Promise<Json & { id: string }> {
  const identity = `psid-${people++}`;
  const { status, body } = await rest<Json & { id: string }>('POST', 'contacts', {
    channel_identities: [{ channel: 'MESSENGER', identity, app_id: appId }],
    language: 'EN_US',
    ...more,
  });
  expect(status).toBe(200);
  return body;
}

async function conversation(contactId: string, more: Json = {}): Promise<Json & { id: string }> {
  const made = await rest<Json & { id: string }>('POST', 'conversations', {
    app_id: appId,
    contact_id: contactId,
    ...more,
  });
  expect(made.status).toBe(200);
  return made.body;
}

describe('contacts', () => {
  test('a contact comes back whole, with a phone number without its plus', async () => {
    const made = await contact({
      channel_identities: [{ channel: 'SMS', identity: '+12015555555' }],
      display_name: 'Ada',
      metadata: 'm',
    });
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      channel_identities: [{ channel: 'SMS', identity: '12015555555', app_id: '' }],
      channel_priority: [],
      display_name: 'Ada',
      email: '',
      external_id: '',
      metadata: 'm',
      language: 'EN_US',
    });
    expect((await rest('GET', `contacts/${made.id}`)).body).toEqual(made);
    const found = await rest<{ contacts: Json[] }>('GET', 'contacts?channel=SMS&identity=+12015555555');
    expect(found.body.contacts).toEqual([made]);
  });

  test('a contact without identities is refused by the field that lacks', async () => {
    const { status, body } = await rest('POST', 'contacts', { language: 'EN_US' });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: {
        status: 'INVALID_ARGUMENT',
        details: [{ fieldViolations: [{ field: 'channel_identities' }] }],
      },
    });
  });

  test('pages of the list follow each other until the token is empty', async () => {
    for (let index = 0; index < 5; index++) await contact();
    const seen: unknown[] = [];
    let token = '';
    do {
      const { body } = await rest<{ contacts: Json[]; next_page_token: string }>(
        'GET',
        `contacts?page_size=2${token ? `&page_token=${token}` : ''}`,
      );
      expect(body.contacts.length).toBeLessThanOrEqual(2);
      seen.push(...body.contacts.map(({ id }) => id));
      token = body.next_page_token;
    } while (token !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(5);
  });

  test('what a mask lists and the body lacks is reset, the rest stays', async () => {
    const { id } = await contact({ display_name: 'Bo', email: 'bo@example.com', external_id: 'e1' });
    const patched = await rest('PATCH', `contacts/${id}?update_mask=email,display_name`, {
      display_name: 'Bob',
      external_id: 'ignored',
    });
    expect(patched.body).toMatchObject({ display_name: 'Bob', email: '', external_id: 'e1' });
    const present = await rest('PATCH', `contacts/${id}`, {
      external_id: 'e2',
      channel_priority: ['MESSENGER'],
    });
    expect(present.body).toMatchObject({
      external_id: 'e2',
      display_name: 'Bob',
      channel_priority: ['MESSENGER'],
    });
  });

  test('merging keeps the destination and takes over what it lacks', async () => {
    const source = await contact({
      channel_identities: [{ channel: 'SMS', identity: '+31600000001' }],
      email: 'source@example.com',
    });
    const destination = await contact({ display_name: 'Kept' });
    const { status, body } = await rest('POST', `contacts/${destination.id}:merge`, {
      source_id: source.id,
      strategy: 'MERGE',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: destination.id, display_name: 'Kept', email: 'source@example.com' });
    expect((body.channel_identities as Json[]).map(({ channel }) => channel)).toEqual(['MESSENGER', 'SMS']);
    expect((await rest('GET', `contacts/${source.id}`)).status).toBe(404);
    expect((await rest('DELETE', `contacts/${destination.id}`)).body).toEqual({});
    expect((await rest('DELETE', `contacts/${destination.id}`)).status).toBe(404);
  });

  test('numbers that different contacts have on different channels are listed', async () => {
    await contact({ channel_identities: [{ channel: 'SMS', identity: '+4970000' }] });
    await contact({ channel_identities: [{ channel: 'RCS', identity: '+4970000' }] });
    const { body } = await rest<{ conflicts: Json[] }>('GET', 'contacts:identityConflicts');
    expect(body.conflicts).toEqual([
      {
        identity: '4970000',
        channels: ['RCS', 'SMS'],
        contact_ids: [expect.any(String), expect.any(String)],
      },
    ]);
  });

  test('a profile that cannot be had says why', async () => {
    const { id } = await contact();
    const answer = await rest('POST', 'contacts:getChannelProfile', {
      app_id: appId,
      recipient: { contact_id: id },
      channel: 'MESSENGER',
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: {
        status: 'FAILED_PRECONDITION',
        message: expect.stringContaining('CHANNEL_CONFIGURATION_MISSING'),
      },
    });
    const elsewhere = await rest('POST', 'contacts:getChannelProfile', {
      app_id: NOBODYS,
      recipient: { contact_id: id },
      channel: 'MESSENGER',
    });
    expect(elsewhere.status).toBe(404);
  });
});

describe('conversations', () => {
  test('a conversation is made with defaults, stopped, and then may be followed by another', async () => {
    const { id } = await contact();
    const made = await conversation(id, { metadata: 'm', metadata_json: { a_b: 1 } });
    expect(made).toEqual({
      id: expect.any(String),
      app_id: appId,
      contact_id: id,
      active: true,
      active_channel: 'CHANNEL_UNSPECIFIED',
      last_received: '1970-01-01T00:00:00Z',
      metadata: 'm',
      metadata_json: { a_b: 1 },
      correlation_id: '',
      active_channel_senders: [],
    });
    const second = await rest('POST', 'conversations', { app_id: appId, contact_id: id });
    expect(second.status).toBe(409);
    expect((await rest('POST', `conversations/${made.id}:stop`)).body).toEqual({});
    expect((await rest('POST', `conversations/${made.id}:stop`)).body).toEqual({});
    expect((await rest('GET', `conversations/${made.id}`)).body).toMatchObject({ active: false });
    await conversation(id);
  });

  test('metadata is replaced, or patched where asked', async () => {
    const { id } = await contact();
    const made = await conversation(id, { metadata_json: { a: 1, b: { c: 2 } } });
    const path = `conversations/${made.id}`;
    const patched = await rest('PATCH', `${path}?metadata_update_strategy=MERGE_PATCH`, {
      metadata_json: { a: null, b: { d: 3 } },
    });
    expect(patched.body).toMatchObject({ metadata_json: { b: { c: 2, d: 3 } } });
    const replaced = await rest('PATCH', `${path}?metadata_update_strategy=REPLACE`, {
      metadata_json: { e: 1 },
      correlation_id: 'c',
      active: false,
    });
    expect(replaced.body).toMatchObject({ metadata_json: { e: 1 }, correlation_id: 'c', active: false });
    const reset = await rest('PATCH', `${path}?update_mask=correlation_id,metadata_json`, {});
    expect(reset.body).toMatchObject({ metadata_json: null, correlation_id: '' });
  });

  test('a conversation passes to another app, and its labels with it', async () => {
    const { createApp: other } = await app.graphql<{ createApp: { id: string } }>(
      `mutation { createApp(input: {displayName: "Other"}) { id } }`,
    );
    const { id } = await contact();
    const made = await conversation(id);
    await app.graphql(
      `mutation ($id: ID!) { updateConversation(id: $id, input: {labels: ["vip"]}) { id } }`,
      { id: made.id },
    );
    const moved = await rest('PATCH', `conversations/${made.id}`, { app_id: other.id });
    expect(moved.body).toMatchObject({ app_id: other.id });
    const { inbox } = await app.graphql<{ inbox: { edges: unknown[] } }>(
      `query ($appId: ID!) { inbox(appId: $appId, filter: {labels: ["vip"]}) { edges { node { id } } } }`,
      { appId: other.id },
    );
    expect(inbox.edges).toEqual([{ node: { id: made.id } }]);
    const unknown = await rest('PATCH', `conversations/${made.id}`, { app_id: NOBODYS });
    expect(unknown.status).toBe(404);
  });

  test('a conversation without its app or contact is refused by the field that lacks', async () => {
    const { id } = await contact();
    expect(fieldsOf(await rest('POST', 'conversations', { contact_id: id }))).toEqual([400, 'app_id']);
    expect(fieldsOf(await rest('POST', 'conversations', { app_id: appId }))).toEqual([400, 'contact_id']);
    const { id: made } = await conversation(id);
    for (const field of ['app_id', 'contact_id'])
      expect(fieldsOf(await rest('PATCH', `conversations/${made}?update_mask=${field}`, {}))).toEqual([
        400,
        field,
      ]);
    expect((await rest('GET', `conversations/${made}`)).body).toMatchObject({
      app_id: appId,
      contact_id: id,
    });
  });

  test('metadata has the length that sends have, also once patches have been merged', async () => {
    const half = { text: 'x'.repeat(1_100) };
    const whole = { text: 'x'.repeat(2_100) };
    const { id } = await contact();
    const given = { app_id: appId, contact_id: id };
    expect(fieldsOf(await rest('POST', 'conversations', { ...given, metadata_json: whole }))).toEqual([
      400,
      'metadata_json',
    ]);
    const made = await conversation(id, { metadata_json: half });
    const merge = `conversations/${made.id}?metadata_update_strategy=MERGE_PATCH`;
    const tooMuch = [
      await rest('PATCH', `conversations/${made.id}`, { metadata_json: whole }),
      await rest('PATCH', merge, { metadata_json: { more: half } }),
    ];
    expect(tooMuch.map(fieldsOf)).toEqual([
      [400, 'metadata_json'],
      [400, 'metadata_json'],
    ]);
    expect((await rest('PATCH', merge, { metadata_json: { text: null, more: half } })).body).toMatchObject({
      metadata_json: { more: half },
    });
  });

  test('a conversation on a channel that Parley does not speak has no messaging window', async () => {
    const { id } = await contact();
    const made = await conversation(id, { active_channel: 'SMS' });
    const { conversation: shown } = await app.graphql<{ conversation: unknown }>(
      `query ($id: ID!) { conversation(id: $id) { activeChannel messagingWindow { open } } }`,
      { id: made.id },
    );
    expect(shown).toEqual({ activeChannel: 'SMS', messagingWindow: null });
  });

  test('lists are by app or contact, with what is active, and counted on the first page', async () => {
    const { id } = await contact();
    const first = await conversation(id);
    await rest('POST', `conversations/${first.id}:stop`);
    const second = await conversation(id);
    const list = async (query: string): Promise<Json & { conversations: Json[] }> =>
      (await rest<Json & { conversations: Json[] }>('GET', `conversations?${query}`)).body;
    const ids = ({ conversations }: { conversations: Json[] }): unknown[] =>
      conversations.map((found) => found.id);
    expect(ids(await list(`contact_id=${id}`))).toEqual([second.id, first.id]);
    expect(ids(await list(`contact_id=${id}&only_active=true`))).toEqual([second.id]);
    expect(ids(await list(`contact_id=${id}&only_active=false`))).toEqual([first.id]);
    const page = await list(`contact_id=${id}&page_size=1`);
    expect(page.total_size).toBe(2);
    const rest2 = await list(`contact_id=${id}&page_size=1&page_token=${String(page.next_page_token)}`);
    expect(ids(rest2)).toEqual([first.id]);
    expect(rest2.next_page_token).toBe('');
    expect((await rest('GET', 'conversations')).status).toBe(400);
  });

  test('the recent ones come with their last message, either way round', async () => {
    const recent = async (
      order: string,
    ): Promise<{ conversation: { id: string }; last_message: unknown }[]> => {
      const { body } = await rest<{
        conversations: { conversation: { id: string }; last_message: unknown }[];
      }>('GET', `conversations:recent?app_id=${appId}&page_size=50&order=${order}`);
      return body.conversations;
    };
    const down = await recent('DESC');
    const up = await recent('ASC');
    expect(down.length).toBeGreaterThan(1);
    expect(up.map(({ conversation: { id } }) => id)).toEqual(
      down.map(({ conversation: { id } }) => id).reverse(),
    );
    expect(down[0]).toMatchObject({ last_message: null });
    expect((await rest('GET', 'conversations:recent')).status).toBe(400);
  });

  test('a deleted conversation is gone', async () => {
    const { id } = await contact();
    const made = await conversation(id);
    expect((await rest('DELETE', `conversations/${made.id}`)).body).toEqual({});
    expect((await rest('GET', `conversations/${made.id}`)).status).toBe(404);
  });
});

describe('a conversation that has passed to another app', () => {
  interface Told {
    __typename: string;
    conversationId?: string;
    message?: { id: string };
    changes?: { field: string; from: unknown; to: unknown }[];
  }
  const PULL = `query ($appId: ID!, $after: String) { events(appId: $appId, after: $after) { edges { node { __typename
    ... on ConversationRemoved { conversationId } ... on MessageUpdated { message { id } }
    ... on ConversationUpdated { changes { field from to } } } } pageInfo { endCursor } } }`;
  let from: TestPage;
  let to: TestPage;
  let psid: string;
  let conversationId: string;
  let messageId: string;
  let before: string;

  async function says(text: string): Promise<void> {
    const { pageId } = from;
    expect((await postWebhook(app, from, envelope(pageId, textItem(pageId, psid, text)))).status).toBe(200);
  }

  async function pulled(appId: string, authorization?: string, after?: string): Promise<Told[]> {
    const { data, errors } = await app.ask<{ events: { edges: { node: Told }[] } }>(
      PULL,
      { appId, after },
      authorization,
    );
    if (!data) throw new Error(JSON.stringify(errors));
    return data.events.edges.map(({ node }) => node);
  }

  async function conversations(of: TestPage): Promise<string[]> {
    const { body } = await rest<{ conversations: { id: string }[] }>(
      'GET',
      `conversations?app_id=${of.appId}`,
    );
    return body.conversations.map(({ id }) => id);
  }

  beforeAll(async () => {
    from = await connectPage(app);
    to = await connectPage(app);
    psid = newPsid();
    await says('Hello');
    conversationId = (await conversations(from))[0] ?? '';
    const { body } = await rest<{ messages: { id: string }[] }>(
      'GET',
      `messages?conversation_id=${conversationId}`,
    );
    messageId = body.messages[0]?.id ?? '';
    const { events } = await app.graphql<{ events: { pageInfo: { endCursor: string } } }>(PULL, {
      appId: from.appId,
    });
    before = events.pageInfo.endCursor;
    const moved = await rest('PATCH', `conversations/${conversationId}`, { app_id: to.appId });
    expect(moved.body).toMatchObject({ app_id: to.appId });
    await rest('PATCH', `messages/${messageId}`, { metadata: 'looked at' });
    await eventually(
      async () => (await pulled(from.appId)).some(({ __typename }) => __typename === 'MessageUpdated'),
      'the last event',
    );
  });

  test('is gone from the inbox that it was in, and told once in its history', async () => {
    const changes = [{ field: 'appId', from: from.appId, to: to.appId }];
    const removed = { __typename: 'ConversationRemoved', conversationId };
    const updated = { __typename: 'MessageUpdated', message: { id: messageId } };
    const byKey = await pulled(from.appId, app.authorization, before);
    expect(byKey.filter(({ __typename }) => __typename !== 'ContactUpdated')).toEqual([removed, updated]);
    expect(await pulled(to.appId)).toContainEqual({ __typename: 'ConversationUpdated', changes });
    const { conversation: shown } = await app.graphql<{
      conversation: { history: { edges: { node: Told }[] } };
    }>(
      `query ($id: ID!) { conversation(id: $id) { history { edges { node { changes { field from to } } } } } }`,
      { id: conversationId },
    );
    expect(shown.history.edges.map(({ node }) => node.changes)).toEqual([changes, []]);
  });

  test('is out of reach for who may only see the app that it was with', async () => {
    const viewer = await inboxToken(app, 'VIEWER', from.appId);
    const told = await pulled(from.appId, viewer, before);
    expect(told.filter(({ __typename }) => __typename !== 'ContactUpdated')).toEqual([
      { __typename: 'ConversationRemoved', conversationId },
    ]);
    const MESSAGE = `query ($id: ID!) { message(id: $id) { id conversation { id notes { edges { cursor } } } } }`;
    expect((await app.ask(MESSAGE, { id: messageId }, viewer)).data).toEqual({
      message: { id: messageId, conversation: null },
    });
    const both = await inboxToken(app, 'VIEWER', from.appId, to.appId);
    expect((await app.ask(MESSAGE, { id: messageId }, both)).data).toMatchObject({
      message: { conversation: { id: conversationId } },
    });
  });

  test('is not where the person goes on: their next message opens one with the app they write to', async () => {
    await says('Still here');
    const [begun, ...others] = await conversations(from);
    expect(others).toEqual([]);
    expect(begun).not.toBe(conversationId);
    expect(await conversations(to)).toEqual([conversationId]);
    const said = async (id: string | undefined): Promise<unknown[]> =>
      (await rest<{ messages: Json[] }>('GET', `messages?conversation_id=${id}`)).body.messages.map(
        ({ contact_message: message }) => message,
      );
    expect(await said(begun)).toMatchObject([{ text_message: { text: 'Still here' } }]);
    expect(await said(conversationId)).toMatchObject([{ text_message: { text: 'Hello' } }]);
  });
});

test('another project is told apart from a wrong path and from wrong credentials', async () => {
  expect((await rest('GET', '/v1/projects/other/contacts')).status).toBe(403);
  expect((await rest('GET', 'nothing')).status).toBe(404);
  const { status, headers } = await rest('GET', 'contacts', undefined, { authorization: 'Basic bm86bm8=' });
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).not.toBeNull();
});
