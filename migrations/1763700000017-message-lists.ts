import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was exchanged with an identity, in order: of somebody who is no contact any more as well. */
export class MessageLists1763700000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX messages_identity ON messages (project_id, identity, id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX messages_identity`);
  }
}
