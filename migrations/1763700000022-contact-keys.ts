import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds contacts by the customer's own key. */
export class ContactKeys1763700000022 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX contacts_external_id ON contacts (project_id, external_id, id) WHERE external_id <> ''`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX contacts_external_id`);
  }
}
