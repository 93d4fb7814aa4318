import { hash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { invalid } from '../errors.js';
import { soughtWords } from './fold.js';

const MAX_LENGTH = 200;
const MAX_SOUGHT = 10;
/** As many rows are read in order before the index is asked: what is frequent is found among them, and what is rare the index has at once. */
const WALK = 10_000;

/** The tables of words. */
const TABLES = {
  message: { table: 'message_words', id: 'message_id' },
  contact: { table: 'contact_words', id: 'contact_id' },
} as const;

/** What is looked for, in whose messages (with `appId`) or contacts. `query` in the syntax of a tsquery. */
export interface Search {
  projectId: string;
  appId?: string;
  query: string;
}

/** From which id on, exclusive; `descending` reads the newest first. */
export interface Order {
  position: string | null;
  descending: boolean;
}

/** The mark before each word of an app's messages, or of a project's contacts. Two that have the same are told apart by their rows. */
export function markOf({ projectId, appId = '' }: { projectId: string; appId?: string }): string {
  return hash('sha256', `${projectId} ${appId}`, 'base64url').slice(0, 6);
}

/**
 * Reads what somebody looks for: words that all have to be there, of which the beginning will do. Null when it has none: nothing matches.
 * @param path names the input in errors
 * @throws DomainError INVALID_ARGUMENT for more than 200 characters or 10 words
 */
export function searchOf(
  scope: { projectId: string; appId?: string },
  text: string,
  path: string,
): Search | null {
  if (text.trim().length > MAX_LENGTH)
    throw invalid(path, 'maxLength', `${path} must have at most ${MAX_LENGTH} characters`);
  const sought = soughtWords(text);
  // In a script without spaces a word is two signs: what is typed there is one word or two, and makes many.
  if (text.trim().split(/\s+/).length > MAX_SOUGHT)
    throw invalid(path, 'maxWords', `${path} must have at most ${MAX_SOUGHT} words`);
  const mark = markOf(scope);
  if (sought.length === 0) return null;
  // Folded words have neither quotes nor backslashes.
  const query = sought.map(({ word, prefix }) => `'${mark}${word}'${prefix ? ':*' : ''}`).join(' & ');
  return { ...scope, query };
}

/**
 * Two ways to the same ids, as a table with the column `id`: `walk` reads some rows in order and finds what is frequent, `index` finds
 * everything, fetching all that matches before it is sorted, and is for what is not.
 */
export type Way = 'walk' | 'index';

export function matchesSql(
  kind: keyof typeof TABLES,
  way: Way,
  { projectId, appId, query }: Search,
  { position, descending }: Order,
  bind: (value: unknown) => string,
): string {
  const { table, id } = TABLES[kind];
  const rows = `project_id = ${bind(projectId)} AND ${id} ${descending ? '<' : '>'} ${bind(position ?? (descending ? '~' : ''))}`;
  const match = `words @@ ${bind(query)}::tsquery${appId === undefined ? '' : ` AND app_id = ${bind(appId)}`}`;
  const direction = descending ? 'DESC' : 'ASC';
  return way === 'walk'
    ? `(SELECT ${id} AS id FROM (SELECT * FROM ${table} WHERE ${rows} ORDER BY ${id} ${direction} LIMIT ${WALK}) latest
        WHERE ${match} ORDER BY ${id} ${direction})`
    : `(SELECT ${id} AS id FROM ${table} WHERE ${match} AND ${rows} OFFSET 0)`;
}

/** Asks the walk, and the index when the walk has not found enough. */
export async function bothWays<T>(enough: number, ask: (way: Way) => Promise<T[]>): Promise<T[]> {
  const walked = await ask('walk');
  return walked.length >= enough ? walked : ask('index');
}

/** The ids that match, in order, at most `limit`. */
export async function matchingIds(
  tx: Pick<EntityManager, 'query'>,
  kind: keyof typeof TABLES,
  search: Search,
  order: Order,
  limit: number,
): Promise<string[]> {
  const rows = await bothWays(limit, (way) => {
    const values: unknown[] = [];
    const matches = matchesSql(kind, way, search, order, (value) => `$${values.push(value)}`);
    return queryRows<{ id: string }>(
      tx,
      `SELECT w.id FROM ${matches} w ORDER BY w.id ${order.descending ? 'DESC' : 'ASC'} LIMIT ${limit}`,
      values,
    );
  });
  return rows.map(({ id }) => id);
}
