// The statement behind a page of contacts.
import { invalid } from '../errors.js';
import type { Keyset } from '../page.js';
import { matchesSql, type Search, type Way } from '../words/matches.js';
import type { ContactFilter } from './contacts.input.js';
import { normalIdentity } from './identities.js';
import { metByApps } from './reach.js';

interface Restriction {
  /** Only contacts that have to do with one of them. */
  appIds?: readonly string[] | undefined;
  /** What `filter.text` comes to, and which way to it. */
  search: Search | null;
  way: Way | null;
}

/** In order of creation, one row more than the page, so that it shows whether there are others. @throws DomainError INVALID_ARGUMENT */
export function contactsStatement(
  projectId: string,
  filter: ContactFilter,
  { limit, backward, position }: Keyset,
  { appIds, search, way }: Restriction,
): { sql: string; values: unknown[] } {
  const values: unknown[] = [projectId];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = ['c.project_id = $1'];
  if (appIds) where.push(metByApps(bind(appIds)));
  // As the index says it: most contacts have no key, and are not in it.
  if (filter.externalId) where.push(`c.external_id = ${bind(filter.externalId)} AND c.external_id <> ''`);
  if ((filter.channel == null) !== (filter.identity == null)) {
    throw invalid('filter', 'together', 'filter.channel and filter.identity go together');
  }
  if (filter.channel != null && filter.identity != null) {
    // Names every app, so that the identities' key is searched and not read through.
    where.push(`c.id IN (SELECT i.contact_id FROM channel_identities i WHERE i.project_id = $1
      AND i.channel = ${bind(filter.channel)} AND i.identity = ${bind(normalIdentity(filter.channel, filter.identity))}
      AND i.app_id = ANY(ARRAY(SELECT a.id FROM apps a WHERE a.project_id = $1) || ''::text))`);
  }
  const [after = null] = position ?? [];
  if (after !== null) where.push(`c.id ${backward ? '<' : '>'} ${bind(after)}`);
  const order = { position: after, descending: backward };
  const from =
    search && way
      ? `${matchesSql('contact', way, search, order, bind)} w JOIN contacts c ON c.id = w.id`
      : 'contacts c';
  return {
    sql: `SELECT c.* FROM ${from} WHERE ${where.join(' AND ')}
      ORDER BY c.id ${backward ? 'DESC' : 'ASC'} LIMIT ${bind(limit + 1)}`,
    values,
  };
}
