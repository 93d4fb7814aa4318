import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The append-only event log, one partition a day so that retention is a DROP.
 * `parley_keep_partitions` makes the partitions of the coming days and drops those that are too old.
 */
export class Events1763700000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SEQUENCE events_seq CACHE 1;

      CREATE TABLE events (
        project_id text COLLATE "C" NOT NULL,
        app_id text COLLATE "C" NOT NULL,
        xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
        seq bigint NOT NULL DEFAULT nextval('events_seq'),
        at timestamptz NOT NULL DEFAULT now(),
        id text COLLATE "C" NOT NULL,
        kind text NOT NULL,
        conversation_id text COLLATE "C",
        contact_id text COLLATE "C",
        payload jsonb NOT NULL,
        PRIMARY KEY (project_id, app_id, xact, seq, at)
      ) PARTITION BY RANGE (at);
      COMMENT ON COLUMN events.xact IS 'a reader takes only rows below the oldest running transaction, so none can appear behind its cursor';

      CREATE TABLE event_horizon (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        xact xid8 NOT NULL DEFAULT '0'
      );
      COMMENT ON TABLE event_horizon IS 'one row for all projects: cursors below xact have expired, their events were dropped';
      INSERT INTO event_horizon DEFAULT VALUES;

      CREATE FUNCTION parley_keep_partitions(parent regclass, days_ahead int, days_kept int) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        day date;
        part record;
      BEGIN
        -- Two processes may do this at the same time, on start.
        PERFORM pg_advisory_xact_lock(hashtext('parley_keep_partitions'));
        FOR day IN SELECT generate_series((now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date + days_ahead, '1 day')::date LOOP
          IF to_regclass(format('%I', parent::text || to_char(day, '_YYYYMMDD'))) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
              parent::text || to_char(day, '_YYYYMMDD'), parent, day::text || ' 00:00+00', (day + 1)::text || ' 00:00+00');
          END IF;
        END LOOP;
        FOR part IN
          SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhparent = parent
          AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') < (now() AT TIME ZONE 'UTC')::date - days_kept
        LOOP
          IF parent = 'events'::regclass THEN
            EXECUTE format('UPDATE event_horizon SET xact = greatest(xact, (SELECT max(xact) FROM %s))', part.name);
          END IF;
          EXECUTE format('DROP TABLE %s', part.name);
        END LOOP;
      END $$;

      SELECT parley_keep_partitions('events', 14, 3650);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE events; DROP TABLE event_horizon; DROP FUNCTION parley_keep_partitions; DROP SEQUENCE events_seq;
    `);
  }
}
