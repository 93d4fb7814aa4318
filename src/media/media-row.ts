import type { NewJob } from '../jobs/task.js';

/** Waiting to be downloaded, kept here, or given up: then the message keeps the channel's own link. */
export type MediaState = 'PENDING' | 'STORED' | 'FAILED';

export interface MediaKey {
  projectId: string;
  id: string;
}

/** A row of `media`. */
export interface MediaRow extends MediaKey {
  messageId: string;
  path: string[];
  originalUrl: string;
  state: MediaState;
  attempts: number;
  /** The following are null until it is stored. */
  contentType: string | null;
  /** Bytes; a bigint of Postgres. */
  size: string | null;
  name: string | null;
  sha256: string | null;
  secret: string | null;
  storedAt: Date | null;
  /** Why the last attempt failed; fit for the customer. */
  reason: string | null;
}

export function downloadJob({ projectId, id }: MediaKey, runAt?: Date): NewJob<'download'> {
  return { task: 'download', payload: { projectId, mediaId: id }, key: `media:${id}`, runAt };
}
