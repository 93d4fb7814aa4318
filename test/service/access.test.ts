import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type AccessService, CALLER_CACHE_MS } from '../../src/access/access.service.js';
import { ProjectsService } from '../../src/access/projects.service.js';
import { createDataSource } from '../../src/database/data-source.js';
import { accessTo } from '../support/access.js';
import { basic } from '../support/api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let projects: ProjectsService;
let access: AccessService;
let projectId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 4).initialize();
  projects = new ProjectsService(dataSource);
  ({ projectId } = await projects.createProject('Acme'));
});
beforeEach(() => {
  access = accessTo(dataSource);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

test('a key made for a project speaks for that project', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  expect(await access.authenticate(basic(keyId, secret))).toEqual({ projectId, keyId });
  expect(await access.authenticate(basic(keyId, secret).replace('Basic', 'bAsIc'))).toEqual({
    projectId,
    keyId,
  });
});

test('secrets are stored hashed only', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  const rows: unknown = await dataSource.query(
    'SELECT k.*, r.* FROM access_keys k JOIN access_key_routes r USING (key_id) WHERE key_id = $1',
    [keyId],
  );
  expect(JSON.stringify(rows)).toContain(keyId);
  expect(JSON.stringify(rows)).not.toContain(secret);
});

test.each([
  ['nothing', undefined],
  ['an empty header', ''],
  ['no scheme', 'abc'],
  ['a scheme alone', 'Basic'],
  ['Basic without a colon', `Basic ${Buffer.from('abc').toString('base64')}`],
  ['a key id with a NUL', basic('a\0b', 'secret')],
  ['a key id without end', basic('x'.repeat(1000), 'secret')],
  ['another scheme', 'Digest username="x"'],
  ['a bearer token', 'Bearer abc'],
  ['an unknown key', basic(randomUUID(), 'secret')],
])('%s is unauthenticated', async (_case, authorization) => {
  await expect(access.authenticate(authorization)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('a wrong secret is told like an unknown key', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  const wrong = await access.authenticate(basic(keyId, `${secret}x`)).catch((error: unknown) => error);
  const unknown = await access.authenticate(basic(randomUUID(), secret)).catch((error: unknown) => error);
  expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(wrong).toEqual(unknown);
});

test('a caller who called a moment ago costs no query, and many first calls at once cost one', async () => {
  const authorization = basic(...keyOf(await projects.createKey(projectId)));
  const query = vi.spyOn(dataSource.manager, 'query');
  await Promise.all(Array.from({ length: 50 }, () => access.authenticate(authorization)));
  await access.authenticate(authorization);
  expect(query).toHaveBeenCalledTimes(1);
});

test('a revoked key stops within the time that callers are remembered', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  await access.authenticate(basic(keyId, secret));
  await projects.revokeKey(keyId);
  passTime(CALLER_CACHE_MS);
  await vi.waitFor(
    () =>
      expect(access.authenticate(basic(keyId, secret))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' }),
    20_000,
  );
});

test('after ten wrong secrets a key is refused unseen, a minute later no more', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  for (let i = 0; i < 10; i++) {
    await expect(access.authenticate(basic(keyId, `wrong ${i}`))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  }
  const query = vi.spyOn(dataSource.manager, 'query');
  await expect(access.authenticate(basic(keyId, secret))).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  });
  expect(query).not.toHaveBeenCalled();
  passTime(60_000);
  await vi.waitFor(
    async () => expect(await access.authenticate(basic(keyId, secret))).toEqual({ projectId, keyId }),
    20_000,
  );
});

test('a burst of guesses gets no further than guesses one after the other', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  const guesses = Array.from({ length: 60 }, (_, i) => (i === 59 ? secret : `guess ${i}`));
  const outcomes = await Promise.allSettled(guesses.map((guess) => access.authenticate(basic(keyId, guess))));
  const codes = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? 'in' : (outcome.reason as { code: string }).code,
  );
  expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(10);
  expect(codes.filter((code) => code === 'RESOURCE_EXHAUSTED')).toHaveLength(50);
});

test('who guesses at many keys is stopped by address, and others are not', async () => {
  for (let i = 0; i < 100; i++) {
    await access.authenticate(basic(`key-${i}`, 'guess'), '203.0.113.1').catch(() => undefined);
  }
  const authorization = basic(...keyOf(await projects.createKey(projectId)));
  await expect(access.authenticate(authorization, '203.0.113.1')).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  });
  expect(await access.authenticate(authorization, '203.0.113.2')).toMatchObject({ projectId });
});

test('somebody who guesses at a key cannot lock out the caller who already works with it', async () => {
  const { keyId, secret } = await projects.createKey(projectId);
  await access.authenticate(basic(keyId, secret), 'customer');
  for (let i = 0; i < 20; i++) {
    await access.authenticate(basic(keyId, `guess ${i}`), 'attacker').catch(() => undefined);
  }
  passTime(CALLER_CACHE_MS);
  const query = vi.spyOn(dataSource.manager, 'query');
  await vi.waitFor(async () => {
    expect(await access.authenticate(basic(keyId, secret), 'customer')).toEqual({ projectId, keyId });
    expect(query).toHaveBeenCalled();
  }, 20_000);
  await expect(access.authenticate(basic(keyId, secret), 'attacker')).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  });
});

test('keys are listed oldest first with what became of them, never with their secrets', async () => {
  const project = await projects.createProject('Listed');
  const [first, second] = [
    await projects.createKey(project.projectId),
    await projects.createKey(project.projectId),
  ];
  await projects.revokeKey(first.keyId);
  const keys = await projects.listKeys(project.projectId);
  expect(keys.map((key) => [key.keyId, key.revokedAt !== null])).toEqual([
    [first.keyId, true],
    [second.keyId, false],
  ]);
  expect(keys[0]).not.toHaveProperty('secretHash', expect.any(String));
});

test('projects and keys that do not exist are not found', async () => {
  await expect(projects.createKey('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(projects.listKeys('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(projects.revokeKey('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a project id is a UUID, and one that exists is not made again', async () => {
  const { projectId: id } = await projects.createProject('Once');
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  await expect(projects.createProject('Twice', id)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(projects.createProject('  ')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('bootstrapping makes project and key once, and follows a changed secret', async () => {
  await projects.bootstrap('boot', 'boot-key', 'first secret');
  await projects.bootstrap('boot', 'boot-key', 'first secret');
  expect(await access.authenticate(basic('boot-key', 'first secret'))).toEqual({
    projectId: 'boot',
    keyId: 'boot-key',
  });
  await projects.bootstrap('boot', 'boot-key', 'second secret');
  access = accessTo(dataSource);
  await expect(access.authenticate(basic('boot-key', 'first secret'))).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  expect(await access.authenticate(basic('boot-key', 'second secret'))).toMatchObject({ projectId: 'boot' });
});

test('bootstrapping revives no revoked key and takes no key from another project', async () => {
  await projects.bootstrap('boot-2', 'boot-key-2', 'some secret');
  await projects.revokeKey('boot-key-2');
  await projects.bootstrap('boot-2', 'boot-key-2', 'some secret');
  await expect(access.authenticate(basic('boot-key-2', 'some secret'))).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  await expect(projects.bootstrap('boot-3', 'boot-key-2', 'some secret')).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
  });
  expect(await dataSource.query(`SELECT FROM projects WHERE project_id = 'boot-3'`)).toHaveLength(0);
});

/** Lets the clock of the caches jump. They read it once a millisecond, so wait for what comes of it. */
function passTime(ms: number): void {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
}

function keyOf({ keyId, secret }: { keyId: string; secret: string }): [string, string] {
  return [keyId, secret];
}
