import { type Config, loadConfig } from './config.js';
import { startEmbedded } from './database/embedded.js';
import { useDevelopmentSettings } from './development.js';
import { type Parley, startParley } from './start.js';

/** A stop that takes longer than this is cut: what is in flight goes back to the queue. */
const STOP_MS = 10_000;

try {
  const config = loadConfig();
  if (!config.production) useDevelopmentSettings(config);
  const postgres =
    config.DATABASE_URL === undefined ? await startEmbedded({ dataDir: config.PARLEY_DATA_DIR }) : null;
  let parley: Parley;
  try {
    parley = await startParley(config, postgres?.url ?? config.DATABASE_URL ?? '');
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
  if (postgres) console.log(`Postgres data: ${postgres.location}`);
  console.log(readyLine(config, parley));

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS).unref();
    void parley
      .stop()
      .then(() => postgres?.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function readyLine(config: Config, { url, grpc }: Parley): string {
  const parts = [`Parley is ready: GraphQL ${url}/graphql, gRPC ${grpc}`];
  if (config.PARLEY_SANDBOX) parts.push(`sandbox ${url}/sandbox`);
  if (!config.production) {
    parts.push(
      `project ${config.PARLEY_BOOTSTRAP_PROJECT_ID}`,
      `key ${config.PARLEY_BOOTSTRAP_KEY_ID}`,
      `secret ${config.PARLEY_BOOTSTRAP_KEY_SECRET}`,
      `verify token ${config.MESSENGER_VERIFY_TOKEN}`,
    );
  }
  return parts.join(', ');
}
