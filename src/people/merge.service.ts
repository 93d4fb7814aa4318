import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import type { Contact } from '../contacts/contact.entity.js';
import { appsOf, contactSnapshots } from '../contacts/contact-events.js';
import { changeEvent, deletedEvent } from '../conversations/changes.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { eventLaneJob } from '../conversation-events/event-lane.js';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid } from '../errors.js';
import type { NewEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { laneJob } from '../messages/lane.js';
import { type KnownContact, storeContactWords } from '../words/store.js';
import { type LockedContacts, withContacts } from './locked.js';
import { MessageLeaving, type MovedConversations, moveConversations } from './merge-conversations.js';

/** Longer than a call to a channel takes. */
const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 200;

/** A person has one identity a channel, on channels whose identities are an app's one an app: more of them stay behind. */
const MOVE_IDENTITIES = `
  UPDATE channel_identities i SET contact_id = $3,
    position = i.position + (SELECT coalesce(max(d.position) + 1, 0) FROM channel_identities d WHERE d.project_id = $1 AND d.contact_id = $3)
  WHERE i.project_id = $1 AND i.contact_id = $2 AND NOT EXISTS (
    SELECT FROM channel_identities d
    WHERE d.project_id = $1 AND d.contact_id = $3 AND d.channel = i.channel AND d.app_id = i.app_id)
  RETURNING i.channel, i.position`;

/** What the destination lacks is taken from the source. */
const COMPLETE = `
  UPDATE contacts d SET
    display_name = coalesce(nullif(d.display_name, ''), s.display_name),
    email = coalesce(nullif(d.email, ''), s.email),
    external_id = coalesce(nullif(d.external_id, ''), s.external_id),
    metadata = coalesce(nullif(d.metadata, ''), s.metadata),
    language = coalesce(nullif(d.language, 'UNSPECIFIED'), s.language),
    channel_priority = d.channel_priority || $4::text[],
    updated_at = now()
  FROM contacts s
  WHERE d.project_id = $1 AND d.id = $3 AND s.project_id = $1 AND s.id = $2
  RETURNING d.*`;

const REMOVE = `DELETE FROM contacts WHERE project_id = $1 AND id = $2`;

/** Makes two contacts one. */
@Injectable()
export class MergeService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  /**
   * The source becomes part of the destination and is gone for good: its conversations, messages and what waits to be sent pass
   * over, an active conversation into the destination's active one with the same app; so do its identities on channels on which
   * the destination has none, and what the destination does not say of itself. Source: Conversation API, contacts:merge.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT when both are one, UNAVAILABLE while a message of the source cannot get away
   */
  async merge(projectId: string, sourceId: string, destinationId: string): Promise<Contact> {
    if (sourceId === destinationId) {
      throw invalid('sourceId', 'different', 'a contact cannot be merged into itself');
    }
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await withContacts(this.dataSource, projectId, [sourceId, destinationId], (tx, locked) =>
          this.join(tx, projectId, locked, [sourceId, destinationId]),
        );
      } catch (error) {
        if (!(error instanceof MessageLeaving)) throw error;
        if (Date.now() > until) throw stillLeaving(sourceId);
        await sleep(LOOK_AGAIN_MS);
      }
    }
  }

  private async join(
    tx: EntityManager,
    projectId: string,
    { contacts, conversations }: LockedContacts,
    [sourceId, destinationId]: [string, string],
  ): Promise<Contact> {
    const source = contacts.get(sourceId) as Contact;
    const destination = contacts.get(destinationId) as Contact;
    const apps = [...(await appsOf(tx, projectId, [sourceId, destinationId])).values()].flat();
    const [deleted = {}] = await contactSnapshots(tx, projectId, [source]);
    const both: [string, string] = [sourceId, destinationId];
    const moved = await moveConversations(tx, projectId, conversations, both);
    const identities = await queryRows<{ channel: string; position: number }>(tx, MOVE_IDENTITIES, [
      projectId,
      ...both,
    ]);
    const channels = identities.sort((a, b) => a.position - b.position).map(({ channel }) => channel);
    const added = [...new Set(channels)].filter((channel) => !destination.channelPriority.includes(channel));
    const [kept] = await queryRows<Contact>(tx, COMPLETE, [projectId, ...both, added]);
    if (!kept) throw new Error(`contact ${destinationId} is gone although it was locked`);
    await tx.query(REMOVE, [projectId, sourceId]);
    const [preserved = {}] = await contactSnapshots(tx, projectId, [kept]);
    // Of whom no app has met no log tells, and their words are kept by what the logs tell.
    if (apps.length === 0) await storeContactWords(tx, [preserved as unknown as KnownContact]);
    await this.log.record(tx, [
      ...[...new Set(apps)].sort().map((appId): NewEvent => ({
        projectId,
        appId,
        kind: 'contact.merged',
        contactId: destinationId,
        payload: { preserved, deleted },
      })),
      ...conversationEvents(moved, conversations, destinationId),
    ]);
    const lanes = moved.changed.map(({ id }) => id);
    this.jobs.addSoon(tx, [
      ...lanes.map((id) => laneJob(projectId, id)),
      ...lanes.map((conversationId) => eventLaneJob({ projectId, conversationId })),
    ]);
    return kept;
  }
}

function conversationEvents(
  { changed, removed }: MovedConversations,
  before: readonly Conversation[],
  contactId: string,
): NewEvent[] {
  const earlier = new Map(before.map((conversation) => [conversation.id, conversation]));
  return [
    ...removed.map((conversation) => deletedEvent({ ...conversation, contactId })),
    ...changed.map((conversation) =>
      changeEvent('conversation.updated', earlier.get(conversation.id) ?? conversation, conversation, null),
    ),
  ];
}

function stillLeaving(id: string): DomainError {
  return new DomainError('UNAVAILABLE', `a message to contact ${id} is being sent right now; try again`);
}
