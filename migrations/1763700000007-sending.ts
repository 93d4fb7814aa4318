import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sends that go on by another channel, keep what their template said, and rest while a channel wants no calls. */
export class Sending1763700000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sends
        ADD COLUMN channels jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN switches int NOT NULL DEFAULT 0;
      COMMENT ON COLUMN sends.channels IS 'where it goes when the message''s own channel fails: [{channel, identity}], in order';
      COMMENT ON COLUMN sends.switches IS 'how many channels have failed';
      CREATE INDEX sends_high_priority ON sends (project_id, conversation_id) WHERE high_priority;

      CREATE TABLE message_renderings (
        project_id text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        content jsonb NOT NULL,
        PRIMARY KEY (project_id, message_id, channel),
        FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE message_renderings IS 'what a message said once its templates were filled in: later parts, retries and picked choices go by it';

      CREATE TABLE channel_pauses (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        until timestamptz NOT NULL,
        strikes int NOT NULL,
        PRIMARY KEY (project_id, app_id, channel),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE channel_pauses IS 'channels that asked for fewer calls: nothing is sent there until then';
      COMMENT ON COLUMN channel_pauses.strikes IS 'how often in a row it asked';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE channel_pauses;
      DROP TABLE message_renderings;
      DROP INDEX sends_high_priority;
      ALTER TABLE sends DROP COLUMN switches, DROP COLUMN channels;
    `);
  }
}
