import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What befalls messages after they were said, also when it is known before they are, and what people do beside speaking. */
export class Inbound1763700000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE messages
        ADD COLUMN channel_data jsonb,
        ADD COLUMN reactions jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN edit_revision int;
      COMMENT ON COLUMN messages.channel_data IS 'the channel''s own fields that have no generic form';
      COMMENT ON COLUMN messages.reactions IS '[{by, emoji, category, at}], at most one a side; emoji is null once it was taken away';
      COMMENT ON COLUMN messages.edit_revision IS 'the channel''s count of edits, so that a late one does not undo a later one';

      ALTER TABLE conversation_events
        ADD COLUMN channel_time timestamptz,
        ADD COLUMN channel_data jsonb;
      COMMENT ON COLUMN conversation_events.content IS 'AppEvent when TO_CONTACT, ContactSideEvent when TO_APP, in the Conversation API''s JSON';
      COMMENT ON COLUMN conversation_events.channel_time IS 'the channel''s own time of what a person did';

      CREATE TABLE early_changes (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        channel_message_id text COLLATE "C" NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        changes jsonb NOT NULL,
        waits boolean NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, app_id, channel, channel_message_id),
        FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE early_changes IS 'reactions, edits and unsends that came before their message; kept for a day';
      COMMENT ON COLUMN early_changes.waits IS 'nobody has seen the message yet';
      CREATE INDEX early_changes_contact ON early_changes (project_id, contact_id);

      CREATE INDEX events_message ON events (project_id, (payload -> 'message' ->> 'id')) WHERE kind IN ('message.added', 'message.updated');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX events_message;
      DROP TABLE early_changes;
      ALTER TABLE conversation_events DROP COLUMN channel_data, DROP COLUMN channel_time;
      COMMENT ON COLUMN conversation_events.content IS 'AppEvent when TO_CONTACT, in the Conversation API''s JSON';
      ALTER TABLE messages DROP COLUMN edit_revision, DROP COLUMN reactions, DROP COLUMN channel_data;
    `);
  }
}
