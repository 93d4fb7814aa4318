import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * DISPATCH mode, which keeps neither contacts nor conversations: what is exchanged with an identity hangs on a row of `conversations`
 * that nobody is shown, so that its order and its locks are those of all messages. And messages that their owner has erased.
 */
export class Dispatch1763700000018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE messages
        ADD COLUMN erased boolean NOT NULL DEFAULT false,
        ADD COLUMN dispatch boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN messages.erased IS 'without content, and shown to nobody: kept to recognise what the channel still says of it';
      COMMENT ON COLUMN messages.dispatch IS 'exchanged in DISPATCH mode';
      ALTER TABLE conversation_events ADD COLUMN dispatch boolean NOT NULL DEFAULT false;

      ALTER TABLE conversations
        ADD COLUMN dispatch boolean NOT NULL DEFAULT false,
        ALTER COLUMN contact_id DROP NOT NULL,
        ADD CONSTRAINT conversations_of_contacts CHECK (dispatch = (contact_id IS NULL));
      COMMENT ON COLUMN conversations.dispatch IS 'no conversation: what is exchanged with an identity in DISPATCH mode hangs on it';

      CREATE TABLE dispatch_lanes (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        identity text COLLATE "C" NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (project_id, app_id, channel, identity),
        FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE dispatch_lanes IS 'whose row of conversations is whose in DISPATCH mode';
      CREATE INDEX dispatch_lanes_conversation ON dispatch_lanes (project_id, conversation_id);
      CREATE INDEX conversations_dispatch ON conversations (project_id, id) WHERE dispatch;
      CREATE INDEX messages_dispatch ON messages (project_id, app_id, id) WHERE dispatch;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM conversations WHERE dispatch;
      DROP INDEX messages_dispatch; DROP INDEX conversations_dispatch; DROP TABLE dispatch_lanes;
      ALTER TABLE conversations DROP CONSTRAINT conversations_of_contacts, DROP COLUMN dispatch, ALTER COLUMN contact_id SET NOT NULL;
      ALTER TABLE conversation_events DROP COLUMN dispatch;
      ALTER TABLE messages DROP COLUMN dispatch, DROP COLUMN erased;
    `);
  }
}
