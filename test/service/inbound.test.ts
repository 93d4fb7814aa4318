import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Config } from '../../src/config.js';
import type {
  InboundEcho,
  InboundEvent,
  InboundMessage,
  InboundReceipt,
  InboundUnsupported,
} from '../../src/channels/channel.js';
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
  dataSource = await createDataSource(database.url, 6).initialize();
  inbound = inboundOn(dataSource);
});
beforeEach(async () => {
  source = await newApp();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

function inboundOn(pool: DataSource): InboundService {
  const log = new EventLog(pool, new Wakeups(pool, new Config()));
  return new InboundService(pool, new PeopleResolver(pool, log), log, new JobsService());
}

async function newApp(projectId = newId()): Promise<InboundSource> {
  const appId = newId();
  await dataSource.query(
    `INSERT INTO projects (project_id, display_name) VALUES ($1, 'P') ON CONFLICT DO NOTHING`,
    [projectId],
  );
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    projectId,
    appId,
  ]);
  return { projectId, appId, channel: 'MESSENGER' };
}

function message(identity: string, text: string, mid = `m_${randomUUID()}`): InboundMessage {
  return {
    kind: 'message',
    identity,
    at: new Date(),
    channelMessageId: mid,
    content: { text_message: { text } },
  };
}

function echo(identity: string, text: string, fields: Partial<InboundEcho> = {}): InboundEcho {
  return {
    kind: 'echo',
    identity,
    at: new Date(),
    channelMessageId: `m_${randomUUID()}`,
    content: { text_message: { text } },
    origin: 'PAGE_INBOX',
    ...fields,
  };
}

function receipt(
  identity: string,
  status: InboundReceipt['status'],
  fields: Partial<InboundReceipt>,
): InboundReceipt {
  return {
    kind: 'receipt',
    identity,
    at: new Date(),
    status,
    watermark: null,
    channelMessageIds: [],
    ...fields,
  };
}

function unsupported(raw: unknown, identity = ''): InboundUnsupported {
  return { kind: 'unsupported', identity, at: null, raw, key: randomUUID() };
}

interface StoredMessage {
  id: string;
  identity: string;
  text: string | null;
  direction: string;
  status: string | null;
  sent_by: string;
  conversation_id: string;
  metadata: string;
  reply_to_message_id: string | null;
}

function messages({ projectId, appId } = source): Promise<StoredMessage[]> {
  return dataSource.query(
    `SELECT id, identity, content -> 'text_message' ->> 'text' AS text, direction, status, sent_by, conversation_id, metadata,
       reply_to_message_id
     FROM messages WHERE project_id = $1 AND app_id = $2 ORDER BY id`,
    [projectId, appId],
  );
}

async function texts(from = source): Promise<(string | null)[]> {
  return (await messages(from)).map(({ text }) => text);
}

interface StoredEvent {
  kind: string;
  payload: Record<string, Record<string, unknown>> & { raw?: unknown; accountId?: string; identity?: string };
}

function events({ projectId, appId } = source): Promise<StoredEvent[]> {
  return dataSource.query(
    'SELECT kind, payload FROM events WHERE project_id = $1 AND app_id = $2 ORDER BY xact, seq',
    [projectId, appId],
  );
}

async function kinds(from = source): Promise<string[]> {
  return (await events(from)).map(({ kind }) => kind);
}

function conversations({ projectId, appId } = source): Promise<
  { id: string; contact_id: string; unread_count: number; last_message_id: string; active: boolean }[]
> {
  return dataSource.query(
    `SELECT id, contact_id, unread_count, last_message_id, active FROM conversations
     WHERE project_id = $1 AND app_id = $2 ORDER BY id`,
    [projectId, appId],
  );
}

/** A message of ours that the channel has taken. */
async function sent(identity: string, mid: string, at = new Date()): Promise<string> {
  await inbound.receive(source, [message(identity, 'hello')]);
  const [conversation] = (await conversations()).filter(({ active }) => active);
  const id = newId();
  await dataSource.query(
    `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, sent_by,
       accept_time, channel_time)
     VALUES ($1, $2, $3, $4, $5, 'TO_CONTACT', 'MESSENGER', $6, '{"text_message": {"text": "ours"}}', 'QUEUED_ON_CHANNEL', 'API', now(), $7)`,
    [source.projectId, id, source.appId, conversation?.id, conversation?.contact_id, identity, at],
  );
  await dataSource.query(
    `INSERT INTO message_parts (project_id, app_id, channel, channel_message_id, message_id, part) VALUES ($1, $2, 'MESSENGER', $3, $4, 0)`,
    [source.projectId, source.appId, mid, id],
  );
  return id;
}

async function statusOf(id: string): Promise<string | null | undefined> {
  return (await messages()).find((stored) => stored.id === id)?.status;
}

describe('a message', () => {
  test('creates contact, conversation and message, with their events in order', async () => {
    await inbound.receive(source, [message('111', 'one'), message('111', 'two'), message('222', 'three')]);
    expect(await texts()).toEqual(['one', 'two', 'three']);
    expect(await kinds()).toEqual([
      'contact.created',
      'contact.created',
      'conversation.started',
      'conversation.started',
      'message.added',
      'message.added',
      'message.added',
    ]);
    expect((await conversations()).map(({ unread_count }) => unread_count).sort()).toEqual([1, 2]);
  });

  test('that is only an image creates a conversation as well', async () => {
    const image = {
      ...message('111', ''),
      content: { media_message: { url: 'https://cdn.example/cat.png' } },
    };
    await inbound.receive(source, [image]);
    const [conversation] = await conversations();
    const [stored] = await messages();
    expect(conversation).toMatchObject({ unread_count: 1, last_message_id: stored?.id });
  });

  test('delivered again is stored once, counted once and told once', async () => {
    const batch = [message('111', 'one'), message('111', 'two')];
    await inbound.receive(source, batch);
    await inbound.receive(source, batch);
    await inbound.receive(source, [...batch.slice(1), message('111', 'three')]);
    expect(await texts()).toEqual(['one', 'two', 'three']);
    expect((await kinds()).filter((kind) => kind === 'message.added')).toHaveLength(3);
    expect((await conversations())[0]?.unread_count).toBe(3);
  });

  test('delivered twice within one request is stored once', async () => {
    const twice = message('111', 'one');
    await inbound.receive(source, [twice, message('111', 'two'), { ...twice }]);
    expect(await texts()).toEqual(['one', 'two']);
    expect((await conversations())[0]?.unread_count).toBe(2);
  });

  test('delivered several times at once, to two processes, is stored once', async () => {
    const other = await createDataSource(database.url, 4).initialize();
    try {
      const second = inboundOn(other);
      const batches = Array.from({ length: 10 }, (_, index) => [
        message('111', `a${index}`),
        message('222', `b${index}`),
      ]);
      await Promise.all(
        [...batches, ...batches, ...batches].map((batch, index) =>
          (index % 2 === 0 ? inbound : second).receive(source, batch),
        ),
      );
    } finally {
      await other.destroy();
    }
    const stored = await texts();
    expect(stored).toHaveLength(20);
    expect(new Set(stored).size).toBe(20);
    expect((await kinds()).filter((kind) => kind === 'message.added')).toHaveLength(20);
    expect((await conversations()).map(({ unread_count }) => unread_count)).toEqual([10, 10]);
  });

  test('with the same channel id in two projects belongs to each of them', async () => {
    const other = await newApp();
    const same = message('111', 'both');
    await Promise.all([inbound.receive(source, [same]), inbound.receive(other, [same])]);
    expect([await texts(), await texts(other)]).toEqual([['both'], ['both']]);
  });

  test('that answers a choice learns of it from its own project only, also in a shared transaction', async () => {
    const other = await newApp();
    const asked = async (from: InboundSource, metadata: string): Promise<void> => {
      await inbound.receive(from, [message('111', 'hi')]);
      const [conversation] = await conversations(from);
      await dataSource.query(
        `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, sent_by,
           metadata, accept_time)
         VALUES ($1, $2, $3, $4, $5, 'TO_CONTACT', 'MESSENGER', '111',
           '{"choice_message": {"choices": [{"text_message": {"text": "L"}, "postback_data": "L"}]}}', 'READ', 'API', $6, now())`,
        [from.projectId, newId(), from.appId, conversation?.id, conversation?.contact_id, metadata],
      );
    };
    await asked(source, 'mine');
    await asked(other, 'theirs');
    const picked = {
      ...message('111', ''),
      content: { choice_response_message: { message_id: '', postback_data: 'L' } },
    };
    // The first request occupies a transaction each; the others wait and share the next.
    await Promise.all([
      ...Array.from({ length: 4 }, () => inbound.receive(source, [message('999', 'x')])),
      inbound.receive(source, [picked]),
      inbound.receive(other, [picked]),
    ]);
    const metadataOf = async (from: InboundSource): Promise<string | undefined> =>
      (await messages(from)).filter(({ identity }) => identity === '111').at(-1)?.metadata;
    expect([await metadataOf(source), await metadataOf(other)]).toEqual(['mine', 'theirs']);
  });

  test('of a person who became another contact meanwhile goes to that one', async () => {
    await inbound.receive(source, [message('p', 'before'), message('q', 'the other')]);
    await dataSource.query(
      `UPDATE channel_identities SET contact_id = (SELECT contact_id FROM channel_identities WHERE project_id = $1 AND identity = 'q')
       WHERE project_id = $1 AND identity = 'p'`,
      [source.projectId],
    );
    await inbound.receive(source, [message('q', 'beside'), message('p', 'after')]);
    const stored = await messages();
    const conversations = new Map(stored.map(({ text, conversation_id }) => [text, conversation_id]));
    expect(conversations.get('after')).toBe(conversations.get('the other'));
    expect(conversations.get('beside')).toBe(conversations.get('the other'));
    expect(conversations.get('before')).not.toBe(conversations.get('after'));
  });

  test('to a stopped conversation opens a new one', async () => {
    await inbound.receive(source, [message('111', 'old')]);
    await dataSource.query('UPDATE conversations SET active = false WHERE project_id = $1', [
      source.projectId,
    ]);
    await inbound.receive(source, [message('111', 'new')]);
    const [first, second] = await conversations();
    expect([first, second]).toMatchObject([
      { active: false, unread_count: 1 },
      { active: true, unread_count: 1 },
    ]);
    expect(second?.contact_id).toBe(first?.contact_id);
  });
});

describe('many batches at once', () => {
  test('over shared people, from two processes, neither deadlock nor lose anything', async () => {
    const other = await createDataSource(database.url, 4).initialize();
    const people = Array.from({ length: 12 }, (_, index) => `50${index}`);
    const sends: { person: string; text: string }[] = [];
    try {
      const second = inboundOn(other);
      const requests = Array.from({ length: 60 }, (_, request) => {
        // Each request has its own order of the same people, some of whom are new to everybody.
        const shuffled = people.toSorted(() => Math.random() - 0.5).slice(0, 8);
        return shuffled.map((person) => {
          sends.push({ person, text: `${request} ${person}` });
          return message(person, `${request} ${person}`);
        });
      });
      await Promise.all(
        requests.map((request, index) => (index % 2 === 0 ? inbound : second).receive(source, request)),
      );
    } finally {
      await other.destroy();
    }
    const stored = await messages();
    expect(stored.map(({ text }) => text).sort()).toEqual(sends.map(({ text }) => text).sort());
    expect(await conversations()).toHaveLength(people.length);
    const unread = (await conversations()).reduce((sum, { unread_count }) => sum + unread_count, 0);
    expect(unread).toBe(sends.length);
    const [{ deadlocks }] = await dataSource.query<[{ deadlocks: string }]>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(Number(deadlocks)).toBe(0);
  });

  test('are in the log in the order of acceptance, conversation by conversation, also beside people who are new', async () => {
    const other = await createDataSource(database.url, 4).initialize();
    try {
      const second = inboundOn(other);
      await inbound.receive(source, [message('shared', 'first')]);
      await Promise.all(
        Array.from({ length: 80 }, (_, index) =>
          (index % 2 === 0 ? inbound : second).receive(source, [
            message(`new-${index}`, 'hello'),
            message('shared', `text ${index}`),
          ]),
        ),
      );
    } finally {
      await other.destroy();
    }
    const rows = await dataSource.query<{ conversation_id: string; ids: string[] }[]>(
      `SELECT conversation_id, array_agg(payload->'message'->>'id' ORDER BY xact, seq) AS ids FROM events
       WHERE project_id = $1 AND kind = 'message.added' GROUP BY 1`,
      [source.projectId],
    );
    expect(rows).toHaveLength(81);
    for (const { ids } of rows) expect(ids).toEqual([...ids].sort());
  });

  test('mixed with receipts and echoes of the same people do not deadlock', async () => {
    const other = await createDataSource(database.url, 4).initialize();
    const people = Array.from({ length: 6 }, (_, index) => `60${index}`);
    try {
      const second = inboundOn(other);
      await Promise.all(
        Array.from({ length: 60 }, (_, request) => {
          const events = people
            .toSorted(() => Math.random() - 0.5)
            .flatMap((person): InboundEvent[] => [
              message(person, `${request} in`),
              echo(person, `${request} out`),
              receipt(person, 'READ', { watermark: new Date() }),
            ]);
          return (request % 2 === 0 ? inbound : second).receive(source, events);
        }),
      );
    } finally {
      await other.destroy();
    }
    expect(await messages()).toHaveLength(60 * people.length * 2);
    const [{ deadlocks }] = await dataSource.query<[{ deadlocks: string }]>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(Number(deadlocks)).toBe(0);
  });

  test('a deadlock with somebody else is survived, not taken for a poison event', async () => {
    await inbound.receive(source, [message('111', 'first'), message('222', 'first')]);
    const [a, b] = await conversations();
    const runner = dataSource.createQueryRunner();
    const lock = (id?: string): Promise<unknown> =>
      runner.query('SELECT FROM conversations WHERE project_id = $1 AND id = $2 FOR UPDATE', [
        source.projectId,
        id,
      ]);
    try {
      await runner.query('BEGIN');
      // The others' turn to look for a deadlock comes first, so that they are its victim.
      await runner.query(`SET LOCAL deadlock_timeout = '20s'`);
      await lock(b?.id);
      const received = inbound.receive(source, [message('111', 'second'), message('222', 'second')]);
      await waitForLock();
      await lock(a?.id);
      await runner.query('COMMIT');
      await received;
    } finally {
      await runner.release();
    }
    expect(await texts()).toEqual(['first', 'first', 'second', 'second']);
    expect(await kinds()).not.toContain('channel.unsupported');
  });
});

/** Resolves once some session of this database waits for another's lock. */
async function waitForLock(): Promise<void> {
  await expect
    .poll(
      async () =>
        (
          await dataSource.query<unknown[]>(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          )
        ).length,
      { timeout: 10_000 },
    )
    .toBeGreaterThan(0);
}

describe('a poison event', () => {
  const NUL = 'be\u0000fore';

  test('does not take its neighbours along and is kept as unsupported', async () => {
    const poison = message('222', NUL);
    const batch = [message('111', 'one'), poison, message('333', 'two')];
    await inbound.receive(source, batch);
    expect(await texts()).toEqual(['one', 'two']);
    const [kept] = (await events()).filter(({ kind }) => kind === 'channel.unsupported');
    expect(kept?.payload.raw).toMatchObject({
      channelMessageId: poison.channelMessageId,
      content: { text_message: { text: 'be\ufffdfore' } },
    });
    await inbound.receive(source, batch);
    expect((await kinds()).filter((kind) => kind === 'channel.unsupported')).toHaveLength(1);
  });

  test('alone in its request is kept all the same: refused, it would come again for hours', async () => {
    await inbound.receive(source, [message('222', NUL)]);
    expect((await kinds()).sort()).toEqual([
      'channel.unsupported',
      'contact.created',
      'conversation.started',
    ]);
  });

  test('costs a request of a thousand events few transactions', async () => {
    const batch = Array.from({ length: 1_000 }, (_, index) => message(`7${index % 50}`, `text ${index}`));
    batch[617] = message('717', NUL);
    const commits = async (): Promise<number> => {
      const [row] = await dataSource.query<[{ count: string }]>(
        'SELECT count(DISTINCT xact) AS count FROM events WHERE project_id = $1',
        [source.projectId],
      );
      return Number(row.count);
    };
    await inbound.receive(source, batch);
    expect(await messages()).toHaveLength(999);
    expect(await commits()).toBeLessThan(20);
  });

  test.each([
    ['a lone half of a surrogate pair', message('222', 'half \ud83d')],
    ['an identity too long for an index', message(incompressible(9_000), 'who?')],
    ['a channel id too long for an index', message('222', 'which?', incompressible(9_000))],
    ['a time beyond what Postgres knows', { ...message('222', 'when?'), at: new Date(8.64e15) }],
    ['an unsupported event with NUL in it', unsupported({ text: NUL, [NUL]: true })],
    ['an unsupported event with half a surrogate pair', unsupported({ text: '\udc00' })],
    ['an echo with NUL in it', echo('222', NUL)],
    ['a receipt with NUL in it', receipt('111', 'READ', { channelMessageIds: [NUL] })],
  ])('of this kind is kept, and its neighbours too: %s', async (_what, poison) => {
    await inbound.receive(source, [message('111', 'one'), poison, message('333', 'two')]);
    expect(await texts()).toEqual(['one', 'two']);
    expect((await kinds()).filter((kind) => kind === 'channel.unsupported')).toHaveLength(1);
  });

  test('of a page that is not ours is recorded too', async () => {
    await inbound.receive(source, [message('111', 'one')], [{ accountId: '42', raw: { text: NUL } }]);
    expect(await texts()).toEqual(['one']);
    const [kept] = (await events()).filter(({ kind }) => kind === 'channel.ignored');
    expect(kept?.payload.raw).toEqual({ text: 'be\ufffdfore' });
  });
});

/** Text that TOAST cannot squeeze below what an index takes. */
function incompressible(length: number): string {
  return Array.from({ length: Math.ceil(length / 32) }, () => randomUUID().replaceAll('-', '')).join('');
}

describe('what is no message', () => {
  test('an event of a page that is not ours is recorded once, and nothing else happens', async () => {
    const foreign = {
      accountId: '42',
      raw: { id: '42', messaging: [{ message: { mid: 'm1', text: 'hi' } }] },
    };
    await inbound.receive(source, [], [foreign]);
    await inbound.receive(source, [], [foreign]);
    expect(await events()).toMatchObject([
      { kind: 'channel.ignored', payload: { accountId: '42', raw: foreign.raw } },
    ]);
    expect([await messages(), await conversations()]).toEqual([[], []]);
  });

  test('an unsupported event names the person where they are known, and creates nobody', async () => {
    await inbound.receive(source, [message('111', 'hi')]);
    await inbound.receive(source, [
      unsupported({ new: 'thing' }, '111'),
      unsupported({ new: 'thing' }, '999'),
    ]);
    const told = (await events()).filter(({ kind }) => kind === 'channel.unsupported');
    expect(told.map(({ payload }) => payload.identity)).toEqual(['111', '999']);
    expect(await conversations()).toHaveLength(1);
  });

  test('an echo of the Page inbox is a message of ours, unread by nobody, and once', async () => {
    const typed = echo('111', 'from the page');
    await inbound.receive(source, [typed]);
    await inbound.receive(source, [typed, { ...typed }]);
    expect(await messages()).toMatchObject([
      { text: 'from the page', direction: 'TO_CONTACT', sent_by: 'PAGE_INBOX', status: 'QUEUED_ON_CHANNEL' },
    ]);
    expect((await conversations())[0]?.unread_count).toBe(0);
  });

  test('the same echo for two apps of one page is kept for each', async () => {
    const other = await newApp();
    const typed = echo('111', 'from the page');
    await Promise.all([
      ...Array.from({ length: 4 }, () => inbound.receive(source, [message('999', 'x')])),
      inbound.receive(source, [typed]),
      inbound.receive(other, [typed]),
    ]);
    expect(await texts(other)).toEqual(['from the page']);
    expect(await texts()).toContain('from the page');
  });

  test("our own echo at one app is somebody else's at another, also in a shared transaction", async () => {
    const other = await newApp();
    await sent('111', 'm_ours');
    const ours = echo('111', 'ours', { channelMessageId: 'm_ours', origin: 'OTHER_APP' });
    await Promise.all([
      ...Array.from({ length: 4 }, () => inbound.receive(source, [message('999', 'x')])),
      inbound.receive(source, [ours]),
      inbound.receive(other, [ours]),
    ]);
    expect((await texts()).filter((text) => text === 'ours')).toHaveLength(1);
    expect(await texts(other)).toEqual(['ours']);
  });
});

describe('a receipt', () => {
  test('moves a message forward, by id or by watermark, and never back', async () => {
    const id = await sent('111', 'm_1', new Date('2026-11-21T10:00:00Z'));
    await inbound.receive(source, [receipt('111', 'READ', { watermark: new Date('2026-11-21T09:59:59Z') })]);
    expect(await statusOf(id)).toBe('QUEUED_ON_CHANNEL');
    await inbound.receive(source, [receipt('111', 'DELIVERED', { channelMessageIds: ['m_1'] })]);
    expect(await statusOf(id)).toBe('DELIVERED');
    await inbound.receive(source, [receipt('111', 'READ', { watermark: new Date('2026-11-21T10:00:01Z') })]);
    expect(await statusOf(id)).toBe('READ');
    await inbound.receive(source, [
      receipt('111', 'DELIVERED', {
        channelMessageIds: ['m_1'],
        watermark: new Date('2026-11-21T11:00:00Z'),
      }),
    ]);
    expect(await statusOf(id)).toBe('READ');
    expect((await kinds()).filter((kind) => kind === 'message.updated')).toHaveLength(2);
  });

  test('of a stranger is no news', async () => {
    await inbound.receive(source, [receipt('404', 'READ', { watermark: new Date() })]);
    expect(await events()).toEqual([]);
  });

  test('reaches messages of a conversation that was stopped meanwhile, and its event shows that conversation', async () => {
    const id = await sent('111', 'm_2');
    await dataSource.query('UPDATE conversations SET active = false WHERE project_id = $1', [
      source.projectId,
    ]);
    await inbound.receive(source, [receipt('111', 'DELIVERED', { channelMessageIds: ['m_2'] })]);
    expect(await statusOf(id)).toBe('DELIVERED');
    await inbound.receive(source, [message('111', 'back again')]);
    await inbound.receive(source, [receipt('111', 'READ', { watermark: new Date(Date.now() + 1000) })]);
    expect(await statusOf(id)).toBe('READ');
    const updates = (await events()).filter(({ kind }) => kind === 'message.updated');
    const [stopped] = await conversations();
    expect(updates.map(({ payload }) => payload.conversation?.id)).toEqual([stopped?.id, stopped?.id]);
  });

  test('in any mixture with its message, in one request and out of order, ends in the right status', async () => {
    const id = await sent('111', 'm_3');
    const later = new Date(Date.now() + 1000);
    await inbound.receive(source, [
      receipt('111', 'READ', { watermark: later }),
      receipt('111', 'DELIVERED', { channelMessageIds: ['m_3'] }),
      receipt('111', 'READ', { watermark: later }),
    ]);
    expect(await statusOf(id)).toBe('READ');
  });
});

describe('when Postgres does not answer', () => {
  test('a request is refused in time for the channel to come again, and what it held is stored once', async () => {
    const runner = dataSource.createQueryRunner();
    const late = message('111', 'late');
    try {
      await runner.query('BEGIN');
      await runner.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
      const began = Date.now();
      await expect(inbound.receive(source, [late])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(Date.now() - began).toBeLessThan(15_000);
    } finally {
      await runner.query('COMMIT');
      await runner.release();
    }
    await inbound.receive(source, [late]);
    expect(await texts()).toEqual(['late']);
  });

  test('more than may wait is refused at once', async () => {
    const runner = dataSource.createQueryRunner();
    const one = await createDataSource(database.url, 2).initialize();
    const door = inboundOn(one);
    const thousand = Array.from({ length: 1_000 }, (_, index) => message('111', `text ${index}`));
    try {
      await runner.query('BEGIN');
      await runner.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
      const ended: number[] = [];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, (_, number) =>
          door.receive(source, thousand).finally(() => ended.push(number)),
        ),
      );
      expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
      // It did not wait for as long as those that were let in.
      expect(ended.indexOf(99)).toBeLessThan(ended.indexOf(0));
    } finally {
      await runner.query('COMMIT');
      await runner.release();
      await one.destroy();
    }
  });
});
