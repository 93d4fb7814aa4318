// Development and tests run a real Postgres out of node_modules: this starts one, or joins the one that runs.
// The package's own launcher is not used: its exit hook stops Postgres before the service has drained.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { choosePlace, copyBinaries, type Place } from './embedded-place.js';
import { spawnKept, sweepAtEnd, type KeptProcess } from './embedded-process.js';
import { ensureDatabase, findServer, SERVER_USER, serverUrl } from './embedded-server.js';
import { tryLock } from './start-lock.js';

export interface EmbeddedPostgres {
  /** Connection URL of the database; its password is in it. */
  url: string;
  /** Where the data live, for the start-up output. */
  location: string;
  /** True when another live process started this server and we only joined it: stop() then does nothing. */
  joined: boolean;
  /** Fast shutdown: open transactions are rolled back. Resolves when Postgres is gone. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** The data live in `postgres/` below it, or, for root in a closed folder, under /var/lib/parley. */
  dataDir: string;
  database?: string;
  /** Server settings, such as `fsync: 'off'`. */
  settings?: Record<string, string>;
  /** What Postgres logs, line by line. */
  onLog?: (line: string) => void;
  /** Delete `dataDir`, and whatever else the server kept, when it ends: by stop() or because this process died. */
  temporary?: boolean;
}

const DEFAULT_SETTINGS = {
  dynamic_shared_memory_type: 'posix', // initdb has written its own choice into the configuration
  shared_buffers: '128MB',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
};
/** Long enough for the recovery after a crash in the middle of heavy writing. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 8_000;
const POLL_MS = 25;
const PORT_ATTEMPTS = 5;

/** @throws Error when this machine cannot run it, or when Postgres did not start (with its last log lines). */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const place = choosePlace(options.dataDir);
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const found = await findServer(place);
    if (found.state === 'ready') {
      return { ...(await opened(place, found.port, options)), joined: true, stop: async () => undefined };
    }
    const started = found.state === 'absent' ? await startAlone(place, options) : undefined;
    if (started) return started;
    if (Date.now() > deadline) {
      const reason =
        found.state === 'busy'
          ? `its server does not answer (${found.reason})`
          : `another process holds ${place.lock}, or parts of an earlier server still run`;
      throw new Error(`Postgres in ${place.home} cannot be used: ${reason}.`);
    }
    await delay(POLL_MS);
  }
}

/** Starts the server under the lock; undefined when another process is at it, or was faster. */
async function startAlone(place: Place, options: EmbeddedOptions): Promise<EmbeddedPostgres | undefined> {
  const release = tryLock(place.lock);
  if (!release) return undefined;
  let sweep = async (): Promise<void> => undefined;
  try {
    const found = await findServer(place);
    if (found.state !== 'absent') return undefined;
    const pidFile = join(place.data, 'postmaster.pid');
    // Postgres clears a stale file by itself, unless its pid has been given to another process.
    if (found.reusedPid) rmSync(pidFile);
    if (options.temporary) sweep = sweepAtEnd(pidFile, place.folders);
    copyBinaries(place);
    await removeDrafts(place);
    if (!existsSync(place.data)) await initialise(place, options);
    const launched = await launch(place, options);
    if (!launched) return undefined;
    const { server, port } = launched;
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopped ??= end(server).then(sweep));
    void server.ended.then((status) => {
      if (!stopped) options.onLog?.(`Postgres ended by itself (status ${status})`);
    });
    try {
      return { ...(await opened(place, port, options)), joined: false, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  } catch (error) {
    await sweep();
    throw error;
  } finally {
    release();
  }
}

async function opened(place: Place, port: number, { database = 'parley' }: EmbeddedOptions) {
  await ensureDatabase(place, port, database);
  return { url: serverUrl(place, port, database), location: place.location };
}

/** Makes the home beside its place and renames it, so that one cut short is never taken for a database. */
async function initialise(place: Place, { settings, onLog }: EmbeddedOptions): Promise<void> {
  const draft = mkdtempSync(`${place.home}.init-`);
  chmodSync(draft, 0o755);
  const password = join(draft, 'password');
  const data = join(draft, 'data');
  writeFileSync(password, randomBytes(24).toString('base64url'), { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  if (place.account)
    for (const path of [password, data]) chownSync(path, place.account.uid, place.account.gid);
  const initdb = spawnKept(
    join(place.binaries, 'bin', 'initdb'),
    [
      ...['-D', data, `--username=${SERVER_USER}`, '--auth=scram-sha-256', `--pwfile=${password}`],
      // Postgres's own Unicode rules: no machine's libc or ICU has a say.
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      // Shared memory inside the draft: an initdb that is killed leaves it behind, in /dev/shm for good.
      ...['-c', 'dynamic_shared_memory_type=mmap'],
      ...(settings?.fsync === 'off' ? ['--no-sync'] : []),
    ],
    { account: place.account, onLog },
  );
  if ((await initdb.ended) !== 0)
    throw new Error(`Postgres could not make its data folder:\n${initdb.tail()}`);
  renameSync(draft, place.home);
}

/** What starts that were cut short have left; their initdb may still be clearing up itself, hence the retries. */
async function removeDrafts({ base, home }: Place): Promise<void> {
  for (const name of await readdir(base))
    if (join(base, name).startsWith(`${home}.init-`))
      await rm(join(base, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 10 });
}

/** Starts the server on a free port; undefined when another server, or what is left of one, has the data. */
async function launch(
  place: Place,
  options: EmbeddedOptions,
): Promise<{ server: KeptProcess; port: number } | undefined> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const settings = {
      ...DEFAULT_SETTINGS,
      ...options.settings,
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '', // the path of one is limited to 107 bytes
    };
    const server = spawnKept(
      join(place.binaries, 'bin', 'postgres'),
      ['-D', place.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { account: place.account, onLog: options.onLog },
    );
    if (await becomesReady(server, place, port)) return { server, port };
    const log = server.tail();
    if (/lock file "postmaster.pid" already exists|shared memory block .* still in use/.test(log))
      return undefined;
    const portTaken = /could not create any TCP\/IP sockets/.test(log);
    if (!portTaken || attempt === PORT_ATTEMPTS) throw new Error(`Postgres did not start:\n${log}`);
  }
}

/** False when the server ended instead. */
async function becomesReady(server: KeptProcess, place: Place, port: number): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (server.running()) {
    const found = await findServer(place);
    if (found.state === 'ready' && found.port === port) return true;
    if (Date.now() > deadline) {
      await end(server);
      throw new Error(`Postgres was not ready after ${START_TIMEOUT_MS / 1000} s:\n${server.tail()}`);
    }
    await Promise.race([server.ended, delay(POLL_MS)]);
  }
  return false;
}

async function end(server: KeptProcess): Promise<void> {
  server.signal('INT');
  const impatience = setTimeout(() => server.signal('QUIT'), STOP_TIMEOUT_MS);
  await server.ended;
  clearTimeout(impatience);
}

/** Free at this moment: somebody may still take it before Postgres does. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
