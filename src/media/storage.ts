import type { Readable } from 'node:stream';
import type { MediaKey } from './media-row.js';

/** First and last byte, from 0, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Where the bytes of media are. A write is there as a whole or not at all, and replaces what was there. */
export abstract class MediaStorage {
  /** Takes the file at `path`, which is gone afterwards. */
  abstract put(
    key: MediaKey,
    file: { path: string; contentType: string },
    signal: AbortSignal,
  ): Promise<void>;
  /** Null when there is nothing. */
  abstract open(key: MediaKey, range: ByteRange | null): Promise<Readable | null>;
  /** What is not there is deleted already. */
  abstract delete(key: MediaKey): Promise<void>;
}
