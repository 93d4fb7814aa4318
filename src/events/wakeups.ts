import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';

/** Postgres channel of the nudges; their text names the app, nothing else. */
export const EVENTS_CHANNEL = 'parley_events';

export interface AppKey {
  projectId: string;
  appId: string;
}

export function wakePayload(app: AppKey): string {
  return `${app.projectId} ${app.appId}`;
}

const RECONNECT_MS = 500;

/**
 * Hears from Postgres that an app's log has grown. A nudge may be missed (a lost connection), so a reader must not rely on it
 * alone: after a reconnect everybody is woken.
 */
@Injectable()
export class Wakeups implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Wakeups.name);
  private readonly listeners = new Map<string, Set<() => void>>();
  private client: pg.Client | null = null;
  private closing = false;

  constructor(private readonly dataSource: DataSource) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.listen();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    await this.client?.end().catch(() => undefined);
  }

  /** Calls `wake` whenever the app's log may have grown, until the returned function is called. */
  onWake(app: AppKey, wake: () => void): () => void {
    const key = wakePayload(app);
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(wake));
    return () => {
      listeners.delete(wake);
      if (listeners.size === 0) this.listeners.delete(key);
    };
  }

  /** Connects with a connection of its own: LISTEN belongs to a session, a pooled one would lose it. */
  private async listen(): Promise<void> {
    const { url } = this.dataSource.options as { url: string };
    const client = new pg.Client({
      connectionString: url,
      application_name: 'parley wake-ups',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    client.on('end', () => {
      if (this.closing || this.client !== client) return;
      this.logger.warn('lost the connection that hears of new events, reconnecting');
      this.client = null;
      void this.reconnect();
    });
    client.on('notification', ({ payload }) => this.listeners.get(payload ?? '')?.forEach((wake) => wake()));
    await client.connect();
    await client.query(`LISTEN ${EVENTS_CHANNEL}`);
    this.client = client;
  }

  private async reconnect(): Promise<void> {
    while (!this.closing && !this.client) {
      try {
        await this.listen();
        for (const listeners of this.listeners.values()) listeners.forEach((wake) => wake());
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    }
  }
}
