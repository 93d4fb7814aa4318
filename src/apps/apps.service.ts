import { Injectable } from '@nestjs/common';
import { DataSource, In } from 'typeorm';
import { ChannelsService } from '../channels/channels.service.js';
import { queryRows } from '../database/rows.js';
import { notFound } from '../errors.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { SecretBox } from '../secrets.js';
import { App } from './app.entity.js';
import type { CallbackSettingsInput, CreateAppInput, UpdateAppInput } from './apps.input.js';

@Injectable()
export class AppsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly secrets: SecretBox,
  ) {}

  async create(projectId: string, input: CreateAppInput): Promise<App> {
    return this.dataSource.transaction(async (tx) => {
      const [app] = await queryRows<App>(
        tx,
        `INSERT INTO apps (project_id, id, display_name, conversation_metadata_report_view, callback_secret)
         VALUES ($1, $2, $3, $4, $5) RETURNING *`,
        [
          projectId,
          newId(),
          input.displayName,
          input.conversationMetadataReportView ?? 'NONE',
          this.callbackSecret(input) ?? '',
        ],
      );
      if (!app) throw new Error('an app was not stored');
      await tx.query(`INSERT INTO app_routes (app_id, project_id) VALUES ($1, $2)`, [app.id, projectId]);
      return app;
    });
  }

  async get(projectId: string, id: string): Promise<App> {
    const app = await this.dataSource.manager.findOneBy(App, { projectId, id });
    if (!app) throw notFound('App', id);
    return app;
  }

  /** In order of creation. */
  async list(projectId: string, page: PageRequest): Promise<Page<App>> {
    const keyset = keysetOf(page, 1);
    const [sign, order] = keyset.backward ? ['<', 'DESC'] : ['>', 'ASC'];
    const rows = await queryRows<App>(
      this.dataSource.manager,
      `SELECT * FROM apps WHERE project_id = $1 ${keyset.position ? `AND id ${sign} $3` : ''}
       ORDER BY id ${order} LIMIT $2`,
      [projectId, keyset.limit + 1, ...(keyset.position ?? [])],
    );
    return pageOf(rows, keyset, (app) => [app.id]);
  }

  /** The apps of these ids, in their order; null for those that are not of the project. */
  async appsById(projectId: string, ids: readonly string[]): Promise<(App | null)[]> {
    const apps = await this.dataSource.manager.findBy(App, { projectId, id: In([...ids]) });
    const byId = new Map(apps.map((app) => [app.id, app]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  async update(projectId: string, id: string, input: UpdateAppInput): Promise<App> {
    const [app] = await queryRows<App>(
      this.dataSource.manager,
      `UPDATE apps SET display_name = coalesce($3, display_name),
         conversation_metadata_report_view = coalesce($4, conversation_metadata_report_view),
         callback_secret = coalesce($5, callback_secret), updated_at = now()
       WHERE project_id = $1 AND id = $2 RETURNING *`,
      [
        projectId,
        id,
        input.displayName ?? null,
        input.conversationMetadataReportView ?? null,
        this.callbackSecret(input),
      ],
    );
    if (!app) throw notFound('App', id);
    return app;
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

  /** As it is stored; null when it is to stay as it is. */
  private callbackSecret({
    callbackSettings,
  }: {
    callbackSettings?: CallbackSettingsInput | null;
  }): string | null {
    const secret = callbackSettings?.secretForOverriddenCallbackUrls;
    return secret ? this.secrets.encrypt(secret) : (secret ?? null);
  }
}
