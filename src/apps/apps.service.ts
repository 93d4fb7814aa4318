import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource, In } from 'typeorm';
import { ChannelsService } from '../channels/channels.service.js';
import { queryRows } from '../database/rows.js';
import { notFound } from '../errors.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { SecretBox } from '../secrets.js';
import { App } from './app.entity.js';
import { type AppChanges, columnsOf, OUTBOUND_LIMIT } from './app-settings.js';

/** Counts are kept for so long: who watches their queue asks again and again. */
const WAITING_MS = 5_000;
const MAX_CACHED = 10_000;

/** Most queues are short; of a long one each row costs a look at its message. */
const WAITING = `
  SELECT m.app_id, count(*)::int AS size
  FROM (SELECT message_id FROM sends WHERE project_id = $1 LIMIT ${OUTBOUND_LIMIT}) s
  JOIN messages m ON m.project_id = $1 AND m.id = s.message_id
  GROUP BY m.app_id`;

@Injectable()
export class AppsService {
  /** By project: how many messages of each app that has any. */
  private readonly waiting = new LRUCache<string, ReadonlyMap<string, number>>({
    max: MAX_CACHED,
    ttl: WAITING_MS,
    ignoreFetchAbort: true,
    fetchMethod: (projectId) => this.countWaiting(projectId),
  });

  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly secrets: SecretBox,
  ) {}

  async create(projectId: string, input: AppChanges & { displayName: string }): Promise<App> {
    const id = newId();
    return this.dataSource.transaction(async (tx) => {
      await tx.insert(App, { projectId, id, ...columnsOf(input, this.secrets) });
      await tx.query(`INSERT INTO app_routes (app_id, project_id) VALUES ($1, $2)`, [id, projectId]);
      return tx.findOneByOrFail(App, { projectId, id });
    });
  }

  async get(projectId: string, id: string): Promise<App> {
    const app = await this.dataSource.manager.findOneBy(App, { projectId, id });
    if (!app) throw notFound('App', id);
    return app;
  }

  /** In order of creation. @param among only these. */
  async list(projectId: string, page: PageRequest, among?: readonly string[]): Promise<Page<App>> {
    const keyset = keysetOf(page, 1);
    const [sign, order] = keyset.backward ? ['<', 'DESC'] : ['>', 'ASC'];
    const rows = await queryRows<App>(
      this.dataSource.manager,
      `SELECT * FROM apps WHERE project_id = $1 AND ($3::text[] IS NULL OR id = ANY($3)) ${keyset.position ? `AND id ${sign} $4` : ''}
       ORDER BY id ${order} LIMIT $2`,
      [projectId, keyset.limit + 1, among ?? null, ...(keyset.position ?? [])],
    );
    return pageOf(rows, keyset, (app) => [app.id]);
  }

  /** Every app of the project, in order of creation. */
  all(projectId: string): Promise<App[]> {
    return this.dataSource.manager.find(App, { where: { projectId }, order: { id: 'ASC' } });
  }

  /** The apps of these ids, in their order; null for those that are not of the project. */
  async appsById(projectId: string, ids: readonly string[]): Promise<(App | null)[]> {
    const apps = await this.dataSource.manager.findBy(App, { projectId, id: In([...ids]) });
    const byId = new Map(apps.map((app) => [app.id, app]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** What is absent stays, null is reset to its default. @throws DomainError NOT_FOUND */
  async update(projectId: string, id: string, changes: AppChanges): Promise<App> {
    const values = { ...columnsOf(changes, this.secrets), updatedAt: new Date() };
    const { affected } = await this.dataSource.manager.update(App, { projectId, id }, values);
    if (affected === 0) throw notFound('App', id);
    return this.get(projectId, id);
  }

  /**
   * How many messages of each app wait to leave, or waited seconds ago, in the order of `appIds`; of a project at most `OUTBOUND_LIMIT`
   * are counted.
   */
  async outboundSizes(projectId: string, appIds: readonly string[]): Promise<number[]> {
    const sizes = await this.waiting.forceFetch(projectId);
    return appIds.map((id) => sizes.get(id) ?? 0);
  }

  /** With everything below: channels, conversations, messages, webhooks, and its event log. Contacts stay, they are the project's. */
  async delete(projectId: string, id: string): Promise<void> {
    const [channels = []] = await this.channels.listByApps(projectId, [id]);
    await this.dataSource.transaction(async (tx) => {
      const deleted = await queryRows(tx, `DELETE FROM apps WHERE project_id = $1 AND id = $2 RETURNING id`, [
        projectId,
        id,
      ]);
      if (deleted.length === 0) throw notFound('App', id);
      await tx.query(`DELETE FROM events WHERE project_id = $1 AND app_id = $2`, [projectId, id]);
    });
    await this.channels.release(channels);
  }

  private async countWaiting(projectId: string): Promise<Map<string, number>> {
    const rows = await queryRows<{ appId: string; size: number }>(this.dataSource.manager, WAITING, [
      projectId,
    ]);
    return new Map(rows.map(({ appId, size }) => [appId, size]));
  }
}
