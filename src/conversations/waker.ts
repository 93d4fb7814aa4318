import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { lockConversations } from './activity.js';
import { changeEvent } from './changes.js';
import type { Conversation } from './conversation.entity.js';

/** Everybody comes back on Monday at nine: so many at a time, that nobody who writes waits for long. */
const BATCH = 200;

const DUE = `
  SELECT id FROM conversations WHERE project_id = $1 AND status = 'SNOOZED' AND snoozed_until <= now()
  ORDER BY snoozed_until LIMIT ${BATCH}`;

/** To the top of the inbox: at its old place nobody would find it. */
const WAKE = `
  UPDATE conversations SET status = 'OPEN', snoozed_until = NULL, last_activity = greatest(last_activity, now()), updated_at = now()
  WHERE project_id = $1 AND id = ANY($2) AND status = 'SNOOZED' AND snoozed_until <= now()
  RETURNING *`;

/** Opens snoozed conversations when their time has come. A person's message opens them before: see `touchConversations`. */
@Injectable()
export class SnoozeWaker implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('wake', ({ projectId }) => this.wake(projectId));
  }

  /** Job handler: opens all of a project that are due. */
  async wake(projectId: string): Promise<void> {
    for (;;) {
      const due = await queryRows<{ id: string }>(this.dataSource.manager, DUE, [projectId]);
      if (due.length === 0) return;
      await this.open(
        projectId,
        due.map(({ id }) => id),
      );
    }
  }

  private async open(projectId: string, ids: string[]): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const before = await lockConversations(
        tx,
        ids.map((id) => ({ projectId, id })),
      );
      const woken = await queryRows<Conversation>(tx, WAKE, [projectId, ids]);
      await this.log.record(
        tx,
        woken.flatMap((conversation) => {
          const earlier = before.get(conversation.id);
          return earlier ? [changeEvent('conversation.updated', earlier, conversation, null)] : [];
        }),
      );
    });
  }
}
