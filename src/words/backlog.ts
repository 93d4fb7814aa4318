import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob, TaskPayloads } from '../jobs/task.js';
import { type KnownContact, type SaidMessage, storeContactWords, storeMessageWords } from './store.js';

type Backlog = TaskPayloads['words'];

/** Rows a transaction, and transactions a job: it has to be able to end when the process does. */
const BATCH = 500;
const BATCHES = 20;

const WAITING = `SELECT project_id, kind FROM word_backlog`;
const POSITION = `SELECT before_id FROM word_backlog WHERE project_id = $1 AND kind = $2 FOR UPDATE`;
const ADVANCE = `UPDATE word_backlog SET before_id = $3 WHERE project_id = $1 AND kind = $2`;
const FINISH = `DELETE FROM word_backlog WHERE project_id = $1 AND kind = $2`;

/** Held until they are stored, so that none is deleted meanwhile. */
const MESSAGES = `
  SELECT project_id, app_id, id, content, channel_data FROM messages
  WHERE project_id = $1 AND id < $2 AND NOT dispatch ORDER BY id DESC LIMIT ${BATCH} FOR KEY SHARE`;

const CONTACTS = `
  SELECT c.project_id, c.id, c.display_name, c.email, c.external_id,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('identity', i.identity)), '[]') FROM channel_identities i
      WHERE i.project_id = c.project_id AND i.contact_id = c.id) AS channel_identities
  FROM contacts c
  WHERE c.project_id = $1 AND c.id < $2 ORDER BY c.id DESC LIMIT ${BATCH} FOR KEY SHARE OF c`;

/** Has what was there before the search be found as well, newest first, while everything else goes on. */
@Injectable()
export class WordBacklog implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('words', (backlog) => this.work(backlog));
    this.jobs.onSweep(async () => {
      const waiting = await queryRows<Backlog>(this.dataSource.manager, WAITING);
      await this.jobs.add(this.dataSource.manager, waiting.map(jobOf));
    });
  }

  /** Goes on where the last job stopped. */
  async work(backlog: Backlog): Promise<void> {
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const more = await this.dataSource.transaction((tx) => indexBatch(tx, backlog));
      if (!more) return;
    }
    await this.jobs.add(this.dataSource.manager, [jobOf(backlog)]);
  }
}

/** What is stored meanwhile by those who change it is newer, and stays. Returns whether there is more. */
async function indexBatch(tx: EntityManager, { projectId, kind }: Backlog): Promise<boolean> {
  const [position] = await queryRows<{ beforeId: string }>(tx, POSITION, [projectId, kind]);
  if (!position) return false;
  const range = [projectId, position.beforeId];
  let last: string | undefined;
  if (kind === 'messages') {
    const messages = await queryRows<SaidMessage>(tx, MESSAGES, range);
    await storeMessageWords(tx, messages, 'keep');
    last = messages[BATCH - 1]?.id;
  } else {
    const contacts = await queryRows<KnownContact>(tx, CONTACTS, range);
    await storeContactWords(tx, contacts, 'keep');
    last = contacts[BATCH - 1]?.id;
  }
  await (last === undefined
    ? tx.query(FINISH, [projectId, kind])
    : tx.query(ADVANCE, [projectId, kind, last]));
  return last !== undefined;
}

function jobOf({ projectId, kind }: Backlog): NewJob<'words'> {
  return { task: 'words', key: `words:${projectId}:${kind}`, payload: { projectId, kind } };
}
