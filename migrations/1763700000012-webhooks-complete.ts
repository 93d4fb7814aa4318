import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Callback URLs of single sends, secrets that overlap while they are rotated, and every attempt at a delivery rather than the last. */
export class WebhooksComplete1763700000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE apps ADD COLUMN callback_secret text NOT NULL DEFAULT '';
      COMMENT ON COLUMN apps.callback_secret IS 'signs what goes to the callback URLs of single sends; encrypted; empty when that is unsigned';
      ALTER TABLE messages ADD COLUMN callback_url text;
      COMMENT ON COLUMN messages.callback_url IS 'where its delivery reports go instead of to the webhooks';
      ALTER TABLE conversation_events ADD COLUMN callback_url text;
      COMMENT ON COLUMN conversation_events.callback_url IS 'where its delivery reports go instead of to the webhooks';

      ALTER TABLE webhooks
        ADD COLUMN kind text NOT NULL DEFAULT 'WEBHOOK' CHECK (kind IN ('WEBHOOK', 'CALLBACK_URL')),
        ADD COLUMN previous_secret text NOT NULL DEFAULT '',
        ADD COLUMN previous_until timestamptz,
        DROP CONSTRAINT webhooks_project_id_app_id_target_key,
        ADD CONSTRAINT webhooks_target UNIQUE (project_id, app_id, kind, target);
      COMMENT ON COLUMN webhooks.kind IS 'CALLBACK_URL: made by itself, the origin of callback URLs that sends of the app named; target is that origin';
      COMMENT ON COLUMN webhooks.previous_secret IS 'encrypted; signs beside secret until previous_until, so that receivers can change over';

      ALTER TABLE webhook_deliveries_pending ADD COLUMN url text, ADD COLUMN earlier jsonb;
      ALTER TABLE webhook_deliveries_done ADD COLUMN url text, ADD COLUMN earlier jsonb;
      COMMENT ON COLUMN webhook_deliveries_pending.url IS 'goes there rather than to the target of the webhook';
      COMMENT ON COLUMN webhook_deliveries_pending.earlier IS 'the attempts before the last, oldest first; null when there were none';
      CREATE INDEX webhook_deliveries_done_id ON webhook_deliveries_done (project_id, webhook_id, id);

      DROP VIEW webhook_deliveries;
      CREATE VIEW webhook_deliveries AS
        SELECT project_id, webhook_id, event_seq, event_id, id, app_id, trigger, url, 'PENDING' AS status, attempts, next_attempt_at,
          last_attempt_at, response_code, response_head, error, duration_ms, earlier, created_at
        FROM webhook_deliveries_pending
        UNION ALL
        SELECT project_id, webhook_id, event_seq, event_id, id, app_id, trigger, url, status, attempts, NULL,
          last_attempt_at, response_code, response_head, error, duration_ms, earlier, created_at
        FROM webhook_deliveries_done;
      COMMENT ON VIEW webhook_deliveries IS 'for those who look: every delivery, however far it is';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP VIEW webhook_deliveries;
      DROP INDEX webhook_deliveries_done_id;
      ALTER TABLE webhook_deliveries_done DROP COLUMN url, DROP COLUMN earlier;
      DELETE FROM webhook_deliveries_pending WHERE url IS NOT NULL;
      ALTER TABLE webhook_deliveries_pending DROP COLUMN url, DROP COLUMN earlier;
      CREATE VIEW webhook_deliveries AS
        SELECT project_id, webhook_id, event_seq, event_id, id, app_id, trigger, 'PENDING' AS status, attempts, next_attempt_at,
          last_attempt_at, response_code, response_head, error, duration_ms, created_at
        FROM webhook_deliveries_pending
        UNION ALL
        SELECT project_id, webhook_id, event_seq, event_id, id, app_id, trigger, status, attempts, NULL,
          last_attempt_at, response_code, response_head, error, duration_ms, created_at
        FROM webhook_deliveries_done;
      COMMENT ON VIEW webhook_deliveries IS 'for those who look: every delivery, however far it is';
      DELETE FROM webhooks WHERE kind = 'CALLBACK_URL';
      ALTER TABLE webhooks DROP CONSTRAINT webhooks_target, DROP COLUMN kind, DROP COLUMN previous_secret, DROP COLUMN previous_until,
        ADD CONSTRAINT webhooks_project_id_app_id_target_key UNIQUE (project_id, app_id, target);
      ALTER TABLE conversation_events DROP COLUMN callback_url;
      ALTER TABLE messages DROP COLUMN callback_url;
      ALTER TABLE apps DROP COLUMN callback_secret;
    `);
  }
}
