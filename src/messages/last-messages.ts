import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { invalid } from '../errors.js';
import { decodeCursor } from '../page.js';
import {
  assertMessageFilter,
  messageConditions,
  type MessageFilter,
  type MessagePage,
  messagePageOf,
} from './list-messages.js';
import type { Message } from './message.entity.js';

/** Of whom: of identities, on whatever channel, or of contacts. */
export interface LastMessagesFilter extends Omit<
  MessageFilter,
  'conversationId' | 'contactId' | 'channelIdentity' | 'onlyRecipientOriginated'
> {
  channelIdentities?: string[] | null;
  contactIds?: string[] | null;
}

/**
 * The last message of each of those who are asked for, the latest accepted first; who has none is left out.
 * @throws DomainError INVALID_ARGUMENT (neither or both kinds, page token, rules that span the filters).
 */
export async function lastMessages(
  manager: Pick<EntityManager, 'query'>,
  projectId: string,
  filter: LastMessagesFilter,
  { size, token }: { size: number; token: string | null },
): Promise<MessagePage> {
  const { sql, values } = lastMessagesQuery(projectId, filter, { size, token });
  return messagePageOf(await queryRows<Message>(manager, sql, values), size);
}

/** The statement of a page and of one message more: an index look-up for each who is asked for. */
export function lastMessagesQuery(
  projectId: string,
  { channelIdentities, contactIds, ...filter }: LastMessagesFilter,
  { size, token }: { size: number; token: string | null },
): { sql: string; values: unknown[] } {
  if ((channelIdentities == null) === (contactIds == null)) {
    const rule = 'exactly one of channelIdentities, contactIds must be given';
    throw invalid('channelIdentities', 'exactlyOne', rule);
  }
  if (contactIds && filter.messagesSource === 'DISPATCH_SOURCE') {
    throw invalid('contactIds', 'source', 'contactIds goes with messagesSource CONVERSATION_SOURCE only');
  }
  assertMessageFilter(filter);
  const asked = [...new Set(channelIdentities ?? contactIds)];
  const values: unknown[] = [projectId, size + 1, asked];
  const rest = messageConditions(filter, values)
    .map((condition) => `AND ${condition}`)
    .join(' ');
  const last = channelIdentities ? lastOfIdentity(rest) : lastOfContact(rest);
  const after = token ? `WHERE m.id < $${values.push(decodeCursor(token, 1, 'pageToken')[0])}` : '';
  const sql = `
    SELECT m.* FROM unnest($3::text[]) AS asked(who) CROSS JOIN LATERAL (${last}) m ${after}
    ORDER BY m.id DESC LIMIT $2`;
  return { sql, values };
}

function lastOfIdentity(rest: string): string {
  return `
    SELECT m.* FROM messages m WHERE m.project_id = $1 AND m.identity = asked.who ${rest} ORDER BY m.id DESC LIMIT 1`;
}

/** A contact has few conversations, each with its messages in order. */
function lastOfContact(rest: string): string {
  return `
    SELECT m.* FROM conversations c CROSS JOIN LATERAL (
      SELECT m.* FROM messages m WHERE m.project_id = c.project_id AND m.conversation_id = c.id ${rest}
      ORDER BY m.id DESC LIMIT 1) m
    WHERE c.project_id = $1 AND c.contact_id = asked.who ORDER BY m.id DESC LIMIT 1`;
}
