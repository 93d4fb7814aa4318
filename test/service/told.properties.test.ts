// What the log tells of a message and its conversation is what is stored, though neither is read again to tell it.
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Config } from '../../src/config.js';
import { PeopleResolver } from '../../src/conversations/people.js';
import { createDataSource } from '../../src/database/data-source.js';
import { queryRows } from '../../src/database/rows.js';
import { snapshotOf } from '../../src/events/event.js';
import { EventLog } from '../../src/events/event-log.js';
import { Wakeups } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import type { SendCommand } from '../../src/messages/command.js';
import type { InboundSource } from '../../src/messages/inbound/batch.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { MessagesService } from '../../src/messages/messages.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let inbound: InboundService;
let messages: MessagesService;
let source: InboundSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 4).initialize();
  const log = new EventLog(dataSource, new Wakeups(dataSource, new Config()));
  const people = new PeopleResolver(dataSource, log);
  const jobs = new JobsService();
  inbound = new InboundService(dataSource, people, log, jobs);
  messages = new MessagesService(dataSource, people, log, jobs);
  source = { projectId: newId(), appId: newId(), channel: 'MESSENGER' };
  const { projectId, appId } = source;
  await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'P')`, [projectId]);
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    projectId,
    appId,
  ]);
  await dataSource.query(
    `INSERT INTO channels (project_id, id, app_id, channel, token, callback_secret) VALUES ($1, $2, $3, 'MESSENGER', '', '')`,
    [projectId, newId(), appId],
  );
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const DAY = 24 * 3600 * 1000;

type Step =
  | { does: 'writes'; text: string; away: number }
  | ({ does: 'is sent' } & Pick<
      SendCommand,
      'messageMetadata' | 'conversationMetadata' | 'mergeMetadata' | 'correlationId' | 'callbackUrl'
    > & { replyTo?: string })
  | { does: 'is closed' | 'is snoozed' | 'is left alone' };

const word = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => !text.includes('\0'));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    does: fc.constant('writes' as const),
    text: word,
    away: fc.constantFrom(-DAY, -1, 0, DAY),
  }),
  fc.record({
    does: fc.constant('is sent' as const),
    messageMetadata: fc.constantFrom('', 'mine'),
    conversationMetadata: fc.option(fc.dictionary(fc.constantFrom('a', 'b'), fc.option(word)), { nil: null }),
    mergeMetadata: fc.boolean(),
    correlationId: fc.option(word, { nil: null }),
    callbackUrl: fc.constantFrom(null, 'https://example.com/called'),
  }),
  fc.record({ does: fc.constantFrom('is closed' as const, 'is snoozed' as const, 'is left alone' as const) }),
);

async function befalls(identity: string, what: Step): Promise<void> {
  const { projectId, appId } = source;
  if (what.does === 'writes') {
    const at = new Date(Date.now() + what.away);
    await inbound.receive(source, [
      {
        ...{ kind: 'message', identity, at, channelMessageId: `m_${randomUUID()}` },
        content: { text_message: { text: what.text } },
      },
    ]);
  } else if (what.does === 'is sent') {
    const { does: _, ...said } = what;
    await messages.send({
      ...said,
      ...{ projectId, appId, recipient: { identities: [{ channel: 'MESSENGER', identity }] } },
      message: { text_message: { text: 'An answer' } },
      ...{ channelPriorityOrder: [], channelProperties: { MESSENGER_MESSAGING_TYPE: 'RESPONSE' } },
      ...{ ttlSeconds: 60, highPriority: false, idempotency: null },
    });
  } else {
    const change = {
      'is closed': `status = 'CLOSED', unread_count = 0`,
      'is snoozed': `status = 'SNOOZED', snoozed_until = now() + interval '1 hour'`,
      'is left alone': `last_activity = now() + interval '1 minute'`,
    };
    await dataSource.query(
      `UPDATE conversations SET ${change[what.does]}
       WHERE id IN (SELECT conversation_id FROM messages WHERE app_id = $1 AND identity = $2)`,
      [appId, identity],
    );
  }
}

test('message and conversation are told as they are stored, whatever was before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const identity = newId();
      for (const each of steps) {
        const before = await told(identity);
        await befalls(identity, each);
        const after = await told(identity);
        if (each.does !== 'writes' && each.does !== 'is sent') continue;
        expect(after.length).toBe(before.length + 1);
        const last = after.at(-1);
        const [message] = await stored(`SELECT * FROM messages WHERE id = $1`, last?.message.id);
        const [conversation] = await stored(
          `SELECT * FROM conversations WHERE id = $1`,
          last?.message.conversationId,
        );
        expect(last).toEqual({ message, conversation });
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

type Rows = Record<string, unknown>;

async function stored(sql: string, id: unknown): Promise<Rows[]> {
  return (await queryRows<Rows>(dataSource.manager, sql, [id])).map(snapshotOf);
}

async function told(identity: string): Promise<{ message: Rows; conversation: Rows }[]> {
  const events = await queryRows<{ payload: { message: Rows; conversation: Rows } }>(
    dataSource.manager,
    `SELECT payload FROM events WHERE app_id = $1 AND kind = 'message.added' AND payload -> 'message' ->> 'identity' = $2
     ORDER BY xact, seq`,
    [source.appId, identity],
  );
  return events.map(({ payload }) => payload);
}
