// One starter at a time: a file made with O_EXCL that holds the starter's pid.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** A start takes seconds; a lock of this age was left behind and its pid belongs to somebody else by now. */
const STALE_MS = 120_000;

const heldHere = new Set<string>();

/** Takes the lock and answers how to release it, or undefined while another holds it. */
export function tryLock(path: string): (() => void) | undefined {
  // Two that clear the same stale lock at once may both go on. That does no harm: the home appears by one
  // rename and Postgres has a lock of its own, so one of them finds the other's server and joins it.
  if (isStale(path)) rmSync(path, { force: true });
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  heldHere.add(path);
  return () => {
    heldHere.delete(path);
    rmSync(path, { force: true });
  };
}

function isStale(path: string): boolean {
  try {
    const holder = Number(readFileSync(path, 'utf8'));
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
    if (holder === process.pid) return !heldHere.has(path);
    return holder > 0 && !isAlive(holder);
  } catch {
    return false; // released just now
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
