// What apps keep, for how long, and that nothing outlives it.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventLog } from '../../src/events/event-log.js';
import { idAt, newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import { MediaStorage } from '../../src/media/storage.js';
import { expireConversations } from '../../src/retention/expire-conversations.js';
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

interface Conversation {
  id: string;
  contactId: string;
  unreadCount: number;
  lastMessageId: string | null;
  counted: number;
  latest: string | null;
}

let app: TestApp;
let records: Records;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
  // The log's own partitions begin the day before they were made.
  const [{ before, first } = {}] = await records.query<{ before?: string; first?: string }>(
    `SELECT to_char(min(day) - 1, 'YYYYMMDD') AS before, min(day)::text AS first FROM (
       SELECT to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') AS day FROM pg_inherits WHERE inhparent = 'events'::regclass) AS days`,
  );
  await records.query(
    `CREATE TABLE events_${before} PARTITION OF events FOR VALUES FROM ('2000-01-01') TO ('${first} 00:00+00')`,
  );
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * 86_400_000);
}

async function keep(page: TestPage, retentionType: string, ttlDays?: number): Promise<void> {
  await app.graphql(
    `mutation ($id: ID!, $input: UpdateAppInput!) { updateApp(id: $id, input: $input) { id } }`,
    {
      id: page.appId,
      input: { retentionPolicy: { retentionType, ttlDays } },
    },
  );
}

/** Begins the day's work; the rest is done by jobs. */
async function night(): Promise<void> {
  await app.parley.app.get(JobsService, { strict: false }).upkeep();
}

async function says(page: TestPage, psid: string, text: string): Promise<void> {
  await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, text)));
}

/** Somebody's conversation, which begins now. */
async function talk(page: TestPage, psid = newPsid()): Promise<Conversation> {
  await says(page, psid, 'Hello');
  const [found] = await records.query<Conversation>(
    `SELECT c.id, c.contact_id AS "contactId" FROM conversations c JOIN channel_identities i USING (project_id, contact_id)
     WHERE i.identity = $1 AND c.app_id = $2`,
    [psid, page.appId],
  );
  if (!found) throw new Error('nobody talks');
  return found;
}

/** Messages of the person of some days ago, unread, as they would have been received then. Returns their ids. */
async function aged(page: TestPage, { id, contactId }: Conversation, ages: number[]): Promise<string[]> {
  const rows = ages.map((age) => ({ id: idAt(daysAgo(age)), at: daysAgo(age) }));
  await records.query(
    `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, sent_by, accept_time)
     SELECT $1, r.id, $2, $3, $4, 'TO_APP', 'MESSENGER', 'x', '{"text_message": {"text": "long ago"}}', 'CONTACT', r.at
     FROM jsonb_to_recordset($5::jsonb) AS r(id text, at timestamptz)`,
    [app.projectId, page.appId, id, contactId, JSON.stringify(rows)],
  );
  await records.query(
    `UPDATE conversations c SET unread_count = unread_count + $2, last_message_id = (SELECT max(id) FROM messages m WHERE m.conversation_id = c.id)
     WHERE id = $1`,
    [id, ages.length],
  );
  return rows.map((row) => row.id);
}

async function logged(
  page: TestPage,
  { id, contactId }: Pick<Conversation, 'id' | 'contactId'>,
  kind: string,
  age: number,
  payload: object,
): Promise<string> {
  const eventId = newId();
  await records.query(
    `INSERT INTO events (project_id, app_id, id, kind, conversation_id, contact_id, payload, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      app.projectId,
      page.appId,
      eventId,
      kind,
      id === '' ? null : id,
      contactId === '' ? null : contactId,
      payload,
      daysAgo(age),
    ],
  );
  return eventId;
}

async function payloadOf(eventId: string): Promise<unknown> {
  return (await records.query<{ payload: unknown }>(`SELECT payload FROM events WHERE id = $1`, [eventId]))[0]
    ?.payload;
}

/** With what its messages say of it. */
async function conversation(id: string): Promise<Conversation | undefined> {
  const [found] = await records.query<Conversation>(
    `SELECT c.id, c.contact_id AS "contactId", c.unread_count AS "unreadCount", c.last_message_id AS "lastMessageId",
       (SELECT count(*)::int FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'TO_APP') AS counted,
       (SELECT max(m.id) FROM messages m WHERE m.conversation_id = c.id) AS latest
     FROM conversations c WHERE id = $1`,
    [id],
  );
  return found;
}

async function ids(table: string, among: string[]): Promise<string[]> {
  const rows = await records.query<{ id: string }>(`SELECT id FROM ${table} WHERE id = ANY($1) ORDER BY id`, [
    among,
  ]);
  return rows.map(({ id }) => id);
}

async function gone(table: string, among: string[]): Promise<true> {
  return eventually(
    async () => (await ids(table, among)).length === 0,
    `the end of ${among.length} ${table}`,
  );
}

describe('single messages', () => {
  let page: TestPage;

  beforeAll(async () => {
    page = await connectPage(app);
    await keep(page, 'MESSAGE_EXPIRE_POLICY', 30);
  });

  test('leave when they are older than the policy says, the younger ones stay', async () => {
    const talking = await talk(page);
    const old = await aged(page, talking, [365, 31, 30.01]);
    const young = await aged(page, talking, [29.9, 3]);
    await night();
    await gone('messages', old);
    expect(await ids('messages', young)).toEqual(young);
    const after = await conversation(talking.id);
    expect(after).toMatchObject({ unreadCount: 3, counted: 3 });
    expect(after?.lastMessageId).toBe(after?.latest);
  });

  test('leave a conversation that says so: nothing unread, no last message', async () => {
    const talking = await talk(page);
    await records.query(`DELETE FROM messages WHERE conversation_id = $1`, [talking.id]);
    await records.query(`UPDATE conversations SET unread_count = 0 WHERE id = $1`, [talking.id]);
    const old = await aged(page, talking, [40, 41]);
    await night();
    await gone('messages', old);
    expect(await conversation(talking.id)).toMatchObject({ unreadCount: 0, lastMessageId: null });
    const told = (await records.events(page.appId)).filter(
      ({ kind, payload }) =>
        kind === 'conversation.updated' && (payload.conversation as { id: string }).id === talking.id,
    );
    expect(told.map(({ payload }) => payload)).toMatchObject([
      { conversation: { unreadCount: 0, lastMessageId: null } },
    ]);
    const { contact } = await app.graphql<{ contact: { id: string } | null }>(
      `query ($id: ID!) { contact(id: $id) { id } }`,
      { id: talking.contactId },
    );
    expect(contact).toEqual({ id: talking.contactId });
  });

  test('take their media and what was done beside them along', async () => {
    const talking = await talk(page);
    const [messageId = ''] = await aged(page, talking, [50]);
    const media = { projectId: app.projectId, id: newId() };
    const path = join(tmpdir(), randomUUID());
    await writeFile(path, 'a picture');
    const storage = app.parley.app.get(MediaStorage, { strict: false });
    await storage.put(media, { path, contentType: 'image/png' }, new AbortController().signal);
    await records.query(
      `INSERT INTO media (project_id, id, message_id, path, original_url, state, next_attempt_at) VALUES ($1, $2, $3, '{url}', 'https://x.example', 'STORED', NULL)`,
      [app.projectId, media.id, messageId],
    );
    const events = [idAt(daysAgo(50)), idAt(daysAgo(2))];
    for (const id of events)
      await records.query(
        `INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, accept_time)
         VALUES ($1, $2, $3, $4, $5, 'TO_APP', 'MESSENGER', 'x', '{}', now())`,
        [app.projectId, id, page.appId, talking.id, talking.contactId],
      );
    await night();
    await gone('messages', [messageId]);
    await gone('conversation_events', events.slice(0, 1));
    expect(await ids('conversation_events', events)).toEqual(events.slice(1));
    await eventually(async () => {
      const bytes = await storage.open(media, null);
      bytes?.destroy();
      return bytes === null;
    }, 'the end of the bytes');
  });

  test('are told of by the log no longer, however lately it told of them', async () => {
    const talking = await talk(page);
    const [old = '', young = ''] = await aged(page, talking, [33, 12]);
    const said = (id: string): object => ({ message: { id, content: 'secret' }, conversation: {} });
    const late = await logged(page, talking, 'message.updated', 0.1, said(old));
    const early = await logged(page, talking, 'message.updated', 0.1, said(young));
    const submitted = await logged(page, talking, 'message.submitted', 31, { message: { id: old } });
    const unknown = await logged(page, { ...talking, id: '', contactId: '' }, 'channel.ignored', 31, {
      raw: 'secret',
    });
    const renamed = await logged(page, talking, 'contact.updated', 31, { contact: { displayName: 'Ann' } });
    await night();
    await gone('messages', [old]);
    expect(await payloadOf(late)).toEqual({ erased: true });
    await eventually(
      async () => JSON.stringify(await payloadOf(unknown)) === '{"erased":true}',
      'the erasure of what is no message of ours',
    );
    expect(await payloadOf(submitted)).toEqual({ erased: true });
    expect(await payloadOf(early)).toEqual(said(young));
    expect(await payloadOf(renamed)).toEqual({ contact: { displayName: 'Ann' } });
  });

  test('stay as long as they wait to leave', async () => {
    const talking = await talk(page);
    const [waiting = '', other = ''] = await aged(page, talking, [60, 61]);
    await records.query(
      `INSERT INTO sends (project_id, conversation_id, message_id, expires_at, next_attempt_at) VALUES ($1, $2, $3, now() + interval '1 day', now() + interval '1 hour')`,
      [app.projectId, talking.id, waiting],
    );
    await night();
    await gone('messages', [other]);
    expect(await ids('messages', [waiting])).toEqual([waiting]);
    await records.query(`DELETE FROM sends WHERE message_id = $1`, [waiting]);
  });

  test('go in their thousands while people write, and no count is wrong afterwards', async () => {
    const people = [newPsid(), newPsid(), newPsid()];
    const talks = await Promise.all(people.map((psid) => talk(page, psid)));
    const old: string[] = [];
    for (const talking of talks)
      old.push(
        ...(await aged(
          page,
          talking,
          Array.from({ length: 700 }, (_, n) => 31 + n / 10),
        )),
      );
    await night();
    for (let n = 0; n < 10; n += 1)
      await Promise.all(people.map((psid) => says(page, psid, `Still here ${n}`)));
    await gone('messages', old);
    for (const { id } of talks) {
      const after = await conversation(id);
      expect(after).toMatchObject({ unreadCount: 11, counted: 11 });
      expect(after?.lastMessageId).toBe(after?.latest);
    }
  });
});

describe('whole conversations', () => {
  test('leave with all that is in them once nobody has written for long, and webhooks are told', async () => {
    const page = await connectPage(app);
    await keep(page, 'CONVERSATION_EXPIRE_POLICY', 30);
    const [silent, lively] = [await talk(page), await talk(page)];
    const old = await aged(
      page,
      silent,
      Array.from({ length: 1_200 }, (_, n) => 100 + n / 10),
    );
    const kept = await aged(page, lively, [90]);
    await records.query(`UPDATE conversations SET last_activity = $2 WHERE id = $1`, [
      silent.id,
      daysAgo(30.1),
    ]);
    const told = await logged(page, silent, 'message.updated', 12, { message: { id: old[0] } });
    const others = await logged(page, lively, 'message.updated', 12, { message: { id: kept[0] } });
    await night();
    await gone('conversations', [silent.id]);
    expect(await ids('messages', old)).toEqual([]);
    expect(await ids('messages', kept)).toEqual(kept);
    expect(await conversation(lively.id)).toMatchObject({ unreadCount: 2, counted: 2 });
    expect(await payloadOf(told)).toEqual({ erased: true });
    expect(await payloadOf(others)).toEqual({ message: { id: kept[0] } });
    expect(await ids('contacts', [silent.contactId])).toEqual([silent.contactId]);
    const deleted = (await records.events(page.appId)).filter(({ kind }) => kind === 'conversation.deleted');
    expect(deleted.map(({ payload }) => payload)).toMatchObject([
      { conversation: { id: silent.id, active: false } },
    ]);
  });

  /** As much of the day's work as is done at a time. */
  function step(page: TestPage): Promise<boolean> {
    const service = app.parley.app;
    return expireConversations(
      service.get(DataSource, { strict: false }),
      service.get(EventLog, { strict: false }),
      {
        projectId: app.projectId,
        appId: page.appId,
        before: daysAgo(30),
        dispatch: false,
      },
    );
  }

  async function fallsSilent({ id }: Conversation): Promise<void> {
    await records.query(`UPDATE conversations SET last_activity = $2 WHERE id = $1`, [id, daysAgo(31)]);
  }

  test('show that their messages have left, and stay when somebody writes before they go', async () => {
    const page = await connectPage(app);
    const psid = newPsid();
    const talking = await talk(page, psid);
    await aged(page, talking, [90, 80]);
    await fallsSilent(talking);
    // More than is erased at a time.
    await records.query(
      `INSERT INTO events (project_id, app_id, id, kind, conversation_id, contact_id, payload)
       SELECT $1, $2, n::text, 'message.updated', $3, $4, '{"message": {}}' FROM generate_series(1, 1500) AS n`,
      [app.projectId, page.appId, talking.id, talking.contactId],
    );
    expect(await step(page)).toBe(true);
    expect(await conversation(talking.id)).toMatchObject({ unreadCount: 0, counted: 0, lastMessageId: null });
    await says(page, psid, 'Here I am again');
    expect(await step(page)).toBe(false);
    expect(await conversation(talking.id)).toMatchObject({ unreadCount: 1, counted: 1 });
  });

  test('stay with all that is told of them when somebody writes at that very moment', async () => {
    const page = await connectPage(app);
    const talking = await talk(page);
    const old = await aged(page, talking, [90]);
    await fallsSilent(talking);
    const told = await logged(page, talking, 'message.updated', 12, { message: { id: old[0] } });
    const writer = await Records.of(app.databaseUrl);
    try {
      await writer.query('BEGIN');
      await writer.query(`UPDATE conversations SET last_activity = now() WHERE id = $1`, [talking.id]);
      const done = step(page);
      await eventually(async () => {
        const waiting = await records.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      }, 'a wait for who writes');
      await writer.query('COMMIT');
      expect(await done).toBe(false);
    } finally {
      await writer.close();
    }
    expect(await payloadOf(told)).toEqual({ message: { id: old[0] } });
    expect(await ids('messages', old)).toEqual(old);
  });
});

test('what was done in DISPATCH mode leaves the log with what is kept of it', async () => {
  const page = await connectPage(app);
  await app.graphql(
    `mutation ($id: ID!) { updateApp(id: $id, input: { processingMode: DISPATCH, dispatchRetentionPolicy: { ttlDays: 2 } }) { id } }`,
    { id: page.appId },
  );
  await says(page, newPsid(), 'Hello');
  const [lane = { id: '' }] = await records.query<{ id: string }>(
    'SELECT conversation_id AS id FROM dispatch_lanes WHERE app_id = $1',
    [page.appId],
  );
  const events = [idAt(daysAgo(3)), idAt(daysAgo(1))];
  const [old = '', young = ''] = events;
  await records.query(
    `INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, accept_time, dispatch)
     SELECT $1, id, $2, $3, $3, 'TO_CONTACT', 'MESSENGER', 'x', '{}', now(), true FROM unnest($4::text[]) AS id`,
    [app.projectId, page.appId, lane.id, events],
  );
  const tell = (kind: string, id: string): Promise<string> =>
    logged(page, { ...lane, contactId: lane.id }, kind, 0.1, { event: { id } });
  const told = [await tell('event.added', old), await tell('event.updated', old)];
  const kept = await tell('event.added', young);
  await night();
  await gone('conversation_events', [old]);
  for (const id of told) expect(await payloadOf(id)).toEqual({ erased: true });
  expect(await payloadOf(kept)).toEqual({ event: { id: young } });
  expect(await ids('conversation_events', events)).toEqual([young]);
});

test('an app that keeps everything loses nothing', async () => {
  const [page, other] = [await connectPage(app), await connectPage(app)];
  await keep(page, 'PERSIST_RETENTION_POLICY');
  await keep(other, 'MESSAGE_EXPIRE_POLICY', 1);
  const [kept, forgotten] = [await talk(page), await talk(other)];
  const old = await aged(page, kept, [4_000]);
  const event = await logged(page, kept, 'message.updated', 20, { message: { id: old[0] } });
  const less = await aged(other, forgotten, [2]);
  await night();
  // That of the other app, made after it in the same run, is through.
  await gone('messages', less);
  expect(await ids('messages', old)).toEqual(old);
  expect(await payloadOf(event)).toEqual({ message: { id: old[0] } });
});
