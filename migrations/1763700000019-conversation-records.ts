import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists of an app's conversations in order of creation, for customers' systems; the inbox has its own order. */
export class ConversationRecords1763700000019 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX conversations_app ON conversations (project_id, app_id, id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX conversations_app`);
  }
}
