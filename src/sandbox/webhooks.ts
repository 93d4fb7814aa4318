import { createHmac, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Agent, request } from 'undici';
import type { JsonObject } from './judge/rules.js';
import type { Callback, FailedWebhook, Page } from './pages.js';
import { fieldOf } from './subscription.fields.js';

const TIMEOUT = 10_000;
const MAX_WAITING = 5_000;
const MAX_FAILED = 100;

/** What became of a webhook: the last status, or why it was never or not successfully posted. */
export interface Delivery {
  status: number | null;
  attempts: number;
  reason?: string;
}

/** Posts to the pages' callbacks as Meta does; the webhooks of one page go out one after another. */
@Injectable()
export class Webhooks implements OnModuleDestroy {
  private readonly agent = new Agent();
  private readonly stopped = new AbortController();
  private readonly queues = new WeakMap<Page, { tail: Promise<unknown>; waiting: number }>();

  async onModuleDestroy(): Promise<void> {
    this.stopped.abort();
    await this.agent.destroy();
  }

  /** Queues one event; resolves once it is acknowledged or given up, and never rejects. */
  async post(page: Page, item: JsonObject): Promise<Delivery> {
    const field = fieldOf(item);
    if (!page.callback) return { status: null, attempts: 0, reason: 'the page has no callback' };
    if (field !== undefined && !page.fields.has(field)) {
      return { status: null, attempts: 0, reason: `the page is not subscribed to ${field}` };
    }
    const body = metaJson({ object: 'page', entry: [{ time: Date.now(), id: page.id, messaging: [item] }] });
    return this.enqueue(page, async (waiting) => {
      const delivery =
        waiting > MAX_WAITING
          ? { status: null, attempts: 0, reason: 'too many webhooks are waiting' }
          : await this.deliver(page, body);
      if (delivery.status !== 200) fail(page, { field, body, delivery });
      return delivery;
    });
  }

  /**
   * Meta's verification request.
   * @returns why it failed, or nothing
   */
  async verify(callback: Callback): Promise<string | undefined> {
    const challenge = String(randomInt(1e8, 2 ** 31));
    const url = new URL(callback.url);
    url.searchParams.set('hub.mode', 'subscribe');
    url.searchParams.set('hub.challenge', challenge);
    url.searchParams.set('hub.verify_token', callback.verifyToken ?? '');
    try {
      const answer = await request(url, { dispatcher: this.agent, signal: this.deadline() });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) return `HTTP status ${answer.statusCode}`;
      return text === challenge ? undefined : 'the answer is not the challenge';
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** Verifies in the page's queue, so that events wait for the outcome; tries again, as people do in the dashboard. */
  verifyLater(page: Page, callback: Callback): void {
    void this.enqueue(page, async () => {
      for (const delay of [0, ...page.settings.retry_delays_ms]) {
        await this.pause(delay);
        callback.error = await this.verify(callback);
        if (callback.error === undefined || this.stopped.signal.aborted) break;
      }
      callback.state = callback.error === undefined ? 'ready' : 'refused';
    });
  }

  private async enqueue<T>(page: Page, job: (waiting: number) => Promise<T>): Promise<T> {
    const queue = this.queues.get(page) ?? { tail: Promise.resolve(), waiting: 0 };
    this.queues.set(page, queue);
    const waiting = ++queue.waiting;
    const run = waiting > MAX_WAITING ? job(waiting) : queue.tail.then(() => job(waiting));
    if (waiting <= MAX_WAITING) queue.tail = run;
    return run.finally(() => --queue.waiting);
  }

  private async deliver(page: Page, body: string): Promise<Delivery> {
    let delivery: Delivery = { status: null, attempts: 0 };
    if (page.callback?.state === 'refused') {
      return { ...delivery, reason: `the callback was not verified: ${page.callback.error ?? ''}` };
    }
    for (let copy = 0; copy < page.settings.copies; copy++) delivery = await this.deliverOnce(page, body);
    return delivery;
  }

  private async deliverOnce(page: Page, body: string): Promise<Delivery> {
    const delays = [0, ...page.settings.retry_delays_ms];
    let delivery: Delivery = { status: null, attempts: 0 };
    for (const [index, delay] of delays.entries()) {
      await this.pause(delay);
      if (this.stopped.signal.aborted) return { ...delivery, reason: 'the sandbox stopped' };
      delivery = { ...(await this.attempt(page, body)), attempts: index + 1 };
      if (delivery.status === 200) break;
    }
    return delivery;
  }

  private async attempt(page: Page, body: string): Promise<Omit<Delivery, 'attempts'>> {
    const { callback } = page;
    if (!callback) return { status: null, reason: 'the page has no callback' };
    try {
      const answer = await request(callback.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signatures(body, page.appSecret) },
        body,
        dispatcher: this.agent,
        signal: this.deadline(),
      });
      await answer.body.dump();
      const status = answer.statusCode;
      return status === 200 ? { status } : { status, reason: `HTTP status ${status}` };
    } catch (error) {
      return { status: null, reason: reasonOf(error) };
    }
  }

  private deadline(): AbortSignal {
    return AbortSignal.any([this.stopped.signal, AbortSignal.timeout(TIMEOUT)]);
  }

  private async pause(delay: number): Promise<void> {
    if (delay > 0)
      await sleep(delay, undefined, { signal: this.stopped.signal, ref: false }).catch(() => undefined);
  }
}

function fail(page: Page, what: { field: string | undefined; body: string; delivery: Delivery }): void {
  const failed: FailedWebhook = {
    at: new Date().toISOString(),
    field: what.field,
    attempts: what.delivery.attempts,
    reason: what.delivery.reason ?? 'unknown',
    body: what.body,
  };
  page.failedWebhooks.push(failed);
  if (page.failedWebhooks.length > MAX_FAILED) page.failedWebhooks.shift();
}

/** JSON as Meta writes it, which the signature is over: lower-case `\uXXXX` for non-ASCII, and `\/`. */
export function metaJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^\0-\x7f]|\//g, (character) =>
    character === '/' ? '\\/' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function signatures(body: string, appSecret: string | undefined): Record<string, string> {
  if (appSecret === undefined) return {};
  const hmac = (algorithm: string) => createHmac(algorithm, appSecret).update(body).digest('hex');
  return { 'x-hub-signature': `sha1=${hmac('sha1')}`, 'x-hub-signature-256': `sha256=${hmac('sha256')}` };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
