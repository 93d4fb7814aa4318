import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Customers' webhooks; one delivery row per event and matching webhook, written by the event's own transaction; and how deliveries ended. */
export class Webhooks1763700000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE webhooks (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        target text NOT NULL,
        target_type text NOT NULL DEFAULT 'HTTP',
        secret text NOT NULL,
        client_credentials text,
        triggers text[] NOT NULL DEFAULT '{}',
        disabled_at timestamptz,
        disabled_reason text,
        failing_since timestamptz,
        paused_until timestamptz,
        drained_by text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, id),
        UNIQUE (project_id, app_id, target),
        FOREIGN KEY (project_id, app_id) REFERENCES apps (project_id, id) ON DELETE CASCADE
      ) WITH (fillfactor = 50);
      COMMENT ON COLUMN webhooks.secret IS 'encrypted; empty when deliveries are unsigned';
      COMMENT ON COLUMN webhooks.client_credentials IS 'encrypted JSON; null when the target asks for no token';
      COMMENT ON COLUMN webhooks.paused_until IS 'the target could not be reached: from then on it is probed with one delivery at a time; null when it answers';
      COMMENT ON COLUMN webhooks.drained_by IS 'the process that delivers for this webhook right now; its mark is what a crash leaves behind';

      CREATE TABLE webhook_deliveries_pending (
        project_id text COLLATE "C" NOT NULL,
        webhook_id text COLLATE "C" NOT NULL,
        event_seq bigint NOT NULL,
        event_xact xid8 NOT NULL,
        event_at timestamptz NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        lane text COLLATE "C" NOT NULL,
        trigger text NOT NULL,
        attempts int NOT NULL DEFAULT 0,
        next_attempt_at timestamptz,
        last_attempt_at timestamptz,
        response_code int,
        response_head text,
        error text,
        duration_ms int,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, webhook_id, event_seq)
      ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
      COMMENT ON TABLE webhook_deliveries_pending IS 'what waits: rows come and go fast, so this table is small and has no partitions, which would make planning cost more than the work';
      COMMENT ON COLUMN webhook_deliveries_pending.lane IS 'what is delivered in order: the contact, whose conversations go with it; else the event alone';
      COMMENT ON COLUMN webhook_deliveries_pending.next_attempt_at IS 'of a retry; null before the first attempt, which is due at once';
      CREATE INDEX webhook_deliveries_fresh ON webhook_deliveries_pending (project_id, webhook_id, event_seq) WHERE attempts = 0;
      CREATE INDEX webhook_deliveries_retry ON webhook_deliveries_pending (project_id, webhook_id, next_attempt_at) WHERE attempts > 0;
      CREATE INDEX webhook_deliveries_held ON webhook_deliveries_pending (project_id, webhook_id, lane) WHERE attempts = 1;

      CREATE TABLE webhook_deliveries_done (
        project_id text COLLATE "C" NOT NULL,
        webhook_id text COLLATE "C" NOT NULL,
        event_seq bigint NOT NULL,
        event_xact xid8 NOT NULL,
        event_at timestamptz NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        lane text COLLATE "C" NOT NULL,
        trigger text NOT NULL,
        status text NOT NULL CHECK (status IN ('DELIVERED', 'DEAD')),
        attempts int NOT NULL,
        last_attempt_at timestamptz,
        response_code int,
        response_head text,
        error text,
        duration_ms int,
        created_at timestamptz NOT NULL,
        done_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (project_id, webhook_id, event_seq, id, done_at)
      ) PARTITION BY RANGE (done_at);
      COMMENT ON TABLE webhook_deliveries_done IS 'how deliveries ended, DELIVERED or DEAD; kept for as long as events are';
      CREATE INDEX webhook_deliveries_dead ON webhook_deliveries_done (project_id, webhook_id, event_seq) WHERE status = 'DEAD';

      SELECT parley_keep_partitions('webhook_deliveries_done', 14, 3650);

      CREATE VIEW webhook_deliveries AS
        SELECT project_id, webhook_id, event_seq, event_id, id, app_id, trigger, 'PENDING' AS status, attempts, next_attempt_at,
          last_attempt_at, response_code, response_head, error, duration_ms, created_at
        FROM webhook_deliveries_pending
        UNION ALL
        SELECT project_id, webhook_id, event_seq, event_id, id, app_id, trigger, status, attempts, NULL,
          last_attempt_at, response_code, response_head, error, duration_ms, created_at
        FROM webhook_deliveries_done;
      COMMENT ON VIEW webhook_deliveries IS 'for those who look: every delivery, however far it is';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP VIEW webhook_deliveries; DROP TABLE webhook_deliveries_done; DROP TABLE webhook_deliveries_pending; DROP TABLE webhooks;
    `);
  }
}
