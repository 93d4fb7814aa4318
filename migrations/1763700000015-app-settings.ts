import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The settings of the Conversation API's App, how long a send has been failing, and ways to what an app has kept for too long. */
export class AppSettings1763700000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE apps
        ADD COLUMN retention_type text NOT NULL DEFAULT 'MESSAGE_EXPIRE_POLICY',
        ADD COLUMN retention_days int NOT NULL DEFAULT 180,
        ADD COLUMN dispatch_retention_days int NOT NULL DEFAULT 0,
        ADD COLUMN smart_conversation boolean NOT NULL DEFAULT false,
        ADD COLUMN retry_seconds int,
        ADD COLUMN fallback_enabled boolean NOT NULL DEFAULT false,
        ADD COLUMN fallback_seconds int;
      COMMENT ON COLUMN apps.retention_type IS 'MESSAGE_EXPIRE_POLICY, CONVERSATION_EXPIRE_POLICY or PERSIST_RETENTION_POLICY, which leaves retention_days without effect';
      COMMENT ON COLUMN apps.retry_seconds IS 'how long after its first failure a send is tried again; null: for its whole time to live';
      COMMENT ON COLUMN apps.fallback_seconds IS 'how long a channel may take to report that a message arrived; null: never set';

      ALTER TABLE sends ADD COLUMN failing_since timestamptz;
      COMMENT ON COLUMN sends.failing_since IS 'the first failure of the payload that is tried, on this channel; null while there is none';

      CREATE INDEX messages_app ON messages (project_id, app_id, id);
      CREATE INDEX conversation_events_app ON conversation_events (project_id, app_id, id);

      DROP INDEX events_message;
      CREATE INDEX events_message ON events (project_id, (payload -> 'message' ->> 'id'))
        WHERE kind IN ('message.added', 'message.updated', 'message.submitted');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX events_message;
      CREATE INDEX events_message ON events (project_id, (payload -> 'message' ->> 'id')) WHERE kind IN ('message.added', 'message.updated');
      DROP INDEX conversation_events_app; DROP INDEX messages_app;
      ALTER TABLE sends DROP COLUMN failing_since;
      ALTER TABLE apps DROP COLUMN fallback_seconds, DROP COLUMN fallback_enabled, DROP COLUMN retry_seconds, DROP COLUMN smart_conversation,
        DROP COLUMN dispatch_retention_days, DROP COLUMN retention_days, DROP COLUMN retention_type;
    `);
  }
}
