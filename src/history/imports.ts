import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';

export type HistoryImportState = 'RUNNING' | 'DONE' | 'FAILED';

/** How far the import of a channel's history is. */
export interface HistoryImport {
  channelId: string;
  state: HistoryImportState;
  conversations: number;
  messages: number;
  error: string | null;
  startedAt: Date;
  finishedAt: Date | null;
}

/** A page to fetch, which is nobody else's for a while. */
export interface ImportTurn {
  projectId: string;
  channelId: string;
  appId: string;
  channel: ConversationChannel;
  nextPage: string | null;
  /** Also tells this turn from others. */
  attempts: number;
  /** What was said from then on comes by webhook. */
  before: Date;
}

type Queries = Pick<EntityManager, 'query'>;

/** One that runs goes on where it is. */
const START = `
  INSERT INTO history_imports AS h (project_id, channel_id, account_id, state, due_at)
  SELECT project_id, id, account_id, 'RUNNING', now() FROM channels WHERE project_id = $1 AND id = $2
  ON CONFLICT (project_id, channel_id) DO UPDATE SET
    account_id = excluded.account_id, state = 'RUNNING', next_page = NULL, conversations = 0, messages = 0, error = NULL,
    attempts = 0, due_at = now(), started_at = now(), finished_at = NULL
    WHERE h.state <> 'RUNNING' OR h.account_id IS DISTINCT FROM excluded.account_id
  RETURNING channel_id`;

/** A new token may be what it waited for. */
const RESUME = `
  UPDATE history_imports SET due_at = now(), attempts = 0
  WHERE project_id = $1 AND channel_id = $2 AND state = 'RUNNING' AND due_at IS NULL
  RETURNING channel_id`;

/**
 * Who takes it and dies leaves it due again soon. To a channel that was there already, Meta goes on delivering what it could not for an
 * hour: that is news, not history.
 */
const TAKE = `
  UPDATE history_imports h SET due_at = now() + interval '2 minutes', attempts = h.attempts + 1
  FROM channels c
  WHERE h.project_id = $1 AND h.channel_id = $2 AND h.state = 'RUNNING' AND h.due_at <= now()
    AND c.project_id = h.project_id AND c.id = h.channel_id AND c.account_id IS NOT DISTINCT FROM h.account_id
    AND NOT EXISTS (SELECT FROM channel_pauses r
      WHERE r.project_id = c.project_id AND r.app_id = c.app_id AND r.channel = c.channel AND r.until > now())
  RETURNING h.project_id, h.channel_id, c.app_id, c.channel, h.next_page, h.attempts,
    CASE WHEN c.created_at > h.started_at - interval '1 minute' THEN h.started_at
      ELSE h.started_at - interval '1 hour' END AS before`;

const ADVANCE = `
  UPDATE history_imports SET next_page = $4, conversations = conversations + $5::int, messages = messages + $6::int,
    error = NULL, attempts = 0,
    state = CASE WHEN $4::text IS NULL THEN 'DONE' ELSE 'RUNNING' END,
    finished_at = CASE WHEN $4::text IS NULL THEN now() END,
    due_at = CASE WHEN $4::text IS NOT NULL THEN now() + $7::float * interval '1 ms' END
  WHERE project_id = $1 AND channel_id = $2 AND state = 'RUNNING' AND attempts = $3
  RETURNING channel_id`;

const LATER = `
  UPDATE history_imports SET error = $4, due_at = now() + $5::float * interval '1 ms',
    attempts = attempts - CASE WHEN $6 THEN 0 ELSE 1 END
  WHERE project_id = $1 AND channel_id = $2 AND state = 'RUNNING' AND attempts = $3`;

const FAIL = `
  UPDATE history_imports SET state = 'FAILED', error = $4, due_at = NULL, finished_at = now()
  WHERE project_id = $1 AND channel_id = $2 AND state = 'RUNNING' AND attempts = $3`;

/** Of another account than was asked for nothing is fetched. */
const ABANDON = `
  UPDATE history_imports h SET state = 'FAILED', error = 'the channel has been connected to another account', due_at = NULL, finished_at = now()
  FROM channels c
  WHERE c.project_id = h.project_id AND c.id = h.channel_id AND h.state = 'RUNNING' AND h.account_id IS DISTINCT FROM c.account_id`;

const DUE = `SELECT project_id, channel_id FROM history_imports WHERE state = 'RUNNING' AND due_at <= now()`;

const OF = `
  SELECT channel_id, state, conversations, messages, error, started_at, finished_at
  FROM history_imports WHERE project_id = $1 AND channel_id = ANY($2)`;

export async function startImport(tx: Queries, projectId: string, channelId: string): Promise<void> {
  await tx.query(START, [projectId, channelId]);
}

/** False when there is none that waits for a new token. */
export async function resumeImport(tx: Queries, projectId: string, channelId: string): Promise<boolean> {
  return (await queryRows(tx, RESUME, [projectId, channelId])).length > 0;
}

/** Undefined when nothing is to be done now, or somebody else does it. */
export async function takeTurn(
  tx: Queries,
  projectId: string,
  channelId: string,
): Promise<ImportTurn | undefined> {
  return (await queryRows<ImportTurn>(tx, TAKE, [projectId, channelId]))[0];
}

/** Notes what a page brought, in the transaction that stores it. False when the turn is no longer ours. */
export async function advance(
  tx: Queries,
  turn: ImportTurn,
  page: { next: string | null; conversations: number; messages: number },
  pauseMs: number,
): Promise<boolean> {
  const { next, conversations, messages } = page;
  const values = [...keyOf(turn), next, conversations, messages, pauseMs];
  return (await queryRows(tx, ADVANCE, values)).length > 0;
}

/** `ms` null: until the channel has a new token. `counted`: whether it was a try. */
export async function tryLater(
  tx: Queries,
  turn: ImportTurn,
  error: string,
  ms: number | null,
  counted: boolean,
): Promise<void> {
  await tx.query(LATER, [...keyOf(turn), error, ms, counted]);
}

export async function failImport(tx: Queries, turn: ImportTurn, error: string): Promise<void> {
  await tx.query(FAIL, [...keyOf(turn), error]);
}

/** Those of whom a page can be fetched now. */
export async function importsDue(tx: Queries): Promise<{ projectId: string; channelId: string }[]> {
  await tx.query(ABANDON);
  return queryRows(tx, DUE);
}

/** The imports of channels, in the order of `channelIds`; null where there never was one. */
export async function importsOf(
  tx: Queries,
  projectId: string,
  channelIds: readonly string[],
): Promise<(HistoryImport | null)[]> {
  const rows = await queryRows<HistoryImport>(tx, OF, [projectId, channelIds]);
  const byChannel = new Map(rows.map((row) => [row.channelId, row]));
  return channelIds.map((id) => byChannel.get(id) ?? null);
}

function keyOf({ projectId, channelId, attempts }: ImportTurn): unknown[] {
  return [projectId, channelId, attempts];
}
