import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ConversationGone, lockConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import { invalid, notFound } from '../errors.js';
import { snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { idAt } from '../ids.js';
import type { ChannelAddress } from '../messages/command.js';
import { assertRecentPast } from '../messages/inject.input.js';
import { assertContact, identityIn } from '../messages/injected-identity.js';
import { prepareAndTransact, transact } from '../messages/transaction.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { ConversationEvent } from './conversation-event.entity.js';
import type { InjectEventInput } from './conversation-events.input.js';
import type { AcceptedEvent } from './conversation-events.service.js';
import { appEventOf } from './event-command.js';

/** Of a conversation, of a contact, or of both; of neither all of the project. */
export interface EventFilter {
  conversationId?: string;
  contactId?: string;
}

/** The log keeps that something was done, and no more what. */
const ERASE_COPIES = `
  UPDATE events e SET payload = '{"erased": true}'
  WHERE e.project_id = $1 AND e.contact_id = $2 AND e.kind IN ('event.added', 'event.updated') AND e.payload -> 'event' ->> 'id' = $3`;

const INJECT = `
  INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, accept_time)
  VALUES ($1, $2, $3, $4, $5, 'TO_CONTACT', $6, $7, $8::jsonb, $9)
  RETURNING *`;

/** Where the contact is spoken with, as far as nobody says. */
const USUAL_IDENTITY = `
  SELECT channel, identity FROM channel_identities
  WHERE project_id = $1 AND contact_id = $2 AND app_id IN ('', $3)
  ORDER BY channel <> $4, position LIMIT 1`;

/** Conversation events as the records of the Conversation API, which customers' systems keep. */
@Injectable()
export class EventRecordsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<ConversationEvent> {
    const event = await this.dataSource.manager.findOneBy(ConversationEvent, { projectId, id });
    if (!event) throw notFound('event', id);
    return event;
  }

  /** The latest accepted first. The reference asks for a filter, its clients and their tests do not give one. */
  async list(
    projectId: string,
    { conversationId, contactId }: EventFilter,
    request: PageRequest,
  ): Promise<Page<ConversationEvent>> {
    const keyset = keysetOf(request, 1);
    const values: unknown[] = [projectId];
    const where = ['project_id = $1', 'NOT dispatch'];
    if (conversationId) where.push(`conversation_id = $${values.push(conversationId)}`);
    if (contactId) where.push(`contact_id = $${values.push(contactId)}`);
    if (keyset.position) where.push(`id < $${values.push(keyset.position[0])}`);
    const rows = await queryRows<ConversationEvent>(
      this.dataSource.manager,
      `SELECT * FROM conversation_events WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ${keyset.limit + 1}`,
      values,
    );
    return pageOf(rows, keyset, ({ id }) => [id]);
  }

  /** Erases an event here; one that has not left yet never will. @throws DomainError NOT_FOUND */
  async delete(projectId: string, id: string): Promise<void> {
    await prepareAndTransact(
      this.dataSource,
      () => this.get(projectId, id),
      async (tx, { conversationId }) => {
        // As all who change events do: who sends it right now would wait for its row, and have the row of the send.
        await lockConversations(tx, [{ projectId, id: conversationId }]);
        const [gone] = await queryRows<ConversationEvent>(
          tx,
          `DELETE FROM conversation_events WHERE project_id = $1 AND id = $2 RETURNING *`,
          [projectId, id],
        );
        if (!gone) throw notFound('event', id);
        if (gone.conversationId !== conversationId)
          throw new ConversationGone(`event ${id} has moved to another conversation`);
        await tx.query(ERASE_COPIES, [projectId, gone.contactId, id]);
      },
    );
  }

  /**
   * Puts what the app did elsewhere into a conversation, in its place. Nothing is sent, and webhooks are not told: it is no news.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT
   */
  async inject(projectId: string, conversationId: string, input: InjectEventInput): Promise<AcceptedEvent> {
    const { acceptTime, contactId } = input;
    const event = appEventOf(input.appEvent, 'appEvent');
    assertRecentPast(acceptTime);
    return transact(this.dataSource, async (tx) => {
      const conversation = (await lockConversations(tx, [{ projectId, id: conversationId }])).get(
        conversationId,
      );
      if (!conversation || conversation.dispatch) throw notFound('conversation', conversationId);
      if (contactId) assertContact(conversation, contactId);
      const { channel, identity } = await addressOf(tx, conversation, input);
      const eventId = idAt(acceptTime);
      const { appId } = conversation;
      const [injected] = await queryRows<ConversationEvent>(tx, INJECT, [
        ...[projectId, eventId, appId, conversationId, conversation.contactId],
        ...[channel, identity, JSON.stringify(event), acceptTime],
      ]);
      if (!injected) throw new Error(`event ${eventId} was not stored`);
      const payload = {
        event: { ...snapshotOf(injected), injected: true },
        conversation: snapshotOf(conversation),
      };
      await this.log.record(tx, [
        {
          ...{ projectId, appId, conversationId, contactId: conversation.contactId },
          ...{ kind: 'event.added', payload },
        },
      ]);
      return { eventId, acceptedTime: acceptTime };
    });
  }
}

async function addressOf(
  tx: Pick<EntityManager, 'query'>,
  conversation: Conversation,
  { channelIdentity }: InjectEventInput,
): Promise<ChannelAddress> {
  if (channelIdentity) return identityIn(tx, conversation, channelIdentity);
  const { projectId, contactId, appId, activeChannel } = conversation;
  const [usual] = await queryRows<ChannelAddress>(tx, USUAL_IDENTITY, [
    projectId,
    contactId,
    appId,
    activeChannel,
  ]);
  if (!usual)
    throw invalid(
      'channelIdentity',
      'required',
      'the contact has no identity with the app: give channelIdentity',
    );
  return usual;
}
