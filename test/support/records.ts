import pg from 'pg';
import { eventually } from './eventually.js';

export interface RecordedEvent {
  seq: string;
  appId: string;
  kind: string;
  payload: Record<string, Record<string, unknown> | string | null | undefined> & { raw?: unknown };
}

export interface StoredMessage {
  id: string;
  appId: string;
  conversationId: string;
  contactId: string;
  identity: string;
  direction: 'TO_APP' | 'TO_CONTACT';
  channelMessageId: string | null;
  content: Record<string, unknown>;
  status: string | null;
  sentBy: string;
}

/** Tables that requests and webhooks fill. */
const TABLES = [
  'apps',
  'channels',
  'webhooks',
  'messages',
  'message_parts',
  'conversations',
  'contacts',
  'channel_identities',
  'sends',
  'early_receipts',
  'idempotency_keys',
  'notes',
  'canned_replies',
  'templates',
] as const;

/** What is stored, read past the service. */
export class Records {
  private constructor(private readonly db: pg.Client) {}

  static async of(databaseUrl: string): Promise<Records> {
    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    return new Records(db);
  }

  async query<T>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.db.query(sql, values)).rows as T[];
  }

  /** Resolves once the worker has done what there is to do: later tries do not count. */
  async settled(): Promise<void> {
    await eventually(async () => {
      const [{ due } = { due: 1 }] = await this.query<{ due: number }>(
        `SELECT count(*)::int AS due FROM graphile_worker.jobs WHERE run_at <= now()`,
      );
      if (due > 0) throw new Error(`${due} jobs are still to be done`);
      return true;
    }, 'the worker is done');
  }

  /** What the event log holds of an app, oldest first, without the news of its channel. */
  events(appId: string): Promise<RecordedEvent[]> {
    return this.query(
      `SELECT seq::text, app_id AS "appId", kind, payload FROM events WHERE app_id = $1 AND kind <> 'channel.updated' ORDER BY seq`,
      [appId],
    );
  }

  /** In order of acceptance. */
  messages(appId: string): Promise<StoredMessage[]> {
    return this.query(
      `SELECT id, app_id AS "appId", conversation_id AS "conversationId", contact_id AS "contactId", identity, direction,
         channel_message_id AS "channelMessageId", content, status, sent_by AS "sentBy"
       FROM messages WHERE app_id = $1 ORDER BY id`,
      [appId],
    );
  }

  /** The same text as long as no row has come, gone or changed. */
  async fingerprint(): Promise<string> {
    const tables = [
      ...TABLES.map((table) => ({ table, where: '' })),
      { table: 'events', where: `WHERE t.kind <> 'channel.updated'` },
    ];
    const prints = tables.map(
      ({ table, where }) =>
        `SELECT '${table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS print FROM ${table} t ${where}`,
    );
    const rows = await this.query<{ print: string }>(prints.join(' UNION ALL '));
    // Their order is Postgres's own: it may well work on several at once.
    return rows
      .map(({ print }) => print)
      .sort()
      .join('\n');
  }

  close(): Promise<void> {
    return this.db.end();
  }
}
