// Several processes of one service, which a test can kill and which come back, and the Redis between them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type ServiceProcess, startService } from './child.js';

const KEY = { projectId: 'processes-project', keyId: 'processes-key', keySecret: 'processes-secret-01234' };

export type Role = 'api' | 'worker';

/** One place for a process, whoever runs there. */
interface Seat {
  role: Role;
  /** Of the one that runs, or ran last. */
  port: number;
  process: ServiceProcess | null;
}

/** The built service in production mode, one process a role, on one database. */
export class Processes {
  readonly authorization = `Basic ${Buffer.from(`${KEY.keyId}:${KEY.keySecret}`).toString('base64')}`;
  readonly projectId = KEY.projectId;
  kills = 0;

  private constructor(
    private readonly entry: string,
    private readonly env: Record<string, string>,
    private readonly seats: readonly Seat[],
  ) {}

  /** @param entry of `buildService`. */
  static async start(
    entry: string,
    roles: readonly Role[],
    settings: Record<string, string>,
  ): Promise<Processes> {
    const env = {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      GRPC_PORT: '0',
      DATABASE_POOL_SIZE: '8',
      PARLEY_DATA_DIR: await mkdtemp(join(tmpdir(), 'parley-processes-')),
      PARLEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PARLEY_BOOTSTRAP_PROJECT_ID: KEY.projectId,
      PARLEY_BOOTSTRAP_KEY_ID: KEY.keyId,
      PARLEY_BOOTSTRAP_KEY_SECRET: KEY.keySecret,
      PARLEY_ALLOW_PRIVATE_TARGETS: '1',
      LOG_LEVEL: 'warn',
      ...settings,
    };
    const seats = roles.map((role): Seat => ({ role, port: 1, process: null }));
    const processes = new Processes(entry, env, seats);
    await Promise.all(seats.map((seat) => processes.occupy(seat)));
    return processes;
  }

  /** The address of an api process, living or dead: nobody who calls knows which. */
  address(): string {
    const seats = this.seats.filter(({ role }) => role === 'api');
    return `http://127.0.0.1:${seats[Math.floor(Math.random() * seats.length)]?.port ?? 1}`;
  }

  /** `kill -9` of one of those that run, whichever; resolves once another has taken its place. */
  async killOne(): Promise<Role> {
    const living = this.seats.filter(({ process }) => process);
    const seat = living[Math.floor(Math.random() * living.length)];
    const process = seat?.process;
    if (!process) throw new Error('there are no processes');
    seat.process = null;
    await process.kill();
    this.kills += 1;
    await this.occupy(seat);
    return seat.role;
  }

  /** What they wrote, for whoever wants to know what went wrong. */
  output(): string {
    return this.seats
      .map(({ role, process }) => `${role}: ${process?.output() ?? 'is not there'}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    for (const { process } of this.seats) await process?.kill();
    await rm(this.env.PARLEY_DATA_DIR ?? '', { recursive: true, force: true });
  }

  private async occupy(seat: Seat): Promise<void> {
    // Another port each time: while nobody listens there, the old one may be taken by somebody who calls.
    const port = await freePort();
    seat.process = await startService(this.entry, {
      ...this.env,
      PORT: String(port),
      PARLEY_ROLES: seat.role,
    });
    seat.port = port;
  }
}

/** Whether this machine has a redis-server of its own. */
export const redisInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis that keeps nothing, on a free port. */
export class Redis {
  private child: ChildProcess;

  private constructor(private readonly port: number) {
    this.child = this.spawn();
  }

  static async start(): Promise<Redis> {
    return new Redis(await freePort());
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** `kill -9`; another takes its place. */
  async replace(): Promise<void> {
    await this.stop();
    this.child = this.spawn();
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  private spawn(): ChildProcess {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    return spawn('redis-server', options, { stdio: 'ignore' });
  }
}
