import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { MediaKey } from './media-row.js';
import { type ByteRange, MediaStorage } from './storage.js';

/** A folder that all processes share; a folder a project, in it up to 1,024 by the random end of the ids. */
export class LocalStorage extends MediaStorage {
  constructor(private readonly folder: string) {
    super();
  }

  async put(key: MediaKey, file: { path: string }, signal: AbortSignal): Promise<void> {
    const path = this.pathOf(key);
    await mkdir(dirname(path), { recursive: true });
    signal.throwIfAborted();
    await rename(file.path, path);
  }

  async open(key: MediaKey, range: ByteRange | null): Promise<Readable | null> {
    try {
      const handle = await open(this.pathOf(key));
      return handle.createReadStream(range ?? {});
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async delete(key: MediaKey): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }

  private pathOf({ projectId, id }: MediaKey): string {
    return join(this.folder, projectId, id.slice(-2), id);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
