// The statement behind a page of the inbox: one index serves each filter in the order of the list, see the migrations.
import { invalid } from '../errors.js';
import type { Keyset } from '../page.js';
import type { InboxStatus } from './conversation.entity.js';

/** Which conversations of an inbox; what is absent does not restrict. */
export interface InboxFilter {
  status?: InboxStatus | null;
  assignee?: string | null;
  unassigned?: boolean | null;
  /** Those that have all of them. */
  labels?: string[] | null;
  unread?: boolean | null;
  channel?: string | null;
  active?: boolean | null;
  contactId?: string | null;
  /** Of which the contact or the messages have these words. */
  text?: string | null;
}

/** SQL and its parameters. The rows have `activityKey` beside the columns: the time in Postgres's own precision, for cursors. */
export interface InboxStatement {
  sql: string;
  values: unknown[];
}

/** Latest activity first, one row more than the page, so that it shows whether there are others. */
export function inboxStatement(
  projectId: string,
  appId: string,
  filter: InboxFilter,
  keyset: Keyset,
  /** Only these; what `filter.text` comes to. */
  among: readonly string[] | null = null,
): InboxStatement {
  const values: unknown[] = [projectId, appId];
  const where = ['c.project_id = $1', 'c.app_id = $2', 'NOT c.dispatch', ...conditions(filter, values)];
  // Labels have a table of their own, in the order of the list: it leads, and the conversations follow one by one.
  const [label] = among ? [] : (filter.labels ?? []);
  if (among && filter.labels?.length === 1) where.push(`c.labels @> $${values.push(filter.labels)}`);
  const order = label === undefined ? 'c' : 'l';
  const from =
    label === undefined
      ? conversationsAmong(among, values)
      : 'conversation_labels l JOIN conversations c ON c.project_id = l.project_id AND c.id = l.conversation_id';
  const id = label === undefined ? 'c.id' : 'l.conversation_id';
  if (label !== undefined)
    where.push(`l.project_id = $1`, `l.app_id = $2`, `l.label = $${values.push(label)}`);
  if (keyset.position) {
    const [at, after] = positionOf(keyset.position, keyset.backward ? 'before' : 'after');
    const [atValue, idValue] = [values.push(at), values.push(after)];
    where.push(
      `(${order}.last_activity, ${id}) ${keyset.backward ? '>' : '<'} ($${atValue}::timestamptz, $${idValue})`,
    );
  }
  const direction = keyset.backward ? 'ASC' : 'DESC';
  return {
    sql: `SELECT c.*, c.last_activity::text AS activity_key FROM ${from} WHERE ${where.join(' AND ')}
     ORDER BY ${order}.last_activity ${direction}, ${id} ${direction} LIMIT ${keyset.limit + 1}`,
    values,
  };
}

/** Those that are named are fetched by key and sorted: walking the list until they come by could take all of it. */
function conversationsAmong(among: readonly string[] | null, values: unknown[]): string {
  if (!among) return 'conversations c';
  return `(SELECT * FROM conversations WHERE project_id = $1 AND id = ANY($${values.push(among)}) OFFSET 0) c`;
}

/** Written as the predicates of the partial indexes are. */
function conditions(filter: InboxFilter, values: unknown[]): string[] {
  const where: string[] = [];
  if (filter.status != null) where.push(`c.status = $${values.push(filter.status)}`);
  if (filter.assignee != null) where.push(`c.assignee = $${values.push(filter.assignee)}`);
  if (filter.unassigned === true) where.push('c.assignee IS NULL');
  if (filter.unassigned === false) where.push('c.assignee IS NOT NULL');
  if (filter.labels && filter.labels.length > 1) where.push(`c.labels @> $${values.push(filter.labels)}`);
  if (filter.unread != null) where.push(filter.unread ? 'c.unread_count > 0' : 'c.unread_count = 0');
  if (filter.channel != null) where.push(`c.active_channel = $${values.push(filter.channel)}`);
  if (filter.active != null) where.push(filter.active ? 'c.active' : 'NOT c.active');
  if (filter.contactId != null) where.push(`c.contact_id = $${values.push(filter.contactId)}`);
  return where;
}

/** Times keep Postgres's own precision in a cursor: a Date would cut microseconds and skip rows. */
function positionOf(keys: string[], path: string): [string, string] {
  const [at, id] = keys;
  if (!at || !id || Number.isNaN(Date.parse(at)))
    throw invalid(path, 'cursor', `${path} is not a cursor of this list; pass one that this list returned`);
  return [at, id];
}
