// The built service as processes of their own, which a test can kill.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '../..');
/** Apart from `dist`, which may be older than the sources or in use. */
const OUT = join(ROOT, 'node_modules/.cache/parley-built');

/** Compiles the service; what has not changed since the last time costs nothing. Returns the entry. */
export async function buildService(): Promise<string> {
  mkdirSync(OUT, { recursive: true });
  if (!existsSync(join(OUT, 'proto'))) symlinkSync(join(ROOT, 'proto'), join(OUT, 'proto'));
  writeFileSync(join(OUT, 'package.json'), '{ "type": "module" }\n');
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = [
    '-p',
    join(ROOT, 'tsconfig.build.json'),
    '--outDir',
    OUT,
    '--tsBuildInfoFile',
    join(OUT, 'tsbuildinfo'),
  ];
  await alone(
    () =>
      new Promise<void>((done, fail) => {
        execFile(process.execPath, [compiler, ...options], (error, stdout) =>
          error ? fail(new Error(`the service does not compile:\n${stdout}`)) : done(),
        );
      }),
  );
  return join(OUT, 'src/main.js');
}

/** One at a time: a service must not start from files that another test's compiler is writing. */
async function alone(work: () => Promise<void>): Promise<void> {
  const lock = join(OUT, 'lock');
  while (!taken(lock)) await delay(100);
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function taken(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!holds(lock)) rmSync(lock, { force: true });
    return false;
  }
}

/** Whether the process that has the lock is still there. */
function holds(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

export interface ServiceProcess {
  child: ChildProcess;
  /** What it wrote so far. */
  output(): string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Starts the service and waits until it says that it is ready. */
export async function startService(entry: string, env: Record<string, string>): Promise<ServiceProcess> {
  const child = spawn(process.execPath, ['--enable-source-maps', entry], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const ready = new Promise<void>((done) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('Parley is ready')) done();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
  });
  await Promise.race([
    ready,
    exited.then(([code]) => {
      throw new Error(`the service ended with ${code} before it was ready:\n${output}`);
    }),
  ]);
  return {
    child,
    output: () => output,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
  };
}

/** A port that is free now, for a service that comes back under its old address. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
