import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS = 60_000;
/** Parley gives what is in flight 10 seconds. */
const STOP_MS = 12_000;
const TAIL_LINES = 20;
const LEASH = new URL('leash.js', import.meta.url).href;

const running = new Set<Child>();
const death = Promise.withResolvers<never>();

/** Rejects when one of them ends before it was stopped. */
export const childDied: Promise<never> = death.promise;

/** Stops every process that still runs. */
export async function stopChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop()));
}

/** The last lines of those that wrote more than that they are ready: what went wrong, when something did. */
export function lastOutput(): string {
  return [...running]
    .map((child) => child.output())
    .filter((text) => text !== '')
    .join('\n');
}

/** A compiled script of ours in a Node process of its own. */
export class Child {
  private readonly ended: Promise<unknown>;
  private readonly tail: string[] = [];
  private stopping = false;

  private constructor(
    private readonly name: string,
    private readonly process: ChildProcess,
  ) {
    running.add(this);
    this.ended = once(process, 'exit').then(([code, signal]: (string | number | null)[]) => {
      running.delete(this);
      if (!this.stopping)
        death.reject(new Error(`${name} ended by itself (${signal ?? code}): ${this.output()}`));
    });
  }

  /**
   * Starts `script` and waits for a line of its output that matches `ready`.
   * @param env its whole environment, but for PATH and HOME: what is set for the bench itself must not change what is measured.
   * @throws Error with the last lines of output when it ends, or takes too long, before it is ready.
   */
  static async start(
    script: URL,
    env: Record<string, string>,
    ready: RegExp,
    nodeOptions: string[] = [],
  ): Promise<{ child: Child; match: RegExpExecArray }> {
    const { PATH = '', HOME = '' } = process.env;
    const spawned = fork(script, {
      env: { PATH, HOME, ...env },
      execArgv: [...nodeOptions, '--import', LEASH],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const child = new Child(script.pathname.split('/').at(-1) ?? '', spawned);
    try {
      return { child, match: await child.line(ready) };
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  /** Asks the process to end, and makes it end when it does not. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGTERM');
    const impatience = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(impatience);
  }

  /** What it wrote last. */
  output(): string {
    return this.tail.join('\n');
  }

  private async line(pattern: RegExp): Promise<RegExpExecArray> {
    const { stdout } = this.process;
    if (!stdout) throw new Error(`${this.name} has no output`);
    const found = new Promise<RegExpExecArray>((resolve) => {
      createInterface({ input: stdout }).on('line', (line) => {
        const match = pattern.exec(line);
        if (match) return resolve(match);
        this.tail.push(line);
        if (this.tail.length > TAIL_LINES) this.tail.shift();
      });
    });
    const match = await Promise.race([
      found,
      this.ended.then(() => null),
      delay(START_MS, null, { ref: false }),
    ]);
    if (!match) throw new Error(`${this.name} did not become ready: ${this.output()}`);
    return match;
  }
}
