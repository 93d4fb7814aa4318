// Media that come in: noted with their message, downloaded by a job, stored, shown, given up, erased.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Config } from '../../src/config.js';
import { PeopleResolver } from '../../src/conversations/people.js';
import { createDataSource } from '../../src/database/data-source.js';
import { EventLog } from '../../src/events/event-log.js';
import { Wakeups } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import { MediaDisposer } from '../../src/media/disposer.js';
import { Downloader, type DownloadLimits } from '../../src/media/downloader.js';
import { MediaFetcher } from '../../src/media/fetcher.js';
import { MediaIntake } from '../../src/media/intake.js';
import { LocalStorage } from '../../src/media/local.storage.js';
import type { MediaKey } from '../../src/media/media-row.js';
import { type ByteRange, MediaStorage } from '../../src/media/storage.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';
import { PublicUrl } from '../../src/public-url.js';
import { PNG, startTestCdn, type TestCdn } from '../support/cdn.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

const MAX_BYTES = 200_000;

interface Row {
  id: string;
  message_id: string;
  state: string;
  attempts: number;
  reason: string | null;
  content_type: string | null;
  size: string | null;
  name: string | null;
  waits: boolean;
}

let database: TestDatabase;
let dataSource: DataSource;
let cdn: TestCdn;
let folder: string;
let agents: GuardedAgent[];
let log: EventLog;
let jobs: JobsService;
let inbound: InboundService;
let storage: LocalStorage;
let projectId: string;
let appId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 6).initialize();
  cdn = await startTestCdn();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-media-'));
  agents = [];
  jobs = new JobsService();
  log = new EventLog(dataSource, new Wakeups(dataSource, new Config()));
  new MediaIntake(log, jobs).onModuleInit();
  inbound = new InboundService(dataSource, new PeopleResolver(dataSource, log), log, jobs);
  storage = new LocalStorage(join(folder, 'stored'));
  projectId = newId();
  appId = newId();
  await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'P')`, [projectId]);
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    projectId,
    appId,
  ]);
});
afterEach(async () => {
  await jobs.settled();
  for (const agent of agents) await agent.onApplicationShutdown();
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await cdn.stop();
  await dataSource.destroy();
  await database.drop();
});

function agentOf(resolve?: (hostname: string) => Promise<string[]>, allowPrivate = true): GuardedAgent {
  const agent = new GuardedAgent({ allowPrivate, resolve });
  agents.push(agent);
  return agent;
}

/** A worker process. */
function workerOf(
  given: {
    limits?: Partial<DownloadLimits>;
    timeout?: number;
    storage?: MediaStorage;
    agent?: GuardedAgent;
  } = {},
): MediaFetcher {
  const limits = { maxBytes: MAX_BYTES, idle: 5_000, allowPrivate: true, ...given.limits };
  const downloader = new Downloader(given.agent ?? agentOf(), join(folder, 'incoming'), limits);
  const config = Object.assign(new Config(), { PUBLIC_URL: 'https://chat.example/' });
  const { timeout = 20_000, storage: kept = storage } = given;
  return new MediaFetcher(dataSource, log, jobs, downloader, kept, new PublicUrl(config), timeout);
}

/** Somebody sends media, by the channel's link. */
async function comesIn(url: string, identity = randomUUID()): Promise<MediaKey> {
  const content = { media_message: { url } };
  await inbound.receive({ projectId, appId, channel: 'MESSENGER' }, [
    { kind: 'message', identity, at: new Date(), channelMessageId: `m_${randomUUID()}`, content },
  ]);
  const [row] = await rows();
  if (!row) throw new Error('the media were not noted');
  return { projectId, id: row.id };
}

async function rows(): Promise<Row[]> {
  return dataSource.query(
    `SELECT *, next_attempt_at > now() AS waits FROM media WHERE project_id = $1 ORDER BY id DESC`,
    [projectId],
  );
}

async function rowOf({ id }: MediaKey): Promise<Row> {
  const row = (await rows()).find((media) => media.id === id);
  if (!row) throw new Error(`media ${id} are gone`);
  return row;
}

async function fetch(worker: MediaFetcher, { id }: MediaKey): Promise<void> {
  await worker.fetch({ projectId, mediaId: id });
}

/** The link that a message shows. */
async function shown(key: MediaKey): Promise<string> {
  const { message_id } = await rowOf(key);
  const [row]: { url: string }[] = await dataSource.query(
    `SELECT content #>> '{media_message,url}' AS url FROM messages WHERE project_id = $1 AND id = $2`,
    [projectId, message_id],
  );
  return row?.url ?? '';
}

async function updates(): Promise<{ message: { content: object }; status?: object }[]> {
  const events: { payload: { message: { content: object } } }[] = await dataSource.query(
    `SELECT payload FROM events WHERE project_id = $1 AND kind = 'message.updated' ORDER BY seq`,
    [projectId],
  );
  return events.map(({ payload }) => payload);
}

async function bytesOf(key: MediaKey, from: MediaStorage = storage): Promise<Buffer | null> {
  const stream = await from.open(key, null);
  return stream && Buffer.concat((await stream.toArray()) as Buffer[]);
}

/** Time passes: what waits is due. */
async function later(): Promise<void> {
  await dataSource.query(
    `UPDATE media SET next_attempt_at = now() - interval '1 s' WHERE project_id = $1 AND state = 'PENDING'`,
    [projectId],
  );
  await dataSource.query(`UPDATE media_garbage SET due_at = now() WHERE project_id = $1`, [projectId]);
}

function incoming(): Promise<string[]> {
  return readdir(join(folder, 'incoming')).catch(() => []);
}

async function jobKeys(): Promise<string[]> {
  const found: { key: string }[] = await dataSource.query('SELECT key FROM graphile_worker.jobs');
  return found.map(({ key }) => key);
}

describe('media that come in', () => {
  test('are noted with their message and downloaded by a job, and then the message shows our link', async () => {
    const url = cdn.serve('/photo.png?oh=1', { headers: { 'content-type': 'image/png' }, body: PNG });
    const key = await comesIn(url);
    expect(await shown(key)).toBe(url);
    expect(await rowOf(key)).toMatchObject({ state: 'PENDING', attempts: 0 });
    await jobs.settled();
    expect(await jobKeys()).toContain(`media:${key.id}`);

    await fetch(workerOf(), key);
    const row = await rowOf(key);
    expect(row).toMatchObject({
      state: 'STORED',
      content_type: 'image/png',
      size: String(PNG.length),
      name: 'photo.png',
    });
    const link = await shown(key);
    expect(link).toMatch(
      new RegExp(`^https://chat\\.example/media/${key.id}/photo\\.png\\?s=${projectId}\\.[\\w-]{24}$`),
    );
    expect(await bytesOf(key)).toEqual(PNG);
    const told = await updates();
    expect(told).toHaveLength(1);
    expect(told[0]).not.toHaveProperty('status');
    expect(told[0]?.message.content).toEqual({ media_message: { url: link } });
    expect(await incoming()).toEqual([]);
  });

  test("from the Page's inbox are kept as well, and a redelivery notes nothing twice", async () => {
    const url = cdn.serve('/echo.png', { body: PNG });
    const echo = {
      kind: 'echo' as const,
      identity: randomUUID(),
      at: new Date(),
      channelMessageId: `m_${randomUUID()}`,
      content: { media_message: { url } },
      origin: 'PAGE_INBOX' as const,
    };
    for (let time = 0; time < 2; time += 1)
      await inbound.receive({ projectId, appId, channel: 'MESSENGER' }, [echo]);
    expect(await rows()).toHaveLength(1);
  });

  test('are downloaded once, however many jobs there are', async () => {
    const url = cdn.serve('/once.png', { body: PNG });
    const key = await comesIn(url);
    await Promise.all([fetch(workerOf(), key), fetch(workerOf(), key), fetch(workerOf(), key)]);
    await fetch(workerOf(), key);
    expect(cdn.requests.filter((path) => path === '/once.png')).toHaveLength(1);
    expect(await updates()).toHaveLength(1);
  });

  test('whose job was lost are found by the sweep, and those with a job are left alone', async () => {
    const key = await comesIn(cdn.serve('/lost.png', { body: PNG }));
    await jobs.settled();
    await dataSource.query('SELECT graphile_worker.remove_job($1)', [`media:${key.id}`]);
    await workerOf().sweep();
    expect(await jobKeys()).toContain(`media:${key.id}`);
    const at = `SELECT run_at FROM graphile_worker.jobs WHERE key = $1`;
    const before: object[] = await dataSource.query(at, [`media:${key.id}`]);
    await workerOf().sweep();
    expect(await dataSource.query(at, [`media:${key.id}`])).toEqual(before);
  });

  test('that are really HTML are kept as something that no browser shows', async () => {
    const body = '<!doctype html><script>alert(1)</script>';
    const key = await comesIn(cdn.serve('/trap.png', { headers: { 'content-type': 'image/png' }, body }));
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'STORED', content_type: 'application/octet-stream' });
  });
});

describe('a download that fails', () => {
  test('for good keeps the original link and says why', async () => {
    const url = cdn.serve('/gone.png', { status: 404 });
    const key = await comesIn(url);
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({
      state: 'FAILED',
      attempts: 1,
      reason: "the channel's server answered with status 404",
    });
    expect(await shown(key)).toBe(url);
    expect((await updates()).map(({ message }) => message.content)).toEqual([{ media_message: { url } }]);
  });

  test.each([500, 503, 429, 408])('with %i is tried again later', async (status) => {
    const url = cdn.serve(`/flaky-${status}.png`, { status }, { body: PNG });
    const key = await comesIn(url);
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'PENDING', waits: true, attempts: 1 });
    expect((await rowOf(key)).reason).toContain(String(status));
    expect(await shown(key)).toBe(url);
    expect(await jobKeys()).toContain(`media:${key.id}`);
    await later();
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'STORED', reason: null });
  });

  test('again and again is given up, and the message is told of once', async () => {
    const url = cdn.serve('/down.png', { status: 500 });
    const key = await comesIn(url);
    const worker = workerOf();
    while ((await rowOf(key)).state === 'PENDING') {
      await later();
      await fetch(worker, key);
    }
    expect(await rowOf(key)).toMatchObject({ state: 'FAILED', attempts: 8 });
    expect(await shown(key)).toBe(url);
    expect(await updates()).toHaveLength(1);
  });

  test('because it is too large is cut and leaves nothing behind, said or unsaid', async () => {
    let sent = 0;
    const endless = cdn.serve('/endless', (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) sent += 16_384;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    const key = await comesIn(endless);
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'FAILED' });
    expect((await rowOf(key)).reason).toContain(String(MAX_BYTES));
    // What the sockets of both sides hold may have been sent as well.
    expect(sent).toBeLessThan(20_000_000);
    const said = await comesIn(
      cdn.serve('/said', (_request, response) =>
        response.writeHead(200, { 'content-length': '999999999' }).flushHeaders(),
      ),
    );
    await fetch(workerOf(), said);
    expect(await rowOf(said)).toMatchObject({ state: 'FAILED' });
    expect(await incoming()).toEqual([]);
  });

  test('because it drips is cut in time', async () => {
    const url = cdn.serve('/drip', (_request, response) => {
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const key = await comesIn(url);
    await fetch(workerOf({ timeout: 300 }), key);
    expect(await rowOf(key)).toMatchObject({
      state: 'PENDING',
      reason: 'not downloaded within 0.3 s',
      attempts: 1,
    });
    expect(await incoming()).toEqual([]);
  });

  test('because it breaks off or is silent is tried again', async () => {
    const broken = cdn.serve('/broken', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('x', () => response.destroy());
    });
    const key = await comesIn(broken);
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'PENDING', attempts: 1 });
    const silent = await comesIn(cdn.serve('/silent', () => undefined));
    await fetch(workerOf({ limits: { idle: 200 } }), silent);
    expect(await rowOf(silent)).toMatchObject({ state: 'PENDING', attempts: 1 });
    expect(await incoming()).toEqual([]);
  });

  test('because storage fails uses up no attempt', async () => {
    class FullStorage extends LocalStorage {
      override put(): Promise<void> {
        return Promise.reject(new Error('ENOSPC: no space left on device, /secret/place'));
      }
    }
    const key = await comesIn(cdn.serve('/full.png', { body: PNG }));
    await fetch(workerOf({ storage: new FullStorage(folder) }), key);
    expect(await rowOf(key)).toMatchObject({
      state: 'PENDING',
      attempts: 0,
      waits: true,
      reason: 'it could not be stored',
    });
    expect(await incoming()).toEqual([]);
  });
});

describe('redirects', () => {
  test('are followed three times, and no further', async () => {
    for (const [from, to] of [
      ['/r0', '/r1'],
      ['/r1', '/r2'],
      ['/r2', '/r3'],
      ['/r3', '/r4'],
    ] as const)
      cdn.serve(from, { status: 302, headers: { location: to } });
    cdn.serve('/r4', { body: PNG });
    const three = await comesIn(`${cdn.url}/r1`);
    await fetch(workerOf(), three);
    expect(await rowOf(three)).toMatchObject({ state: 'STORED', name: 'r1' });
    const four = await comesIn(`${cdn.url}/r0`);
    await fetch(workerOf(), four);
    expect(await rowOf(four)).toMatchObject({
      state: 'FAILED',
      reason: 'the link redirects more than 3 times',
    });
  });

  test('to where we must not call are refused, by address and by name, when private targets are not allowed', async () => {
    // The first hop stands for a public server; from there on the guard is that of production.
    const open = agentOf(() => Promise.resolve(['127.0.0.1']));
    const guarded = agentOf(() => Promise.resolve(['127.0.0.1']), false);
    const agent = {
      open: (download: Parameters<GuardedAgent['open']>[0]) =>
        (new URL(download.url).hostname === 'public.test' ? open : guarded).open(download),
    } as GuardedAgent;
    const worker = workerOf({ agent, limits: { allowPrivate: false } });
    cdn.serve('/secret', { body: PNG });
    const targets = [`${cdn.url}/secret`, `http://inner.test:${cdn.port}/secret`, 'file:///etc/passwd'];
    for (const [index, location] of targets.entries()) {
      cdn.serve(`/hop-${index}`, { status: 302, headers: { location } });
      const key = await comesIn(`http://public.test:${cdn.port}/hop-${index}`);
      await fetch(worker, key);
      const row = await rowOf(key);
      expect(row.state).not.toBe('STORED');
      expect(row.reason).toMatch(/may not be called|no http address/);
    }
    expect(cdn.requests).not.toContain('/secret');
    const direct = await comesIn(`${cdn.url}/secret`);
    await fetch(worker, direct);
    expect(await rowOf(direct)).toMatchObject({ state: 'FAILED' });
    expect(cdn.requests).not.toContain('/secret');
  });
});

describe('a crash', () => {
  /** Stores, and then the process is no more. */
  class LastBreath extends MediaStorage {
    readonly stored = Promise.withResolvers<void>();

    override async put(...given: Parameters<LocalStorage['put']>): Promise<void> {
      await storage.put(...given);
      this.stored.resolve();
      return new Promise(() => undefined);
    }

    override open(key: MediaKey, range: ByteRange | null): Promise<Readable | null> {
      return storage.open(key, range);
    }

    override delete(key: MediaKey): Promise<void> {
      return storage.delete(key);
    }
  }

  test('between storing and recording leaves the message with its link, and the next attempt completes it', async () => {
    const url = cdn.serve('/crash.png', { body: PNG });
    const key = await comesIn(url);
    const dying = new LastBreath();
    void fetch(workerOf({ storage: dying }), key);
    await dying.stored.promise;
    expect(await shown(key)).toBe(url);
    // Nobody else takes it while the process may still live.
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'PENDING', attempts: 1 });
    await later();
    await workerOf().sweep();
    expect(await jobKeys()).toContain(`media:${key.id}`);
    await fetch(workerOf(), key);
    expect(await rowOf(key)).toMatchObject({ state: 'STORED', attempts: 2 });
    expect(await shown(key)).toContain(`/media/${key.id}/`);
    expect(await bytesOf(key)).toEqual(PNG);
  });

  test('before a message was erased still has the bytes deleted', async () => {
    const key = await comesIn(cdn.serve('/erased.png', { body: PNG }));
    const dying = new LastBreath();
    void fetch(workerOf({ storage: dying }), key);
    await dying.stored.promise;
    await dataSource.query('DELETE FROM conversations WHERE project_id = $1', [projectId]);
    const disposer = new MediaDisposer(dataSource, jobs, storage);
    await disposer.discard();
    // Not while an attempt may be writing.
    expect(await bytesOf(key)).toEqual(PNG);
    await later();
    await disposer.discard();
    expect(await bytesOf(key)).toBeNull();
  });
});

describe('erasing', () => {
  async function stored(): Promise<MediaKey> {
    const key = await comesIn(cdn.serve('/kept.png', { body: PNG }));
    await fetch(workerOf(), key);
    expect(await bytesOf(key)).toEqual(PNG);
    return key;
  }

  test.each(['messages', 'conversations', 'contacts', 'projects'])(
    '%s takes the bytes along',
    async (table) => {
      const key = await stored();
      const other = projectId;
      await dataSource.query(`DELETE FROM ${table} WHERE project_id = $1`, [other]);
      expect(await rows()).toEqual([]);
      const disposer = new MediaDisposer(dataSource, jobs, storage);
      await disposer.sweep();
      expect(await jobKeys()).toContain('discard');
      await disposer.discard();
      expect(await bytesOf(key)).toBeNull();
      expect(await dataSource.query('SELECT FROM media_garbage WHERE project_id = $1', [other])).toEqual([]);
      await dataSource.query(`SELECT graphile_worker.remove_job('discard')`);
      await disposer.sweep();
      expect(await jobKeys()).not.toContain('discard');
    },
  );

  test('that fails is done again', async () => {
    const key = await stored();
    await dataSource.query('DELETE FROM messages WHERE project_id = $1', [projectId]);
    class Stuck extends LocalStorage {
      override delete(): Promise<void> {
        return Promise.reject(new Error('not now'));
      }
    }
    await expect(new MediaDisposer(dataSource, jobs, new Stuck(folder)).discard()).rejects.toThrow('not now');
    await new MediaDisposer(dataSource, jobs, storage).discard();
    expect(await bytesOf(key)).toBeNull();
  });

  test('a message that was taken back takes them along, also while they come', async () => {
    const key = await stored();
    const { message_id } = await rowOf(key);
    await dataSource.transaction((tx) =>
      log.record(tx, [
        {
          projectId,
          appId,
          kind: 'message.updated',
          payload: { message: { id: message_id, deletedAt: new Date().toISOString() }, conversation: {} },
        },
      ]),
    );
    await new MediaDisposer(dataSource, jobs, storage).discard();
    expect(await bytesOf(key)).toBeNull();
  });

  test('content that changed while its media came is not overwritten', async () => {
    const url = cdn.serve('/changed.png', (_request, response) => {
      void dataSource
        .query(
          `UPDATE messages SET content = '{"text_message": {"text": "taken back"}}' WHERE project_id = $1`,
          [projectId],
        )
        .then(() => response.end(PNG));
    });
    const key = await comesIn(url);
    const { message_id } = await rowOf(key);
    await fetch(workerOf(), key);
    const [message]: { content: object }[] = await dataSource.query(
      `SELECT content FROM messages WHERE id = $1`,
      [message_id],
    );
    expect(message?.content).toEqual({ text_message: { text: 'taken back' } });
    expect(await rows()).toEqual([]);
    await new MediaDisposer(dataSource, jobs, storage).discard();
    expect(await bytesOf(key)).toBeNull();
  });
});

test('what is large goes to disk as it comes: memory stays flat', async () => {
  const size = 192 * 1024 ** 2;
  const chunk = Buffer.alloc(64 * 1024, 7);
  const url = cdn.serve('/large.bin', (_request, response) => {
    let left = size;
    const more = (): void => {
      while (left > 0) {
        left -= chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const key = await comesIn(url);
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)), 5);
  await fetch(workerOf({ limits: { maxBytes: size } }), key);
  clearInterval(timer);
  expect(await rowOf(key)).toMatchObject({ state: 'STORED', size: String(size) });
  // The garbage collector leaves some 64 MiB of read chunks lying, however large the file is.
  expect(peak).toBeLessThan(size / 2);
});

test('files of processes that died are cleaned up, those of living ones are not', async () => {
  const { utimes, mkdir, writeFile } = await import('node:fs/promises');
  const downloader = new Downloader(agentOf(), join(folder, 'incoming'), {
    maxBytes: 1,
    idle: 1,
    allowPrivate: true,
  });
  await downloader.clean();
  await mkdir(join(folder, 'incoming'));
  await writeFile(join(folder, 'incoming', 'old'), 'x');
  await writeFile(join(folder, 'incoming', 'new'), 'y');
  await utimes(join(folder, 'incoming', 'old'), 0, 0);
  await downloader.clean();
  expect(await incoming()).toEqual(['new']);
  expect(await readFile(join(folder, 'incoming', 'new'), 'utf8')).toBe('y');
});

test('stored bytes are a whole file or none, by project and id', async () => {
  const key = await comesIn(cdn.serve('/whole.png', { body: PNG }));
  await fetch(workerOf(), key);
  expect(await readdir(join(folder, 'stored', projectId, key.id.slice(-2)))).toEqual([key.id]);
  await eventually(async () => (await incoming()).length === 0, 'an empty folder of incoming files');
});
