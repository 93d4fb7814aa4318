import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { Snapshot, RecordedEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import { mediaOf } from './media-of.js';
import { downloadJob, type MediaKey } from './media-row.js';

const INSERT = `
  INSERT INTO media (project_id, id, message_id, path, original_url)
  SELECT m."projectId", m.id, m."messageId", m.path, m.url
  FROM jsonb_to_recordset($1::jsonb) AS m("projectId" text, id text, "messageId" text, path text[], url text)
  ON CONFLICT (project_id, message_id, path) DO NOTHING
  RETURNING project_id, id`;

const FORGET = `
  DELETE FROM media USING jsonb_to_recordset($1::jsonb) AS m("projectId" text, id text)
  WHERE media.project_id = m."projectId" AND media.message_id = m.id`;

/** Notes the media of messages in the transaction that stores them, and forgets those of messages that were taken back. */
@Injectable()
export class MediaIntake implements OnModuleInit {
  constructor(
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.log.addSink((tx, events) => this.take(tx, events));
  }

  private async take(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void> {
    const found = events.flatMap((event) => newMediaOf(event));
    if (found.length > 0) {
      const noted = await queryRows<MediaKey>(tx, INSERT, [JSON.stringify(found)]);
      this.jobs.addSoon(
        tx,
        noted.map((key) => downloadJob(key)),
      );
    }
    const unsent = events.flatMap((event) => unsentOf(event));
    if (unsent.length > 0) await tx.query(FORGET, [JSON.stringify(unsent)]);
  }
}

function newMediaOf(event: RecordedEvent): object[] {
  if (event.kind !== 'message.added') return [];
  const { message } = event.payload as { message: Snapshot };
  // What callers of ours send stays where they host it; what was written in the Page's inbox has the channel's links too.
  if (message.sentBy === 'API') return [];
  return mediaOf(message.content).map(({ path, url }) => ({
    projectId: event.projectId,
    id: newId(),
    messageId: message.id,
    path,
    url,
  }));
}

function unsentOf(event: RecordedEvent): object[] {
  if (event.kind !== 'message.updated') return [];
  const { message } = event.payload as { message: Snapshot };
  return typeof message.deletedAt === 'string' ? [{ projectId: event.projectId, id: message.id }] : [];
}
