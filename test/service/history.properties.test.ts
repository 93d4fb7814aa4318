// The conversation reads the same in whatever order a channel tells of it: every pair and triple of what can befall one message.
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InboundEvent } from '../../src/channels/channel.js';
import { Config } from '../../src/config.js';
import { lockConversations } from '../../src/conversations/activity.js';
import { PeopleResolver } from '../../src/conversations/people.js';
import { createDataSource } from '../../src/database/data-source.js';
import { EventLog } from '../../src/events/event-log.js';
import { Wakeups } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import type { InboundSource } from '../../src/messages/inbound/batch.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { settleParts } from '../../src/messages/settle.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let inbound: InboundService;
let source: InboundSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 8).initialize();
  const log = new EventLog(dataSource, new Wakeups(dataSource, new Config()));
  inbound = new InboundService(dataSource, new PeopleResolver(dataSource, log), log, new JobsService());
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

const BEGAN = Date.now() - 60_000;

/** Channel times ascend in the natural order, by a second each. */
function at(second: number): Date {
  return new Date(BEGAN + second * 1000);
}

type Step = 'answer' | ((identity: string) => InboundEvent);

const mid = (identity: string): string => `m_${identity}`;

/** What can befall a message, in the natural order. */
const CHANGES: Record<string, Step> = {
  reaction: (identity) => reaction(identity, 3, '❤️'),
  unreact: (identity) => reaction(identity, 5, null),
  edit: (identity) => edit(identity, 6, 1, 'edited'),
  'second edit': (identity) => edit(identity, 7, 2, 'edited again'),
  unsend: (identity) => ({ kind: 'unsend', identity, at: at(8), channelMessageId: mid(identity) }),
};

const RECEIPTS: Record<string, Step> = {
  delivery: (identity) => ({
    kind: 'receipt',
    identity,
    at: at(2),
    status: 'DELIVERED',
    watermark: null,
    channelMessageIds: [mid(identity)],
  }),
  read: (identity) => ({
    kind: 'receipt',
    identity,
    at: at(2),
    status: 'READ',
    watermark: at(2),
    channelMessageIds: [],
  }),
};

interface Scenario {
  name: string;
  /** Without it there is no message to look at: it is part of every sequence. */
  base: Step;
  others: Record<string, Step>;
  /** Strangers otherwise. */
  known: boolean;
}

const written: Step = (identity) => ({
  kind: 'message',
  identity,
  at: at(1),
  channelMessageId: mid(identity),
  content: { text_message: { text: 'as written' } },
});
const typed: Step = (identity) => ({
  kind: 'echo',
  identity,
  at: at(1),
  channelMessageId: mid(identity),
  content: { text_message: { text: 'as typed' } },
  origin: 'PAGE_INBOX',
});
const echoed: Step = (identity) =>
  ({ ...(typed(identity) as object), reference: reference(identity) }) as InboundEvent;

const THEIRS = { base: written, others: { duplicate: written, ...CHANGES } };
const TYPED = { base: typed, others: { duplicate: typed, ...RECEIPTS, ...CHANGES } };
const SCENARIOS: Scenario[] = [
  { name: 'of a person who is new', ...THEIRS, known: false },
  { name: 'of a person', ...THEIRS, known: true },
  { name: 'from the Page inbox to a stranger', ...TYPED, known: false },
  { name: 'from the Page inbox', ...TYPED, known: true },
  {
    name: 'of ours',
    base: 'answer',
    others: {
      echo: echoed,
      ...RECEIPTS,
      reaction: CHANGES.reaction,
      unreact: CHANGES.unreact,
      unsend: CHANGES.unsend,
    } as Record<string, Step>,
    known: true,
  },
];

function reaction(identity: string, second: number, emoji: string | null): InboundEvent {
  return {
    kind: 'reaction',
    identity,
    at: at(second),
    channelMessageId: mid(identity),
    reaction: emoji === null ? null : { emoji, category: 'love' },
  };
}

function edit(identity: string, second: number, revision: number, text: string): InboundEvent {
  return { kind: 'edit', identity, at: at(second), channelMessageId: mid(identity), text, revision };
}

/** What one person's message goes through. */
interface Sequence {
  identity: string;
  steps: Step[];
}

let people = 0;

function sequence(steps: Step[]): Sequence {
  people += 1;
  return { identity: `p${people}`, steps };
}

const sent = new Map<string, { id: string; conversationId: string }>();

function reference(identity: string): string {
  return `${sent.get(identity)?.id ?? ''}:0`;
}

/** People who have written before, and for a message of ours one that the channel is being called with. */
async function prepare({ base, known }: Scenario, sequences: readonly Sequence[]): Promise<void> {
  if (!known) return;
  await receive(
    sequences.map(({ identity }) => ({
      kind: 'message',
      identity,
      at: at(0),
      channelMessageId: `hello_${identity}`,
      content: { text_message: { text: 'hello' } },
    })),
  );
  if (base !== 'answer') return;
  const rows = await dataSource.query<{ identity: string; id: string; conversation_id: string }[]>(
    `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, sent_by, accept_time)
     SELECT m.project_id, s.id, m.app_id, m.conversation_id, m.contact_id, 'TO_CONTACT', m.channel, m.identity,
       '{"text_message": {"text": "as sent"}}', 'QUEUED', 'API', now()
     FROM jsonb_to_recordset($2::jsonb) AS s(hello text, id text)
     JOIN messages m ON m.project_id = $1 AND m.app_id = $3 AND m.channel = 'MESSENGER' AND m.channel_message_id = s.hello
     RETURNING identity, id, conversation_id`,
    [
      source.projectId,
      JSON.stringify(sequences.map(({ identity }) => ({ hello: `hello_${identity}`, id: newId() }))),
      source.appId,
    ],
  );
  for (const { identity, id, conversation_id } of rows)
    sent.set(identity, { id, conversationId: conversation_id });
  await dataSource.query(
    `INSERT INTO sends (project_id, conversation_id, message_id, parts, attempts, expires_at, attempt_by, attempt_at)
     SELECT project_id, conversation_id, id, 1, 1, now() + interval '1 hour', 'a process', $3 FROM messages WHERE project_id = $1 AND id = ANY($2)`,
    [source.projectId, rows.map(({ id }) => id), at(0)],
  );
}

/** As the sender does once the channel has answered. */
async function answer(identity: string): Promise<void> {
  const message = sent.get(identity);
  if (!message) throw new Error(`nothing was sent to ${identity}`);
  const { projectId } = source;
  await dataSource.transaction(async (tx) => {
    await lockConversations(tx, [{ projectId, id: message.conversationId }]);
    const part = { projectId, messageId: message.id, part: 0, channelMessageId: mid(identity), at: at(0) };
    await settleParts(tx, [part], 'ours');
  });
}

type Way = (sequences: readonly Sequence[]) => Promise<void>;

/** As many as one request of a channel may hold, on a machine that has other things to do as well. */
const REQUEST = 250;

async function receive(events: readonly InboundEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += REQUEST)
    await inbound.receive(source, events.slice(start, start + REQUEST));
}

/** All that comes before the answers, the answers, and what comes after them. */
async function take(sequences: readonly Sequence[]): Promise<void> {
  const events = (which: (steps: Step[]) => Step[]): InboundEvent[] =>
    sequences.flatMap(({ identity, steps }) =>
      which(steps).flatMap((step) => (step === 'answer' ? [] : [step(identity)])),
    );
  const answered = sequences.filter(({ steps }) => steps.includes('answer'));
  const until = (steps: Step[]): number => steps.indexOf('answer') + 1;
  await receive(events((steps) => steps.slice(0, until(steps))));
  await Promise.all(answered.map(({ identity }) => answer(identity)));
  await receive(events((steps) => steps.slice(until(steps))));
}

/** Each step of all of them in a request of its own. */
const oneAfterTheOther: Way = async (sequences) => {
  for (let step = 0; sequences.some(({ steps }) => step < steps.length); step += 1)
    await take(sequences.map(({ identity, steps }) => ({ identity, steps: steps.slice(step, step + 1) })));
};
const allAtOnce: Way = async (sequences) => {
  for (let start = 0; start < sequences.length; start += REQUEST)
    await Promise.all(
      sequences
        .slice(start, start + REQUEST)
        .flatMap(({ identity, steps }) => steps.map((step) => take([{ identity, steps: [step] }]))),
    );
};

/** What there is to see of each person's conversation in the end. */
async function statesOf(sequences: readonly Sequence[]): Promise<unknown[]> {
  await swept();
  const rows = await dataSource.query<{ identity: string; state: unknown }[]>(
    `SELECT i.identity, jsonb_build_object('unread', c.unread_count, 'conversations', count(DISTINCT c.id),
       'messages', jsonb_agg(jsonb_build_object('content', m.content, 'status', m.status, 'reactions', m.reactions, 'editedAt', m.edited_at,
         'revision', m.edit_revision, 'deletedAt', m.deleted_at, 'direction', m.direction, 'sentBy', m.sent_by) ORDER BY m.id)) AS state
     FROM channel_identities i JOIN conversations c ON c.project_id = i.project_id AND c.contact_id = i.contact_id
     JOIN messages m ON m.project_id = c.project_id AND m.conversation_id = c.id
     WHERE i.project_id = $1 AND i.identity = ANY($2) GROUP BY i.identity, c.unread_count`,
    [source.projectId, sequences.map(({ identity }) => identity)],
  );
  const states = new Map(rows.map(({ identity, state }) => [identity, state]));
  return sequences.map(({ identity }) => states.get(identity));
}

/** As the worker does every few seconds, until there is nothing left to do. */
async function swept(): Promise<void> {
  const waiting = async (): Promise<string> =>
    JSON.stringify(await dataSource.query('SELECT count(*) FROM early_changes WHERE waits'));
  let before: string;
  do {
    before = await waiting();
    await inbound.sweep();
  } while ((await waiting()) !== before);
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

function combinations<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, index) =>
    combinations(items.slice(index + 1), size - 1).map((rest) => [item, ...rest]),
  );
}

async function check(scenario: Scenario, way: Way, chosen: Step[][]): Promise<void> {
  const natural = chosen.map((steps) => sequence([scenario.base, ...steps]));
  const shuffled = chosen.map((steps) =>
    permutations([scenario.base, ...steps]).map((permuted) => sequence(permuted)),
  );
  await prepare(scenario, [...natural, ...shuffled.flat()]);
  await oneAfterTheOther(natural);
  // Plans as of a database that is older than a minute.
  await dataSource.query('ANALYZE');
  await way(shuffled.flat());
  const expected = await statesOf(natural);
  const actual = await statesOf(shuffled.flat());
  let place = 0;
  for (const [index, sequences] of shuffled.entries()) {
    for (const { steps } of sequences) {
      const order = steps.map((step) => nameOf(scenario, step)).join(', ');
      expect(actual[place], order).toEqual(expected[index]);
      place += 1;
    }
  }
}

function nameOf({ base, others }: Scenario, step: Step): string {
  if (step === base) return 'the message';
  return Object.entries(others).find(([, other]) => other === step)?.[0] ?? '?';
}

const WAYS: [string, Way][] = [
  ['one after the other', oneAfterTheOther],
  ['in one request', take],
  ['all at once', allAtOnce],
];

test.each(
  SCENARIOS.flatMap((scenario) =>
    WAYS.filter(([, way]) => way !== allAtOnce || scenario.known || scenario.base !== typed).map(
      ([name, way]) => [scenario.name, name, scenario, way] as const,
    ),
  ),
)(
  'a message %s reads the same in every order of a pair, %s',
  async (_scenario, _way, scenario, way) => {
    await check(scenario, way, combinations(Object.values(scenario.others), 2));
  },
  60_000,
);

test.each(SCENARIOS.filter(({ known }) => known).map((scenario) => [scenario.name, scenario] as const))(
  'a message %s reads the same in every order of a triple',
  async (_name, scenario) => {
    await check(scenario, oneAfterTheOther, combinations(Object.values(scenario.others), 3));
  },
  60_000,
);

test('any number of steps, told in any order, any number of times and in any requests, comes to the same', async () => {
  const scenarios = SCENARIOS.filter(({ known, base }) => known && base !== 'answer');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...scenarios).chain((scenario) =>
        fc.record({
          scenario: fc.constant(scenario),
          told: fc
            .subarray([scenario.base, ...Object.values(scenario.others)], { minLength: 2 })
            .chain((steps) => {
              const all = [...new Set([scenario.base, ...steps])];
              return fc.record({
                natural: fc.constant(all),
                shuffled: fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
              });
            }),
          cut: fc.integer({ min: 1, max: 5 }),
        }),
      ),
      async ({ scenario, told: { natural, shuffled }, cut }) => {
        const [one, other] = [sequence(natural), sequence(shuffled)];
        await prepare(scenario, [one, other]);
        await oneAfterTheOther([one]);
        for (let start = 0; start < shuffled.length; start += cut)
          await take([{ ...other, steps: shuffled.slice(start, start + cut) }]);
        const [expected, actual] = await statesOf([one, other]);
        expect(actual).toEqual(expected);
      },
    ),
    { numRuns: 20 },
  );
}, 60_000);
