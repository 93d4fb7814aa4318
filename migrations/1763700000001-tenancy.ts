import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Projects and access keys. The `*_routes` tables are the few that are read before the project is known. */
export class Tenancy1763700000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE projects (
        project_id text COLLATE "C" PRIMARY KEY,
        display_name text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE access_keys (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        key_id text COLLATE "C" NOT NULL,
        secret_hash text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz,
        PRIMARY KEY (project_id, key_id)
      );

      CREATE TABLE access_key_routes (
        key_id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE access_key_routes; DROP TABLE access_keys; DROP TABLE projects;`);
  }
}
