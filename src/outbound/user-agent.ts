import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How we introduce ourselves to customers' servers: `Parley/<version>`. */
export const USER_AGENT = `Parley/${version()}`;

/** Of package.json, which lies above `src` and above `dist/src` alike. */
function version(): string {
  const file = ['../../package.json', '../../../package.json']
    .map((path) => join(import.meta.dirname, path))
    .find((path) => existsSync(path));
  if (!file) throw new Error('package.json is missing above "src" or "dist"');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
