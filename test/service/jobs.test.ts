// Adding jobs to the real queue, without anybody who does them.
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import type { NewJob } from '../../src/jobs/task.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

interface Job {
  id: string;
  revision: number;
  priority: number;
  due: boolean;
  locked: boolean;
}

const JOB: NewJob<'send'> = {
  task: 'send',
  key: 'send:one',
  payload: { projectId: 'project', conversationId: 'one' },
};

let database: TestDatabase;
let dataSource: DataSource;
let jobs: JobsService;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 2).initialize();
  jobs = new JobsService();
});
beforeEach(async () => {
  await dataSource.query('DELETE FROM graphile_worker._private_jobs');
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

async function addSoon(job: NewJob): Promise<void> {
  jobs.addSoon(dataSource.manager, [job]);
  await jobs.settled();
}

function waiting(): Promise<Job[]> {
  return dataSource.query(
    `SELECT id, revision, priority, run_at <= now() AS due, locked_at IS NOT NULL AS locked FROM graphile_worker.jobs ORDER BY id`,
  );
}

test('a job that waits already is left alone', async () => {
  await addSoon(JOB);
  const before = await waiting();
  expect(before).toMatchObject([{ due: true, locked: false }]);
  await addSoon(JOB);
  expect(await waiting()).toEqual(before);
});

test('one that waits for later is moved to now', async () => {
  await jobs.add(dataSource.manager, [{ ...JOB, runAt: new Date(Date.now() + 3_600_000) }]);
  expect(await waiting()).toMatchObject([{ due: false }]);
  await addSoon(JOB);
  expect(await waiting()).toMatchObject([{ due: true }]);
});

test('one of lower priority is moved ahead', async () => {
  await addSoon(JOB);
  await addSoon({ ...JOB, priority: -5 });
  expect(await waiting()).toMatchObject([{ priority: -5 }]);
});

test('one that has begun is followed by another', async () => {
  await addSoon(JOB);
  await dataSource.query(
    `UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'somebody'`,
  );
  await addSoon(JOB);
  expect(await waiting()).toMatchObject([{ locked: true }, { locked: false, due: true }]);
});

test('one that has failed for good is followed by another', async () => {
  await addSoon(JOB);
  await dataSource.query(`UPDATE graphile_worker._private_jobs SET attempts = max_attempts`);
  await addSoon(JOB);
  const attempts = await dataSource.query('SELECT attempts, key FROM graphile_worker.jobs ORDER BY id');
  expect(attempts).toMatchObject([{ key: null }, { attempts: 0, key: JOB.key }]);
});
