import { Injectable } from '@nestjs/common';
import { DataSource, In } from 'typeorm';
import { invalid } from '../errors.js';
import { encodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import { Message } from '../messages/message.entity.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { matchingIds, searchOf } from '../words/matches.js';

/** A page of messages, and the position of the event log that it reflects. */
export interface FoundMessages extends Page<Message> {
  eventCursor: string;
}

@Injectable()
export class SearchService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /**
   * An app's messages in which every word of the text begins a word, newest first. What comes in meanwhile is before the first page
   * and changes no later one.
   * @throws DomainError INVALID_ARGUMENT
   */
  async messages(
    projectId: string,
    appId: string,
    text: string,
    request: PageRequest,
  ): Promise<FoundMessages> {
    const search = searchOf({ projectId, appId }, text, 'text');
    if (!search) throw invalid('text', 'isNotEmpty', 'text must have at least one word, number or emoji');
    const keyset = keysetOf(request, 1);
    // Read before the page: what happens in between comes again as an event, never the reverse.
    const eventCursor = encodePosition(await this.log.tail());
    const order = { position: keyset.position?.[0] ?? null, descending: true };
    const { manager } = this.dataSource;
    const ids = await matchingIds(manager, 'message', search, order, keyset.limit + 1);
    const page = pageOf(ids, keyset, (id) => [id]);
    const nodes = await manager.findBy(Message, {
      projectId,
      id: In(page.items.map(({ node }) => node)),
      erased: false,
    });
    const found = new Map(nodes.map((message) => [message.id, message]));
    const items = page.items.flatMap(({ cursor, node }) => {
      const message = found.get(node);
      return message ? [{ cursor, node: message }] : [];
    });
    return { ...page, items, eventCursor };
  }
}
