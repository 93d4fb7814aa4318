import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { listConflicts } from './conflicts.js';

/** How the contacts of a project behave. Source: Conversation API, project settings. */
export interface ContactSettings {
  /** Whether a phone number on SMS, RCS and MMS is one contact. */
  unifiedContactIdEnabled: boolean;
}

@Injectable()
export class ContactSettingsService {
  constructor(private readonly dataSource: DataSource) {}

  /** Null until they are made. */
  async find(projectId: string): Promise<ContactSettings | null> {
    const [settings] = await queryRows<ContactSettings>(
      this.dataSource.manager,
      'SELECT unified_contact_id_enabled FROM project_settings WHERE project_id = $1',
      [projectId],
    );
    return settings ?? null;
  }

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string): Promise<ContactSettings> {
    const settings = await this.find(projectId);
    if (!settings) throw notFound('Settings of project', projectId);
    return settings;
  }

  /** @throws DomainError FAILED_PRECONDITION while contacts share phone numbers. */
  async put(projectId: string, { unifiedContactIdEnabled }: ContactSettings): Promise<ContactSettings> {
    return this.dataSource.transaction(async (tx) => {
      if (unifiedContactIdEnabled) await assertNoConflicts(tx, projectId);
      await tx.query(
        `INSERT INTO project_settings (project_id, unified_contact_id_enabled) VALUES ($1, $2)
         ON CONFLICT (project_id) DO UPDATE SET unified_contact_id_enabled = excluded.unified_contact_id_enabled`,
        [projectId, unifiedContactIdEnabled],
      );
      return { unifiedContactIdEnabled };
    });
  }

  /** @throws DomainError NOT_FOUND */
  async delete(projectId: string): Promise<void> {
    const deleted = await queryRows(
      this.dataSource.manager,
      'DELETE FROM project_settings WHERE project_id = $1 RETURNING project_id',
      [projectId],
    );
    if (deleted.length === 0) throw notFound('Settings of project', projectId);
  }
}

async function assertNoConflicts(tx: EntityManager, projectId: string): Promise<void> {
  const { items } = await listConflicts(tx, projectId, { first: 1 });
  if (items.length === 0) return;
  throw new DomainError(
    'FAILED_PRECONDITION',
    'different contacts have the same phone number on different channels: merge those of contacts:identityConflicts first',
  );
}
