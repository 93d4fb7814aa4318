import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { decodePosition, encodePosition } from '../events/cursor.js';
import type { StoredEvent } from '../events/event.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';

type Told = StoredEvent<'conversation.started' | 'conversation.updated' | 'conversation.stopped'>;

type Row = Omit<Told, 'position'> & { xact: string; seq: string; conversationId: string };

/** What was done to conversations, read from the log: it goes back as far as events are kept. */
@Injectable()
export class ConversationHistory {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * The history of each of the conversations, latest first, by one statement. Cursors are those of the events. That one has passed to another
   * app is told in the logs of both: here it comes from that of the new one.
   */
  async listByConversations(
    projectId: string,
    conversationIds: readonly string[],
    { first, after }: Pick<PageRequest, 'first' | 'after'>,
  ): Promise<Page<Told>[]> {
    const keyset = keysetOf({ first: first ?? null }, 1);
    const position = after == null ? null : decodePosition(after);
    const rows = await queryRows<Row>(
      this.dataSource.manager,
      `SELECT h.* FROM unnest($2::text[]) AS c(id) CROSS JOIN LATERAL (
         SELECT project_id, app_id, xact::text, seq::text, id, at, kind, conversation_id, contact_id, payload FROM events e
         WHERE e.project_id = $1 AND e.conversation_id = c.id
         AND e.kind IN ('conversation.started', 'conversation.updated', 'conversation.stopped') AND NOT e.payload ? 'erased'
         AND coalesce(e.payload -> 'conversation' ->> 'appId', e.app_id) = e.app_id
         ${position ? 'AND (e.xact, e.seq) < ($4::xid8, $5::bigint)' : ''}
         ORDER BY e.xact DESC, e.seq DESC LIMIT $3) h`,
      [
        projectId,
        conversationIds,
        keyset.limit + 1,
        ...(position ? [String(position.xact), String(position.seq)] : []),
      ],
    );
    const byConversation = Map.groupBy(rows, ({ conversationId }) => conversationId);
    return conversationIds.map((id) => {
      const events = (byConversation.get(id) ?? []).map(eventOf);
      const { items, hasNextPage } = pageOf(events, keyset, ({ id: key }) => [key]);
      return {
        items: items.map(({ node }) => ({ cursor: encodePosition(node.position), node })),
        hasNextPage,
        hasPreviousPage: position !== null,
      };
    });
  }
}

function eventOf({ xact, seq, ...event }: Row): Told {
  return { ...event, position: { xact: BigInt(xact), seq: BigInt(seq) } };
}
