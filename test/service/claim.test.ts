import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import {
  claim,
  expiredSends,
  findMarks,
  forgottenLanes,
  headOf,
  isAtRest,
  type Lane,
  recover,
  release,
  type Send,
} from '../../src/messages/claim.js';
import { laneJob } from '../../src/messages/lane.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let lane: Lane;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 10).initialize();
});
beforeEach(async () => {
  await dataSource.query('DELETE FROM sends');
  lane = await newLane();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

async function newLane(): Promise<Lane> {
  const [projectId, appId, contactId, conversationId] = [newId(), newId(), newId(), newId()];
  await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'P')`, [projectId]);
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    projectId,
    appId,
  ]);
  await dataSource.query('INSERT INTO contacts (project_id, id) VALUES ($1, $2)', [projectId, contactId]);
  await dataSource.query(
    'INSERT INTO conversations (project_id, id, app_id, contact_id) VALUES ($1, $2, $3, $4)',
    [projectId, conversationId, appId, contactId],
  );
  return { projectId, conversationId };
}

/** Queues a send; times are in seconds from now. */
async function queue({ due = 0, expires = 3_600, of = lane } = {}): Promise<string> {
  const id = newId();
  await dataSource.query(
    `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, sent_by, accept_time)
     SELECT project_id, $3, app_id, id, contact_id, 'TO_CONTACT', 'MESSENGER', '1', '{}', 'QUEUED', 'API', now()
     FROM conversations WHERE project_id = $1 AND id = $2`,
    [of.projectId, of.conversationId, id],
  );
  await dataSource.query(
    `INSERT INTO sends (project_id, conversation_id, message_id, next_attempt_at, expires_at)
     VALUES ($1, $2, $3, now() + make_interval(secs => $4), now() + make_interval(secs => $5))`,
    [of.projectId, of.conversationId, id, due, expires],
  );
  return id;
}

async function head(): Promise<Send> {
  const found = await headOf(dataSource, lane);
  if (!found) throw new Error('the lane is empty');
  return found;
}

test('the head is what was accepted first, whoever else is due', async () => {
  const first = await queue({ due: 60 });
  await queue();
  expect(await head()).toMatchObject({ messageId: first, due: false, expired: false, attemptBy: null });
});

test('of many who claim a send at the same time one gets it', async () => {
  await queue();
  const found = await head();
  const claims = await Promise.all(
    Array.from({ length: 10 }, (_, index) => claim(dataSource, found, `p${index}`)),
  );
  const won = claims.flatMap((send) => send ?? []);
  expect(won).toHaveLength(1);
  expect(await head()).toMatchObject({ attemptBy: won[0]?.attemptBy, attempts: 1 });
});

test('a send that is not due is claimed by nobody, unless it has expired', async () => {
  await queue({ due: 60 });
  expect(await claim(dataSource, await head(), 'me')).toBeUndefined();
  await dataSource.query(`UPDATE sends SET expires_at = now() - interval '1 second'`);
  expect(await claim(dataSource, await head(), 'me')).toMatchObject({ expired: true });
});

test('only who holds a send gives it back', async () => {
  await queue();
  const mine = await claim(dataSource, await head(), 'me');
  expect(await release(dataSource, { ...(mine as Send), attemptBy: 'you' }, new Date())).toBe(false);
  expect(await head()).toMatchObject({ attemptBy: 'me' });
  expect(await release(dataSource, mine as Send, new Date(Date.now() + 60_000))).toBe(true);
  expect(await head()).toMatchObject({ attemptBy: null, due: false });
  await dataSource.query('DELETE FROM sends');
  expect(await release(dataSource, mine as Send, new Date())).toBe(false);
});

test('a send rests while it is neither claimed nor due', async () => {
  await queue({ due: 60 });
  const resting = await head();
  expect(await isAtRest(dataSource, resting)).toBe(true);
  await dataSource.query('UPDATE sends SET next_attempt_at = now()');
  expect(await isAtRest(dataSource, resting)).toBe(false);
  await claim(dataSource, resting, 'me');
  expect(await isAtRest(dataSource, resting)).toBe(false);
});

test('a mark is taken away only if it is still the same', async () => {
  await queue();
  await claim(dataSource, await head(), 'dead');
  const marks = await findMarks(dataSource);
  expect(marks).toMatchObject([{ attemptBy: 'dead' }]);
  // Meanwhile its holder gave it back and took it again.
  await release(dataSource, await head(), new Date(0));
  await claim(dataSource, await head(), 'dead');
  expect(await recover(dataSource, marks, new Date())).toEqual([]);
  expect(await head()).toMatchObject({ attemptBy: 'dead' });
  const later = new Date(Date.now() + 60_000);
  expect(await recover(dataSource, await findMarks(dataSource), later)).toEqual([lane]);
  expect(await head()).toMatchObject({ attemptBy: null, nextAttemptAt: later });
});

test('a lane is forgotten when its head is overdue and no job is about to take it', async () => {
  await queue({ due: -10 });
  expect(await forgottenLanes(dataSource)).toEqual([lane]);
  const jobs = new JobsService();
  const job = laneJob(lane.projectId, lane.conversationId);
  await jobs.add(dataSource.manager, [job]);
  expect(await forgottenLanes(dataSource)).toEqual([]);
  // A job that comes too late, or that a worker has without anything happening, is none.
  await jobs.add(dataSource.manager, [{ ...job, runAt: new Date(Date.now() + 60_000) }]);
  expect(await forgottenLanes(dataSource)).toEqual([lane]);
  await jobs.add(dataSource.manager, [job]);
  await dataSource.query(
    `UPDATE graphile_worker._private_jobs SET locked_by = 'w', locked_at = now() WHERE key = $1`,
    [job.key],
  );
  expect(await forgottenLanes(dataSource)).toEqual([lane]);
});

test('a lane whose head is tried or rests is not forgotten, however long others wait behind it', async () => {
  await queue({ due: 60 });
  await queue({ due: -10 });
  const other = await newLane();
  await queue({ of: other, due: -10 });
  await queue({ of: other, due: -10 });
  await claim(dataSource, (await headOf(dataSource, other)) as Send, 'me');
  expect(await forgottenLanes(dataSource)).toEqual([]);
});

test('what has expired is found wherever it stands, except while it is being tried', async () => {
  await queue();
  const behind = await queue({ expires: -1 });
  const other = await newLane();
  await queue({ of: other, expires: -1 });
  await claim(dataSource, (await headOf(dataSource, other)) as Send, 'me');
  expect((await expiredSends(dataSource)).map(({ messageId }) => messageId)).toEqual([behind]);
});
