import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The words by which messages and contacts are found. The index alone says nothing of tenants, so each word begins with a mark of its
 * app or project: looking up words, or the beginnings of words, reads nothing of anybody else's.
 */
export class Search1763700000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE message_words (
        project_id text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (project_id, message_id),
        FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN message_words.words IS 'folded, each behind the mark of its app; not a column of messages, whose rows are written anew with each status';
      CREATE INDEX message_words_words ON message_words USING gin (words) WITH (gin_pending_list_limit = 1024);

      CREATE TABLE contact_words (
        project_id text COLLATE "C" NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (project_id, contact_id),
        FOREIGN KEY (project_id, contact_id) REFERENCES contacts (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN contact_words.words IS 'of names, addresses and identities; folded, each behind the mark of its project';
      CREATE INDEX contact_words_words ON contact_words USING gin (words) WITH (gin_pending_list_limit = 1024);

      CREATE TABLE word_backlog (
        project_id text COLLATE "C" NOT NULL REFERENCES projects ON DELETE CASCADE,
        kind text NOT NULL,
        before_id text COLLATE "C" NOT NULL DEFAULT '~',
        PRIMARY KEY (project_id, kind)
      );
      COMMENT ON TABLE word_backlog IS 'what was there before it could be searched: everything below before_id has yet to be';
      INSERT INTO word_backlog (project_id, kind)
        SELECT project_id, 'messages' FROM projects p WHERE EXISTS (SELECT FROM messages m WHERE m.project_id = p.project_id)
        UNION ALL SELECT project_id, 'contacts' FROM projects p WHERE EXISTS (SELECT FROM contacts c WHERE c.project_id = p.project_id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE word_backlog; DROP TABLE contact_words; DROP TABLE message_words;');
  }
}
