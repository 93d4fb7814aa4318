// What receivers verify with: the public libraries and the vendor's own SDK, on what really arrives, also while a secret is rotated.
import { ConversationCallbackWebhooks } from '@sinch/sdk-core';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Webhook } from '../../src/webhooks/webhook.entity.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../support/receiver.js';
import { inbound, keyOf, PROJECT_ID, WebhookBench, type Worker } from '../support/webhooks.js';

const HOUR = 3_600_000;

let bench: WebhookBench;
let receiver: Receiver;
let worker: Worker;
let appId: string;

beforeAll(async () => {
  bench = await WebhookBench.start();
});
beforeEach(async () => {
  bench.clock.reset();
  [receiver, worker, appId] = await Promise.all([startReceiver(), bench.worker(), bench.app()]);
});
afterEach(() => receiver.close());
afterAll(() => bench.stop());

interface Verifier {
  name: string;
  verifies: (request: ReceivedRequest, secret: string) => boolean;
}

const bytes = (secret: string): Uint8Array => new TextEncoder().encode(secret);
const STANDARD: Verifier = {
  name: 'standardwebhooks',
  verifies: ({ body, headers }, secret) =>
    passes(() => new StandardWebhook(bytes(secret), { format: 'raw' }).verify(body, flat(headers))),
};
const SVIX: Verifier = {
  name: 'svix',
  verifies: ({ body, headers }, secret) =>
    passes(() => new SvixWebhook(bytes(secret), { format: 'raw' }).verify(body, flat(headers))),
};
const VENDOR: Verifier = {
  name: "the vendor's SDK",
  verifies: ({ body, headers }, secret) =>
    new ConversationCallbackWebhooks(secret).validateAuthenticationHeader(headers, body, '/', 'POST'),
};

function passes(verify: () => unknown): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}

function flat(headers: ReceivedRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** What arrives of the next event. */
async function next(webhook: Webhook): Promise<ReceivedRequest> {
  const before = receiver.requests.length;
  await bench.record(inbound(appId, 'a', 'é 🎈 "quoted" \u2028'));
  await worker.dispatcher.deliver(keyOf(webhook));
  expect(receiver.requests).toHaveLength(before + 1);
  return receiver.requests.at(-1) as ReceivedRequest;
}
const update = (webhook: Webhook, input: object): Promise<Webhook> =>
  bench.service.update(PROJECT_ID, webhook.id, input);

describe.each([STANDARD, SVIX, VENDOR])('$name', ({ verifies }) => {
  test.each(['s3cret', 'with spaces & ünïcode 🎈', 'whsec_not+base64=', 'x'.repeat(256)])(
    'verifies with the secret %j that was given, and with no other',
    async (secret) => {
      const request = await next(await bench.webhook(appId, receiver.url, { secret }));
      expect(verifies(request, secret)).toBe(true);
      expect(verifies(request, `${secret}.`)).toBe(false);
      expect(verifies({ ...request, body: `${request.body} ` }, secret)).toBe(false);
    },
  );

  test('verifies every attempt and a replay', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 's3cret' });
    receiver.answer(() => 500);
    const first = await next(webhook);
    receiver.answer(() => 200);
    bench.clock.advance(10_000);
    await worker.dispatcher.deliver(keyOf(webhook));
    bench.clock.reset();
    await bench.replayAll(webhook);
    await worker.dispatcher.deliver(keyOf(webhook));
    expect(receiver.requests).toHaveLength(3);
    expect(receiver.requests.map((request) => verifies(request, 's3cret'))).toEqual([true, true, true]);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([first.headers['webhook-id']]),
    );
  });
});

describe('a rotation', () => {
  test.each([STANDARD, SVIX])(
    'leaves no gap for receivers with $name: old and new secret verify until it ends',
    async ({ verifies }) => {
      const webhook = await bench.webhook(appId, receiver.url, { secret: 'old' });
      const rotated = await update(webhook, { secret: 'new' });
      const during = await next(webhook);
      expect([verifies(during, 'old'), verifies(during, 'new'), verifies(during, 'other')]).toEqual([
        true,
        true,
        false,
      ]);
      const end = rotated.previousUntil?.getTime() ?? 0;
      expect(Math.round((end - Date.now()) / HOUR)).toBe(24);
      await bench.dataSource.query(`UPDATE webhooks SET previous_until = now() WHERE id = $1`, [webhook.id]);
      const after = await next(webhook);
      expect([verifies(after, 'old'), verifies(after, 'new')]).toEqual([false, true]);
    },
  );

  test("has the API's own header, which holds one signature, by the newest secret from the beginning", async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 'old' });
    await update(webhook, { secret: 'new' });
    const during = await next(webhook);
    expect([VENDOR.verifies(during, 'old'), VENDOR.verifies(during, 'new')]).toEqual([false, true]);
  });

  test('lasts as long as is asked for, and not at all when the old secret is known to others', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 'old' });
    const short = await update(webhook, { secret: 'new', previousSecretSeconds: 60 });
    expect((short.previousUntil?.getTime() ?? 0) - Date.now()).toBeLessThan(61_000);
    await update(webhook, { secret: 'newer', previousSecretSeconds: 0 });
    const request = await next(webhook);
    expect(['old', 'new', 'newer'].filter((secret) => STANDARD.verifies(request, secret))).toEqual(['newer']);
  });

  test('can be ended before its time, and is not lost when the same secret is given again', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 'old' });
    await update(webhook, { secret: 'new' });
    await update(webhook, { secret: 'new' });
    expect(STANDARD.verifies(await next(webhook), 'old')).toBe(true);
    await update(webhook, { previousSecretSeconds: 0 });
    expect(STANDARD.verifies(await next(webhook), 'old')).toBe(false);
  });

  test('knows two secrets: a third one ends the first, and none ends both', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 'first' });
    await update(webhook, { secret: 'second' });
    await update(webhook, { secret: 'third' });
    const request = await next(webhook);
    const verifying = ['first', 'second', 'third'].filter((secret) => STANDARD.verifies(request, secret));
    expect(verifying).toEqual(['second', 'third']);
    expect((await update(webhook, { secret: null })).previousSecret).toBe('');
    expect((await next(webhook)).headers).not.toHaveProperty('webhook-signature');
  });

  test('keeps both secrets encrypted', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 'very old secret' });
    const { secret, previousSecret } = await update(webhook, { secret: 'very new secret' });
    expect(`${secret} ${previousSecret}`).not.toMatch(/very/);
    expect(previousSecret).not.toBe('');
  });
});
