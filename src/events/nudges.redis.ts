import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import type { Nudges } from './nudges.js';

const CHANNEL = 'parley:events';
const START_MS = 5_000;

/** Nudges by Redis publish and subscribe. Redis holds nothing that could be lost with it. */
export class RedisNudges implements Nudges {
  private readonly logger = new Logger(RedisNudges.name);
  private readonly publisher;
  private readonly subscriber;

  constructor(url: string) {
    this.publisher = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: 5_000 } });
    this.subscriber = this.publisher.duplicate({ disableOfflineQueue: false });
    const lost = (error: Error): void => this.logger.warn(`Redis cannot be reached: ${error.message}`);
    this.publisher.on('error', lost);
    this.subscriber.on('error', lost);
  }

  async listen(heard: (app: string | null) => void): Promise<void> {
    // After a reconnect the client subscribes again by itself; what was said meanwhile is gone.
    this.subscriber.on('ready', () => heard(null));
    const ready = Promise.all([
      this.publisher.connect(),
      this.subscriber.connect().then(() => this.subscriber.subscribe(CHANNEL, (app) => heard(app))),
    ]);
    ready.catch(() => undefined);
    // Parley works without Redis, only later by seconds: it is no reason not to start.
    await Promise.race([ready, sleep(START_MS, undefined, { ref: false })]);
  }

  /** A nudge that Redis does not take is only late: followers look by themselves every few seconds. */
  async announce(apps: string[]): Promise<void> {
    await Promise.allSettled(apps.map((app) => this.publisher.publish(CHANNEL, app)));
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.publisher.close(), this.subscriber.close()]);
  }
}
