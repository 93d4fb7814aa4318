import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { mergePatch } from '../content/merge-patch.js';
import { metadataFault } from '../content/metadata-size.js';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { type NewEvent, snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { lockConversations } from './activity.js';
import { changeEvent } from './changes.js';
import { Conversation } from './conversation.entity.js';

type Metadata = Record<string, unknown>;

/** Of one app, of one contact, or of both. */
export interface RecordFilter {
  appId?: string;
  contactId?: string;
  /** False: only those that were stopped; absent: both. */
  onlyActive?: boolean;
  activeChannel?: string;
}

/** What a caller may set; what is absent stays, or has its default. */
export interface RecordValues {
  appId?: string;
  contactId?: string;
  active?: boolean;
  activeChannel?: ConversationChannel | 'CHANNEL_UNSPECIFIED';
  metadata?: string;
  metadataJson?: Metadata | null;
  correlationId?: string;
}

/** The latest activity first, or last. */
export interface RecentFilter {
  appId: string;
  onlyActive: boolean;
  oldestFirst: boolean;
}

const UNIQUE_VIOLATION = '23505';

/** Conversations as the records of the Conversation API, which customers' systems keep; the inbox has a service of its own. */
@Injectable()
export class ConversationRecordsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /** The newest first. @throws DomainError INVALID_ARGUMENT without app and contact */
  async list(projectId: string, filter: RecordFilter, request: PageRequest): Promise<Page<Conversation>> {
    const keyset = keysetOf(request, 1);
    const { where, values } = conditions(projectId, filter);
    if (keyset.position) where.push(`id ${keyset.backward ? '>' : '<'} $${values.push(keyset.position[0])}`);
    const rows = await queryRows<Conversation>(
      this.dataSource.manager,
      `SELECT * FROM conversations WHERE ${where.join(' AND ')}
       ORDER BY id ${keyset.backward ? 'ASC' : 'DESC'} LIMIT ${keyset.limit + 1}`,
      values,
    );
    return pageOf(rows, keyset, ({ id }) => [id]);
  }

  async count(projectId: string, filter: RecordFilter): Promise<number> {
    const { where, values } = conditions(projectId, filter);
    const [row] = await queryRows<{ count: string }>(
      this.dataSource.manager,
      `SELECT count(*) FROM conversations WHERE ${where.join(' AND ')}`,
      values,
    );
    return Number(row?.count ?? 0);
  }

  /** In order of activity, by the index of the inbox. */
  async recent(
    projectId: string,
    { appId, onlyActive, oldestFirst }: RecentFilter,
    request: PageRequest,
  ): Promise<Page<Conversation>> {
    const keyset = keysetOf(request, 2);
    const [sign, order] = oldestFirst ? ['>', 'ASC'] : ['<', 'DESC'];
    const [at, id] = keyset.position ?? [];
    if (at !== undefined && Number.isNaN(Date.parse(at)))
      throw invalid('pageToken', 'cursor', 'pageToken is not of this list');
    const rows = await queryRows<Conversation & { activityKey: string }>(
      this.dataSource.manager,
      `SELECT *, last_activity::text AS activity_key FROM conversations
       WHERE project_id = $1 AND app_id = $2 AND NOT dispatch ${onlyActive ? 'AND active' : ''}
       ${keyset.position ? `AND (last_activity, id) ${sign} ($3::timestamptz, $4)` : ''}
       ORDER BY last_activity ${order}, id ${order} LIMIT ${keyset.limit + 1}`,
      [projectId, appId, ...(keyset.position ? [at, id] : [])],
    );
    return pageOf(rows, keyset, (row) => [row.activityKey, row.id]);
  }

  /** @throws DomainError INVALID_ARGUMENT, NOT_FOUND (app, contact), ALREADY_EXISTS when they have an active conversation. */
  async create(
    projectId: string,
    { appId, contactId, ...values }: RecordValues & { appId: string; contactId: string },
  ): Promise<Conversation> {
    assertMetadataSize(values.metadataJson);
    return this.dataSource.transaction(async (tx) => {
      await assertApp(tx, projectId, appId);
      await assertContact(tx, projectId, contactId);
      const id = newId();
      await oneActive(
        tx.insert(Conversation, { ...defined(values), projectId, id, appId, contactId } as object),
        contactId,
      );
      const conversation = await tx.findOneByOrFail(Conversation, { projectId, id });
      const payload = { conversation: snapshotOf(conversation) };
      await this.log.record(tx, [
        { projectId, appId, kind: 'conversation.started', conversationId: id, contactId, payload },
      ]);
      return conversation;
    });
  }

  /**
   * What was said stays with the app that said it, also when the conversation passes to another.
   * @param patch whether `metadataJson` is merged into what is there, rather than taking its place.
   * @throws DomainError INVALID_ARGUMENT, NOT_FOUND (conversation, app), ALREADY_EXISTS when there would be two active ones.
   */
  async update(
    projectId: string,
    id: string,
    values: RecordValues,
    { patch }: { patch: boolean },
  ): Promise<Conversation> {
    return this.dataSource.transaction(async (tx) => {
      const before = (await lockConversations(tx, [{ projectId, id }])).get(id);
      if (!before || before.dispatch) throw notFound('conversation', id);
      if (values.appId !== undefined && values.appId !== before.appId)
        await assertApp(tx, projectId, values.appId);
      if (values.contactId !== undefined && values.contactId !== before.contactId)
        throw invalid('contactId', 'fixed', 'a conversation stays with its contact; merge contacts instead');
      const changed = { ...defined(values), updatedAt: new Date() };
      if (patch && values.metadataJson)
        changed.metadataJson = mergePatch(before.metadataJson, values.metadataJson) as Metadata;
      assertMetadataSize(changed.metadataJson, patch ? 'must, once merged, be' : 'must be');
      await oneActive(tx.update(Conversation, { projectId, id }, changed as object), before.contactId);
      const after = await tx.findOneByOrFail(Conversation, { projectId, id });
      const kind = before.active && !after.active ? 'conversation.stopped' : 'conversation.updated';
      await this.log.record(tx, [changeEvent(kind, before, after, null), ...leftEvents(before, after)]);
      return after;
    });
  }
}

/** The app that a conversation has left is told as well: who follows its inbox sees no other log. */
function leftEvents(before: Conversation, after: Conversation): NewEvent[] {
  if (after.appId === before.appId) return [];
  return [{ ...changeEvent('conversation.updated', before, after, null), appId: before.appId }];
}

function assertMetadataSize(metadata: Metadata | null | undefined, verb?: string): void {
  const fault = metadata && metadataFault(metadata, 'metadataJson', verb);
  if (fault) throw fault;
}

function conditions(
  projectId: string,
  { appId, contactId, onlyActive, activeChannel }: RecordFilter,
): { where: string[]; values: unknown[] } {
  if (!appId && !contactId) throw invalid('appId', 'required', 'one of appId and contactId is needed');
  const values: unknown[] = [projectId];
  const where = ['project_id = $1', 'NOT dispatch'];
  if (appId) where.push(`app_id = $${values.push(appId)}`);
  if (contactId) where.push(`contact_id = $${values.push(contactId)}`);
  if (onlyActive !== undefined) where.push(onlyActive ? 'active' : 'NOT active');
  if (activeChannel) where.push(`active_channel = $${values.push(activeChannel)}`);
  return { where, values };
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

async function assertApp(tx: EntityManager, projectId: string, id: string): Promise<void> {
  const found = await tx.query<unknown[]>('SELECT 1 FROM apps WHERE project_id = $1 AND id = $2', [
    projectId,
    id,
  ]);
  if (found.length === 0) throw notFound('App', id);
}

/** Held, so that it is not merged away or erased meanwhile. */
async function assertContact(tx: EntityManager, projectId: string, id: string): Promise<void> {
  const found = await tx.query<unknown[]>(
    'SELECT 1 FROM contacts WHERE project_id = $1 AND id = $2 FOR KEY SHARE',
    [projectId, id],
  );
  if (found.length === 0) throw notFound('Contact', id);
}

async function oneActive(written: Promise<unknown>, contactId: string): Promise<void> {
  try {
    await written;
  } catch (error) {
    const { code, constraint } =
      (error as { driverError?: { code?: string; constraint?: string } }).driverError ?? {};
    if (code !== UNIQUE_VIOLATION || constraint !== 'conversations_one_active') throw error;
    throw new DomainError(
      'ALREADY_EXISTS',
      `contact ${contactId} has an active conversation with the app; stop that one first`,
    );
  }
}
