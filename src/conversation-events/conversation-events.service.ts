import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { PeopleResolver, type Person, personKey, type Resolution } from '../conversations/people.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import { claimKeys } from '../messages/idempotency.js';
import { findRecipients } from '../messages/recipients.js';
import { prepareAndTransact } from '../messages/transaction.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { ConversationEvent } from './conversation-event.entity.js';
import type { EventCommand } from './event-command.js';
import { enterLane, eventLaneJob } from './event-lane.js';
import { expiryOf } from './lifetime.js';

export interface AcceptedEvent {
  eventId: string;
  acceptedTime: Date;
}

const INSERT = `
  INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, metadata, callback_url, accept_time, dispatch)
  VALUES ($1, $2, $3, $4, $5, 'TO_CONTACT', $6, $7, $8::jsonb, 'QUEUED', $9, $10, $11, $12)
  RETURNING *`;

/** Of this person on this channel: one of somebody else's must not be reacted to, nor be found by guessing. */
const HAS_MESSAGE = `
  SELECT FROM messages WHERE project_id = $1 AND id = $2 AND app_id = $3 AND channel = $4 AND identity = $5`;

/** Every rule about conversation events that callers meet. */
@Injectable()
export class ConversationEventsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly people: PeopleResolver,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  /**
   * Stores an event as QUEUED and has it sent. Once this resolved, the event is durable.
   * @throws DomainError NOT_FOUND (app, contact, message), FAILED_PRECONDITION (no channel, no identity), ALREADY_EXISTS (idempotency key).
   */
  async send(command: EventCommand): Promise<AcceptedEvent> {
    return prepareAndTransact(
      this.dataSource,
      () => this.find(command),
      (tx, { person, resolution }) => this.accept(tx, command, person, resolution),
    );
  }

  /** A page of the events of each of the conversations, in order of acceptance, by one statement. */
  async listByConversations(
    projectId: string,
    conversationIds: readonly string[],
    request: PageRequest,
  ): Promise<Page<ConversationEvent>[]> {
    const keyset = keysetOf(request, 1);
    const rows = await queryRows<ConversationEvent>(
      this.dataSource.manager,
      `SELECT e.* FROM unnest($2::text[]) AS c(id) CROSS JOIN LATERAL (
         SELECT * FROM conversation_events WHERE project_id = $1 AND conversation_id = c.id
         AND ($3::text IS NULL OR id ${keyset.backward ? '<' : '>'} $3)
         ORDER BY id ${keyset.backward ? 'DESC' : 'ASC'} LIMIT $4) e`,
      [projectId, conversationIds, keyset.position?.[0] ?? null, keyset.limit + 1],
    );
    const byConversation = Map.groupBy(rows, ({ conversationId }) => conversationId);
    return conversationIds.map((id) => pageOf(byConversation.get(id) ?? [], keyset, (event) => [event.id]));
  }

  private async find(command: EventCommand): Promise<{ person: Person; resolution: Resolution }> {
    const [person] = await findRecipients(this.dataSource.manager, [command]);
    if (!person) throw new Error('a recipient was neither found nor refused');
    if (person instanceof DomainError) throw person;
    await this.assertMessage(person, command.event.reaction_event?.message_id);
    return { person, resolution: await this.people.ensure([person]) };
  }

  private async assertMessage(person: Person, messageId: string | undefined): Promise<void> {
    if (messageId === undefined) return;
    const { projectId, appId, channel, identity } = person;
    const found = await queryRows(this.dataSource.manager, HAS_MESSAGE, [
      projectId,
      messageId,
      appId,
      channel,
      identity,
    ]);
    if (found.length === 0) throw notFound('message', messageId);
  }

  private async accept(
    tx: EntityManager,
    command: EventCommand,
    person: Person,
    resolution: Resolution,
  ): Promise<AcceptedEvent> {
    // As with messages nothing is written before the lock, so that ids, commits and the log have one order.
    const locked = await this.people.lock(tx, [person], resolution);
    const resolved = resolution.get(personKey(person));
    if (!resolved) throw new Error('a person has no conversation');
    const { projectId, appId, channel, identity } = person;
    const { conversationId, contactId } = resolved;
    const [id, acceptTime] = [newId(), new Date()];
    const earlier = (await claimKeys(tx, [command], [id], acceptTime, [0])).get(0);
    if (earlier instanceof DomainError) throw earlier;
    if (earlier) return { eventId: earlier.messageId, acceptedTime: earlier.acceptedTime };
    const [event] = await queryRows<ConversationEvent>(tx, INSERT, [
      projectId,
      id,
      appId,
      conversationId,
      contactId,
      channel,
      identity,
      JSON.stringify(command.event),
      command.eventMetadata,
      command.callbackUrl,
      acceptTime,
      resolved.dispatch,
    ]);
    if (!event) throw new Error(`event ${id} was not stored`);
    await enterLane(tx, event, expiryOf(command.event, acceptTime));
    const conversation = snapshotOf(locked.get(conversationId) ?? {});
    const payload = { event: snapshotOf(event), conversation };
    await this.log.record(tx, [
      { projectId, appId, kind: 'event.added', conversationId, contactId, payload },
    ]);
    this.jobs.addSoon(tx, [eventLaneJob(event, { highPriority: command.highPriority })]);
    return { eventId: id, acceptedTime: acceptTime };
  }
}
