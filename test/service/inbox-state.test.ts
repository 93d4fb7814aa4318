// The inbox keeps the books right whatever happens: unread counts are always what the messages say, and a walk through pages shows no
// conversation twice.
import { prepareAndTransact } from '../../src/messages/transaction.js';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InboundEvent } from '../../src/channels/channel.js';
import { Config } from '../../src/config.js';
import { ConversationsService } from '../../src/conversations/conversations.service.js';
import { PeopleResolver } from '../../src/conversations/people.js';
import { SnoozeWaker } from '../../src/conversations/waker.js';
import { createDataSource } from '../../src/database/data-source.js';
import { decodePosition } from '../../src/events/cursor.js';
import { EventLog } from '../../src/events/event-log.js';
import { Wakeups } from '../../src/events/wakeups.js';
import { storeHistory } from '../../src/history/store.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import type { InboundSource } from '../../src/messages/inbound/batch.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { ErasureService } from '../../src/people/erasure.service.js';
import { MergeService } from '../../src/people/merge.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { logSettled } from '../support/log.js';

let database: TestDatabase;
let dataSource: DataSource;
let inbound: InboundService;
let conversations: ConversationsService;
let merges: MergeService;
let erasures: ErasureService;
let people: PeopleResolver;
let jobs: JobsService;
let log: EventLog;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 6).initialize();
  log = new EventLog(dataSource, new Wakeups(dataSource, new Config()));
  jobs = new JobsService();
  people = new PeopleResolver(dataSource, log);
  inbound = new InboundService(dataSource, people, log, jobs);
  conversations = new ConversationsService(dataSource, log, jobs);
  merges = new MergeService(dataSource, log, jobs);
  erasures = new ErasureService(dataSource, log);
});
afterAll(async () => {
  await jobs.settled();
  await dataSource.destroy();
  await database.drop();
});

async function newApp(): Promise<InboundSource> {
  const source: InboundSource = { projectId: newId(), appId: newId(), channel: 'MESSENGER' };
  await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'P')`, [
    source.projectId,
  ]);
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    source.projectId,
    source.appId,
  ]);
  return source;
}

interface Row {
  id: string;
  contact_id: string;
  unread_count: number;
  counted: number;
}

/** Each conversation with its count, and what its messages say. */
function rows(projectId: string): Promise<Row[]> {
  return dataSource.query(
    `SELECT c.id, c.contact_id, c.unread_count, (
       SELECT count(*)::int FROM messages m WHERE m.project_id = c.project_id AND m.conversation_id = c.id AND m.direction = 'TO_APP'
         AND m.deleted_at IS NULL AND NOT m.injected AND m.id > coalesce(c.read_up_to_message_id, '')) AS counted
     FROM conversations c WHERE c.project_id = $1 ORDER BY c.id`,
    [projectId],
  );
}

function message(
  identity: string,
  channelMessageId: string,
  at = new Date(),
): InboundEvent & { kind: 'message' } {
  return { kind: 'message', identity, at, channelMessageId, content: { text_message: { text: 'Hi' } } };
}

const PEOPLE = ['1', '2', '3'];
const person = fc.constantFrom(...PEOPLE);
const index = fc.nat(9);

type Act =
  | { kind: 'says'; who: string; many: number }
  | { kind: 'echo' | 'history'; who: string }
  | { kind: 'unsends' | 'unsends before'; who: string; which: number }
  | { kind: 'marks'; who: string; which: number | null }
  | { kind: 'stops' | 'erases'; who: string }
  | { kind: 'merges'; who: string; into: string };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('says' as const),
      who: person,
      many: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('echo' as const, 'history' as const), who: person }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('unsends' as const, 'unsends before' as const),
      who: person,
      which: index,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('marks' as const), who: person, which: fc.option(index) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('stops' as const, 'erases' as const), who: person }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merges' as const), who: person, into: person }) },
);

/** Does one thing, where it can be done at all. */
async function perform(source: InboundSource, said: string[], step: Act): Promise<void> {
  const { projectId } = source;
  const [found] = await dataSource.query<{ contact_id: string; id: string | null }[]>(
    `SELECT i.contact_id, c.id FROM channel_identities i
     LEFT JOIN conversations c ON c.project_id = i.project_id AND c.contact_id = i.contact_id AND c.active
     WHERE i.project_id = $1 AND i.identity = $2`,
    [projectId, step.who],
  );
  const mid = `m_${randomUUID()}`;
  switch (step.kind) {
    case 'says': {
      const events = Array.from({ length: step.many }, (_, n) => message(step.who, `${mid}_${n}`));
      said.push(...events.map(({ channelMessageId }) => channelMessageId));
      return inbound.receive(source, events);
    }
    case 'echo':
      return inbound.receive(source, [{ ...message(step.who, mid), kind: 'echo', origin: 'PAGE_INBOX' }]);
    case 'history': {
      const told = { ...source, ...message(step.who, mid, new Date(Date.now() - 1_000)) };
      said.push(mid);
      return prepareAndTransact(
        dataSource,
        () => people.ensure([told]),
        async (tx, resolution) => {
          const locked = await people.lock(tx, [told], resolution);
          await log.record(tx, await storeHistory(tx, source, [told], resolution, locked));
        },
      );
    }
    case 'unsends':
    case 'unsends before': {
      const channelMessageId = step.kind === 'unsends' ? said[step.which] : mid;
      if (channelMessageId === undefined) return;
      await inbound.receive(source, [
        { kind: 'unsend', identity: step.who, at: new Date(), channelMessageId },
      ]);
      if (step.kind === 'unsends before') await inbound.receive(source, [message(step.who, mid)]);
      return;
    }
    case 'marks': {
      if (!found?.id) return;
      const ids = await dataSource.query<{ id: string }[]>(
        'SELECT id FROM messages WHERE project_id = $1 AND conversation_id = $2 ORDER BY id',
        [projectId, found.id],
      );
      const upTo = step.which === null ? null : ids[step.which]?.id;
      if (upTo !== undefined) await conversations.markRead(projectId, found.id, upTo);
      return;
    }
    case 'stops':
      if (found?.id) await conversations.stop(projectId, found.id);
      return;
    case 'erases':
      if (found) await erasures.erase(projectId, found.contact_id);
      return;
    case 'merges': {
      const [into] = await dataSource.query<{ contact_id: string }[]>(
        'SELECT contact_id FROM channel_identities WHERE project_id = $1 AND identity = $2',
        [projectId, step.into],
      );
      if (found && into && found.contact_id !== into.contact_id)
        await merges.merge(projectId, found.contact_id, into.contact_id);
    }
  }
}

test('unread counts are what the messages say, whatever happens in whatever order', async () => {
  const done = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 25 }), async (acts) => {
      const source = await newApp();
      const said: string[] = [];
      for (const step of acts) {
        await perform(source, said, step);
        done.add(step.kind);
        const wrong = (await rows(source.projectId)).filter(
          ({ unread_count, counted }) => unread_count !== counted,
        );
        expect(wrong).toEqual([]);
      }
    }),
    { numRuns: 40 },
  );
  expect([...done].sort()).toEqual(
    ['echo', 'erases', 'history', 'marks', 'merges', 'says', 'stops', 'unsends', 'unsends before'].sort(),
  );
}, 240_000);

test('a merge leaves what was read before as read, and takes nothing unread for read', async () => {
  const source = await newApp();
  const { projectId } = source;
  for (let n = 0; n < 5; n++) await inbound.receive(source, [message('1', `a${n}`)]);
  const [old] = await rows(projectId);
  await conversations.markRead(projectId, old?.id ?? '');
  await inbound.receive(source, [message('2', 'b0')]);
  await inbound.receive(source, [message('1', 'a5')]);
  await conversations.markRead(projectId, old?.id ?? '');
  await inbound.receive(source, [message('2', 'b1')]);
  const contacts = (await rows(projectId)).map(({ contact_id }) => contact_id);
  await merges.merge(projectId, contacts[1] ?? '', contacts[0] ?? '');
  // The two of the second person, and the one that lies between them.
  expect(await rows(projectId)).toMatchObject([{ unread_count: 3, counted: 3 }]);
});

test('a walk through the inbox shows none twice, and what moved meanwhile is told after its first cursor', async () => {
  const source = await newApp();
  const { projectId, appId } = source;
  const names = Array.from({ length: 30 }, (_, n) => String(n + 100));
  for (const name of names) await inbound.receive(source, [message(name, `m_${name}`)]);
  const all = (await rows(projectId)).map(({ id }) => id);
  const first = await conversations.inbox(projectId, appId, {}, { first: 7 });
  const walked = first.items.map(({ node }) => node.id);
  let page = first;
  for (let n = 0; page.hasNextPage; n++) {
    // One that was shown, and two that have not been.
    for (const name of [names[29 - n], names[n], names[n + 8]]) {
      await inbound.receive(source, [message(name ?? '', `m_${randomUUID()}`)]);
    }
    const after = page.items.at(-1)?.cursor ?? null;
    page = await conversations.inbox(projectId, appId, {}, { first: 7, after });
    walked.push(...page.items.map(({ node }) => node.id));
  }
  expect(new Set(walked).size).toBe(walked.length);
  expect(walked.length).toBeLessThan(all.length);
  await logSettled((sql) => dataSource.query(sql));
  const { events } = await log.read({ projectId, appId }, decodePosition(first.eventCursor), 1000);
  const told = events.flatMap(({ conversationId }) => conversationId ?? []);
  expect([...new Set([...walked, ...told])].sort()).toEqual(all);
});

test('all that is due is woken together, each told once, and what is not due sleeps on', async () => {
  const source = await newApp();
  const { projectId, appId } = source;
  const waker = new SnoozeWaker(dataSource, log, jobs);
  await inbound.receive(
    source,
    Array.from({ length: 250 }, (_, n) => message(String(n), `m_${n}`)),
  );
  const ids = (await rows(projectId)).map(({ id }) => id);
  await dataSource.query(
    `UPDATE conversations SET status = 'SNOOZED', snoozed_until = now() + CASE WHEN id = $2 THEN interval '1 hour' ELSE interval '-1 second' END
     WHERE project_id = $1`,
    [projectId, ids[17]],
  );
  const tail = await log.tail();
  await Promise.all([waker.wake(projectId), waker.wake(projectId)]);
  const statuses = await dataSource.query<{ id: string; status: string }[]>(
    `SELECT id FROM conversations WHERE project_id = $1 AND (status <> 'OPEN' OR snoozed_until IS NOT NULL)`,
    [projectId],
  );
  expect(statuses).toEqual([{ id: ids[17] }]);
  await logSettled((sql) => dataSource.query(sql));
  const { events } = await log.read({ projectId, appId }, tail, 1000);
  const woken = events.flatMap((event) =>
    event.kind === 'conversation.updated' ? [event.conversationId] : [],
  );
  expect(woken.sort()).toEqual(ids.filter((id) => id !== ids[17]));
});

test('a person who writes while their conversation is woken opens it once', async () => {
  const source = await newApp();
  const { projectId, appId } = source;
  const waker = new SnoozeWaker(dataSource, log, jobs);
  await inbound.receive(source, [message('1', 'm_1')]);
  for (let round = 0; round < 10; round++) {
    await dataSource.query(
      `UPDATE conversations SET status = 'SNOOZED', snoozed_until = now() - interval '1 second' WHERE project_id = $1`,
      [projectId],
    );
    await Promise.all([waker.wake(projectId), inbound.receive(source, [message('1', `m_${randomUUID()}`)])]);
    const told = await dataSource.query<{ changes: { field: string; from: unknown; to: unknown }[] }[]>(
      `SELECT payload->'changes' AS changes FROM events WHERE project_id = $1 AND app_id = $2 AND kind = 'conversation.updated'`,
      [projectId, appId],
    );
    const opened = told.flatMap(({ changes }) => changes).filter(({ field }) => field === 'status');
    expect(opened).toEqual(Array(round + 1).fill({ field: 'status', from: 'SNOOZED', to: 'OPEN' }));
  }
});
