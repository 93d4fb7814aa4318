import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Apps, channels, contacts, conversations and messages. `project_id` leads every key: it is the tenant wall and the shard key. */
export class Resources1763700000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE apps (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        id text COLLATE "C" NOT NULL,
        display_name text NOT NULL,
        processing_mode text NOT NULL DEFAULT 'CONVERSATION',
        conversation_metadata_report_view text NOT NULL DEFAULT 'NONE',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id)
      );

      CREATE TABLE app_routes (
        app_id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL,
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE
      );

      CREATE TABLE channels (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        state text NOT NULL DEFAULT 'PENDING',
        account_id text,
        display_name text,
        token text NOT NULL,
        callback_secret text NOT NULL,
        last_error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id),
        UNIQUE (project_id, app_id, channel),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN channels.account_id IS 'the channel''s own account: the page id';
      COMMENT ON COLUMN channels.token IS 'encrypted';
      COMMENT ON COLUMN channels.callback_secret IS 'encrypted';

      CREATE TABLE contacts (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        id text COLLATE "C" NOT NULL,
        display_name text NOT NULL DEFAULT '',
        email text NOT NULL DEFAULT '',
        external_id text NOT NULL DEFAULT '',
        language text NOT NULL DEFAULT 'UNSPECIFIED',
        metadata text NOT NULL DEFAULT '',
        channel_priority text[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id)
      );

      CREATE TABLE channel_identities (
        project_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        identity text COLLATE "C" NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        position int NOT NULL DEFAULT 0,
        PRIMARY KEY (project_id, channel, app_id, identity),
        FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
      );
      COMMENT ON COLUMN channel_identities.app_id IS 'empty on channels whose identities are not app-scoped';
      CREATE INDEX channel_identities_contact ON channel_identities (project_id, contact_id);

      CREATE TABLE conversations (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        active boolean NOT NULL DEFAULT true,
        active_channel text NOT NULL DEFAULT 'CHANNEL_UNSPECIFIED',
        last_received timestamptz,
        metadata text NOT NULL DEFAULT '',
        metadata_json jsonb,
        correlation_id text NOT NULL DEFAULT '',
        status text NOT NULL DEFAULT 'OPEN',
        unread_count int NOT NULL DEFAULT 0,
        read_up_to_message_id text COLLATE "C",
        last_message_id text COLLATE "C",
        assignee text,
        labels text[] NOT NULL DEFAULT '{}',
        snoozed_until timestamptz,
        last_activity timestamptz NOT NULL DEFAULT now(),
        last_contact_message_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE,
        FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
      );
      COMMENT ON COLUMN conversations.last_contact_message_at IS 'in the channel''s clock; opens the messaging window';
      CREATE UNIQUE INDEX conversations_one_active ON conversations (project_id, app_id, contact_id) WHERE active;
      CREATE INDEX conversations_contact ON conversations (project_id, contact_id, id);
      CREATE INDEX conversations_inbox ON conversations (project_id, app_id, last_activity DESC, id DESC);
      CREATE INDEX conversations_inbox_status ON conversations (project_id, app_id, status, last_activity DESC, id DESC);
      CREATE INDEX conversations_inbox_assignee ON conversations (project_id, app_id, assignee, last_activity DESC, id DESC) WHERE assignee IS NOT NULL;
      CREATE INDEX conversations_inbox_unread ON conversations (project_id, app_id, last_activity DESC, id DESC) WHERE unread_count > 0;

      CREATE TABLE messages (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        direction text NOT NULL,
        channel text NOT NULL,
        identity text COLLATE "C" NOT NULL,
        channel_message_id text COLLATE "C",
        content jsonb NOT NULL,
        status text,
        reason jsonb,
        sent_by text NOT NULL,
        metadata text NOT NULL DEFAULT '',
        correlation_id text NOT NULL DEFAULT '',
        channel_properties jsonb NOT NULL DEFAULT '{}',
        reply_to_message_id text COLLATE "C",
        accept_time timestamptz NOT NULL,
        channel_time timestamptz,
        edited_at timestamptz,
        deleted_at timestamptz,
        PRIMARY KEY (project_id, id),
        FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN messages.content IS 'AppMessage or ContactMessage, in the Conversation API''s JSON';
      COMMENT ON COLUMN messages.channel_time IS 'the channel''s own time; receipts by watermark compare with it';
      CREATE UNIQUE INDEX messages_channel_message ON messages (project_id, app_id, channel, channel_message_id) WHERE channel_message_id IS NOT NULL;
      CREATE INDEX messages_conversation ON messages (project_id, conversation_id, id);
      CREATE INDEX messages_awaiting_receipt ON messages (project_id, conversation_id, channel_time) WHERE status IN ('QUEUED_ON_CHANNEL', 'DELIVERED');

      CREATE TABLE message_parts (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        channel_message_id text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        part int NOT NULL,
        PRIMARY KEY (project_id, app_id, channel, channel_message_id),
        FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE message_parts IS 'channel ids of our sends: one message may leave as several payloads';
      CREATE INDEX message_parts_message ON message_parts (project_id, message_id, part);

      CREATE TABLE sends (
        project_id text COLLATE "C" NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        parts int,
        parts_sent int NOT NULL DEFAULT 0,
        attempts int NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        attempt_by text,
        attempt_at timestamptz,
        high_priority boolean NOT NULL DEFAULT false,
        PRIMARY KEY (project_id, conversation_id, message_id),
        FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE sends IS 'what waits to leave: a conversation''s rows are its lane, sent in order of message_id';
      COMMENT ON COLUMN sends.parts IS 'how many payloads the message makes; null until it was first transcoded';
      COMMENT ON COLUMN sends.attempt_by IS 'the process that is calling the channel right now; its mark is what a crash leaves behind';
      CREATE INDEX sends_attempting ON sends (project_id, attempt_by) WHERE attempt_by IS NOT NULL;

      CREATE TABLE early_receipts (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        app_id text COLLATE "C" NOT NULL,
        channel text NOT NULL,
        channel_message_id text COLLATE "C" NOT NULL,
        status text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (project_id, app_id, channel, channel_message_id)
      );
      COMMENT ON TABLE early_receipts IS 'receipts that came before the answer of the send they are about';

      CREATE TABLE channel_events_seen (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        app_id text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, app_id, key)
      );
      COMMENT ON TABLE channel_events_seen IS 'recognises a redelivery of events that have no id of their own; kept for a week';

      CREATE TABLE idempotency_keys (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        key text COLLATE "C" NOT NULL,
        request_hash text NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        accepted_time timestamptz NOT NULL,
        PRIMARY KEY (project_id, key)
      );
      CREATE INDEX idempotency_keys_age ON idempotency_keys (project_id, accepted_time);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE idempotency_keys; DROP TABLE channel_events_seen; DROP TABLE early_receipts; DROP TABLE sends; DROP TABLE message_parts; DROP TABLE messages; DROP TABLE conversations;
      DROP TABLE channel_identities; DROP TABLE contacts; DROP TABLE channels; DROP TABLE app_routes; DROP TABLE apps;
    `);
  }
}
