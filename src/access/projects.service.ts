import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { hashSecret, newSecret } from './key-secret.js';
import { AccessKey, Project } from './project.entity.js';

/** A new key with its secret, which is shown this once. */
export interface NewKey {
  keyId: string;
  secret: string;
}

/** What operators do: projects and their access keys. */
@Injectable()
export class ProjectsService {
  constructor(private readonly dataSource: DataSource) {}

  /** @param id a UUID is made when absent. */
  async createProject(name: string, id: string = randomUUID()): Promise<Project> {
    const displayName = name.trim();
    if (displayName === '' || displayName.length > 255) {
      throw invalid('name', 'length', 'a project name has 1 to 255 characters');
    }
    const [project] = await queryRows<Project>(
      this.dataSource.manager,
      `INSERT INTO projects (project_id, display_name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING *`,
      [id, displayName],
    );
    if (!project) throw new DomainError('ALREADY_EXISTS', `project ${id} exists already`);
    return project;
  }

  async createKey(projectId: string): Promise<NewKey> {
    const key = { keyId: randomUUID(), secret: newSecret() };
    await this.dataSource.transaction(async (tx) => {
      await assertProject(tx, projectId);
      await tx.insert(AccessKey, { projectId, keyId: key.keyId, secretHash: hashSecret(key.secret) });
      await tx.query(`INSERT INTO access_key_routes (key_id, project_id) VALUES ($1, $2)`, [
        key.keyId,
        projectId,
      ]);
    });
    return key;
  }

  /** Oldest first, revoked ones included. */
  async listKeys(projectId: string): Promise<Pick<AccessKey, 'keyId' | 'createdAt' | 'revokedAt'>[]> {
    await assertProject(this.dataSource.manager, projectId);
    return this.dataSource.manager.find(AccessKey, {
      select: { keyId: true, createdAt: true, revokedAt: true },
      where: { projectId },
      order: { createdAt: 'ASC', keyId: 'ASC' },
    });
  }

  /** The key stops working within seconds, everywhere (see CALLER_CACHE_MS). Revoking twice changes nothing. */
  async revokeKey(keyId: string): Promise<void> {
    const revoked = await queryRows(
      this.dataSource.manager,
      `UPDATE access_keys k SET revoked_at = coalesce(k.revoked_at, now())
       FROM access_key_routes r WHERE r.key_id = $1 AND k.project_id = r.project_id AND k.key_id = r.key_id
       RETURNING k.key_id`,
      [keyId],
    );
    if (revoked.length === 0) throw notFound('Access key', keyId);
  }

  /** Makes the project and the key that the settings name. A known key gets the given secret; a revoked one stays revoked. */
  async bootstrap(projectId: string, keyId: string, secret: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO projects (project_id, display_name) VALUES ($1, $1) ON CONFLICT DO NOTHING`,
        [projectId],
      );
      await tx.query(
        `INSERT INTO access_key_routes (key_id, project_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
        [keyId, projectId],
      );
      const [route] = await queryRows<{ projectId: string }>(
        tx,
        `SELECT project_id FROM access_key_routes WHERE key_id = $1`,
        [keyId],
      );
      if (route?.projectId !== projectId) {
        throw new DomainError('ALREADY_EXISTS', `access key ${keyId} belongs to another project`);
      }
      await tx.query(
        `INSERT INTO access_keys (project_id, key_id, secret_hash) VALUES ($1, $2, $3)
         ON CONFLICT (project_id, key_id) DO UPDATE SET secret_hash = excluded.secret_hash`,
        [projectId, keyId, hashSecret(secret)],
      );
    });
  }
}

async function assertProject(tx: EntityManager, projectId: string): Promise<void> {
  if (!(await tx.existsBy(Project, { projectId }))) throw notFound('Project', projectId);
}
