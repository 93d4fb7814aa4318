import { writeFileSync } from 'node:fs';
import { sdlOf } from './api/sdl.js';
import { loadConfig } from './config.js';
import { startEmbedded } from './database/embedded.js';
import { startParley } from './start.js';

/** Writes `src/schema.graphql`. Starting the faces also loads the protos. */
const config = loadConfig();
Object.assign(config, { PORT: 0, GRPC_PORT: 0, PARLEY_ROLES: ['api'], LOG_LEVEL: 'warn' });
const postgres =
  config.DATABASE_URL === undefined ? await startEmbedded({ dataDir: config.PARLEY_DATA_DIR }) : null;
const parley = await startParley(config, postgres?.url ?? config.DATABASE_URL ?? '');
writeFileSync('src/schema.graphql', sdlOf(parley.app));
await parley.stop();
await postgres?.stop();
console.log('wrote src/schema.graphql');
