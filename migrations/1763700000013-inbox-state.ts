import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What agents keep beside messages: notes and canned replies; a way to what was done to a conversation; and for each filter of the
 * inbox an index in the order of its list, partial where that spares the messages that come in from writing to it.
 */
export class InboxState1763700000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE conversations ADD COLUMN read_at timestamptz;
      COMMENT ON COLUMN conversations.read_at IS 'when an agent last marked messages as read';

      CREATE INDEX conversations_inbox_unassigned ON conversations (project_id, app_id, last_activity DESC, id DESC) WHERE assignee IS NULL;
      CREATE INDEX conversations_inbox_assigned ON conversations (project_id, app_id, last_activity DESC, id DESC) WHERE assignee IS NOT NULL;
      CREATE INDEX conversations_inbox_read ON conversations (project_id, app_id, last_activity DESC, id DESC) WHERE unread_count = 0;
      CREATE INDEX conversations_inbox_channel ON conversations (project_id, app_id, active_channel, last_activity DESC, id DESC);
      CREATE INDEX conversations_inbox_active ON conversations (project_id, app_id, last_activity DESC, id DESC) WHERE active;
      CREATE INDEX conversations_inbox_stopped ON conversations (project_id, app_id, last_activity DESC, id DESC) WHERE NOT active;
      DROP INDEX conversations_contact;
      CREATE INDEX conversations_contact ON conversations (project_id, contact_id, app_id, last_activity DESC, id DESC);
      CREATE INDEX conversations_snoozed ON conversations (project_id, snoozed_until) WHERE status = 'SNOOZED';

      CREATE TABLE conversation_labels (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        label text NOT NULL,
        last_activity timestamptz NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (project_id, conversation_id, label),
        FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE conversation_labels IS 'conversations.labels in the order of the inbox, kept by a trigger: an index of the array has no order';
      CREATE INDEX conversation_labels_inbox ON conversation_labels (project_id, app_id, label, last_activity DESC, conversation_id DESC);

      CREATE FUNCTION parley_keep_labels() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' AND OLD.labels = NEW.labels THEN
          UPDATE conversation_labels SET app_id = NEW.app_id, last_activity = NEW.last_activity
          WHERE project_id = NEW.project_id AND conversation_id = NEW.id;
          RETURN NULL;
        END IF;
        DELETE FROM conversation_labels
        WHERE project_id = NEW.project_id AND conversation_id = NEW.id AND label <> ALL (NEW.labels);
        INSERT INTO conversation_labels (project_id, app_id, label, last_activity, conversation_id)
        SELECT DISTINCT NEW.project_id, NEW.app_id, label, NEW.last_activity, NEW.id FROM unnest(NEW.labels) AS label
        ON CONFLICT (project_id, conversation_id, label) DO UPDATE SET app_id = excluded.app_id, last_activity = excluded.last_activity;
        RETURN NULL;
      END $$;
      CREATE TRIGGER conversations_labelled AFTER INSERT ON conversations
        FOR EACH ROW WHEN (NEW.labels <> '{}') EXECUTE FUNCTION parley_keep_labels();
      CREATE TRIGGER conversations_relabelled AFTER UPDATE ON conversations FOR EACH ROW
        WHEN (OLD.labels <> NEW.labels OR NEW.labels <> '{}' AND (OLD.app_id, OLD.last_activity) <> (NEW.app_id, NEW.last_activity)) EXECUTE FUNCTION parley_keep_labels();
      INSERT INTO conversation_labels (project_id, app_id, label, last_activity, conversation_id)
        SELECT DISTINCT project_id, app_id, label, last_activity, id FROM conversations, unnest(labels) AS label;

      CREATE INDEX events_conversation ON events (project_id, conversation_id, xact DESC, seq DESC)
        WHERE kind IN ('conversation.started', 'conversation.updated', 'conversation.stopped');

      CREATE TABLE notes (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        author text,
        text text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        edited_at timestamptz,
        PRIMARY KEY (project_id, id),
        FOREIGN KEY (project_id, conversation_id) REFERENCES conversations (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON TABLE notes IS 'what agents write for each other; never leaves the inbox';
      COMMENT ON COLUMN notes.author IS 'the agent; null for who called with an access key';
      CREATE INDEX notes_conversation ON notes (project_id, conversation_id, id);

      CREATE TABLE canned_replies (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C",
        shortcut text COLLATE "C" NOT NULL,
        title text NOT NULL,
        message jsonb NOT NULL,
        input jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id),
        CONSTRAINT canned_replies_shortcut UNIQUE NULLS NOT DISTINCT (project_id, app_id, shortcut),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN canned_replies.app_id IS 'null for all apps of the project';
      COMMENT ON COLUMN canned_replies.message IS 'AppMessage, in the Conversation API''s JSON';
      COMMENT ON COLUMN canned_replies.input IS 'the message as it was given, ready to be sent';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE canned_replies; DROP TABLE notes;
      DROP INDEX events_conversation;
      DROP TRIGGER conversations_relabelled ON conversations; DROP TRIGGER conversations_labelled ON conversations;
      DROP FUNCTION parley_keep_labels; DROP TABLE conversation_labels;
      DROP INDEX conversations_snoozed; DROP INDEX conversations_contact;
      CREATE INDEX conversations_contact ON conversations (project_id, contact_id, id);
      DROP INDEX conversations_inbox_stopped; DROP INDEX conversations_inbox_active; DROP INDEX conversations_inbox_channel;
      DROP INDEX conversations_inbox_read; DROP INDEX conversations_inbox_assigned; DROP INDEX conversations_inbox_unassigned;
      ALTER TABLE conversations DROP COLUMN read_at;
    `);
  }
}
