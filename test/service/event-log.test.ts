import type { DataSource, EntityManager } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Config } from '../../src/config.js';
import { createDataSource } from '../../src/database/data-source.js';
import { decodePosition, encodePosition, isAfter, ORIGIN } from '../../src/events/cursor.js';
import type { NewEvent, Place, Position, StoredEvent } from '../../src/events/event.js';
import { EventLog } from '../../src/events/event-log.js';
import { EventFollower } from '../../src/events/follow.js';
import { type AppKey, Wakeups } from '../../src/events/wakeups.js';
import { newId } from '../../src/ids.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { logSettled } from '../support/log.js';

/** The events part of a process: its own pool, its own LISTEN, its own shared readers. */
interface Node {
  pool: DataSource;
  log: EventLog;
  follower: EventFollower;
  wakeups: Wakeups;
  stop(): Promise<void>;
}

let database: TestDatabase;
let first: Node;
let second: Node;
let app: AppKey;

beforeAll(async () => {
  database = await createTestDatabase();
  first = await startNode(12);
  second = await startNode(6);
});
beforeEach(() => {
  app = { projectId: newId(), appId: newId() };
});
afterAll(async () => {
  await Promise.all([first.stop(), second.stop()]);
  await database.drop();
});

async function startNode(poolSize: number): Promise<Node> {
  const pool = await createDataSource(database.url, poolSize).initialize();
  const wakeups = new Wakeups(pool, new Config());
  const log = new EventLog(pool, wakeups);
  await wakeups.onApplicationBootstrap();
  return {
    pool,
    log,
    wakeups,
    follower: new EventFollower(log, wakeups),
    async stop() {
      await wakeups.beforeApplicationShutdown();
      await pool.destroy();
    },
  };
}

/** An event that can be told from others by its number. */
function numbered(number: number): NewEvent {
  return {
    ...app,
    kind: 'channel.unsupported',
    payload: { channel: 'MESSENGER', identity: '', raw: number },
  };
}

function numberOf(event: StoredEvent): number {
  return (event as StoredEvent<'channel.unsupported'>).payload.raw as number;
}

async function write(...numbers: number[]): Promise<void> {
  await first.pool.transaction((tx) => first.log.record(tx, numbers.map(numbered)));
}

/** Writes in a transaction that stays open until told. */
async function writeSlowly(
  ...numbers: number[]
): Promise<{ commit(): Promise<void>; rollback(): Promise<void> }> {
  const runner = first.pool.createQueryRunner();
  await runner.startTransaction();
  await first.log.record(runner.manager, numbers.map(numbered));
  return {
    async commit() {
      await runner.commitTransaction();
      await runner.release();
    },
    async rollback() {
      await runner.rollbackTransaction();
      await runner.release();
    },
  };
}

/** A subscriber that can be cut off and goes on from the last event that it saw. */
class Subscriber {
  readonly seen: number[] = [];
  readonly positions: Position[] = [];
  private abort = new AbortController();
  private done: Promise<void> = Promise.resolve();

  constructor(
    private readonly node: Node,
    private position: Position,
    /** Called before each event is taken. */
    private readonly pace: () => Promise<void> = async () => undefined,
  ) {
    this.resume();
  }

  resume(node = this.node): void {
    this.abort = new AbortController();
    this.done = this.run(node, this.abort.signal);
  }

  async cut(): Promise<void> {
    this.abort.abort();
    await this.done;
  }

  private async run(node: Node, signal: AbortSignal): Promise<void> {
    for await (const event of node.follower.follow(app, this.position, signal)) {
      await this.pace();
      if (signal.aborted) return;
      this.seen.push(numberOf(event));
      this.positions.push(event.position);
      this.position = event.position;
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function committed(): Promise<number[]> {
  const rows: { raw: number }[] = await first.pool.query(
    `SELECT payload -> 'raw' AS raw FROM events WHERE project_id = $1 AND app_id = $2 ORDER BY xact, seq`,
    [app.projectId, app.appId],
  );
  return rows.map(({ raw }) => raw);
}

describe('followers', () => {
  test('see every committed event once and in one order, however writers overlap and followers come and go', async () => {
    const subscribers = [
      new Subscriber(first, ORIGIN),
      new Subscriber(second, ORIGIN),
      new Subscriber(first, ORIGIN, () => sleep(Math.random() * 2)),
      new Subscriber(second, await second.log.tail()),
    ];
    const late: Subscriber[] = [];
    let number = 0;
    let running = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 40; round += 1) {
        const numbers = Array.from({ length: 1 + Math.floor(Math.random() * 4) }, () => (number += 1));
        const transaction = await writeSlowly(...numbers);
        // Those who took their numbers first commit last: half of the writers hold on to theirs.
        if (writer % 2 === 0) await sleep(Math.random() * 12);
        if (Math.random() < 0.15) await transaction.rollback();
        else await transaction.commit();
      }
    });
    const chaos = (async () => {
      while (running) {
        await sleep(Math.random() * 25);
        const victim = subscribers[Math.floor(Math.random() * subscribers.length)];
        await victim?.cut();
        // Also on the other node: any process may answer.
        victim?.resume(Math.random() < 0.5 ? first : second);
        if (late.length < 3) late.push(new Subscriber(second, await second.log.tail()));
      }
    })();
    await Promise.all(writers);
    running = false;
    await chaos;

    const expected = await committed();
    expect(expected.length).toBeGreaterThan(500);
    for (const subscriber of subscribers) {
      await eventually(() => subscriber.seen.length >= expected.length, 'the last event');
      await subscriber.cut();
      expect(subscriber.seen).toEqual(expected);
    }
    expect(late).toHaveLength(3);
    for (const subscriber of late) {
      await eventually(() => subscriber.seen.at(-1) === expected.at(-1), 'the last event');
      await subscriber.cut();
      expect(subscriber.seen).toEqual(expected.slice(-subscriber.seen.length));
    }
  });

  test('one who starts at any event sees exactly what follows it', async () => {
    for (let number = 0; number < 40; number += 1) await write(number, number + 1_000);
    const all = new Subscriber(first, ORIGIN);
    await eventually(() => all.seen.length === 80, 'all events');
    await all.cut();
    for (const index of [0, 1, 33, 34, 78, 79]) {
      const subscriber = new Subscriber(second, all.positions[index] as Position);
      await eventually(() => subscriber.seen.length === 79 - index, `what follows event ${index}`);
      await subscriber.cut();
      expect(subscriber.seen).toEqual(all.seen.slice(index + 1));
    }
  });

  test('a slow one holds nobody up, and loses nothing when it has fallen behind the buffer', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = new Subscriber(first, await first.log.tail(), () => gate);
    const quick = new Subscriber(first, await first.log.tail());
    const numbers = Array.from({ length: 2_500 }, (_, index) => index);
    for (let start = 0; start < numbers.length; start += 100)
      await write(...numbers.slice(start, start + 100));
    await eventually(() => quick.seen.length === numbers.length, 'the quick one');
    expect(slow.seen).toEqual([]);
    release();
    await eventually(() => slow.seen.length === numbers.length, 'the slow one');
    await Promise.all([slow.cut(), quick.cut()]);
    expect([quick.seen, slow.seen]).toEqual([numbers, numbers]);
  });

  test('an event is told within a moment of its commit', async () => {
    const subscriber = new Subscriber(second, await second.log.tail());
    await write(1);
    await eventually(() => subscriber.seen.length === 1, 'the first event');
    const began = Date.now();
    await write(2);
    await eventually(() => subscriber.seen.length === 2, 'the second event');
    await subscriber.cut();
    // Far below the interval at which the log is looked at without being told.
    expect(Date.now() - began).toBeLessThan(4_500);
  });

  test('apps do not see each other', async () => {
    const mine = app;
    const subscriber = new Subscriber(first, ORIGIN);
    app = { projectId: mine.projectId, appId: newId() };
    await write(1, 2);
    app = { projectId: newId(), appId: mine.appId };
    await write(3);
    app = mine;
    await write(4);
    await eventually(() => subscriber.seen.length > 0, 'the event of this app');
    await subscriber.cut();
    expect(subscriber.seen).toEqual([4]);
  });
});

describe('a long-running writer', () => {
  test('holds back later events, loses none, and keeps the order', async () => {
    const subscriber = new Subscriber(second, ORIGIN);
    await write(1);
    await eventually(() => subscriber.seen.length === 1, 'the event before');
    const slow = await writeSlowly(2, 3);
    for (let number = 10; number < 40; number += 1) await write(number);
    // What came later is in the table, and a reader of the table sees it; the log does not tell it yet.
    expect(await committed()).toHaveLength(31);
    expect((await first.log.read(app, ORIGIN, 100)).events.map(numberOf)).toEqual([1]);
    expect(await first.log.read(app, ORIGIN, 100)).toMatchObject({ settled: false });
    expect(subscriber.seen).toEqual([1]);
    await slow.commit();
    await eventually(() => subscriber.seen.length === 33, 'all events');
    await subscriber.cut();
    expect(subscriber.seen).toEqual(await committed());
    expect(subscriber.seen.slice(0, 4)).toEqual([1, 2, 3, 10]);
  });

  test('makes nobody read again what lies before their position', async () => {
    const open = await writeSlowly(0);
    await write(1, 2);
    const [row]: { xact: string; seq: string }[] = await first.pool.query(
      `SELECT xact::text, seq::text FROM events WHERE app_id = $1 AND payload->'raw' = '1'`,
      [app.appId],
    );
    const after = { xact: BigInt(row?.xact ?? 0), seq: BigInt(row?.seq ?? 0) };
    const held = await first.log.read(app, after, 10);
    expect(held).toEqual({ events: [], end: after, settled: false });
    await open.rollback();
    const { events } = await eventually(async () => {
      const slice = await first.log.read(app, held.end, 10);
      return slice.events.length > 0 && slice;
    }, 'the end of the writer');
    expect(events.map(numberOf)).toEqual([2]);
  });

  test('that rolls back lets the others pass', async () => {
    const subscriber = new Subscriber(second, await second.log.tail());
    const slow = await writeSlowly(1);
    await write(2);
    await slow.rollback();
    await eventually(() => subscriber.seen.length === 1, 'the event that was committed');
    await subscriber.cut();
    expect(subscriber.seen).toEqual([2]);
  });

  test('of another app, or of none, hides nothing from one who subscribes meanwhile', async () => {
    const mine = app;
    app = { ...app, appId: newId() };
    const slow = await writeSlowly(1);
    app = mine;
    const subscriber = new Subscriber(second, await second.log.tail());
    await write(2);
    await slow.commit();
    await write(3);
    await eventually(() => subscriber.seen.length === 2, 'both events');
    await subscriber.cut();
    expect(subscriber.seen).toEqual([2, 3]);
  });
});

describe('a position taken before a page is read', () => {
  test('misses nothing that the page does not show, whatever commits meanwhile', async () => {
    let number = 0;
    let running = true;
    const writers = Array.from({ length: 4 }, async () => {
      while (running) {
        const transaction = await writeSlowly((number += 1));
        await sleep(Math.random() * 5);
        await transaction.commit();
      }
    });
    for (let round = 0; round < 10; round += 1) {
      const position = await second.log.tail();
      const page = new Set(await committed());
      await sleep(5);
      const shown = await committed();
      const until = Date.now() + 30_000;
      const after = new Set<number>();
      while (!shown.every((known) => page.has(known) || after.has(known)) && Date.now() < until) {
        for (const event of (await second.log.read(app, position, 500)).events) after.add(numberOf(event));
      }
      expect(shown.filter((known) => !page.has(known) && !after.has(known))).toEqual([]);
    }
    running = false;
    await Promise.all(writers);
  });
});

describe('when connections are lost', () => {
  async function terminate(condition: string): Promise<number> {
    const rows: unknown[] = await first.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${condition}`,
    );
    return rows.length;
  }

  /** Pools give out connections once more when they have not heard of their end. */
  async function soundPools(): Promise<void> {
    await eventually(async () => {
      for (const { pool } of [first, second])
        await Promise.all(Array.from({ length: 12 }, () => pool.query('SELECT pg_sleep(0.01)')));
      return true;
    }, 'connections that last');
  }

  test('nudges missed while LISTEN was down are made good', async () => {
    const subscriber = new Subscriber(second, await second.log.tail());
    await write(1);
    await eventually(() => subscriber.seen.length === 1, 'the first event');
    // The nudge of this event has nobody to hear it: it is given within the statement that ends the listeners.
    const runner = first.pool.createQueryRunner();
    await runner.startTransaction();
    await first.log.record(runner.manager, [numbered(2)]);
    expect(await terminate(`application_name = 'parley wake-ups'`)).toBe(2);
    await runner.commitTransaction();
    await runner.release();
    await eventually(() => subscriber.seen.length === 2, 'the event in between', 30_000);
    // And it is LISTEN that brings what comes then, not the look every few seconds.
    await eventually(
      async () =>
        (
          await first.pool.query<unknown[]>(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'parley wake-ups' AND query LIKE 'LISTEN%'`,
          )
        ).length === 2,
      'both listeners',
    );
    for (let number = 3; number <= 6; number += 1) {
      await write(number);
      await eventually(() => subscriber.seen.length === number, `event ${number}`, 4_500);
    }
    await subscriber.cut();
    expect(subscriber.seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('a follower that loses its pool goes on where it was', async () => {
    const live = new Subscriber(second, await second.log.tail());
    await write(1);
    await eventually(() => live.seen.length === 1, 'the first event');
    await terminate(`application_name LIKE 'parley%'`);
    await soundPools();
    await write(2);
    await write(3);
    await eventually(() => live.seen.length === 3, 'the events after');
    await live.cut();
    expect(live.seen).toEqual([1, 2, 3]);
  });

  test('one who is catching up waits for the database instead of failing', async () => {
    const numbers = Array.from({ length: 1_500 }, (_, index) => index);
    await write(...numbers);
    let lost = false;
    const behind = new Subscriber(second, ORIGIN, async () => {
      if (lost || behind.seen.length < 100) return;
      lost = true;
      await terminate(`application_name LIKE 'parley%'`);
    });
    await eventually(() => behind.seen.length === numbers.length, 'all events');
    await behind.cut();
    expect(behind.seen).toEqual(numbers);
    await soundPools();
  });
});

describe('cursors', () => {
  test('are positions as text', () => {
    const position = { xact: 12_345_678_901n, seq: 42n };
    expect(decodePosition(encodePosition(position))).toEqual(position);
    expect(isAfter({ xact: 2n, seq: 1n }, { xact: 1n, seq: 9n })).toBe(true);
    expect(isAfter(position, position)).toBe(false);
  });

  test.each([
    ['nothing', ''],
    ['no cursor', 'hello'],
    ['half a cursor', Buffer.from('12.').toString('base64url')],
    ['a negative one', Buffer.from('-1.2').toString('base64url')],
    ['one with more behind it', Buffer.from('1.2.3').toString('base64url')],
    ['numbers past what Postgres has', Buffer.from('1.9999999999999999999').toString('base64url')],
    ['a list cursor', Buffer.from('["a"]').toString('base64url')],
  ])('%s is refused', (_what, cursor) => {
    expect(() => decodePosition(cursor)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        fields: [expect.objectContaining({ path: 'after' })],
      }),
    );
  });

  test('whose events were dropped are told so', async () => {
    await write(1, 2);
    const all = new Subscriber(first, ORIGIN);
    await eventually(() => all.seen.length === 2, 'both events');
    await all.cut();
    const [position] = all.positions as [Position];
    await withHorizon(position.xact, async () => {
      const expired = expect.objectContaining({ kind: 'CURSOR_EXPIRED' }) as object;
      await expect(first.log.assertReadable(position)).rejects.toEqual(expired);
      const stream = first.follower.follow(app, position, new AbortController().signal);
      await expect(stream.next()).rejects.toEqual(expired);
      await expect(first.log.assertReadable(await first.log.tail())).resolves.toBeUndefined();
    });
    await expect(first.log.assertReadable(position)).resolves.toBeUndefined();
  });

  async function withHorizon(xact: bigint, work: () => Promise<void>): Promise<void> {
    const move = (to: bigint): Promise<unknown> =>
      first.pool.query('UPDATE event_horizon SET xact = $1::xid8', [String(to)]);
    await move(xact);
    try {
      await work();
    } finally {
      await move(0n);
    }
  }
});

describe('recording', () => {
  test('tells the sinks within the transaction, with positions, and a sink that fails undoes it all', async () => {
    const log = new EventLog(first.pool, first.wakeups);
    const told: StoredEvent[] = [];
    log.addSink(async (tx: EntityManager, events, places) => {
      const [row] = await tx.query<[{ count: string }]>('SELECT count(*) FROM events WHERE app_id = $1', [
        app.appId,
      ]);
      expect(row.count).toBe('2');
      for (const event of events) told.push({ ...event, ...((await places).get(event.id) as Place) });
    });
    await first.pool.transaction((tx) => log.record(tx, [numbered(1), numbered(2)]));
    await logSettled((sql) => first.pool.query(sql));
    const { events } = await log.read(app, ORIGIN, 10);
    expect(events.map(numberOf)).toEqual([1, 2]);
    expect(told).toEqual(events);
    log.addSink(async () => Promise.reject(new Error('no')));
    await expect(first.pool.transaction((tx) => log.record(tx, [numbered(3)]))).rejects.toThrow();
    expect(await committed()).toEqual([1, 2]);
  });
});
