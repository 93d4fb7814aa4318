import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Channel credentials as an app was given them: their order, and those of channels that Parley is not connected to. */
export class ForeignCredentials1763700000021 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE apps
        ADD COLUMN channel_order text[] NOT NULL DEFAULT '{}',
        ADD COLUMN channel_credentials text NOT NULL DEFAULT '';
      COMMENT ON COLUMN apps.channel_order IS 'the channels of the credentials in order: the app''s channel priority';
      COMMENT ON COLUMN apps.channel_credentials IS 'the credentials in order as JSON, encrypted; of a channel with a row in channels only its place';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE apps DROP COLUMN channel_credentials, DROP COLUMN channel_order`);
  }
}
