import { setTimeout as delay } from 'node:timers/promises';
import { withClient } from './machine.js';

const POLL_MS = 50;

/**
 * Lets the worker finish what waits in a table, so that the next contestant has the machine to itself; what is left after `seconds`
 * is dropped. How many rows that were.
 */
export async function quieten(
  databaseUrl: string,
  table: 'webhook_deliveries_pending' | 'sends',
  seconds: number,
): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    for (const until = Date.now() + seconds * 1000; Date.now() < until; await delay(POLL_MS)) {
      const { rows } = await client.query<{ waiting: boolean }>(
        `SELECT EXISTS (SELECT FROM ${table}) AS waiting`,
      );
      if (!rows[0]?.waiting) return 0;
    }
    return (await client.query(`DELETE FROM ${table}`)).rowCount ?? 0;
  });
}
