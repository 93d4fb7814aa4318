import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from '@grpc/proto-loader';

/** The `proto` folder, from the sources and from `dist` alike. */
export const PROTO_DIR = protoDir();

/** Messages are plain objects with camelCase keys; unset fields are absent. */
export const LOADER_OPTIONS: Options = {
  keepCase: false,
  longs: String,
  enums: String,
  defaults: false,
  oneofs: false,
  includeDirs: [PROTO_DIR],
};

/** The files of our own API, relative to `PROTO_DIR`. */
export function protoFiles(): string[] {
  return globSync('parley/**/*.proto', { cwd: PROTO_DIR }).sort();
}

function protoDir(): string {
  const found = ['../../proto', '../../../proto']
    .map((path) => join(import.meta.dirname, path))
    .find((path) => existsSync(path));
  if (!found) throw new Error('the folder "proto" is missing beside "src" or "dist"');
  return found;
}
