import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The keys that sign tokens: the service's own, no tenant's. */
export class Tokens1763700000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE signing_keys (
        key_id text COLLATE "C" PRIMARY KEY,
        public_key jsonb NOT NULL,
        private_key text NOT NULL,
        created_at timestamptz NOT NULL,
        signs_until timestamptz NOT NULL,
        verifies_until timestamptz NOT NULL
      );
      COMMENT ON COLUMN signing_keys.key_id IS 'a token names it as kid';
      COMMENT ON COLUMN signing_keys.public_key IS 'JWK';
      COMMENT ON COLUMN signing_keys.private_key IS 'JWK, encrypted with PARLEY_ENCRYPTION_KEY';
      COMMENT ON COLUMN signing_keys.verifies_until IS 'when the last token that it can have signed has expired';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signing_keys');
  }
}
