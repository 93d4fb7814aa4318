import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who does not want to be written to, and how that came about; and whether one phone number is one contact. */
export class Consents1763700000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE consents (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        list_type text NOT NULL,
        channel text NOT NULL,
        identity text COLLATE "C" NOT NULL,
        PRIMARY KEY (project_id, app_id, list_type, identity, channel),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE,
        FOREIGN KEY (project_id, channel, app_id, identity) REFERENCES channel_identities ON DELETE CASCADE
      );
      CREATE INDEX consents_identity ON consents (project_id, channel, app_id, identity);

      CREATE TABLE consent_records (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        identity text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        list_type text NOT NULL,
        operation text NOT NULL,
        origin text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, app_id, identity, id),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE,
        FOREIGN KEY (project_id, channel, app_id, identity) REFERENCES channel_identities ON DELETE CASCADE
      );
      CREATE INDEX consent_records_identity ON consent_records (project_id, channel, app_id, identity);

      CREATE TABLE project_settings (
        project_id text COLLATE "C" PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
        unified_contact_id_enabled boolean NOT NULL DEFAULT false
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE project_settings; DROP TABLE consent_records; DROP TABLE consents;`);
  }
}
