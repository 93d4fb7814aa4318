import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AppsService } from '../apps/apps.service.js';
import type { AppMessage } from '../content/app-message.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import type { CannedReply } from './canned-reply.js';

/** What a caller gives of a reply; what is absent stays. */
export interface CannedReplyValues {
  shortcut?: string;
  title?: string;
  said?: Said;
}

/** A message as it is kept, and as it was given. */
export interface Said {
  message: AppMessage;
  input: object;
}

const FIND = `SELECT * FROM canned_replies WHERE project_id = $1 AND id = $2`;

const INSERT = `
  INSERT INTO canned_replies (project_id, id, app_id, shortcut, title, message, input)
  VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb)
  ON CONFLICT ON CONSTRAINT canned_replies_shortcut DO NOTHING RETURNING *`;

const UPDATE = `
  UPDATE canned_replies SET shortcut = coalesce($3, shortcut), title = coalesce($4, title), message = coalesce($5::jsonb, message),
    input = coalesce($6::jsonb, input), updated_at = now()
  WHERE project_id = $1 AND id = $2 RETURNING *`;

/** Those of one scope that fit, $3: an app has few enough to look through them in the order of the key. */
const FITTING = `
  SELECT * FROM canned_replies
  WHERE project_id = $1
    AND ($3::text IS NULL OR starts_with(shortcut, $3) OR starts_with(lower(title), $3) OR strpos(lower(title), ' ' || $3) > 0)`;

/** The app's own and the project's, each by the key. */
const SCOPES = ['app_id = $2', 'app_id IS NULL'];

const UNIQUE_VIOLATION = '23505';

/** Every rule about canned replies. */
@Injectable()
export class CannedRepliesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly apps: AppsService,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<CannedReply> {
    const [reply] = await queryRows<CannedReply>(this.dataSource.manager, FIND, [projectId, id]);
    if (!reply) throw notFound('canned reply', id);
    return reply;
  }

  /** Those of an app and of all apps, in order of their shortcuts. @param text what shortcut, title or a word of it begins with. */
  async list(
    projectId: string,
    appId: string,
    text: string | null,
    request: PageRequest,
  ): Promise<Page<CannedReply>> {
    await this.apps.get(projectId, appId);
    const keyset = keysetOf(request, 2);
    const values: unknown[] = [projectId, appId, text?.trim().toLowerCase() || null];
    const [shortcut, id] = keyset.position ?? [];
    const direction = keyset.backward ? 'DESC' : 'ASC';
    const order = `ORDER BY shortcut ${direction}, id ${direction} LIMIT ${keyset.limit + 1}`;
    const beyond = keyset.position ? `AND (shortcut, id) ${keyset.backward ? '<' : '>'} ($4, $5)` : '';
    const arms = SCOPES.map((scope) => `(${FITTING} AND ${scope} ${beyond} ${order})`);
    const rows = await queryRows<CannedReply>(
      this.dataSource.manager,
      `SELECT * FROM (${arms.join(' UNION ALL ')}) r ${order}`,
      keyset.position ? [...values, shortcut, id] : values,
    );
    return pageOf(rows, keyset, (reply) => [reply.shortcut, reply.id]);
  }

  /** @param appId null for all apps. @throws DomainError NOT_FOUND (app); ALREADY_EXISTS when the shortcut is taken there. */
  async create(
    projectId: string,
    appId: string | null,
    { shortcut, title, said }: Required<CannedReplyValues>,
  ): Promise<CannedReply> {
    if (appId !== null) await this.apps.get(projectId, appId);
    const [reply] = await queryRows<CannedReply>(this.dataSource.manager, INSERT, [
      projectId,
      newId(),
      appId,
      shortcut,
      title,
      JSON.stringify(said.message),
      JSON.stringify(said.input),
    ]);
    if (!reply) throw taken(shortcut);
    return reply;
  }

  /** @throws DomainError NOT_FOUND; ALREADY_EXISTS when the shortcut is taken. */
  async update(projectId: string, id: string, values: CannedReplyValues): Promise<CannedReply> {
    const { shortcut, title, said } = values;
    try {
      const [reply] = await queryRows<CannedReply>(this.dataSource.manager, UPDATE, [
        projectId,
        id,
        shortcut ?? null,
        title ?? null,
        said ? JSON.stringify(said.message) : null,
        said ? JSON.stringify(said.input) : null,
      ]);
      if (!reply) throw notFound('canned reply', id);
      return reply;
    } catch (error) {
      const { driverError } = error as { driverError?: { code?: string } };
      if (driverError?.code === UNIQUE_VIOLATION) throw taken(shortcut ?? '');
      throw error;
    }
  }

  /** @throws DomainError NOT_FOUND */
  async delete(projectId: string, id: string): Promise<void> {
    await this.get(projectId, id);
    await this.dataSource.query('DELETE FROM canned_replies WHERE project_id = $1 AND id = $2', [
      projectId,
      id,
    ]);
  }
}

function taken(shortcut: string): DomainError {
  const message = `there is a canned reply ${shortcut} already; take another shortcut`;
  return new DomainError('ALREADY_EXISTS', message, [{ path: 'input.shortcut', rule: 'unique', message }]);
}
