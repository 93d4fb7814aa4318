// A child process that cannot outlive us, whatever ends us: a tiny shell keeps it, and the shell's input is a pipe from here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The account a child runs as; without one, ours. */
export interface Account {
  uid: number;
  gid: number;
}

export interface KeptProcess {
  /** Exit status (128 and the number for a signal), once the process and all it started are gone. Never rejects. */
  readonly ended: Promise<number>;
  running(): boolean;
  signal(name: 'INT' | 'QUIT'): void;
  /** The last lines it wrote. */
  tail(): string;
}

// Each line of input is a signal to pass on; the end of input (we closed it, or we are dead) asks for a fast shutdown.
// It asks until it is heard: what a shell starts with & ignores SIGINT until it has set up a handler of its own.
const KEEPER = `
exec 2>&1 3<&0 </dev/null
"$@" 3<&- &
child=$!
{ while read -r signal; do kill -"$signal" $child; done; while kill -INT $child; do sleep 0.2; done; } <&3 >/dev/null 2>&1 &
watcher=$!
wait $child
status=$?
kill $watcher 2>/dev/null
wait $watcher 2>/dev/null
exit $status`;

// $1 is a file that exists while the server runs; the rest goes once it has gone, or after half a minute anyway.
const SWEEPER = `
while read -r line; do :; done
running=$1
shift
tries=0
while [ $tries -lt 150 ] && { [ -e "$running" ] || ! rm -rf "$@"; }; do tries=$((tries + 1)); sleep 0.2; done
rm -rf "$@"`;

const TAIL_LINES = 20;

/** Starts a command in a session of its own, so that Ctrl-C in the terminal reaches only us. */
export function spawnKept(
  command: string,
  args: string[],
  options: { account?: Account; onLog?: (line: string) => void } = {},
): KeptProcess {
  const child = spawn('/bin/sh', ['-c', KEEPER, 'sh', command, ...args], {
    ...options.account,
    detached: true,
    cwd: '/', // the account may not be able to enter our working directory
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, // no PG* variable of ours may reach it; messages in English
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (lines.length > TAIL_LINES) lines.shift();
    options.onLog?.(line);
  });
  child.stdin.on('error', () => undefined); // it ended while we wrote; 'ended' tells
  let running = true;
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => lines.push(error.message));
    child.once('close', (status) => {
      running = false;
      resolve(status ?? 1);
    });
  });
  return {
    ended,
    running: () => running,
    signal: (name) => child.stdin.write(`${name}\n`),
    tail: () => lines.join('\n'),
  };
}

/**
 * Deletes `folders` when the function it answers is called, or when we die: as soon as `runningFile` is gone.
 * Runs as us, not as the server's account, which may not delete its own top folder.
 */
export function sweepAtEnd(runningFile: string, folders: string[]): () => Promise<void> {
  const child = spawn('/bin/sh', ['-c', SWEEPER, 'sh', runningFile, ...folders], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(child, 'close');
  return async () => {
    child.stdin.end();
    await ended;
  };
}
