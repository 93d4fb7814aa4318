// What runs on a data folder right now, as told by its postmaster.pid and by asking the server itself.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Place } from './embedded-place.js';

/** The owner of the cluster and of every database in it. */
export const SERVER_USER = 'parley';

const CONNECT_TIMEOUT_MS = 5_000;

export type Found =
  /** Nobody serves the folder; `reusedPid` when the pid in its stale postmaster.pid is now another program's. */
  | { state: 'absent'; reusedPid: boolean }
  /** It starts, recovers or stops: look again. */
  | { state: 'busy'; reason: string }
  | { state: 'ready'; port: number };

/** @throws Error when the running server does not accept the password kept beside its data. */
export async function findServer(place: Place): Promise<Found> {
  const postmaster = readPostmaster(place);
  if (!postmaster) return { state: 'absent', reusedPid: false };
  const command = commandOf(postmaster.pid);
  if (!command?.includes(`-D ${postmaster.data} `))
    return { state: 'absent', reusedPid: command !== undefined };
  if (postmaster.status !== 'ready') return { state: 'busy', reason: `it says "${postmaster.status}"` };
  try {
    await query(serverUrl(place, postmaster.port, 'postgres'), 'select 1');
    return { state: 'ready', port: postmaster.port };
  } catch (error) {
    const { code, message } = error as pg.DatabaseError;
    if (code === '28P01')
      throw new Error(`The Postgres on ${place.home} refuses the password in ${place.password}.`, {
        cause: error,
      });
    return { state: 'busy', reason: message };
  }
}

export function serverUrl(place: Place, port: number, database: string): string {
  const password = readFileSync(place.password, 'utf8').trim();
  return `postgres://${SERVER_USER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

export async function ensureDatabase(place: Place, port: number, database: string): Promise<void> {
  const url = serverUrl(place, port, 'postgres');
  const existing = await query(url, 'select 1 from pg_database where datname = $1', [database]);
  if (existing.length > 0) return;
  try {
    await query(url, `create database ${pg.escapeIdentifier(database)}`);
  } catch (error) {
    // The starter and a process that joined may both have found it missing.
    const { code } = error as pg.DatabaseError;
    if (code !== '42P04' && code !== '23505') throw error;
  }
}

async function query(url: string, sql: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined); // the server went away; the query itself fails as well
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

interface Postmaster {
  pid: number;
  data: string;
  port: number;
  status: string;
}

/** Lines of postmaster.pid: pid, data folder, start time, port, socket folder, address, shared memory, status. */
function readPostmaster({ data }: Place): Postmaster | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const [pid = '', dataLine = '', , port = '', , , , status = ''] = lines;
    return { pid: Number(pid), data: dataLine, port: Number(port), status: status.trim() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The command line of a process, each argument followed by a space; undefined when there is no such process. */
function commandOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).replace('\n', ' ');
  } catch {
    return undefined;
  }
}
