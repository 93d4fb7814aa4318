import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What channels tell of people, what they still have of earlier conversations, and a way to all that the log says of a person. */
export class People1763700000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE channel_profiles (
        project_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        identity text COLLATE "C" NOT NULL,
        profile jsonb,
        error text,
        attempts int NOT NULL DEFAULT 0,
        answered_at timestamptz,
        due_at timestamptz,
        PRIMARY KEY (project_id, channel, app_id, identity),
        FOREIGN KEY (project_id, channel, app_id, identity) REFERENCES channel_identities ON DELETE CASCADE
      );
      COMMENT ON TABLE channel_profiles IS 'what a channel tells of a person; leaves with the identity';
      COMMENT ON COLUMN channel_profiles.error IS 'why there is none, or none that is newer';
      COMMENT ON COLUMN channel_profiles.answered_at IS 'when the channel last told, or said that it will not';
      COMMENT ON COLUMN channel_profiles.due_at IS 'when to ask; while somebody does, when they are given up for lost; null when the channel has none';
      CREATE INDEX channel_profiles_due ON channel_profiles (project_id, channel, app_id, due_at) WHERE due_at IS NOT NULL;

      CREATE TABLE history_imports (
        project_id text COLLATE "C" NOT NULL,
        channel_id text COLLATE "C" NOT NULL,
        account_id text,
        state text NOT NULL,
        next_page text,
        conversations int NOT NULL DEFAULT 0,
        messages int NOT NULL DEFAULT 0,
        error text,
        attempts int NOT NULL DEFAULT 0,
        due_at timestamptz,
        started_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        PRIMARY KEY (project_id, channel_id),
        FOREIGN KEY (project_id, channel_id) REFERENCES channels (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE history_imports IS 'fetching what was said on a channel before it was connected';
      COMMENT ON COLUMN history_imports.state IS 'RUNNING, DONE or FAILED';
      COMMENT ON COLUMN history_imports.next_page IS 'the channel''s cursor; null for the first page';
      COMMENT ON COLUMN history_imports.due_at IS 'of the next page; while somebody fetches it, when they are given up for lost; null while nothing can be done';
      COMMENT ON COLUMN history_imports.started_at IS 'what was said from then on comes by webhook';
      CREATE INDEX history_imports_due ON history_imports (project_id, due_at) WHERE state = 'RUNNING';

      ALTER TABLE messages ADD COLUMN injected boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN messages.injected IS 'was said elsewhere and stored later: nobody is told, nobody has to read it';

      CREATE INDEX events_contact ON events (project_id, contact_id) WHERE contact_id IS NOT NULL;
      CREATE INDEX channel_identities_number ON channel_identities (project_id, identity) WHERE channel IN ('SMS', 'MMS', 'RCS');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX channel_identities_number; DROP INDEX events_contact;
      ALTER TABLE messages DROP COLUMN injected;
      DROP TABLE history_imports; DROP TABLE channel_profiles;
    `);
  }
}
