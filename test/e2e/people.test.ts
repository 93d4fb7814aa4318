// Who people are: what their channel tells of them, two contacts made one, and a person forgotten.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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
import { startReceiver, type Receiver } from '../support/receiver.js';
import { Records } from '../support/records.js';
import { Sending } from '../support/sending.js';

interface ContactView {
  id: string;
  displayName: string | null;
  language: string;
  email: string | null;
  channelPriority: string[];
  channelIdentities: {
    channel: string;
    identity: string;
    appId: string | null;
    profile: Record<string, unknown> | null;
  }[];
}

const CONTACT = `id displayName language email channelPriority channelIdentities { channel identity appId
  profile { name firstName lastName pictureUrl locale timezone gender answeredAt error } }`;

let app: TestApp;
let records: Records;
let sending: Sending;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
  sending = new Sending(app);
  page = await connectPage(app);
});
afterEach(() => sending.clearFaults());
afterAll(async () => {
  await records.close();
  await app.stop();
});

async function says(psid: string, text: string, to = page): Promise<void> {
  const { delivered } = await app.sandbox<{ delivered: { status: number } }>(`people/${psid}/messages`, {
    page_id: to.pageId,
    text,
  });
  expect(delivered.status).toBe(200);
}

async function contactOf(psid: string, of = page): Promise<ContactView> {
  const rows = await records.query<{ contact_id: string }>(
    'SELECT contact_id FROM channel_identities WHERE app_id = $1 AND identity = $2',
    [of.appId, psid],
  );
  if (!rows[0]) throw new Error(`nobody is ${psid}`);
  return contact(rows[0].contact_id);
}

async function contact(id: string): Promise<ContactView> {
  return (
    await app.graphql<{ contact: ContactView }>(`query ($id: ID!) { contact(id: $id) { ${CONTACT} } }`, {
      id,
    })
  ).contact;
}

function profileOf({ channelIdentities }: ContactView): Record<string, unknown> | null {
  return channelIdentities[0]?.profile ?? null;
}

/** The contact once its channel has answered. Read anew, for a contact and its profile are two statements of one query. */
async function asked(psid: string): Promise<ContactView> {
  await eventually(async () => profileOf(await contactOf(psid))?.answeredAt, `the profile of ${psid}`);
  return contactOf(psid);
}

async function calls(psid: string): Promise<{ status?: number; params: { fields: string } }[]> {
  const { data } = await app.sandbox<{
    data: { path: string; status?: number; params: { fields: string } }[];
  }>(`calls?path=${psid}`);
  return data.filter(({ path }) => path === `/${psid}`);
}

async function faultFor(psid: string, what: Record<string, unknown>): Promise<void> {
  const { error } = await app.sandbox<{ error?: { fbtrace_id?: string } }>('faults', { path: psid, ...what });
  expect(error?.fbtrace_id, 'refused').toBeUndefined();
}

async function kinds(appId: string, contactId: string): Promise<string[]> {
  const rows = await records.query<{ kind: string }>(
    'SELECT kind FROM events WHERE app_id = $1 AND contact_id = $2 ORDER BY xact, seq',
    [appId, contactId],
  );
  return rows.map(({ kind }) => kind);
}

async function jobsAreDone(): Promise<void> {
  await eventually(async () => {
    const rows = await records.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM graphile_worker.jobs WHERE task_identifier = 'profiles'`,
    );
    return rows[0]?.n === 0;
  }, 'the end of the profile jobs');
}

describe('the profile', () => {
  test('of somebody who writes for the first time is asked for once, fills in the contact, and is told', async () => {
    const psid = newPsid();
    await app.sandbox('people', {
      ...{ psid, page_id: page.pageId, first_name: 'Zoë', last_name: 'Quist' },
      ...{ locale: 'pt_BR', timezone: -3.5, gender: 'female' },
    });
    await says(psid, 'Hello');
    await says(psid, 'Anybody there?');
    const found = await asked(psid);
    expect(found).toMatchObject({ displayName: 'Zoë Quist', language: 'PT_BR', email: null });
    expect(profileOf(found)).toMatchObject({
      ...{ name: 'Zoë Quist', firstName: 'Zoë', lastName: 'Quist', locale: 'pt_BR', timezone: -3.5 },
      ...{ gender: 'female', error: null, pictureUrl: expect.stringMatching(/^http/) as unknown },
    });
    await says(psid, 'Hello?');
    await jobsAreDone();
    expect(await calls(psid)).toHaveLength(1);
    expect((await kinds(page.appId, found.id)).filter((kind) => kind.startsWith('contact'))).toEqual([
      'contact.created',
      'contact.updated',
    ]);
  });

  test('leaves a name and a language that somebody has set', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, first_name: 'Bob', locale: 'de_DE' });
    await faultFor(psid, { kind: 'graph_error', error: { code: 2, is_transient: true } });
    await says(psid, 'Hello');
    const { id } = await contactOf(psid);
    await app.graphql(
      `mutation ($id: ID!) { updateContact(id: $id, input: { displayName: "Robert", language: "EN_GB" }) { id } }`,
      { id },
    );
    const found = await asked(psid);
    expect(found).toMatchObject({ displayName: 'Robert', language: 'EN_GB' });
    expect(profileOf(found)).toMatchObject({ firstName: 'Bob', locale: 'de_DE' });
  });

  test('that the channel does not give is missed softly, and it is said why', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId });
    const error = {
      code: 100,
      error_subcode: 2018218,
      message: '(#100) No profile available for this user.',
    };
    await faultFor(psid, { kind: 'graph_error', error, count: 5 });
    await says(psid, 'Hello');
    const found = await asked(psid);
    expect(found).toMatchObject({ displayName: null, language: 'UNSPECIFIED' });
    expect(profileOf(found)).toMatchObject({
      name: null,
      error: expect.stringContaining('NO_PROFILE_AVAILABLE') as unknown,
    });
    const rows = await records.query('SELECT due_at FROM channel_profiles WHERE identity = $1', [psid]);
    expect(rows).toEqual([{ due_at: null }]);
  });

  test('is asked for without the fields that the app may not have', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, first_name: 'Cleo', last_name: 'Dee' });
    await faultFor(psid, { kind: 'graph_error', error: { code: 100, error_subcode: 2018247 }, count: 1 });
    await says(psid, 'Hello');
    const found = await asked(psid);
    expect(found).toMatchObject({ displayName: 'Cleo Dee', language: 'UNSPECIFIED' });
    expect((await calls(psid)).map(({ params }) => params.fields.includes('locale'))).toEqual([true, false]);
  });

  test('of nobody is asked for while the channel wants fewer calls, and then it is', async () => {
    const other = await connectPage(app);
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: other.pageId, first_name: 'Dan' });
    await faultFor(psid, { kind: 'graph_error', error: { code: 32 }, count: 1 });
    await says(psid, 'Hello', other);
    await eventually(async () => {
      const rows = await records.query('SELECT FROM channel_pauses WHERE app_id = $1', [other.appId]);
      return rows.length > 0;
    }, 'a pause');
    await eventually(
      async () => (await contactOf(psid, other)).displayName?.startsWith('Dan'),
      'the profile',
    );
  });

  test('does not hold up what comes in when Graph hangs', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId });
    await faultFor(psid, { kind: 'slow', delay_ms: 10_000, count: 1 });
    const started = Date.now();
    await says(psid, 'one');
    await says(psid, 'two');
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(profileOf(await contactOf(psid))).toBeNull();
  });

  test('is asked for again after a month in which the person has written, and only then', async () => {
    const [silent, talking] = [newPsid(), newPsid()];
    for (const psid of [silent, talking]) {
      await app.sandbox('people', { psid, page_id: page.pageId, first_name: 'Eve', last_name: '' });
      await says(psid, 'Hello');
      await asked(psid);
    }
    await jobsAreDone();
    await app.sandbox('people', { psid: talking, page_id: page.pageId, first_name: 'Eva' });
    await app.sandbox('people', { psid: silent, page_id: page.pageId, first_name: 'Eva' });
    await records.query(
      `UPDATE channel_profiles SET due_at = now(), answered_at = now() - interval '31 days' WHERE identity = $1`,
      [talking],
    );
    await records.query(
      `UPDATE channel_profiles SET due_at = now(), answered_at = now() + interval '1 second' WHERE identity = $1`,
      [silent],
    );
    await eventually(async () => (await contactOf(talking)).displayName === 'Eva', 'the new name');
    await eventually(async () => {
      const rows = await records.query<{ due: boolean }>(
        'SELECT due_at <= now() AS due FROM channel_profiles WHERE identity = $1',
        [silent],
      );
      return rows[0]?.due === false;
    }, 'a postponement');
    expect((await contactOf(silent)).displayName).toBe('Eve');
    expect(await calls(silent)).toHaveLength(1);
  });
});

const MERGE = `mutation ($source: ID!, $destination: ID!) {
  mergeContacts(sourceId: $source, destinationId: $destination) { ${CONTACT} } }`;

async function conversations(
  contactId: string,
): Promise<{ id: string; active: boolean; unread_count: number; last_message_id: string }[]> {
  return records.query(
    'SELECT id, active, unread_count, last_message_id FROM conversations WHERE contact_id = $1 ORDER BY id',
    [contactId],
  );
}

async function texts(conversationId: string): Promise<(string | undefined)[]> {
  const { conversation } = await app.graphql<{
    conversation: { messages: { edges: { node: { content: { text?: string } } }[] } };
  }>(
    `query ($id: ID!) { conversation(id: $id) { messages(last: 50) { edges { node { content { ... on TextMessage { text } } } } } } }`,
    { id: conversationId },
  );
  return conversation.messages.edges.map(({ node }) => node.content.text);
}

describe('merging', () => {
  test('makes one conversation of two, in order, with all that is unread', async () => {
    const [anna, ann] = [newPsid(), newPsid()];
    for (const [psid, text] of [
      [anna, 'one'],
      [ann, 'two'],
      [anna, 'three'],
      [ann, 'four'],
    ] as const)
      await says(psid, text);
    const [source, destination] = [await contactOf(anna), await contactOf(ann)];
    const [before] = await conversations(source.id);
    const { mergeContacts: merged } = await app.graphql<{ mergeContacts: ContactView }>(MERGE, {
      source: source.id,
      destination: destination.id,
    });
    expect(merged.id).toBe(destination.id);
    // A second identity with the same app stays behind: the API has it so.
    expect(merged.channelIdentities.map(({ identity }) => identity)).toEqual([ann]);
    const [kept, ...others] = await conversations(destination.id);
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ active: true, unread_count: 4 });
    expect(await texts(kept?.id ?? '')).toEqual(['one', 'two', 'three', 'four']);
    const last = await records.messages(page.appId);
    expect(kept?.last_message_id).toBe(
      last.filter(({ conversationId }) => conversationId === kept?.id).at(-1)?.id,
    );
    expect(before?.id).not.toBe(kept?.id);
    expect(await conversations(source.id)).toEqual([]);
    expect(await app.ask(`query ($id: ID!) { contact(id: $id) { id } }`, { id: source.id })).toMatchObject({
      errors: [{ extensions: { code: 'NOT_FOUND' } }],
    });
    const told = await kinds(page.appId, destination.id);
    expect(told.slice(-3)).toEqual(['contact.merged', 'conversation.deleted', 'conversation.updated']);
    expect(await kinds(page.appId, source.id)).toEqual([]);
    const { markConversationRead } = await app.graphql<{ markConversationRead: { unreadCount: number } }>(
      `mutation ($id: ID!) { markConversationRead(id: $id) { unreadCount } }`,
      { id: kept?.id },
    );
    expect(markConversationRead.unreadCount).toBe(0);
    await says(ann, 'five');
    expect((await texts(kept?.id ?? '')).at(-1)).toBe('five');
  });

  test('brings identities, empty fields and conversations of other apps along; who writes next is the destination', async () => {
    const psid = newPsid();
    await says(psid, 'from Messenger');
    const source = await asked(psid);
    await app.graphql(
      `mutation ($id: ID!) { updateContact(id: $id, input: { email: "s@example.org", displayName: "Source" }) { id } }`,
      { id: source.id },
    );
    const { createContact } = await app.graphql<{ createContact: { id: string } }>(
      `mutation { createContact(input: { displayName: "Kept", channelPriority: [SMS], channelIdentities: [{ channel: SMS, identity: "+120155501${Math.floor(Math.random() * 89) + 10}" }] }) { id } }`,
    );
    const { mergeContacts: merged } = await app.graphql<{ mergeContacts: ContactView }>(MERGE, {
      source: source.id,
      destination: createContact.id,
    });
    expect(merged).toMatchObject({
      ...{ id: createContact.id, displayName: 'Kept', email: 's@example.org' },
      channelPriority: ['SMS', 'MESSENGER'],
    });
    expect(merged.channelIdentities.map(({ channel }) => channel)).toEqual(['SMS', 'MESSENGER']);
    expect(merged.channelIdentities[1]?.profile).toMatchObject({ error: null });
    await says(psid, 'again');
    const [only, ...others] = await conversations(createContact.id);
    expect(others).toEqual([]);
    expect(await texts(only?.id ?? '')).toEqual(['from Messenger', 'again']);
    const owners = await records.query<{ contact_id: string }>(
      'SELECT DISTINCT contact_id FROM messages WHERE conversation_id = $1',
      [only?.id],
    );
    expect(owners).toEqual([{ contact_id: createContact.id }]);
  });

  test('while both are written to by their people loses nothing', async () => {
    const [first, second] = [newPsid(), newPsid()];
    await says(first, 'a0');
    await says(second, 'b0');
    const [source, destination] = [await contactOf(first), await contactOf(second)];
    const talk = async (psid: string, name: string): Promise<void> => {
      for (let index = 1; index <= 8; index += 1) await says(psid, `${name}${index}`);
    };
    const merge = app.graphql(MERGE, { source: source.id, destination: destination.id });
    await Promise.all([talk(first, 'a'), talk(second, 'b'), merge]);
    const rows = await records.query<{ text: string; contact_id: string; owner: string }>(
      `SELECT m.content -> 'text_message' ->> 'text' AS text, m.contact_id, c.contact_id AS owner
       FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.identity = ANY($1)`,
      [[first, second]],
    );
    expect(rows.map(({ text }) => text).sort()).toEqual(
      ['a', 'b'].flatMap((name) => Array.from({ length: 9 }, (_, index) => `${name}${index}`)),
    );
    expect(rows.every(({ contact_id, owner }) => contact_id === owner)).toBe(true);
    expect(rows.some(({ owner }) => owner === source.id)).toBe(false);
    const counts = await records.query<{ unread_count: number; counted: number }>(
      `SELECT c.unread_count, (SELECT count(*)::int FROM messages m WHERE m.conversation_id = c.id) AS counted
       FROM conversations c WHERE c.id IN (SELECT conversation_id FROM messages WHERE identity = ANY($1))`,
      [[first, second]],
    );
    for (const { unread_count, counted } of counts) expect(unread_count).toBe(counted);
  });

  test('takes what waits to be sent along, once a message that is leaving has left', async () => {
    const [first, second] = [await sending.person(page), await sending.person(page)];
    await sending.fault(page, { kind: 'slow', delay_ms: 1_500 });
    const ids = [await sending.send(page, first, 'slow'), await sending.send(page, first, 'after it')];
    await eventually(async () => {
      const rows = await records.query(
        'SELECT FROM sends WHERE message_id = ANY($1) AND attempt_by IS NOT NULL',
        [ids],
      );
      return rows.length > 0;
    }, 'a send under way');
    const [source, destination] = [await contactOf(first), await contactOf(second)];
    await app.graphql(MERGE, { source: source.id, destination: destination.id });
    for (const id of ids) await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(await sending.seen(page, first)).toEqual(['slow', 'after it']);
    expect(await records.query('SELECT FROM sends WHERE message_id = ANY($1)', [ids])).toEqual([]);
  });

  test('of a contact with itself, or with nobody, is refused', async () => {
    const psid = newPsid();
    await says(psid, 'Hello');
    const { id } = await contactOf(psid);
    expect(await app.ask(MERGE, { source: id, destination: id })).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'sourceId' }] } }],
    });
    expect(await app.ask(MERGE, { source: id, destination: 'nobody' })).toMatchObject({
      errors: [{ extensions: { code: 'NOT_FOUND' } }],
    });
  });

  test('is told to webhooks with both contacts', async () => {
    const receiver: Receiver = await startReceiver();
    try {
      await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
        input: {
          appId: page.appId,
          target: receiver.url,
          triggers: ['CONTACT_MERGE', 'CONVERSATION_DELETE'],
        },
      });
      const [first, second] = [newPsid(), newPsid()];
      await says(first, 'one');
      await says(second, 'two');
      const [source, destination] = [await contactOf(first), await contactOf(second)];
      await app.graphql(MERGE, { source: source.id, destination: destination.id });
      const bodies = await eventually(
        () => receiver.requests.length >= 2 && receiver.requests,
        'the callbacks',
      );
      expect(bodies.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
        {
          contact_merge_notification: {
            preserved_contact: { id: destination.id },
            deleted_contact: { id: source.id, channel_identities: [{ identity: first }] },
          },
        },
        { conversation_delete_notification: { conversation: { active: false } } },
      ]);
    } finally {
      await receiver.close();
    }
  });
});

describe('erasing', () => {
  const DELETE = `mutation ($id: ID!) { deleteContact(id: $id) }`;

  test('leaves nothing of the person anywhere, and who writes again is somebody new', async () => {
    const psid = newPsid();
    await app.sandbox('people', { psid, page_id: page.pageId, first_name: 'Unforgettable', last_name: 'X' });
    await says(psid, 'unforgettable words');
    const { id } = await asked(psid);
    const sent = await sending.send(page, psid, 'unforgettable answer');
    // The last that the channel tells of it: what comes after the person has gone would be somebody's again.
    await sending.reaches(sent, 'READ');
    await app.graphql(DELETE, { id });
    const tables = await records.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
    );
    for (const { name } of tables) {
      const rows = await records.query<{ row: string }>(
        `SELECT t::text AS row FROM ${name} t WHERE t::text ILIKE '%unforgettable%' OR t::text LIKE '%' || $1 || '%'`,
        [psid],
      );
      expect(rows, name).toEqual([]);
    }
    await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'me again')));
    const again = await contactOf(psid);
    expect(again.id).not.toBe(id);
    const { conversation_id } = (
      await records.query<{ conversation_id: string }>(
        'SELECT conversation_id FROM messages WHERE identity = $1',
        [psid],
      )
    )[0] as { conversation_id: string };
    expect(await texts(conversation_id)).toEqual(['me again']);
  });

  test('still tells whoever was cut off that a conversation and a merged contact had gone before', async () => {
    const receiver = await startReceiver();
    let up = false;
    receiver.answer(() => (up ? 200 : 503));
    try {
      const own = await connectPage(app);
      await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
        input: {
          appId: own.appId,
          target: receiver.url,
          triggers: ['CONTACT_MERGE', 'CONVERSATION_DELETE', 'CONTACT_DELETE'],
        },
      });
      const [first, second] = [newPsid(), newPsid()];
      await says(first, 'unforgotten one', own);
      await says(second, 'unforgotten two', own);
      const [source, { id }] = [await contactOf(first, own), await contactOf(second, own)];
      await app.graphql(MERGE, { source: source.id, destination: id });
      const [talk] = await records.query<{ id: string }>(
        `SELECT id FROM conversations WHERE contact_id = $1`,
        [id],
      );
      await app.graphql(`mutation ($id: ID!) { deleteConversation(id: $id) }`, { id: talk?.id });
      await app.graphql(DELETE, { id });
      const before = receiver.requests.length;
      up = true;
      const told = (): Record<string, unknown>[] =>
        receiver.requests.slice(before).map(({ json }) => json ?? {});
      const keys = ['contact_merge', 'conversation_delete', 'contact_delete'];
      await receiver.waitFor(
        () => keys.every((key) => told().some((body) => `${key}_notification` in body)),
        60_000,
      );
      expect(told()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            contact_merge_notification: {
              preserved_contact: expect.objectContaining({ id, channel_identities: [] }),
              deleted_contact: expect.objectContaining({ id: source.id, channel_identities: [] }),
            },
          }),
          expect.objectContaining({
            conversation_delete_notification: {
              conversation: expect.objectContaining({ id: talk?.id, contact_id: id, active: false }),
            },
          }),
        ]),
      );
    } finally {
      await receiver.close();
    }
  });

  test('while the person writes keeps nothing of what the erased contact had', async () => {
    const psid = newPsid();
    await says(psid, 'word 0');
    const { id } = await contactOf(psid);
    const talk = (async () => {
      for (let index = 1; index <= 10; index += 1) await says(psid, `word ${index}`);
    })();
    await app.graphql(DELETE, { id });
    await talk;
    const kept = await records.query(
      `SELECT FROM events WHERE contact_id = $1 AND kind NOT IN ('contact.deleted', 'conversation.deleted') AND NOT payload ? 'erased'`,
      [id],
    );
    expect(kept).toEqual([]);
    expect(await records.query(`SELECT FROM channel_identities WHERE contact_id = $1`, [id])).toEqual([]);
    const unsupported = await records.query(
      `SELECT FROM events WHERE kind = 'channel.unsupported' AND payload ->> 'identity' = $1`,
      [psid],
    );
    expect(unsupported).toEqual([]);
    expect((await contactOf(psid)).id).not.toBe(id);
  });

  test('finds the events of a person by an index, not by reading the log', async () => {
    await records.query('SET enable_seqscan = off');
    const plan = await records.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN UPDATE events SET payload = '{}' WHERE project_id = 'p' AND contact_id = 'c'`,
    );
    await records.query('RESET enable_seqscan');
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).not.toContain('Seq Scan');
    expect(text).toMatch(/contact_id/);
  });
});
