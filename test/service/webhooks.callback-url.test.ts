// Sends that name a callback URL of their own: their reports go there, and nowhere else.
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { NewEvent } from '../../src/events/event.js';
import { WebhookTrigger } from '../../src/webhooks/trigger.js';
import type { Webhook } from '../../src/webhooks/webhook.entity.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { event, inbound, keyOf, PROJECT_ID, WebhookBench, type Worker } from '../support/webhooks.js';

let bench: WebhookBench;
let receiver: Receiver;
let worker: Worker;
let appId: string;
let everything: Webhook;

beforeAll(async () => {
  bench = await WebhookBench.start();
});
beforeEach(async () => {
  bench.clock.reset();
  [receiver, worker, appId] = await Promise.all([startReceiver(), bench.worker(), bench.app()]);
  everything = await bench.webhook(appId, `${receiver.url}/webhook`, {
    secret: 'of the webhook',
    triggers: [
      WebhookTrigger.MESSAGE_INBOUND,
      WebhookTrigger.MESSAGE_DELIVERY,
      WebhookTrigger.MESSAGE_SUBMIT,
      WebhookTrigger.EVENT_DELIVERY,
    ],
  });
});
afterEach(() => receiver.close());
afterAll(() => bench.stop());

const sent = (status: string, callbackUrl: string | null, contactId = 'a'): Record<string, unknown> => ({
  ...{ id: `message of ${contactId}`, appId, contactId, conversationId: `conversation-of-${contactId}` },
  ...{
    direction: 'TO_CONTACT',
    channel: 'MESSENGER',
    identity: contactId,
    sentBy: 'API',
    status,
    callbackUrl,
  },
  content: { text_message: { text: 'hi' } },
  metadata: 'mine',
});
const report = (status: string, callbackUrl: string | null, contactId = 'a'): NewEvent =>
  event(appId, contactId, 'message.updated', {
    message: sent(status, callbackUrl, contactId),
    conversation: {},
    status: { at: null, reason: null },
  });

/** Has everything delivered that waits, and gives back where it went. */
async function drained(): Promise<string[]> {
  const origins = await bench.service.callbackOrigins(PROJECT_ID, appId);
  for (const webhook of [everything, ...origins]) await worker.dispatcher.deliver(keyOf(webhook));
  return receiver.requests.map(({ path }) => path);
}
const origin = async (): Promise<Webhook> =>
  (await bench.service.callbackOrigins(PROJECT_ID, appId))[0] as Webhook;
const bodyKeys = (): string[] =>
  receiver.requests.map(({ json }) => Object.keys(json ?? {}).at(-1) ?? 'nothing');

test('reports of a message and of an event go to the URL of the send instead of to the webhooks', async () => {
  await bench.record(
    report('QUEUED_ON_CHANNEL', `${receiver.url}/mine?of=1`),
    event(appId, 'a', 'event.updated', {
      event: sent('FAILED', `${receiver.url}/mine?of=2`),
      conversation: {},
    }),
  );
  expect(await drained()).toEqual(['/mine?of=1', '/mine?of=2']);
  expect(bodyKeys()).toEqual(['message_delivery_report', 'event_delivery_report']);
});

test('whatever is no report goes to the webhooks, and so do reports of other sends', async () => {
  const url = `${receiver.url}/mine`;
  await bench.record(
    event(appId, 'a', 'message.submitted', { message: sent('QUEUED_ON_CHANNEL', url) }),
    report('QUEUED_ON_CHANNEL', url),
    report('DELIVERED', null),
    inbound(appId, 'a', 'hello'),
  );
  expect(await drained()).toEqual(['/webhook', '/webhook', '/webhook', '/mine']);
  expect(bodyKeys()).toEqual([
    'message_submit_notification',
    'message_delivery_report',
    'message',
    'message_delivery_report',
  ]);
});

test('they need no webhook at all, and come in order', async () => {
  await bench.service.delete(PROJECT_ID, everything.id);
  for (const status of ['QUEUED_ON_CHANNEL', 'DELIVERED', 'READ'])
    await bench.record(report(status, `${receiver.url}/mine`));
  await drained();
  const statuses = receiver.requests.map(
    ({ json }) => (json as { message_delivery_report: { status: string } }).message_delivery_report.status,
  );
  expect(statuses).toEqual(['QUEUED_ON_CHANNEL', 'DELIVERED', 'READ']);
});

test("they are unsigned, or signed by the app's own secret for such URLs", async () => {
  await bench.record(report('DELIVERED', `${receiver.url}/mine`));
  await drained();
  expect(receiver.requests.at(-1)?.headers).not.toHaveProperty('webhook-signature');
  await bench.callbackSecret(appId, 'of the app');
  await bench.record(report('READ', `${receiver.url}/mine`));
  await drained();
  const { body = '', headers = {} } = receiver.requests.at(-1) ?? {};
  const plain = headers as Record<string, string>;
  expect(new StandardWebhook('of the app', { format: 'raw' }).verify(body, plain)).toBeTruthy();
  expect(() => new StandardWebhook('of the webhook', { format: 'raw' }).verify(body, plain)).toThrow();
});

test('URLs of one server share its health, one row however many there are', async () => {
  receiver.answer((_request, response) => void response.destroy());
  const urls = Array.from({ length: 40 }, (_, number) => `${receiver.url}/of/${number}`);
  await bench.record(...urls.map((url, number) => report('DELIVERED', url, `person ${number}`)));
  const before = await drained();
  expect(await bench.service.callbackOrigins(PROJECT_ID, appId)).toHaveLength(1);
  expect(before.length).toBeLessThan(40);
  const { pausedUntil, target } = await origin();
  expect([target, pausedUntil !== null]).toEqual([receiver.url, true]);
  receiver.answer(() => 200);
  bench.clock.advance(60_000);
  await drained();
  const paths = new Set(receiver.requests.map(({ path }) => path));
  expect([...paths].sort()).toEqual(urls.map((url) => new URL(url).pathname).sort());
  expect((await bench.deliveries(await origin())).map(({ status }) => status)).toEqual(
    urls.map(() => 'DELIVERED'),
  );
});

test('a URL that is gone costs its own reports only', async () => {
  receiver.answer(({ path }) => (path === '/gone' ? 410 : 200));
  await bench.record(
    report('DELIVERED', `${receiver.url}/gone`, 'a'),
    report('DELIVERED', `${receiver.url}/here`, 'b'),
  );
  await drained();
  expect((await bench.deliveries(await origin())).map(({ status }) => status).sort()).toEqual([
    'DEAD',
    'DELIVERED',
  ]);
  expect((await origin()).disabledAt).toBeNull();
});

test('origins are neither listed nor counted as webhooks, nor changed or deleted as such', async () => {
  await bench.record(report('DELIVERED', `${receiver.url}/mine`));
  const { id } = await origin();
  expect((await bench.service.list(PROJECT_ID, appId)).map((webhook) => webhook.id)).toEqual([everything.id]);
  for (const number of [1, 2, 3, 4]) await bench.webhook(appId, `${receiver.url}/${number}`);
  await expect(bench.webhook(await bench.app(), receiver.url)).resolves.toBeDefined();
  const notFound = { code: 'NOT_FOUND' };
  await expect(bench.service.update(PROJECT_ID, id, {})).rejects.toMatchObject(notFound);
  await expect(bench.service.delete(PROJECT_ID, id)).rejects.toMatchObject(notFound);
  await expect(bench.service.get(PROJECT_ID, id)).rejects.toMatchObject(notFound);
  const { items } = await bench.service.deliveries(PROJECT_ID, id, {}, {});
  expect(items.map(({ node }) => node.url)).toEqual([`${receiver.url}/mine`]);
});

test('a replay of a webhook leaves them out', async () => {
  await bench.record(report('DELIVERED', `${receiver.url}/mine`), report('DELIVERED', null));
  await drained();
  receiver.requests.length = 0;
  expect(await bench.replayAll(everything)).toBe(1);
  expect(await drained()).toEqual(['/webhook']);
});

test('transactions that name the same new server at the same time agree on one row', async () => {
  const reports = Array.from({ length: 8 }, (_, number) =>
    report('DELIVERED', `${receiver.url}/mine`, `person ${number}`),
  );
  await Promise.all(reports.map((one) => bench.record(one)));
  expect(await bench.service.callbackOrigins(PROJECT_ID, appId)).toHaveLength(1);
  expect(await drained()).toHaveLength(8);
});
