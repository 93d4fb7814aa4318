import { loadConfig } from '../config.js';
import { createDataSource } from './data-source.js';
import { startEmbedded } from './embedded.js';
import { migrate } from './migrate.js';

/** `npm run migration:run` and `npm run migration:revert`, on DATABASE_URL or the embedded Postgres. */
const config = loadConfig();
const postgres =
  config.DATABASE_URL === undefined ? await startEmbedded({ dataDir: config.PARLEY_DATA_DIR }) : null;
const url = postgres?.url ?? config.DATABASE_URL ?? '';
try {
  const [command] = process.argv.slice(2);
  if (command === 'run') {
    await migrate(url);
    console.log('all migrations have run');
  } else if (command === 'revert') {
    const dataSource = await createDataSource(url, 1).initialize();
    try {
      const [last] = await dataSource.query<{ name: string }[]>(
        'SELECT name FROM migrations ORDER BY id DESC LIMIT 1',
      );
      await dataSource.undoLastMigration();
      console.log(last ? `reverted ${last.name}` : 'there is nothing to revert');
    } finally {
      await dataSource.destroy();
    }
  } else {
    console.error('usage: npm run migration:run | npm run migration:revert');
    process.exitCode = 2;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await postgres?.stop();
}
