import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Consents also of those who are no contacts: in DISPATCH mode nobody is, and they can stop messages all the same. And an index that counts
 * an app's conversations without reading them.
 */
export class ConsentsOfAll1763700000023 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE consents DROP CONSTRAINT consents_project_id_channel_app_id_identity_fkey;
      ALTER TABLE consent_records DROP CONSTRAINT consent_records_project_id_channel_app_id_identity_fkey;
      CREATE FUNCTION parley_forget_consents() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM consents
        WHERE project_id = OLD.project_id AND channel = OLD.channel AND app_id = OLD.app_id AND identity = OLD.identity;
        DELETE FROM consent_records
        WHERE project_id = OLD.project_id AND channel = OLD.channel AND app_id = OLD.app_id AND identity = OLD.identity;
        RETURN NULL;
      END $$;
      CREATE TRIGGER channel_identities_forgotten AFTER DELETE ON channel_identities
        FOR EACH ROW EXECUTE FUNCTION parley_forget_consents();

      DROP INDEX conversations_app;
      CREATE INDEX conversations_app ON conversations (project_id, app_id, id) WHERE NOT dispatch;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    const ofNoContact = (table: string): string => `
      DELETE FROM ${table} c WHERE NOT EXISTS (
        SELECT FROM channel_identities i
        WHERE i.project_id = c.project_id AND i.channel = c.channel AND i.app_id = c.app_id AND i.identity = c.identity);
      ALTER TABLE ${table} ADD FOREIGN KEY (project_id, channel, app_id, identity) REFERENCES channel_identities ON DELETE CASCADE;`;
    await runner.query(`
      DROP INDEX conversations_app;
      CREATE INDEX conversations_app ON conversations (project_id, app_id, id);
      DROP TRIGGER channel_identities_forgotten ON channel_identities; DROP FUNCTION parley_forget_consents;
      ${ofNoContact('consent_records')}
      ${ofNoContact('consents')}
    `);
  }
}
