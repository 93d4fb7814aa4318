import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';
import { invalid } from '../errors.js';
import { lowestIdAt } from '../ids.js';
import { decodeCursor, encodeCursor } from '../page.js';
import type { ConversationDirection, Message } from './message.entity.js';

export const DEFAULT_MESSAGE_PAGE = 10;
export const MAX_MESSAGE_PAGE = 1_000;

/** Which messages: those to which every given filter applies. Source: Conversation API, listing messages. */
export interface MessageFilter {
  conversationId?: string | null;
  contactId?: string | null;
  appId?: string | null;
  /** The bare identity, on whatever channel. */
  channelIdentity?: string | null;
  /** Accepted then or later. */
  startTime?: Date | null;
  /** Accepted before. */
  endTime?: Date | null;
  channel?: ConversationChannel | null;
  direction?: ConversationDirection | null;
  messagesSource?: 'CONVERSATION_SOURCE' | 'DISPATCH_SOURCE' | null;
  onlyRecipientOriginated?: boolean | null;
}

export interface MessagePage {
  /** The latest accepted first. */
  messages: Message[];
  /** Empty on the last page. */
  nextPageToken: string;
}

/** An id is made within moments of the time that its message is accepted at: so a range of times is one of ids, but for this much. */
const SLACK_MS = 60_000;

/** What apps keep of DISPATCH mode is read for so long as their policies say, also when it is deleted later. */
export const DISPATCHED = `m.dispatch AND m.accept_time > now() - interval '1 day' * (
  SELECT a.dispatch_retention_days FROM apps a WHERE a.project_id = m.project_id AND a.id = m.app_id)`;

/** Of either source. */
export const READABLE = `NOT m.erased AND (NOT m.dispatch OR ${DISPATCHED})`;

/** @throws DomainError INVALID_ARGUMENT for rules that span the filters. */
export function assertMessageFilter(filter: MessageFilter): void {
  const { startTime, endTime, messagesSource, onlyRecipientOriginated } = filter;
  const dispatch = messagesSource === 'DISPATCH_SOURCE';
  if (startTime && endTime && startTime >= endTime)
    throw invalid('endTime', 'after', 'endTime must be after startTime');
  for (const field of ['conversationId', 'contactId'] as const) {
    if (dispatch && filter[field])
      throw invalid(field, 'source', `${field} goes with messagesSource CONVERSATION_SOURCE only`);
  }
  if (onlyRecipientOriginated && !dispatch)
    throw invalid(
      'onlyRecipientOriginated',
      'source',
      'onlyRecipientOriginated goes with messagesSource DISPATCH_SOURCE only',
    );
}

/**
 * A page of the messages of a project, the latest accepted first.
 * @param size 1 to MAX_MESSAGE_PAGE.
 * @param token of the page before; null for the first.
 * @throws DomainError INVALID_ARGUMENT (page token, rules that span the filters).
 */
export async function listMessages(
  manager: Pick<EntityManager, 'query'>,
  projectId: string,
  filter: MessageFilter,
  { size, token }: { size: number; token: string | null },
): Promise<MessagePage> {
  const { sql, values } = messageListQuery(projectId, filter, { size, token });
  const rows = await queryRows<Message>(manager, sql, values);
  return messagePageOf(rows, size);
}

/** As much of what was read as fits, with the token of what comes after it. */
export function messagePageOf(rows: Message[], size: number): MessagePage {
  const messages = rows.slice(0, size);
  const last = messages.at(-1);
  return { messages, nextPageToken: last && rows.length > size ? encodeCursor([last.id]) : '' };
}

/** The statement of a page and of one message more. */
export function messageListQuery(
  projectId: string,
  filter: MessageFilter,
  { size, token }: { size: number; token: string | null },
): { sql: string; values: unknown[] } {
  assertMessageFilter(filter);
  const values: unknown[] = [projectId, size + 1];
  const conditions = messageConditions(filter, values);
  if (token) conditions.push(`m.id < $${values.push(decodeCursor(token, 1, 'pageToken')[0])}`);
  const rest = conditions.map((condition) => `AND ${condition}`).join(' ');
  const latest = 'ORDER BY m.id DESC LIMIT $2';
  // Of few owners, each with its messages in order.
  const ofEach = (owners: string, key: string, which: string): string => `
    SELECT m.* FROM ${owners} o CROSS JOIN LATERAL (
      SELECT m.* FROM messages m WHERE m.project_id = o.project_id AND m.${key} = o.id ${rest} ${latest}) m
    WHERE o.project_id = $1 AND ${which} ${latest}`;
  const { contactId, appId, channelIdentity, messagesSource } = filter;
  if (contactId) {
    const sql = ofEach('conversations', 'conversation_id', `o.contact_id = $${values.push(contactId)}`);
    return { sql, values };
  }
  // Those of DISPATCH mode may be few among many, and have an index by app.
  if (messagesSource === 'DISPATCH_SOURCE' && !appId && !channelIdentity)
    return { sql: ofEach('apps', 'app_id', 'o.dispatch_retention_days > 0'), values };
  return { sql: `SELECT m.* FROM messages m WHERE m.project_id = $1 ${rest} ${latest}`, values };
}

/** What the filters ask of a message `m`, all but the contact's; their values are added to `values`. */
export function messageConditions(filter: MessageFilter, values: unknown[]): string[] {
  const conditions = [
    'NOT m.erased',
    filter.messagesSource === 'DISPATCH_SOURCE' ? DISPATCHED : 'NOT m.dispatch',
  ];
  const where = (condition: string, value: unknown): void => {
    conditions.push(condition.replace('?', `$${values.push(value)}`));
  };
  const { conversationId, appId, channelIdentity, startTime, endTime, channel, direction } = filter;
  if (conversationId) where('m.conversation_id = ?', conversationId);
  if (appId) where('m.app_id = ?', appId);
  if (channelIdentity) where('m.identity = ?', channelIdentity);
  if (channel) where('m.channel = ?', channel);
  if (direction) where('m.direction = ?', direction);
  if (filter.onlyRecipientOriginated) conditions.push(`m.direction = 'TO_APP'`);
  if (startTime) {
    where('m.accept_time >= ?', startTime);
    where('m.id >= ?', lowestIdAt(new Date(startTime.getTime() - SLACK_MS)));
  }
  if (endTime) {
    where('m.accept_time < ?', endTime);
    where('m.id < ?', lowestIdAt(new Date(endTime.getTime() + SLACK_MS)));
  }
  return conditions;
}
