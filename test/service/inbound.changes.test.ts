import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { InboundContactEvent, InboundEvent, InboundMessage } from '../../src/channels/channel.js';
import { Config } from '../../src/config.js';
import { PeopleResolver } from '../../src/conversations/people.js';
import { createDataSource } from '../../src/database/data-source.js';
import { EventLog } from '../../src/events/event-log.js';
import { Wakeups } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import type { InboundSource } from '../../src/messages/inbound/batch.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let inbound: InboundService;
let source: InboundSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 4).initialize();
  const log = new EventLog(dataSource, new Wakeups(dataSource, new Config()));
  inbound = new InboundService(dataSource, new PeopleResolver(dataSource, log), log, new JobsService());
});
beforeEach(async () => {
  source = { projectId: newId(), appId: newId(), channel: 'MESSENGER' };
  await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'P')`, [
    source.projectId,
  ]);
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    source.projectId,
    source.appId,
  ]);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const SECRET = 'what was taken back';

function message(mid: string, content: InboundMessage['content'], at = new Date()): InboundMessage {
  return {
    kind: 'message',
    identity: '111',
    at,
    channelMessageId: mid,
    content,
    details: { nlp: { said: SECRET } },
  };
}

function contactEvent(content: InboundContactEvent['content'], key = 'k'): InboundContactEvent {
  return { kind: 'event', identity: '111', at: new Date(), key, content };
}

const unsend = (mid: string): InboundEvent => ({
  kind: 'unsend',
  identity: '111',
  at: new Date(),
  channelMessageId: mid,
});

function rows<T>(sql: string): Promise<T[]> {
  return dataSource.query(sql, [source.projectId]);
}

test('an unsent message is erased with all of its parts, from the log too, and is unread no more (lesson 28)', async () => {
  await inbound.receive(source, [
    message('m1', { text_message: { text: SECRET } }),
    message('m1#1', { media_message: { url: `https://cdn.example/${SECRET}` } }),
    message('m2', { text_message: { text: 'stays' } }),
  ]);
  await inbound.receive(source, [unsend('m1'), unsend('m1')]);
  const kept = await rows<{ everything: string }>(
    `SELECT m::text AS everything FROM messages m WHERE project_id = $1 AND channel_message_id LIKE 'm1%'
     UNION ALL SELECT payload::text FROM events WHERE project_id = $1 AND payload -> 'message' ->> 'channelMessageId' LIKE 'm1%'`,
  );
  expect(kept).toHaveLength(6);
  expect(kept.filter(({ everything }) => everything.includes(SECRET))).toEqual([]);
  expect(await rows('SELECT unread_count FROM conversations WHERE project_id = $1')).toEqual([
    { unread_count: 1 },
  ]);
  expect(
    await rows(
      `SELECT payload -> 'conversation' ->> 'unreadCount' AS unread FROM events WHERE project_id = $1 AND kind = 'message.updated'`,
    ),
  ).toEqual([{ unread: '1' }, { unread: '1' }]);
});

test('a contact event makes contact and conversation, is told once, and leaves the unread count', async () => {
  const optin = contactEvent({ contact_event: { generic_event: { payload: { type: 'optin' } } } });
  await inbound.receive(source, [optin]);
  await inbound.receive(source, [optin, { ...optin }]);
  expect(await rows('SELECT direction, content FROM conversation_events WHERE project_id = $1')).toEqual([
    { direction: 'TO_APP', content: optin.content },
  ]);
  expect(await rows('SELECT kind FROM events WHERE project_id = $1 ORDER BY xact, seq')).toEqual(
    ['contact.created', 'conversation.started', 'event.added'].map((kind) => ({ kind })),
  );
  expect(
    await rows(
      'SELECT unread_count, active_channel, last_contact_message_at FROM conversations WHERE project_id = $1',
    ),
  ).toEqual([{ unread_count: 0, active_channel: 'MESSENGER', last_contact_message_at: null }]);
});

test('a reaction is told with our id of the message, and opens the messaging window', async () => {
  const at = new Date(Date.now() - 1000);
  await inbound.receive(source, [
    message('m1', { text_message: { text: 'hi' } }, new Date(at.getTime() - 1000)),
  ]);
  const reaction: InboundEvent = {
    ...{ kind: 'reaction', identity: '111', at, channelMessageId: 'm1' },
    reaction: { emoji: '❤️', category: 'love' },
  };
  await inbound.receive(source, [reaction]);
  await inbound.receive(source, [reaction]);
  const [stored] = await rows<{ id: string }>('SELECT id FROM messages WHERE project_id = $1');
  expect(await rows('SELECT content FROM conversation_events WHERE project_id = $1')).toEqual([
    {
      content: {
        contact_message_event: {
          reaction_event: {
            ...{ emoji: '❤️', action: 'REACTION_ACTION_REACT', reaction_category: 'love' },
            message_id: stored?.id,
          },
        },
      },
    },
  ]);
  expect(await rows('SELECT last_contact_message_at AS at FROM conversations WHERE project_id = $1')).toEqual(
    [{ at }],
  );
});

test('a tap that comes as text and as postback under one id is the postback, whichever comes first', async () => {
  const text = message('m1', { text_message: { text: 'Large' } });
  const tap = message('m1', { choice_response_message: { message_id: '', postback_data: 'L' } });
  await inbound.receive(source, [text]);
  await inbound.receive(source, [tap]);
  await inbound.receive(source, [text]);
  expect(await rows('SELECT content FROM messages WHERE project_id = $1')).toEqual([
    { content: tap.content },
  ]);
});
