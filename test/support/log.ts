// What tests ask of the event log before they read it, or follow it from a place on.
import type { TestApp } from './app.js';
import { eventually } from './eventually.js';

/**
 * Resolves once no open transaction of the server holds back an event: a log that is read once then gives everything, and a cursor that
 * is taken then lies behind all that is there.
 */
export async function logSettled(query: (sql: string) => Promise<unknown[]>): Promise<void> {
  await eventually(
    async () =>
      (await query('SELECT FROM events WHERE xact >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1'))
        .length === 0,
    'a settled log',
  );
}

/** A place in the log before everything that happens in the app from now on. */
export async function eventCursor(app: TestApp, appId: string): Promise<string> {
  const { inbox } = await app.graphql<{ inbox: { eventCursor: string } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }`,
    { appId },
  );
  return inbox.eventCursor;
}
