import { Injectable } from '@nestjs/common';
import { DataSource, In } from 'typeorm';
import { PeopleResolver, type Person } from '../conversations/people.js';
import { isDatabaseAway } from '../database/availability.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { acceptSends } from './accept.js';
import type { Accepted, SendCommand } from './command.js';
import { GroupCommit } from './group-commit.js';
import { listMessages, type MessageFilter, type MessagePage, READABLE } from './list-messages.js';
import { Message } from './message.entity.js';
import { findRecipients } from './recipients.js';
import { prepareAndTransact } from './transaction.js';

/** Most messages that share a transaction: each may lock a conversation, and Postgres holds so many locks only. */
const BATCH = 250;

const GET = `SELECT m.* FROM messages m WHERE m.project_id = $1 AND m.id = $2 AND ${READABLE}`;

/** Every rule about messages that callers meet. */
@Injectable()
export class MessagesService {
  private readonly group: GroupCommit<SendCommand, Accepted | DomainError>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly people: PeopleResolver,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {
    this.group = new GroupCommit((commands) => this.accept(commands), isDatabaseAway, {
      batch: BATCH,
      inFlight: 2,
      waiting: 10_000,
      // What comes in one after the other for one person is accepted, and so sent, in that order.
      laneOf: ({ projectId, appId, recipient }) => `${projectId} ${appId} ${JSON.stringify(recipient)}`,
    });
  }

  /**
   * Stores a message as QUEUED and has it sent. Once this resolved, the message is durable.
   * @param abandoned whether nobody waits for the answer any more; the message is then not accepted, unless that has begun.
   * @throws DomainError NOT_FOUND (app, contact), FAILED_PRECONDITION (no channel, no identity), ALREADY_EXISTS (idempotency key),
   *   UNAVAILABLE, CANCELLED (abandoned).
   */
  async send(command: SendCommand, abandoned?: () => boolean): Promise<Accepted> {
    const result = await this.group.submit(command, abandoned);
    if (result instanceof DomainError) throw result;
    return result;
  }

  /** Whether so much waits to be accepted that those who can wait with more should. */
  get crowded(): boolean {
    return this.group.crowded;
  }

  /**
   * Sends each as `send` does, with a result for each, in order. Part after part, so that a large request does not fill the queue in
   * which others wait.
   */
  async sendMany(commands: readonly SendCommand[]): Promise<PromiseSettledResult<Accepted>[]> {
    const results: PromiseSettledResult<Accepted>[] = [];
    for (let start = 0; start < commands.length; start += BATCH) {
      const part = commands.slice(start, start + BATCH);
      results.push(...(await Promise.allSettled(part.map((command) => this.send(command)))));
    }
    return results;
  }

  /** @throws DomainError NOT_FOUND, also for one of DISPATCH mode that its app keeps no longer. */
  async get(projectId: string, id: string): Promise<Message> {
    const [message] = await queryRows<Message>(this.dataSource.manager, GET, [projectId, id]);
    if (!message) throw notFound('message', id);
    return message;
  }

  /** As they are stored: also what is just on its way in DISPATCH mode. */
  async find(projectId: string, ids: readonly string[]): Promise<Map<string, Message>> {
    const messages = await this.dataSource.manager.findBy(Message, {
      projectId,
      id: In([...ids]),
      erased: false,
    });
    return new Map(messages.map((message) => [message.id, message]));
  }

  /** Messages of the project, the latest accepted first. @throws DomainError INVALID_ARGUMENT */
  async list(
    projectId: string,
    filter: MessageFilter,
    page: { size: number; token: string | null },
  ): Promise<MessagePage> {
    return listMessages(this.dataSource.manager, projectId, filter, page);
  }

  /** A page of the messages of each of the conversations, in order of acceptance, by one statement. */
  async listByConversations(
    projectId: string,
    conversationIds: readonly string[],
    request: PageRequest,
  ): Promise<Page<Message>[]> {
    const keyset = keysetOf(request, 1);
    const rows = await queryRows<Message>(
      this.dataSource.manager,
      `SELECT m.* FROM unnest($2::text[]) AS c(id) CROSS JOIN LATERAL (
         SELECT * FROM messages WHERE project_id = $1 AND conversation_id = c.id AND NOT erased
         AND ($3::text IS NULL OR id ${keyset.backward ? '<' : '>'} $3)
         ORDER BY id ${keyset.backward ? 'DESC' : 'ASC'} LIMIT $4) m`,
      [projectId, conversationIds, keyset.position?.[0] ?? null, keyset.limit + 1],
    );
    const byConversation = Map.groupBy(rows, ({ conversationId }) => conversationId);
    return conversationIds.map((id) =>
      pageOf(byConversation.get(id) ?? [], keyset, (message) => [message.id]),
    );
  }

  private async accept(commands: SendCommand[]): Promise<(Accepted | DomainError)[]> {
    return prepareAndTransact(
      this.dataSource,
      async () => {
        const recipients = await findRecipients(this.dataSource.manager, commands);
        const reachable = recipients.filter((recipient) => !(recipient instanceof DomainError)) as Person[];
        return { recipients, reachable, resolution: await this.people.ensure(reachable) };
      },
      async (tx, { recipients, reachable, resolution }) => {
        // Nothing may be written before the locks, and ids are made under them: order of ids, of commits and of the log is one.
        const locked = await this.people.lock(tx, reachable, resolution);
        const { results, events, jobs } = await acceptSends(tx, commands, recipients, resolution, locked);
        await this.log.record(tx, events);
        this.jobs.addSoon(tx, jobs);
        return results;
      },
    );
  }
}
