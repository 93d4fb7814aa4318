import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Media of messages that came in: downloaded, because a channel's own links expire. */
export class Media1763700000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE media (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        path text[] NOT NULL,
        original_url text NOT NULL,
        state text NOT NULL DEFAULT 'PENDING',
        attempts int NOT NULL DEFAULT 0,
        next_attempt_at timestamptz DEFAULT now(),
        content_type text,
        size bigint,
        name text,
        sha256 text,
        secret text,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        stored_at timestamptz,
        PRIMARY KEY (project_id, id),
        UNIQUE (project_id, message_id, path),
        FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
      );
      COMMENT ON COLUMN media.path IS 'where the link stands in the message''s content';
      COMMENT ON COLUMN media.state IS 'PENDING, STORED or FAILED';
      COMMENT ON COLUMN media.next_attempt_at IS 'while an attempt runs, when it is given up for lost; null once there is no more to do';
      COMMENT ON COLUMN media.secret IS 'of the link that we hand out: who has it may read the media';
      COMMENT ON COLUMN media.reason IS 'why the last attempt failed';
      CREATE INDEX media_due ON media (project_id, next_attempt_at) WHERE state = 'PENDING';

      CREATE TABLE media_garbage (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        due_at timestamptz NOT NULL,
        PRIMARY KEY (project_id, id)
      );
      COMMENT ON TABLE media_garbage IS 'media whose rows are gone and whose bytes are still to be deleted; outlives its project';
      COMMENT ON COLUMN media_garbage.due_at IS 'not while an attempt may still be writing them';
      CREATE INDEX media_garbage_due ON media_garbage (project_id, due_at);

      CREATE FUNCTION media_discard() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO media_garbage (project_id, id, due_at)
        SELECT project_id, id, coalesce(next_attempt_at, now()) FROM gone;
        RETURN NULL;
      END $$;
      CREATE TRIGGER media_discard AFTER DELETE ON media REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION media_discard();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE media; DROP FUNCTION media_discard; DROP TABLE media_garbage');
  }
}
