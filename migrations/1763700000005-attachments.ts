import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What Meta keeps for a page and is used again: saved media and personas. */
export class Attachments1763700000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE messenger_assets (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        page_id text COLLATE "C" NOT NULL,
        fingerprint text COLLATE "C" NOT NULL,
        asset_id text NOT NULL,
        expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, app_id, page_id, fingerprint),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN messenger_assets.fingerprint IS 'hash of what it was made from: kind and address of media, name and picture of a persona';
      COMMENT ON COLUMN messenger_assets.asset_id IS 'attachment_id or persona_id; belongs to the page';
      COMMENT ON COLUMN messenger_assets.expires_at IS 'before Meta forgets it; null when it does not';
      CREATE INDEX messenger_assets_expiry ON messenger_assets (project_id, app_id, page_id, expires_at)
        WHERE expires_at IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE messenger_assets');
  }
}
