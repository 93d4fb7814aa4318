import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Messages that are written beforehand, in several languages. */
export class Templates1763700000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE templates (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        id text COLLATE "C" NOT NULL,
        description text NOT NULL DEFAULT '',
        version int NOT NULL DEFAULT 1,
        default_translation text NOT NULL,
        translations jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id)
      );
      COMMENT ON COLUMN templates.version IS 'optimistic lock: counts the updates, from 1';
      COMMENT ON COLUMN templates.translations IS 'every version of every language; written together, and read as one row by a send';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE templates');
  }
}
