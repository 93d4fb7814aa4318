import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { leaveToCommit } from '../database/leave-to-commit.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import { isAfter } from './cursor.js';
import type { EventKind, NewEvent, Place, Position, RecordedEvent, StoredEvent } from './event.js';
import { type AppKey, wakePayload, Wakeups } from './wakeups.js';

/** Where events are, by their ids. Who waits for it waits for the database. */
export type Places = Promise<ReadonlyMap<string, Place>>;

/** Told of events inside the transaction that records them, e.g. to write webhook deliveries. */
export type EventSink = (
  tx: EntityManager,
  events: readonly RecordedEvent[],
  places: Places,
) => Promise<void>;

/** What a read of the log found. */
export interface LogSlice {
  events: StoredEvent[];
  /** Everything up to here has been read: go on from it, also when there were no events. */
  end: Position;
  /** False when newer rows exist that a running transaction still holds back. */
  settled: boolean;
}

interface EventRow {
  project_id: string;
  app_id: string;
  xact: string;
  seq: string;
  id: string;
  at: Date;
  kind: EventKind;
  conversation_id: string | null;
  contact_id: string | null;
  payload: never;
}

const INSERT = prepared(`
  INSERT INTO events (project_id, app_id, id, kind, conversation_id, contact_id, payload)
  SELECT e."projectId", e."appId", e.id, e.kind, e."conversationId", e."contactId", e.payload
  FROM ROWS FROM (jsonb_to_recordset($1::jsonb)
    AS ("projectId" text, "appId" text, id text, kind text, "conversationId" text, "contactId" text, payload jsonb))
    WITH ORDINALITY AS e("projectId", "appId", id, kind, "conversationId", "contactId", payload, position)
  ORDER BY e.position
  RETURNING xact::text, seq::text, id, at`);

/**
 * Rows below the oldest running transaction only: sequence numbers are taken before commit, so without this a reader could
 * see 11 before 10 exists, and would never go back for 10.
 */
const READ = `
  SELECT project_id, app_id, xact::text, seq::text, id, at, kind, conversation_id, contact_id, payload
  FROM events
  WHERE project_id = $1 AND app_id = $2 AND (xact, seq) > ($3::xid8, $4::bigint) AND xact < $6::xid8
  ORDER BY events.xact, events.seq
  LIMIT $5`;

const UNSETTLED = `
  SELECT EXISTS (SELECT FROM events WHERE project_id = $1 AND app_id = $2 AND (xact, seq) >= ($3::xid8, 0::bigint)) AS held`;

/** The append-only log: written by the transaction that caused the event, read after a cursor. */
@Injectable()
export class EventLog {
  private readonly sinks: EventSink[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly wakeups: Wakeups,
  ) {}

  /** Runs `sink` in every recording transaction from now on. */
  addSink(sink: EventSink): void {
    this.sinks.push(sink);
  }

  /**
   * Appends in the given order, tells the sinks, and wakes the readers when the transaction commits. A failure may be told by the commit
   * alone.
   */
  async record(tx: EntityManager, events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) return;
    const rows = events.map((event) => ({
      ...event,
      id: newId(),
      conversationId: event.conversationId ?? null,
      contactId: event.contactId ?? null,
    }));
    const places = append(tx, rows);
    leaveToCommit(tx, places);
    await Promise.all(this.sinks.map((sink) => sink(tx, rows, places)));
    const apps = new Set(rows.map((row) => wakePayload(row)));
    this.wakeups.announce(tx, [...apps]);
  }

  /** What follows `after` in an app's log, in order, at most `limit` events. */
  async read(app: AppKey, after: Position, limit: number): Promise<LogSlice> {
    // The bound is taken first: what commits between the two statements is then read next time, never skipped.
    const bound = await this.bound();
    const rows: EventRow[] = await this.dataSource.query(READ, [
      app.projectId,
      app.appId,
      String(after.xact),
      String(after.seq),
      limit,
      String(bound),
    ]);
    const events = rows.map(fromRow);
    const last = events.at(-1);
    if (last && events.length === limit) return { events, end: last.position, settled: true };
    const [held]: { held: boolean }[] = await this.dataSource.query(UNSETTLED, [
      app.projectId,
      app.appId,
      String(bound),
    ]);
    // Never back: a cursor of another server's making may be ahead of what this one has settled.
    const end = { xact: bound, seq: 0n };
    return { events, end: isAfter(after, end) ? after : end, settled: held?.held !== true };
  }

  /** A position at or before everything that a query started after this call can see. */
  async tail(): Promise<Position> {
    return { xact: await this.bound(), seq: 0n };
  }

  /** @throws DomainError OUT_OF_RANGE (`CURSOR_EXPIRED`) when events after `position` have been dropped by retention. */
  async assertReadable(position: Position): Promise<void> {
    const [horizon]: { xact: string }[] = await this.dataSource.query(`SELECT xact::text FROM event_horizon`);
    if (position.xact > 0n && position.xact <= BigInt(horizon?.xact ?? 0)) {
      throw new DomainError(
        'OUT_OF_RANGE',
        'this cursor has expired: events after it are no longer kept. Read the inbox anew and go on from its eventCursor',
        [],
        'CURSOR_EXPIRED',
      );
    }
  }

  private async bound(): Promise<bigint> {
    const [row]: { xmin: string }[] = await this.dataSource.query(
      `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin`,
    );
    return BigInt(row?.xmin ?? 0);
  }
}

async function append(tx: EntityManager, rows: readonly RecordedEvent[]): Places {
  const inserted = await queryRows<{ xact: string; seq: string; id: string; at: Date }>(tx, INSERT, [
    JSON.stringify(rows),
  ]);
  return new Map(
    inserted.map(({ id, at, xact, seq }) => [id, { at, position: { xact: BigInt(xact), seq: BigInt(seq) } }]),
  );
}

function fromRow(row: EventRow): StoredEvent {
  return {
    projectId: row.project_id,
    appId: row.app_id,
    id: row.id,
    at: row.at,
    kind: row.kind,
    conversationId: row.conversation_id,
    contactId: row.contact_id,
    payload: row.payload,
    position: { xact: BigInt(row.xact), seq: BigInt(row.seq) },
  };
}
