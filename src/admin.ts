import 'reflect-metadata';
import { type AdminCall, understand, USAGE } from './access/admin.commands.js';
import { ProjectsService } from './access/projects.service.js';
import { loadConfig } from './config.js';
import { createDataSource } from './database/data-source.js';
import { startEmbedded } from './database/embedded.js';
import { migrate } from './database/migrate.js';
import { DomainError } from './errors.js';

/** Exit codes: a command that failed, and one that was not understood. */
const FAILED = 1;
const MISUSED = 2;

/** On the configured database, or on the embedded one: the running service's, or started for the moment. */
async function run(call: AdminCall): Promise<string> {
  const config = loadConfig();
  const embedded = config.DATABASE_URL ? null : await startEmbedded({ dataDir: config.PARLEY_DATA_DIR });
  try {
    const url = config.DATABASE_URL ?? embedded?.url ?? '';
    await migrate(url);
    const dataSource = await createDataSource(url, 1).initialize();
    try {
      return await call.run(new ProjectsService(dataSource));
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await embedded?.stop();
  }
}

const call = understand(process.argv.slice(2));
if (!call) {
  console.error(USAGE);
  process.exitCode = MISUSED;
} else {
  try {
    console.log(await run(call));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(error instanceof DomainError ? message : `failed: ${message}`);
    process.exitCode = FAILED;
  }
}
