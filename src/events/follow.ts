import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway } from '../database/availability.js';
import { isAfter } from './cursor.js';
import type { Position, StoredEvent } from './event.js';
import { EventLog, type LogSlice } from './event-log.js';
import { type AppKey, Wakeups, wakePayload } from './wakeups.js';

/** Events of an app kept in memory for those who follow it live; who falls further behind reads the database. */
const BUFFERED = 1_000;
const READ_LIMIT = 500;
/** A nudge can be missed, so the log is looked at this often anyway. */
const IDLE_MS = 5_000;
/** A writer's transaction holds newer rows back: look again soon. */
const UNSETTLED_MS = 10;
const RETRY_MS = 500;

/**
 * Follows the log live. One reader an app and process, shared by all followers; each follower keeps only its own position,
 * so that a slow one costs no memory and cannot hold up the others.
 */
@Injectable()
export class EventFollower {
  private readonly feeds = new Map<string, Feed>();

  constructor(
    private readonly log: EventLog,
    private readonly wakeups: Wakeups,
  ) {}

  /**
   * Everything after `after`, in order, each once: first what is stored, then what comes. Ends when `signal` aborts.
   * @throws DomainError `CURSOR_EXPIRED` when part of it is no longer kept.
   */
  async *follow(app: AppKey, after: Position, signal: AbortSignal): AsyncGenerator<StoredEvent, void, void> {
    await this.log.assertReadable(after);
    const feed = await this.join(app);
    try {
      let position = after;
      while (!signal.aborted) {
        const buffered = feed.buffered(position);
        const slice = buffered ? null : await this.stored(app, position, signal);
        const events = buffered ?? slice?.events ?? [];
        for (const event of events) {
          if (signal.aborted) return;
          yield event;
        }
        position = slice?.end ?? events.at(-1)?.position ?? position;
        if (buffered?.length === 0) await feed.grown(position, signal);
      }
    } finally {
      this.leave(feed);
    }
  }

  /** Nothing, after a moment, while the database is away: who catches up goes on where they were, like those who follow live. */
  private async stored(app: AppKey, after: Position, signal: AbortSignal): Promise<LogSlice | null> {
    try {
      const slice = await this.log.read(app, after, READ_LIMIT);
      // Who has been so slow that what comes next was dropped must be told, not carried over the gap.
      await this.log.assertReadable(after);
      return slice;
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      return null;
    }
  }

  /** A feed begins at the end of the log: who is behind reads the database until there, so that one old cursor delays nobody. */
  private async join(app: AppKey): Promise<Feed> {
    const key = wakePayload(app);
    const tail = await this.log.tail();
    let feed = this.feeds.get(key);
    if (!feed) {
      feed = new Feed(key, app, tail, this.log, this.wakeups);
      this.feeds.set(key, feed);
    }
    feed.followers += 1;
    return feed;
  }

  private leave(feed: Feed): void {
    feed.followers -= 1;
    if (feed.followers > 0) return;
    feed.close();
    this.feeds.delete(feed.key);
  }
}

/** The shared reader of one app's log. */
class Feed {
  private readonly logger = new Logger(Feed.name);
  followers = 0;
  private readonly recent: StoredEvent[] = [];
  /** Where `recent` begins: a follower before it has missed part of the buffer. */
  private floor: Position;
  private position: Position;
  private readonly waiting = new Set<() => void>();
  private readonly forget: () => void;
  private reading = false;
  private again = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly key: string,
    private readonly app: AppKey,
    start: Position,
    private readonly log: EventLog,
    wakeups: Wakeups,
  ) {
    this.floor = start;
    this.position = start;
    this.forget = wakeups.onWake(app, () => void this.read());
    void this.read();
  }

  /** Buffered events after `position`, or null when the buffer does not reach back that far. */
  buffered(position: Position): StoredEvent[] | null {
    if (isAfter(this.floor, position)) return null;
    if (!isAfter(this.position, position)) return [];
    return this.recent.slice(firstAfter(this.recent, position));
  }

  /** Resolves once there may be something after `position`. */
  grown(position: Position, signal: AbortSignal): Promise<void> {
    if (isAfter(this.position, position) || this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.forget();
  }

  private async read(): Promise<void> {
    this.again = true;
    if (this.reading) return;
    this.reading = true;
    clearTimeout(this.timer);
    let pause = IDLE_MS;
    while (this.again && !this.closed) {
      this.again = false;
      try {
        const { events, settled } = await this.log.read(this.app, this.position, READ_LIMIT);
        this.append(events);
        if (events.length === READ_LIMIT) this.again = true;
        pause = settled ? IDLE_MS : UNSETTLED_MS;
      } catch (error) {
        // Followers keep their positions and go on when the database is back.
        if (!isDatabaseAway(error))
          this.logger.error({ msg: 'the event log cannot be read', error: String(error) });
        pause = RETRY_MS;
      }
    }
    this.reading = false;
    if (!this.closed) this.timer = setTimeout(() => void this.read(), pause).unref();
  }

  private append(events: StoredEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.recent.push(...events);
    this.position = last.position;
    const surplus = this.recent.length - BUFFERED;
    if (surplus > 0) {
      const dropped = this.recent.splice(0, surplus);
      this.floor = dropped.at(-1)?.position ?? this.floor;
    }
    for (const wake of [...this.waiting]) wake();
  }
}

function firstAfter(events: readonly StoredEvent[], position: Position): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const event = events[middle];
    if (event && isAfter(event.position, position)) high = middle;
    else low = middle + 1;
  }
  return low;
}
