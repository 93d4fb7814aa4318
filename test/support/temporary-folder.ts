import { chmodSync, existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** For two servers with all their tests' databases: whoever starts the second does not see what the first will take. */
const ROOM = 5 * 2 ** 30;

/**
 * A new folder for database files. In memory where there is plenty: a copy of the template, hundreds of small files,
 * takes 20 ms there and up to 400 ms on a disk. Open to traversal, since root's server runs as somebody else.
 */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(hasRoomInMemory() ? MEMORY : tmpdir(), prefix));
  chmodSync(folder, 0o711);
  return folder;
}

function hasRoomInMemory(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return Math.min(bavail * bsize, process.availableMemory()) > ROOM;
}
