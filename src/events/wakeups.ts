import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../config.js';
import { Coalescer } from '../database/coalescer.js';
import { onCommit } from '../database/on-commit.js';
import type { Nudges } from './nudges.js';
import { PostgresNudges } from './nudges.postgres.js';
import { RedisNudges } from './nudges.redis.js';

export interface AppKey {
  projectId: string;
  appId: string;
}

export function wakePayload(app: AppKey): string {
  return `${app.projectId} ${app.appId}`;
}

/** Hears that an app's log has grown, by Postgres or, past a handful of processes, by Redis. */
@Injectable()
export class Wakeups implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly nudges: Nudges;
  private readonly logger = new Logger(Wakeups.name);
  private readonly grown = new Coalescer<true>(
    (apps) => this.nudges.announce([...apps.keys()]),
    // Followers look by themselves every few seconds.
    (error) => this.logger.warn(`could not tell that the log has grown: ${String(error)}`),
  );

  constructor(dataSource: DataSource, config: Config) {
    this.nudges =
      config.REDIS_URL === undefined ? new PostgresNudges(dataSource) : new RedisNudges(config.REDIS_URL);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.nudges.listen((app) => this.wake(app));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.grown.idle();
    await this.nudges.close();
  }

  /** Tells every process of these apps once `tx` has committed; what several transactions have to tell goes together. */
  announce(tx: EntityManager, apps: readonly string[]): void {
    onCommit(tx, () => apps.forEach((app) => this.grown.add(app, true)));
  }

  /** Calls `wake` whenever the app's log may have grown, until the returned function is called. */
  onWake(app: AppKey, wake: () => void): () => void {
    const key = wakePayload(app);
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(wake));
    return () => {
      listeners.delete(wake);
      if (listeners.size === 0 && this.listeners.get(key) === listeners) this.listeners.delete(key);
    };
  }

  private wake(app: string | null): void {
    const woken =
      app === null ? [...this.listeners.values()] : [this.listeners.get(app) ?? new Set<() => void>()];
    for (const listeners of woken) for (const wake of [...listeners]) wake();
  }
}
