import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { choosePlace } from '../../src/database/embedded-place.js';
import { startEmbedded, type EmbeddedOptions, type EmbeddedPostgres } from '../../src/database/embedded.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const isRoot = process.getuid?.() === 0;
const settings = { fsync: 'off', shared_buffers: '16MB', max_connections: '20' };
const support = join(import.meta.dirname, '..', 'support');

const started: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];
const folders: string[] = [];

/** A stopped server's folder for tests about what comes later: to make one takes initdb a second or two. */
const used = temporaryFolder('parley-embedded-');

beforeAll(async () => {
  await (await startEmbedded({ dataDir: used, settings })).stop();
});

afterAll(() => remove(used));

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.stdin?.end();
    await once(child, 'close');
  }
  await Promise.all(started.splice(0).map((server) => server.stop()));
  folders.splice(0).forEach(remove);
});

function remove(dataDir: string): void {
  if (existsSync(dataDir)) chmodSync(dataDir, 0o711);
  for (const folder of choosePlace(dataDir).folders) rmSync(folder, { recursive: true, force: true });
}

function dataFolder(mode = 0o711): string {
  const folder = temporaryFolder('parley-embedded-');
  chmodSync(folder, mode);
  folders.push(folder);
  return folder;
}

async function start(dataDir: string, options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir, settings, ...options });
  started.push(server);
  return server;
}

type Child = ChildProcess & { server: Promise<EmbeddedPostgres> };

/** Another process that starts or joins the server and keeps it until its input ends. */
function startInChild(
  dataDir: string,
  { options, ...account }: { options?: Partial<EmbeddedOptions>; uid?: number; gid?: number } = {},
): Child {
  const child = spawn(
    process.execPath,
    [
      ...['--import', join(support, 'ts-imports.ts'), join(support, 'embedded-child.ts')],
      JSON.stringify({ dataDir, settings, ...options }),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true, cwd: '/', ...account },
  );
  children.push(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const server = new Promise<EmbeddedPostgres>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) =>
      resolve(JSON.parse(line) as EmbeddedPostgres),
    );
    child.once('close', () => reject(new Error(`The child ended: ${errors}`)));
  });
  server.catch(() => undefined); // a test that kills the child at once does not look
  return Object.assign(child, { server });
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Of every process of this machine. */
function commandLines(): string {
  if (process.platform !== 'linux') return spawnSync('ps', ['-axo', 'command'], { encoding: 'utf8' }).stdout;
  const read = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // ended in between
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(read)
    .join('\n');
}

function postmasterPid(dataDir: string): number {
  return Number.parseInt(readFileSync(join(choosePlace(dataDir).data, 'postmaster.pid'), 'utf8'));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const untilGone = (pid: number): Promise<unknown> =>
  vi.waitUntil(() => !isAlive(pid), { timeout: 20_000, interval: 10 });

async function killHard(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await untilGone(pid);
}

/** Commits a row that only its own test knows. */
async function keep(url: string): Promise<string> {
  const note = randomUUID();
  await query(url, `create table if not exists kept (note text); insert into kept values ('${note}')`);
  return note;
}

async function isKept(url: string, note: string): Promise<boolean> {
  return (await query(url, `select 1 from kept where note = '${note}'`)).length === 1;
}

describe('a fresh folder', () => {
  test('gets a UTF-8 server with the database asked for', async () => {
    const dataDir = dataFolder();
    const server = await start(dataDir, { database: 'Other "name"' });
    expect(server.joined).toBe(false);
    expect(server.location).toContain(choosePlace(dataDir).home);
    expect(
      await query(
        server.url,
        `select current_database() as database, current_setting('server_encoding') as encoding, lower('ÉΣ') as lower`,
      ),
    ).toEqual([{ database: 'Other "name"', encoding: 'UTF8', lower: 'éσ' }]);
  });

  test('is readable by the server account only, and its password is on no command line', async () => {
    const dataDir = dataFolder();
    const lines: string[] = [];
    const server = await start(dataDir, { onLog: (line) => lines.push(line) });
    const { data, password } = choosePlace(dataDir);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(statSync(password).mode & 0o777).toBe(0o600);
    const secret = new URL(server.url).password;
    expect(secret).toHaveLength(32);
    expect(commandLines()).toContain(`-D ${data} `);
    expect(commandLines()).not.toContain(secret);
    expect(lines.join('\n')).not.toContain(secret);
  });

  test('with a wrong setting fails with what Postgres says', async () => {
    await expect(start(dataFolder(), { settings: { work_mem: 'plenty' } })).rejects.toThrow(
      'invalid value for parameter "work_mem": "plenty"',
    );
  });

  test('a start killed in the middle of initdb is done again', async () => {
    const dataDir = dataFolder();
    const { base, home } = choosePlace(dataDir);
    const drafts = (): string[] => readdirSync(base).filter((name) => name.startsWith('postgres.init-'));
    const child = startInChild(dataDir);
    await vi.waitUntil(() => drafts().some((name) => existsSync(join(base, name, 'data', 'base'))), {
      timeout: 20_000,
      interval: 5,
    });
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(home)).toBe(false);
    const server = await start(dataDir);
    expect(server.joined).toBe(false);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(drafts()).toEqual([]);
  });
});

describe('a second start', () => {
  test('finds the data of the first', async () => {
    const first = await start(used);
    const note = await keep(first.url);
    await first.stop();
    const second = await start(used);
    expect(second.joined).toBe(false);
    expect(await isKept(second.url, note)).toBe(true);
  });

  test('joins a running server, and its stop leaves that server alone', async () => {
    const first = await start(used);
    const child = startInChild(used);
    const second = await child.server;
    expect(second).toMatchObject({ joined: true, url: first.url });
    child.stdin?.end();
    await once(child, 'close');
    expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('at the same moment on a fresh folder makes one server', async () => {
    const dataDir = dataFolder();
    const servers = await Promise.all([startInChild(dataDir).server, startInChild(dataDir).server]);
    expect(servers.map(({ joined }) => joined).sort()).toEqual([false, true]);
    expect(servers[0].url).toBe(servers[1].url);
  });

  test('waits for a server that is shutting down', async () => {
    const first = await start(used);
    const client = new pg.Client({ connectionString: first.url });
    await client.connect();
    process.kill(postmasterPid(used), 'SIGTERM'); // smart shutdown: waits for the client
    const pidFile = join(choosePlace(used).data, 'postmaster.pid');
    await vi.waitUntil(() => readFileSync(pidFile, 'utf8').includes('stopping'), { timeout: 10_000 });
    let clientLeft = false;
    const second = start(used).then((server) => ({ server, clientLeft }));
    await client.query('select 1');
    clientLeft = true;
    await client.end();
    expect(await second).toMatchObject({ server: { joined: false }, clientLeft: true });
  });
});

describe('a violent end', () => {
  test('of the process that started it leaves no Postgres and loses nothing committed', async () => {
    const child = startInChild(used);
    const { url } = await child.server;
    const note = await keep(url);
    const postmaster = postmasterPid(used);
    child.kill('SIGKILL');
    await untilGone(postmaster);
    const server = await start(used);
    expect(server.joined).toBe(false);
    expect(await isKept(server.url, note)).toBe(true);
  });

  test('of Postgres itself leaves a postmaster.pid that the next start takes over', async () => {
    const first = await start(used);
    const note = await keep(first.url);
    await killHard(postmasterPid(used));
    const second = await start(used);
    expect(second.joined).toBe(false);
    expect(await isKept(second.url, note)).toBe(true);
  });

  test('whose pid was given to another process does not stop the next start', async () => {
    await (await start(used)).stop();
    const { data } = choosePlace(used);
    const { uid, gid } = statSync(data);
    const stranger = spawn('sleep', ['600'], { uid, gid, cwd: '/' });
    try {
      const pidFile = join(data, 'postmaster.pid');
      writeFileSync(pidFile, `${stranger.pid}\n${data}\n1700000000\n1\n\n127.0.0.1\n\nready   \n`, {
        mode: 0o600,
      });
      chownSync(pidFile, uid, gid);
      const server = await start(used);
      expect(server.joined).toBe(false);
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill();
    }
  });

  test('while starting leaves a lock that the next start takes over', async () => {
    const dead = spawnSync('true').pid;
    writeFileSync(choosePlace(used).lock, `${dead}\n`);
    expect((await start(used)).joined).toBe(false);
    expect(existsSync(choosePlace(used).lock)).toBe(false);
  });

  test('of the process that started a temporary server leaves no file', async () => {
    const dataDir = dataFolder();
    const child = startInChild(dataDir, { options: { temporary: true } });
    await child.server;
    const places = choosePlace(dataDir).folders;
    child.kill('SIGKILL');
    await vi.waitUntil(() => !places.some((folder) => existsSync(folder)), { timeout: 20_000 });
  });

  test('is not what Ctrl-C means for Postgres: it stays until the service has drained', async () => {
    const child = startInChild(used);
    const { url } = await child.server;
    process.kill(-(child.pid ?? 0), 'SIGINT'); // what a terminal does: the whole group
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const postmaster = postmasterPid(used);
    child.stdin?.end();
    await once(child, 'close');
    expect(isAlive(postmaster)).toBe(false);
  });
});

describe('users', () => {
  test('root in a folder closed to others keeps the data under /var/lib/parley', async (context) => {
    context.skip(!isRoot, 'only root runs Postgres as another user');
    const dataDir = dataFolder(0o700);
    const first = await start(dataDir);
    expect(first.location).toMatch(/^\/var\/lib\/parley\/[0-9a-f]{12}\/postgres .*cannot/);
    expect(first.location).toContain(dataDir);
    const note = await keep(first.url);
    await first.stop();
    chmodSync(dataDir, 0o711); // opening it later must not bring up an empty database
    const second = await start(dataDir);
    expect(await isKept(second.url, note)).toBe(true);
  });

  test('root is told when the account that owns the data can no longer reach them', async (context) => {
    context.skip(!isRoot, 'only root runs Postgres as another user');
    chmodSync(used, 0o700);
    try {
      await expect(start(used)).rejects.toThrow(/cannot enter it any more/);
    } finally {
      chmodSync(used, 0o711);
    }
  });

  test('an ordinary user runs it as that user, in a folder closed to others', async (context) => {
    const dataDir = dataFolder(0o700);
    let account: { uid?: number; gid?: number } = {};
    if (isRoot) {
      account = { uid: 65534, gid: 65534 };
      const probe = ['-e', `require('fs').accessSync(${JSON.stringify(join(support, 'embedded-child.ts'))})`];
      if (spawnSync(process.execPath, probe, { ...account, cwd: '/' }).status !== 0)
        return context.skip('an ordinary user cannot read this checkout');
      chownSync(dataDir, 65534, 65534);
    }
    const server = await startInChild(dataDir, account).server;
    expect(server).toMatchObject({ joined: false, location: join(dataDir, 'postgres') });
    const { uid } = statSync(join(dataDir, 'postgres', 'data'));
    expect(uid).toBe(account.uid ?? process.getuid?.());
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});
