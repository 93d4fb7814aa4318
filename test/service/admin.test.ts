import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { understand } from '../../src/access/admin.commands.js';
import { ProjectsService } from '../../src/access/projects.service.js';
import { createDataSource } from '../../src/database/data-source.js';
import { accessTo } from '../support/access.js';
import { basic } from '../support/api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let dataSource: DataSource;
let projects: ProjectsService;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 2).initialize();
  projects = new ProjectsService(dataSource);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

async function admin(...args: string[]): Promise<string> {
  const call = understand(args);
  if (!call) throw new Error(`not understood: ${args.join(' ')}`);
  return call.run(projects);
}

async function json(...args: string[]): Promise<Record<string, string>> {
  return JSON.parse(await admin(...args, '--json')) as Record<string, string>;
}

function authenticate({ keyId = '', keySecret = '' }: Record<string, string>): Promise<unknown> {
  return accessTo(dataSource).authenticate(basic(keyId, keySecret));
}

test('a project and a key are made, used, listed and revoked', async () => {
  const { projectId = '', name } = await json('project', 'create', 'Acme Inc.');
  expect(name).toBe('Acme Inc.');
  const key = await json('key', 'create', projectId);
  expect(await authenticate(key)).toEqual({ projectId, keyId: key.keyId });
  expect(await json('key', 'list', projectId)).toEqual([
    { keyId: key.keyId, createdAt: expect.stringContaining('Z') as unknown, revokedAt: null },
  ]);
  expect(await json('key', 'revoke', key.keyId ?? '')).toEqual({ keyId: key.keyId, revoked: true });
  await expect(authenticate(key)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await json('key', 'list', projectId)).toMatchObject([{ revokedAt: expect.any(String) as unknown }]);
});

test('the plain answer is one name and value a line, and one key a line', async () => {
  const created = await admin('project', 'create', 'Plain');
  const [, projectId = ''] = /^projectId: (\S+)\nname: Plain$/.exec(created) ?? [];
  const key = await admin('key', 'create', projectId);
  expect(key).toMatch(/^projectId: \S+\nkeyId: \S+\nkeySecret: \S{43}$/);
  expect(await admin('key', 'list', projectId)).toMatch(/^keyId: \S+ {2}createdAt: \S+Z$/);
});

test.each([
  [[]],
  [['project']],
  [['project', 'create']],
  [['project', 'create', 'two', 'words']],
  [['project', 'delete', 'x']],
  [['key', 'list', '']],
  [['key', 'list', 'x', '--yaml']],
])('%j is not understood', (args) => {
  expect(understand(args)).toBeNull();
});

test('what does not exist is told by name', async () => {
  await expect(admin('key', 'create', 'nobody')).rejects.toThrow('Project nobody was not found');
  await expect(admin('key', 'revoke', 'nobody')).rejects.toThrow('Access key nobody was not found');
});
