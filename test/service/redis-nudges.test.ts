import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Config } from '../../src/config.js';
import { createDataSource } from '../../src/database/data-source.js';
import { EventLog } from '../../src/events/event-log.js';
import { EventFollower } from '../../src/events/follow.js';
import { type AppKey, Wakeups, wakePayload } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

const installed = spawnSync('redis-server', ['--version']).status === 0;

interface Process {
  log: EventLog;
  follower: EventFollower;
  wakeups: Wakeups;
  transaction: (numbers: number[], fail?: boolean) => Promise<void>;
  stop: () => Promise<void>;
}

describe.skipIf(!installed)('wake-ups by Redis (skipped where no redis-server is installed)', () => {
  let database: TestDatabase;
  let redis: ChildProcess;
  let port: number;
  let writer: Process;
  let reader: Process;
  let app: AppKey;

  beforeAll(async () => {
    database = await createTestDatabase();
    port = await freePort();
    redis = startRedis(port);
    writer = await startProcess();
    reader = await startProcess();
  });
  afterAll(async () => {
    await Promise.all([writer.stop(), reader.stop()]);
    redis.kill('SIGKILL');
    await database.drop();
  });
  beforeEach(() => {
    app = { projectId: newId(), appId: newId() };
  });

  async function startProcess(): Promise<Process> {
    const config = new Config();
    config.REDIS_URL = `redis://127.0.0.1:${port}`;
    const pool = await createDataSource(database.url, 4).initialize();
    const wakeups = new Wakeups(pool, config);
    const log = new EventLog(pool, wakeups);
    await eventually(async () => {
      await wakeups.onApplicationBootstrap();
      return true;
    }, 'a connection to Redis');
    return {
      log,
      wakeups,
      follower: new EventFollower(log, wakeups),
      transaction: (numbers, fail = false) =>
        pool.transaction(async (tx) => {
          await log.record(
            tx,
            numbers.map((raw) => ({
              ...app,
              kind: 'channel.unsupported' as const,
              payload: { channel: 'MESSENGER', identity: '', raw },
            })),
          );
          if (fail) throw new Error('rolled back');
        }),
      stop: async () => {
        await wakeups.beforeApplicationShutdown();
        await pool.destroy();
      },
    };
  }

  test('a commit in one process wakes the readers of another, a rollback does not', async () => {
    const woken: string[] = [];
    const forget = reader.wakeups.onWake(app, () => woken.push(wakePayload(app)));
    await expect(writer.transaction([1], true)).rejects.toThrow('rolled back');
    await writer.transaction([2]);
    await eventually(() => woken.length > 0, 'the wake-up');
    forget();
    expect(woken).toEqual([wakePayload(app)]);
  });

  test('a follower sees everything in order, also what was written while Redis was away', async () => {
    const stop = new AbortController();
    const seen: unknown[] = [];
    const following = (async () => {
      for await (const event of reader.follower.follow(app, await reader.log.tail(), stop.signal)) {
        seen.push((event.payload as { raw: unknown }).raw);
      }
    })();
    await writer.transaction([1, 2]);
    await eventually(() => seen.length === 2, 'the first events');
    redis.kill('SIGKILL');
    await writer.transaction([3]);
    redis = startRedis(port);
    await eventually(() => seen.length === 3, 'the event of the outage');
    await writer.transaction([4]);
    await eventually(() => seen.length === 4, 'the event after it');
    stop.abort();
    await following;
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

function startRedis(port: number): ChildProcess {
  return spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    { stdio: 'ignore' },
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
