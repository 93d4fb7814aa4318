import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { HistoryPage, Refusal } from '../channels/channel.js';
import type { Channel } from '../channels/channel.entity.js';
import { ChannelsService } from '../channels/channels.service.js';
import { ChannelRegistry } from '../channels/registry.js';
import { PeopleResolver } from '../conversations/people.js';
import { DomainError } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import { backoff } from '../messages/backoff.js';
import { pause } from '../messages/pauses.js';
import { prepareAndTransact } from '../messages/transaction.js';
import {
  advance,
  failImport,
  type HistoryImport,
  importsDue,
  importsOf,
  type ImportTurn,
  resumeImport,
  startImport,
  takeTurn,
  tryLater,
} from './imports.js';
import { storeHistory, unknownOf } from './store.js';

/** Messenger takes two of these calls a second and page; half of them leaves room for others. */
const PAGE_MS = 1_000;
const TRIES = 20;

/** Fetches what was said on a channel before it was connected, page by page, by a job that goes on where it stopped. */
@Injectable()
export class HistoryService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(HistoryService.name);
  private readonly stopping = new AbortController();

  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly log: EventLog,
    private readonly people: PeopleResolver,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('history', ({ projectId, channelId }) => this.fetch(projectId, channelId));
    this.jobs.onSweep(async () => {
      const due = await importsDue(this.dataSource);
      await this.jobs.add(
        this.dataSource.manager,
        due.map(({ projectId, channelId }) => jobOf(projectId, channelId)),
      );
    });
    this.channels.onReconnected(async (channel, { importHistory }) => {
      const { projectId, id } = channel;
      if (importHistory && this.registry.find(channel.channel)?.history) await this.begin(channel);
      else if (await resumeImport(this.dataSource, projectId, id))
        await this.jobs.add(this.dataSource.manager, [jobOf(projectId, id)]);
    });
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /**
   * Begins an import; one that runs goes on. What is here already stays as it is, so that it may be done again.
   * @throws DomainError NOT_FOUND, FAILED_PRECONDITION where the channel keeps no history
   */
  async start(projectId: string, channelId: string): Promise<HistoryImport> {
    const channel = await this.channels.get(projectId, channelId);
    if (!this.registry.get(channel.channel).history) {
      throw new DomainError(
        'FAILED_PRECONDITION',
        `${channel.channel} keeps no history that could be imported`,
      );
    }
    await this.begin(channel);
    const [started] = await this.of(projectId, [channelId]);
    if (!started) throw new Error(`the import of channel ${channelId} was not stored`);
    return started;
  }

  /** How far the import of each channel is, in the order of `channelIds`; null where there never was one. */
  of(projectId: string, channelIds: readonly string[]): Promise<(HistoryImport | null)[]> {
    return importsOf(this.dataSource, projectId, channelIds);
  }

  private async begin({ projectId, id }: Channel): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await startImport(tx, projectId, id);
      await this.jobs.add(tx, [jobOf(projectId, id)]);
    });
  }

  /** Job handler: one page. */
  private async fetch(projectId: string, channelId: string): Promise<void> {
    const turn = await takeTurn(this.dataSource, projectId, channelId);
    if (!turn) return;
    const connection = await this.channels.credentials(projectId, turn.appId, turn.channel);
    const plugin = this.registry.find(turn.channel);
    if (!connection || connection.state === 'NEEDS_REAUTH' || !plugin?.history)
      return tryLater(this.dataSource, turn, 'the channel needs a new token', null, false);
    const outcome = await plugin.history(connection, turn.nextPage, this.stopping.signal);
    if (outcome.slowDown) await pause(this.dataSource, turn, outcome.slowDown);
    if (outcome.kind !== 'page') return this.refused(turn, outcome, connection.token);
    await this.store(turn, outcome);
    const runAt = new Date(Date.now() + PAGE_MS);
    if (outcome.next !== null)
      await this.jobs.add(this.dataSource.manager, [jobOf(projectId, channelId, runAt)]);
  }

  /** Stores a page together with where the next one begins. */
  private async store(turn: ImportTurn, page: HistoryPage): Promise<void> {
    const { projectId, appId, channel, before } = turn;
    const source = { projectId, appId, channel };
    const told = page.events
      .filter(({ at }) => at !== null && at < before)
      .map((event) => ({ ...event, ...source }));
    await prepareAndTransact(
      this.dataSource,
      async () => {
        // A conversation is begun only for what it will hold.
        const fresh = await unknownOf(this.dataSource.manager, told);
        return { fresh, resolution: await this.people.ensure(fresh) };
      },
      async (tx, { fresh, resolution }) => {
        const conversations = await this.people.lock(tx, fresh, resolution);
        const events = await storeHistory(tx, source, fresh, resolution, conversations);
        const { next, conversations: count } = page;
        const brought = { next, conversations: count, messages: events.length };
        if (!(await advance(tx, turn, brought, PAGE_MS))) return;
        await this.log.record(tx, events);
      },
    );
  }

  private async refused(turn: ImportTurn, refusal: Refusal, token: string): Promise<void> {
    const { projectId, appId, channel, channelId, attempts } = turn;
    const { code, description } = refusal.reason;
    const error = `${code}: ${description}`;
    this.logger.warn(`history of channel ${channelId}, attempt ${attempts}: ${error}`);
    if (refusal.kind === 'unauthorized') {
      await this.channels.markNeedsReauth(projectId, appId, channel, description, token);
      return tryLater(this.dataSource, turn, error, null, false);
    }
    if (refusal.kind === 'permanent' || attempts >= Math.min(refusal.tries ?? TRIES, TRIES))
      return failImport(this.dataSource, turn, error);
    // The pause of the whole channel is kept anyway.
    const ms = refusal.slowDown ? 0 : Math.max(backoff(attempts), refusal.after ?? 0);
    await tryLater(this.dataSource, turn, error, ms, !refusal.slowDown);
  }
}

function jobOf(projectId: string, channelId: string, runAt?: Date): NewJob<'history'> {
  return {
    task: 'history',
    key: `history:${channelId}`,
    payload: { projectId, channelId },
    ...(runAt ? { runAt } : {}),
  };
}
