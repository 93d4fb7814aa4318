import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from './config.js';

/** What a newcomer needs and a production service must be given: kept in the data folder, so that a restart changes nothing. */
interface DevelopmentSettings {
  projectId: string;
  keyId: string;
  keySecret: string;
  verifyToken: string;
}

/** Fills in a project, a key and the verify token where the environment gives none. */
export function useDevelopmentSettings(config: Config): void {
  const made = settingsIn(config.PARLEY_DATA_DIR);
  config.MESSENGER_VERIFY_TOKEN ??= made.verifyToken;
  if (config.PARLEY_BOOTSTRAP_PROJECT_ID !== undefined) return;
  config.PARLEY_BOOTSTRAP_PROJECT_ID = made.projectId;
  config.PARLEY_BOOTSTRAP_KEY_ID = made.keyId;
  config.PARLEY_BOOTSTRAP_KEY_SECRET = made.keySecret;
}

function settingsIn(dataDir: string): DevelopmentSettings {
  const file = join(dataDir, 'development.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as DevelopmentSettings;
  const settings = {
    projectId: randomUUID(),
    keyId: randomUUID(),
    keySecret: randomBytes(24).toString('base64url'),
    verifyToken: randomBytes(16).toString('hex'),
  };
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  return settings;
}
