import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What apps and people do beside speaking (typing, seen, reactions …), and which of the apps' events wait to leave. */
export class ConversationEvents1763700000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE conversation_events (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        direction text NOT NULL,
        channel text NOT NULL,
        identity text COLLATE "C" NOT NULL,
        content jsonb NOT NULL,
        status text,
        reason jsonb,
        metadata text NOT NULL DEFAULT '',
        accept_time timestamptz NOT NULL,
        PRIMARY KEY (project_id, id),
        FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN conversation_events.content IS 'AppEvent when TO_CONTACT, in the Conversation API''s JSON';
      COMMENT ON COLUMN conversation_events.status IS 'null for what a person did';
      CREATE INDEX conversation_events_conversation ON conversation_events (project_id, conversation_id, id);
      CREATE INDEX conversation_events_contact ON conversation_events (project_id, contact_id, id);

      CREATE TABLE event_sends (
        project_id text COLLATE "C" NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        attempts int NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        claimed_until timestamptz,
        PRIMARY KEY (project_id, conversation_id, event_id),
        FOREIGN KEY (project_id, event_id) REFERENCES conversation_events (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE event_sends IS 'events that wait to leave: a conversation''s rows are its lane, sent in order of event_id';
      COMMENT ON COLUMN event_sends.claimed_until IS 'somebody is calling the channel, or died while doing so: from then on others may';
      CREATE INDEX event_sends_event ON event_sends (project_id, event_id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE event_sends; DROP TABLE conversation_events;`);
  }
}
