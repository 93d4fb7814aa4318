import { Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { PublicUrl } from '../public-url.js';
import { linkOf } from './link.js';
import type { MediaKey, MediaRow } from './media-row.js';
import { type ByteRange, MediaStorage } from './storage.js';

const COLUMNS = `project_id, id, message_id, path, original_url, state, attempts, content_type, size, name, sha256, secret, stored_at, reason`;

const FIND = `SELECT ${COLUMNS} FROM media WHERE project_id = $1 AND id = $2 AND state = 'STORED'`;

const FIND_OF_APPS = `${FIND} AND EXISTS (
  SELECT FROM messages m WHERE m.project_id = media.project_id AND m.id = media.message_id AND m.app_id = ANY ($3::text[]))`;

const OF_MESSAGES = `SELECT ${COLUMNS} FROM media WHERE project_id = $1 AND message_id = ANY ($2::text[]) ORDER BY message_id, id`;

/** Media that are here in full. */
export interface StoredMedia extends MediaKey {
  contentType: string;
  size: number;
  name: string;
  sha256: string;
  secret: string;
}

/** Reads media. */
@Injectable()
export class MediaService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly storage: MediaStorage,
    private readonly publicUrl: PublicUrl,
  ) {}

  /**
   * Null when there is none in the project, or it is not stored.
   * @param appIds of these apps only.
   */
  async stored(projectId: string, id: string, appIds?: readonly string[]): Promise<StoredMedia | null> {
    const [row] = await queryRows<MediaRow>(
      this.dataSource.manager,
      appIds ? FIND_OF_APPS : FIND,
      appIds ? [projectId, id, appIds] : [projectId, id],
    );
    return row ? storedIn(row) : null;
  }

  /** The media of each message, in order. */
  async ofMessages(projectId: string, messageIds: readonly string[]): Promise<Map<string, MediaRow[]>> {
    const rows = await queryRows<MediaRow>(this.dataSource.manager, OF_MESSAGES, [projectId, messageIds]);
    return Map.groupBy(rows, (row) => row.messageId);
  }

  /** Where it can be had: ours when it is stored, else the channel's own link. */
  urlOf(row: MediaRow): string {
    const stored = storedIn(row);
    return stored ? linkOf(this.publicUrl.base(), stored) : row.originalUrl;
  }

  /** Null when the storage has lost it. */
  open(key: MediaKey, range: ByteRange | null): Promise<Readable | null> {
    return this.storage.open(key, range);
  }
}

function storedIn({ projectId, id, contentType, size, name, sha256, secret }: MediaRow): StoredMedia | null {
  if (contentType === null || size === null || name === null || sha256 === null || secret === null)
    return null;
  return { projectId, id, contentType, size: Number(size), name, sha256, secret };
}
