import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import {
  claim,
  expiredSends,
  HEAD_START_MS,
  headOf,
  isAtRest,
  type Lane,
  release,
  type Send,
} from '../../src/messages/claim.js';
import { laneJob } from '../../src/messages/lane.js';
import { findMarks, forgottenLanes, recover } from '../../src/messages/left-behind.js';
import { type Account, forgetPause, pause } from '../../src/messages/pauses.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let lane: Lane;
const ONE_PART = { parts: 1, rendered: null };

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 10).initialize();
});
beforeEach(async () => {
  await dataSource.query('DELETE FROM sends');
  await dataSource.query('DELETE FROM channel_pauses');
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
async function queue({ due = 0, expires = 3_600, of = lane, high = false } = {}): Promise<string> {
  const id = newId();
  await dataSource.query(
    `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, sent_by, accept_time)
     SELECT project_id, $3, app_id, id, contact_id, 'TO_CONTACT', 'MESSENGER', '1', '{}', 'QUEUED', 'API', now()
     FROM conversations WHERE project_id = $1 AND id = $2`,
    [of.projectId, of.conversationId, id],
  );
  await dataSource.query(
    `INSERT INTO sends (project_id, conversation_id, message_id, next_attempt_at, expires_at, high_priority)
     VALUES ($1, $2, $3, now() + make_interval(secs => $4), now() + make_interval(secs => $5), $6)`,
    [of.projectId, of.conversationId, id, due, expires, high],
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
    Array.from({ length: 10 }, (_, index) => claim(dataSource, found, `p${index}`, ONE_PART)),
  );
  const won = claims.flatMap((send) => send ?? []);
  expect(won).toHaveLength(1);
  expect(await head()).toMatchObject({ attemptBy: won[0]?.attemptBy, attempts: 1 });
});

test('a send that is not due, or has switched channels meanwhile, is claimed by nobody', async () => {
  await queue({ due: 60 });
  expect(await claim(dataSource, await head(), 'me', ONE_PART)).toBeUndefined();
  await dataSource.query('UPDATE sends SET next_attempt_at = now()');
  const found = await head();
  await dataSource.query('UPDATE sends SET switches = 1');
  expect(await claim(dataSource, found, 'me', ONE_PART)).toBeUndefined();
  expect(await claim(dataSource, await head(), 'me', ONE_PART)).toMatchObject({ attempts: 1 });
});

test('a claim keeps how many payloads there are and what a template said', async () => {
  await queue();
  const rendered = { text_message: { text: 'Hello Ann' } };
  await claim(dataSource, await head(), 'me', { parts: 3, rendered });
  expect(await head()).toMatchObject({ rendered });
  expect(await dataSource.query('SELECT parts FROM sends')).toEqual([{ parts: 3 }]);
});

test('a send rests until its next try, but not past its time to live', async () => {
  await queue({ due: 60, expires: 20 });
  const { restsUntil, expiresAt } = await head();
  expect(restsUntil).toEqual(expiresAt);
  await dataSource.query(`UPDATE sends SET expires_at = now() - interval '1 second'`);
  expect(await head()).toMatchObject({ due: true, expired: true });
});

test('a message that the channel may have taken is not given up before its echo had time', async () => {
  await queue({ expires: 30 });
  const mine = (await claim(dataSource, await head(), 'me', ONE_PART)) as Send;
  const at = new Date(Date.now() + 60_000);
  await release(dataSource, mine, at, { uncertain: true });
  expect(await head()).toMatchObject({ expiresAt: at, restsUntil: at, due: false });
});

describe('a pause', () => {
  let account: Account;

  beforeEach(async () => {
    const [app] = await dataSource.query<{ id: string }[]>('SELECT id FROM apps WHERE project_id = $1', [
      lane.projectId,
    ]);
    account = { projectId: lane.projectId, appId: app?.id ?? '', channel: 'MESSENGER' };
  });

  async function over(): Promise<void> {
    await dataSource.query(`UPDATE channel_pauses SET until = now() - interval '1 ms'`);
  }

  test('holds every lane of the channel, and lets those of high priority go first', async () => {
    await queue();
    const until = await pause(dataSource, account, { ms: 60_000 });
    expect(until.getTime() - Date.now()).toBeGreaterThan(55_000);
    const late = new Date(until.getTime() + HEAD_START_MS);
    expect(await head()).toMatchObject({ due: false, slowed: true, highPriority: false, restsUntil: late });
    await queue({ high: true });
    expect(await head()).toMatchObject({ due: false, highPriority: true, restsUntil: until });
    await over();
    expect(await head()).toMatchObject({ due: true, slowed: true });
  });

  test('does not hold another channel or app', async () => {
    await queue();
    await pause(dataSource, { ...account, channel: 'TELEGRAM' }, { ms: 60_000 });
    expect(await head()).toMatchObject({ due: true, slowed: false });
  });

  test('is forgotten only once it is over', async () => {
    await pause(dataSource, account, { ms: 60_000 });
    await forgetPause(dataSource, account);
    expect(await dataSource.query('SELECT FROM channel_pauses')).toHaveLength(1);
    await over();
    await forgetPause(dataSource, account);
    expect(await dataSource.query('SELECT FROM channel_pauses')).toHaveLength(0);
  });

  test('doubles while the channel keeps asking, and counts what comes at the same time once', async () => {
    const length = async (): Promise<number> =>
      Math.round(((await pause(dataSource, account, { ms: null }, () => 0.5)).getTime() - Date.now()) / 100) /
      10;
    expect(await length()).toBeCloseTo(1, 0);
    expect(await length()).toBeLessThanOrEqual(1);
    for (const expected of [2, 4, 8]) {
      await over();
      expect(await length()).toBeCloseTo(expected, 0);
    }
    await dataSource.query('UPDATE channel_pauses SET strikes = 500');
    await over();
    expect(await length()).toBeCloseTo(300, 0);
  });

  test('is as long as the longest that the channel named', async () => {
    const long = await pause(dataSource, account, { ms: 60_000 });
    expect(await pause(dataSource, account, { ms: 1_000 })).toEqual(long);
    expect(await pause(dataSource, account, { ms: null })).toEqual(long);
    expect((await pause(dataSource, account, { ms: 120_000 })).getTime()).toBeGreaterThan(long.getTime());
  });

  test('keeps its lanes from being taken for forgotten', async () => {
    await queue({ due: -10 });
    expect(await forgottenLanes(dataSource)).toHaveLength(1);
    await pause(dataSource, account, { ms: 60_000 });
    expect(await forgottenLanes(dataSource)).toEqual([]);
  });
});

test('only who holds a send gives it back', async () => {
  await queue();
  const mine = await claim(dataSource, await head(), 'me', ONE_PART);
  expect(await release(dataSource, { ...(mine as Send), attemptBy: 'you' }, new Date())).toBe(false);
  expect(await head()).toMatchObject({ attemptBy: 'me' });
  expect(await release(dataSource, mine as Send, new Date(Date.now() + 60_000))).toBe(true);
  expect(await head()).toMatchObject({ attemptBy: null, due: false });
  await dataSource.query('DELETE FROM sends');
  expect(await release(dataSource, mine as Send, new Date())).toBe(false);
});

test('a send is still at rest as long as nobody claimed it and no echo told of it', async () => {
  await queue({ due: 60 });
  const resting = await head();
  expect(await isAtRest(dataSource, resting)).toBe(true);
  await dataSource.query('UPDATE sends SET parts_sent = 1');
  expect(await isAtRest(dataSource, resting)).toBe(false);
  await dataSource.query('UPDATE sends SET parts_sent = 0, next_attempt_at = now()');
  await claim(dataSource, resting, 'me', ONE_PART);
  expect(await isAtRest(dataSource, resting)).toBe(false);
});

test('a mark is taken away only if it is still the same', async () => {
  await queue();
  await claim(dataSource, await head(), 'dead', ONE_PART);
  const marks = await findMarks(dataSource);
  expect(marks).toMatchObject([{ attemptBy: 'dead' }]);
  // Meanwhile its holder gave it back and took it again.
  await release(dataSource, await head(), new Date(0));
  await claim(dataSource, await head(), 'dead', ONE_PART);
  expect(await recover(dataSource, marks, new Date())).toEqual([]);
  expect(await head()).toMatchObject({ attemptBy: 'dead' });
  const later = new Date(Date.now() + 60_000);
  expect(await recover(dataSource, await findMarks(dataSource), later)).toEqual([
    { ...lane, highPriority: false },
  ]);
  expect(await head()).toMatchObject({ attemptBy: null, restsUntil: later });
});

test('a lane is forgotten when its head is overdue and no job is about to take it', async () => {
  await queue({ due: -10 });
  expect(await forgottenLanes(dataSource)).toEqual([{ ...lane, highPriority: false }]);
  const jobs = new JobsService();
  const job = laneJob(lane.projectId, lane.conversationId);
  await jobs.add(dataSource.manager, [job]);
  expect(await forgottenLanes(dataSource)).toEqual([]);
  await dataSource.query('SELECT graphile_worker.remove_job($1)', [job.key]);
  await jobs.add(dataSource.manager, [laneJob(lane.projectId, lane.conversationId, { highPriority: true })]);
  expect(await forgottenLanes(dataSource)).toEqual([]);
  await dataSource.query('SELECT graphile_worker.remove_job($1)', [`send-high:${lane.conversationId}`]);
  // A job that comes too late, or that a worker has without anything happening, is none.
  await jobs.add(dataSource.manager, [{ ...job, runAt: new Date(Date.now() + 60_000) }]);
  expect(await forgottenLanes(dataSource)).toEqual([{ ...lane, highPriority: false }]);
  await jobs.add(dataSource.manager, [job]);
  await dataSource.query(
    `UPDATE graphile_worker._private_jobs SET locked_by = 'w', locked_at = now() WHERE key = $1`,
    [job.key],
  );
  expect(await forgottenLanes(dataSource)).toEqual([{ ...lane, highPriority: false }]);
});

test('a lane whose head is tried or rests is not forgotten, however long others wait behind it', async () => {
  await queue({ due: 60 });
  await queue({ due: -10 });
  const other = await newLane();
  await queue({ of: other, due: -10 });
  await queue({ of: other, due: -10 });
  await claim(dataSource, (await headOf(dataSource, other)) as Send, 'me', ONE_PART);
  expect(await forgottenLanes(dataSource)).toEqual([]);
});

test('what has expired is found wherever it stands, except while it is being tried', async () => {
  await queue();
  const behind = await queue({ expires: -1 });
  const other = await newLane();
  await queue({ of: other, expires: -1 });
  await claim(dataSource, (await headOf(dataSource, other)) as Send, 'me', ONE_PART);
  expect((await expiredSends(dataSource)).map(({ messageId }) => messageId)).toEqual([behind]);
});
