import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Config } from '../../src/config.js';
import { encodePosition } from '../../src/events/cursor.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import { DeliveryRetention } from '../../src/webhooks/retention.js';
import { WebhookTrigger } from '../../src/webhooks/trigger.js';
import type { Webhook } from '../../src/webhooks/webhook.entity.js';
import { eventually } from '../support/eventually.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../support/receiver.js';
import { event, inbound, keyOf, PROJECT_ID, WebhookBench, type Worker } from '../support/webhooks.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

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

function textOf({ json }: ReceivedRequest): string {
  const { message } = json as { message: { contact_message: { text_message: { text: string } } } };
  return message.contact_message.text_message.text;
}
const texts = (): string[] => receiver.requests.map(textOf);
const drain = (webhook: Webhook): Promise<void> => worker.dispatcher.deliver(keyOf(webhook));
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe('enqueueing', () => {
  test('an event and its deliveries are one transaction: none without the other', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    await expect(
      bench.dataSource.transaction(async (tx) => {
        await bench.log.record(tx, [inbound(appId, 'a', 'lost')]);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await bench.deliveries(webhook)).toEqual([]);
    expect(await bench.job(webhook)).toBeNull();

    await bench.record(inbound(appId, 'a', 'kept'));
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'PENDING', attempts: 0 }]);
    expect(await bench.job(webhook)).not.toBeNull();
  });

  test('a row for each webhook of the app that has the trigger, is HTTP and not disabled', async () => {
    const wanting = await bench.webhook(appId, `${receiver.url}/a`);
    const also = await bench.webhook(appId, `${receiver.url}/b`);
    const others = await Promise.all([
      bench.webhook(appId, `${receiver.url}/c`, { triggers: [WebhookTrigger.MESSAGE_DELIVERY] }),
      bench.webhook(appId, `${receiver.url}/d`, { targetType: 'DISMISS' }),
      bench.webhook(appId, `${receiver.url}/e`),
      bench.webhook(await bench.app(), receiver.url),
    ]);
    await bench.dataSource.query(`UPDATE webhooks SET disabled_at = now() WHERE id = $1`, [others[2]?.id]);
    await bench.record(inbound(appId, 'a', '1'), inbound(appId, 'a', '2'));
    expect((await bench.deliveries(wanting)).map(({ status }) => status)).toEqual(['PENDING', 'PENDING']);
    const [rows, again] = [await bench.deliveries(wanting), await bench.deliveries(also)];
    expect(again.map(({ event_id }) => event_id)).toEqual(rows.map(({ event_id }) => event_id));
    expect(new Set([...rows, ...again].map(({ id }) => id)).size).toBe(4);
    for (const webhook of others) expect(await bench.deliveries(webhook)).toEqual([]);
  });

  test('events that nobody can want cost no statement', async () => {
    await bench.webhook(appId, receiver.url);
    const statements = async (kind: 'conversation.updated' | 'conversation.stopped'): Promise<number> =>
      bench.dataSource.transaction(async (tx) => {
        const query = vi.spyOn(tx, 'query');
        await bench.log.record(tx, [event(appId, 'a', kind, { conversation: {} })]);
        return query.mock.calls.length;
      });
    expect((await statements('conversation.stopped')) - (await statements('conversation.updated'))).toBe(1);
  });
});

describe('delivering', () => {
  test('a signed body arrives, and what the target said of it is kept', async () => {
    const webhook = await bench.webhook(appId, `${receiver.url}/hook?x=1`, { secret: 'a secret' });
    receiver.answer(() => ({ status: 202, body: 'thänks\0'.repeat(500) }));
    await bench.record(inbound(appId, 'a', 'hi'));
    await drain(webhook);

    const [request] = receiver.requests;
    const [delivery] = await bench.deliveries(webhook);
    expect(request).toMatchObject({ method: 'POST', path: '/hook?x=1' });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^Parley\//),
      'x-sinch-webhook-signature-algorithm': 'HmacSHA256',
      'webhook-id': delivery?.event_id,
    });
    const verifier = new StandardWebhook('a secret', { format: 'raw' });
    const headers = request?.headers as Record<string, string>;
    expect(verifier.verify(request?.body ?? '', headers)).toMatchObject({
      app_id: appId,
      project_id: PROJECT_ID,
    });
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempts: 1, response_code: 202, error: null });
    expect(delivery?.response_head).toMatch(/^thänksthänks/);
    expect(Buffer.byteLength(delivery?.response_head ?? '')).toBeLessThanOrEqual(1_024);
    expect(delivery?.duration_ms).toBeGreaterThanOrEqual(0);
  });

  test('a conversation is told in order while others go side by side', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const people = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
    let [under, most] = [0, 0];
    receiver.answer(async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      under -= 1;
      return 200;
    });
    for (const round of numbers(20))
      await bench.record(...people.map((who) => inbound(appId, who, `${who}${round}`)));
    await drain(webhook);

    for (const who of people) {
      expect(texts().filter((text) => text.startsWith(who))).toEqual(
        numbers(20).map((round) => `${who}${round}`),
      );
    }
    expect(receiver.requests).toHaveLength(200);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  test('what becomes of a person is told in order: contact, conversation, message', async () => {
    const { CONTACT_CREATE, CONVERSATION_START, MESSAGE_INBOUND } = WebhookTrigger;
    const webhook = await bench.webhook(appId, receiver.url, {
      triggers: [CONTACT_CREATE, CONVERSATION_START, MESSAGE_INBOUND],
    });
    await bench.record(
      event(appId, 'a', 'contact.created', { contact: { id: 'a' } }),
      event(appId, 'a', 'conversation.started', { conversation: { id: 'c' } }),
      inbound(appId, 'a', 'hi'),
    );
    receiver.answer(() => new Promise((resolve) => setTimeout(() => resolve(200), 20)));
    await drain(webhook);
    expect(receiver.requests.map(({ json }) => Object.keys(json ?? {}).at(-1))).toEqual([
      'contact_create_notification',
      'conversation_start_notification',
      'message',
    ]);
  });

  test('one slow conversation holds up no other, also not what comes while it waits', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    receiver.answer(async (request) => {
      if (textOf(request).startsWith('slow')) await slow;
      return 200;
    });
    await bench.record(
      inbound(appId, 'a', 'slow 1'),
      inbound(appId, 'a', 'slow 2'),
      inbound(appId, 'b', 'quick'),
    );
    const running = drain(webhook);
    await receiver.waitFor(() => texts().includes('quick'));
    await bench.record(inbound(appId, 'c', 'later'));
    await receiver.waitFor(() => texts().includes('later'));
    expect(texts()).not.toContain('slow 2');
    release();
    await running;
    expect(texts().at(-1)).toBe('slow 2');
  });

  test('a job that comes while the webhook is drained is not lost', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(async () => {
      await bench.dataSource.query(`SELECT graphile_worker.remove_job($1)`, [`deliver:${webhook.id}`]);
      await drain(webhook);
      return 200;
    });
    await bench.record(inbound(appId, 'a', 'hi'));
    await drain(webhook);
    expect(await bench.job(webhook)).not.toBeNull();
  });
});

describe('failures', () => {
  test('a 500 is tried again after 5 seconds; its conversation waits, others pass', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer((request) => (textOf(request) === 'a1' ? { status: 500, body: 'oops' } : 200));
    await bench.record(inbound(appId, 'a', 'a1'), inbound(appId, 'a', 'a2'), inbound(appId, 'b', 'b1'));
    const before = bench.clock.now().getTime();
    await drain(webhook);
    expect(texts().sort()).toEqual(['a1', 'b1']);
    const [failed] = (await bench.deliveries(webhook)).filter(({ attempts }) => attempts > 0);
    expect(failed).toMatchObject({
      status: 'PENDING',
      attempts: 1,
      response_code: 500,
      response_head: 'oops',
    });
    const next = failed?.next_attempt_at?.getTime() ?? 0;
    expect(next - before).toBeGreaterThanOrEqual(4_000);
    expect(next - before).toBeLessThan(10_000);
    expect((await bench.job(webhook))?.run_at.getTime()).toBe(next);

    receiver.answer(() => 200);
    await bench.record(inbound(appId, 'a', 'a3'));
    await drain(webhook);
    expect(texts()).toHaveLength(2);
    bench.clock.advance(10_000);
    await drain(webhook);
    expect(texts().slice(2)).toEqual(['a1', 'a2', 'a3']);
    expect((await bench.deliveries(webhook)).map(({ status }) => status)).toEqual(
      Array.from({ length: 4 }, () => 'DELIVERED'),
    );
  });

  test('what failed twice lets the rest of its conversation pass', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer((request) => (textOf(request) === 'bad' ? 500 : 200));
    await bench.record(inbound(appId, 'a', 'bad'), inbound(appId, 'a', 'good'));
    await drain(webhook);
    bench.clock.advance(10_000);
    await drain(webhook);
    expect(texts()).toEqual(['bad', 'bad', 'good']);
    expect(await bench.deliveries(webhook)).toMatchObject([
      { status: 'PENDING', attempts: 2 },
      { status: 'DELIVERED' },
    ]);
  });

  test('retries carry the same event id and a nonce and signature of their own', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 's' });
    receiver.answer(() => 503);
    await bench.record(inbound(appId, 'a', 'x'));
    await drain(webhook);
    bench.clock.advance(10_000);
    await drain(webhook);
    const [first, second] = receiver.requests.map(({ headers }) => headers);
    expect(second?.['webhook-id']).toBe(first?.['webhook-id']);
    expect(second?.['x-sinch-webhook-signature-nonce']).not.toBe(first?.['x-sinch-webhook-signature-nonce']);
    expect(second?.['webhook-signature']).not.toBe(first?.['webhook-signature']);
  });

  test('Retry-After is waited for, and a long one does not hold the conversation', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer((request) =>
      textOf(request) === 'a1' ? { status: 429, headers: { 'retry-after': '7200' } } : 200,
    );
    await bench.record(inbound(appId, 'a', 'a1'), inbound(appId, 'a', 'a2'));
    await drain(webhook);
    const [waiting] = await bench.deliveries(webhook);
    const wait = (waiting?.next_attempt_at?.getTime() ?? 0) - bench.clock.now().getTime();
    expect(Math.round(wait / MINUTE)).toBe(120);
    expect(texts()).toEqual(['a1', 'a2']);
  });

  test.each([400, 401, 404, 422])('%i is final at once', async (status) => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer((request) => (textOf(request) === 'a1' ? status : 200));
    await bench.record(inbound(appId, 'a', 'a1'), inbound(appId, 'a', 'a2'));
    await drain(webhook);
    expect(texts()).toEqual(['a1', 'a2']);
    expect(await bench.deliveries(webhook)).toMatchObject([
      { status: 'DEAD', attempts: 1, response_code: status },
      { status: 'DELIVERED' },
    ]);
  });

  test('a redirect is a failure that is tried again', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => ({ status: 307, headers: { location: `${receiver.url}/elsewhere` } }));
    await bench.record(inbound(appId, 'a', 'a1'));
    await drain(webhook);
    expect(receiver.requests).toHaveLength(1);
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'PENDING', response_code: 307 }]);
  });

  test('after ten attempts a delivery is dead', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => 500);
    await bench.record(inbound(appId, 'a', 'a1'));
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await drain(webhook);
      // Something gets through now and then, or the webhook would be disabled.
      await bench.dataSource.query(`UPDATE webhooks SET failing_since = NULL WHERE id = $1`, [webhook.id]);
      bench.clock.advance(1.3 * DAY);
    }
    await drain(webhook);
    expect(receiver.requests).toHaveLength(10);
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DEAD', attempts: 10 }]);
  });

  test('410 disables the webhook and gives up what waits; an update enables it again', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => 410);
    await bench.record(...numbers(5).map((text) => inbound(appId, 'a', text)));
    await drain(webhook);
    await drain(webhook);
    expect(receiver.requests).toHaveLength(1);
    expect(await bench.get(webhook)).toMatchObject({
      disabledAt: expect.any(Date),
      disabledReason: 'the target answered 410 Gone',
    });
    expect((await bench.deliveries(webhook)).map(({ status }) => status)).toEqual(
      numbers(5).map(() => 'DEAD'),
    );
    await bench.record(inbound(appId, 'a', 'unheard'));
    expect(await bench.deliveries(webhook)).toHaveLength(5);

    receiver.answer(() => 200);
    const updated = await bench.service.update(PROJECT_ID, webhook.id, { target: `${receiver.url}/new` });
    expect(updated).toMatchObject({ disabledAt: null, disabledReason: null, failingSince: null });
    await bench.record(inbound(appId, 'a', 'heard'));
    await drain(webhook);
    expect(texts().at(-1)).toBe('heard');
  });

  test('5 days of nothing but failures disable the webhook, a success among them does not', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => 500);
    await bench.record(inbound(appId, 'a', 'a1'));
    await drain(webhook);
    expect((await bench.get(webhook)).failingSince).not.toBeNull();
    bench.clock.advance(4.9 * DAY);
    await drain(webhook);
    expect((await bench.get(webhook)).disabledAt).toBeNull();

    receiver.answer((request) => (textOf(request) === 'a1' ? 500 : 200));
    await bench.record(inbound(appId, 'b', 'b1'));
    await drain(webhook);
    expect((await bench.get(webhook)).failingSince).toBeNull();
    bench.clock.advance(DAY);
    await drain(webhook);
    expect((await bench.get(webhook)).disabledAt).toBeNull();
    bench.clock.advance(5.1 * DAY);
    await drain(webhook);
    expect(await bench.get(webhook)).toMatchObject({ disabledReason: 'nothing but failures for 5 days' });
  });

  test('an event that was erased meanwhile is not told', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    await bench.record(inbound(appId, 'a', 'private'), inbound(appId, 'a', 'gone'));
    await bench.dataSource.query(
      `UPDATE events SET payload = '{"erased": true}' WHERE payload::text LIKE '%private%' AND app_id = $1`,
      [appId],
    );
    await bench.dataSource.query(`DELETE FROM events WHERE payload::text LIKE '%gone%' AND app_id = $1`, [
      appId,
    ]);
    await drain(webhook);
    expect(receiver.requests).toEqual([]);
    const dead = { status: 'DEAD', attempts: 0, error: 'the event is no longer kept' };
    expect(await bench.deliveries(webhook)).toMatchObject([dead, dead]);
  });
});

describe('targets that are down', () => {
  test('one that hangs does not hold up another', async () => {
    const hanging = await bench.webhook(appId, `${receiver.url}/hangs`);
    const healthy = await bench.webhook(appId, `${receiver.url}/healthy`);
    receiver.answer(({ path }) => (path === '/hangs' ? undefined : 200));
    await bench.record(...numbers(30).map((text) => inbound(appId, `person ${text}`, text)));
    const stuck = drain(hanging);
    await drain(healthy);
    expect((await bench.deliveries(healthy)).every(({ status }) => status === 'DELIVERED')).toBe(true);
    expect((await bench.deliveries(hanging)).every(({ attempts }) => attempts === 0)).toBe(true);
    await receiver.close();
    await stuck;
  });

  test('it is left alone after a few tries, probed one by one, and gets everything once it answers', async () => {
    const gone = await startReceiver();
    await gone.close();
    const webhook = await bench.webhook(appId, gone.url);
    await bench.record(...numbers(100).map((text) => inbound(appId, `person ${text}`, text)));
    await drain(webhook);
    const tried = async (): Promise<number> =>
      (await bench.deliveries(webhook)).reduce((sum, { attempts }) => sum + attempts, 0);
    const first = await tried();
    expect(first).toBeGreaterThanOrEqual(5);
    expect(first).toBeLessThanOrEqual(5 + 8);
    const { pausedUntil, failingSince } = await bench.get(webhook);
    expect(failingSince).not.toBeNull();
    expect((await bench.job(webhook))?.run_at).toEqual(pausedUntil);
    expect((await bench.deliveries(webhook))[0]?.error).toMatch(/ECONNREFUSED/);

    await drain(webhook);
    expect(await tried()).toBe(first);
    bench.clock.advance(MINUTE);
    await drain(webhook);
    expect(await tried()).toBe(first + 1);

    await bench.service.update(PROJECT_ID, webhook.id, { target: receiver.url });
    bench.clock.advance(10 * MINUTE);
    await drain(webhook);
    expect(receiver.requests).toHaveLength(100);
    expect(await bench.get(webhook)).toMatchObject({ pausedUntil: null, failingSince: null });
  });

  test('one that answers 503 to everything is left alone as well, after more tries', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => 503);
    await bench.record(...numbers(100).map((text) => inbound(appId, `person ${text}`, text)));
    await drain(webhook);
    expect(receiver.requests.length).toBeGreaterThanOrEqual(20);
    expect(receiver.requests.length).toBeLessThanOrEqual(20 + 8);
    expect((await bench.get(webhook)).pausedUntil).not.toBeNull();

    receiver.answer(() => 200);
    bench.clock.advance(MINUTE);
    await drain(webhook);
    expect((await bench.deliveries(webhook)).every(({ status }) => status === 'DELIVERED')).toBe(true);
    expect((await bench.get(webhook)).pausedUntil).toBeNull();
  });

  test.each([
    ['taken', 200],
    ['refused for good', 400],
  ])('a probe that is %s ends the pause', async (_what, status) => {
    const webhook = await bench.webhook(appId, receiver.url);
    await bench.record(...numbers(20).map((text) => inbound(appId, `person ${text}`, text)));
    await bench.dataSource.query(`UPDATE webhooks SET paused_until = now() - interval '1 s' WHERE id = $1`, [
      webhook.id,
    ]);
    let answers = 0;
    receiver.answer(() => (answers++ === 0 ? status : 200));
    await drain(webhook);
    expect(receiver.requests).toHaveLength(20);
    expect((await bench.get(webhook)).pausedUntil).toBeNull();
  });

  test('while it is paused, events wake nobody', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    await bench.dataSource.query(
      `UPDATE webhooks SET paused_until = now() + interval '1 min' WHERE id = $1`,
      [webhook.id],
    );
    await bench.record(inbound(appId, 'a', 'x'));
    expect(await bench.deliveries(webhook)).toHaveLength(1);
    expect(await bench.job(webhook)).toBeNull();
  });
});

describe('several workers', () => {
  test('two at one webhook never post the same delivery', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const other = await bench.worker();
    receiver.answer(() => new Promise((resolve) => setTimeout(() => resolve(200), 5)));
    await bench.record(...numbers(60).map((text) => inbound(appId, `person ${Number(text) % 12}`, text)));
    await Promise.all([
      drain(webhook),
      other.dispatcher.deliver(keyOf(webhook)),
      drain(webhook),
      other.dispatcher.deliver(keyOf(webhook)),
    ]);
    expect(texts().sort()).toEqual(numbers(60).sort());
  });

  test('what a dead worker had under way is delivered by another', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => undefined);
    await bench.record(inbound(appId, 'a', 'x'));
    const stuck = drain(webhook);
    await receiver.waitFor((requests) => requests.length === 1);
    const other = await bench.worker();
    await other.dispatcher.deliver(keyOf(webhook));
    expect(receiver.requests).toHaveLength(1);

    await worker.die();
    receiver.answer(() => 200);
    await eventually(async () => {
      await other.dispatcher.deliver(keyOf(webhook));
      return receiver.requests.length === 2;
    }, 'delivery by the living worker');
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DELIVERED' }]);
    await receiver.close();
    await stuck;
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DELIVERED' }]);
  });

  test('one that stops cuts its calls, counts no attempt, and hands the rest on', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => undefined);
    await bench.record(inbound(appId, 'a', 'x'));
    const running = drain(webhook);
    await receiver.waitFor((requests) => requests.length === 1);
    await bench.dataSource.query(`SELECT graphile_worker.remove_job($1)`, [`deliver:${webhook.id}`]);
    worker.dispatcher.onModuleDestroy();
    await running;
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'PENDING', attempts: 0 }]);
    expect(await bench.job(webhook)).not.toBeNull();
    await drain(webhook);
    expect(receiver.requests).toHaveLength(1);

    receiver.answer(() => 200);
    await (await bench.worker()).dispatcher.deliver(keyOf(webhook));
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DELIVERED' }]);
  });

  test('work whose job was lost is found', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const idle = await bench.webhook(appId, `${receiver.url}/idle`, { triggers: [] });
    await bench.record(inbound(appId, 'a', 'x'));
    await bench.dataSource.query(`SELECT graphile_worker.remove_job($1)`, [`deliver:${webhook.id}`]);
    await worker.dispatcher.sweep();
    expect(await bench.job(webhook)).toBeNull();
    bench.clock.advance(MINUTE);
    await worker.dispatcher.sweep();
    expect(await bench.job(webhook)).not.toBeNull();
    expect(await bench.job(idle)).toBeNull();
  });
});

describe('replay', () => {
  test('delivers the events between two cursors once more, by the same ids', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    for (const text of numbers(4)) {
      await bench.record(
        inbound(appId, 'a', text),
        event(appId, 'a', 'conversation.stopped', { conversation: {} }),
      );
    }
    const places: { xact: string; seq: string }[] = await bench.dataSource.query(
      `SELECT max(xact)::text AS xact, max(seq)::text AS seq FROM events WHERE app_id = $1 GROUP BY events.xact ORDER BY events.xact`,
      [appId],
    );
    const tails = places.map(({ xact, seq }) => encodePosition({ xact: BigInt(xact), seq: BigInt(seq) }));
    await drain(webhook);
    const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);

    expect(await bench.replayAll(webhook, tails[0] ?? null, tails[2] ?? null)).toBe(2);
    await drain(webhook);
    expect(texts()).toEqual(['0', '1', '2', '3', '1', '2']);
    expect(receiver.requests.slice(4).map(({ headers }) => headers['webhook-id'])).toEqual(ids.slice(1, 3));

    expect(await bench.replayAll(webhook)).toBe(4);
    expect(await bench.replayAll(webhook)).toBe(0);
    expect(await bench.job(webhook)).not.toBeNull();
  });

  test('brings back what was given up, and tells a new webhook of what it has missed', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => 400);
    await bench.record(inbound(appId, 'a', 'x'));
    await drain(webhook);
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DEAD' }]);

    receiver.answer(() => 200);
    expect(await bench.replayAll(webhook)).toBe(1);
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'PENDING', attempts: 0 }]);
    await drain(webhook);
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DELIVERED' }]);

    const late = await bench.webhook(appId, `${receiver.url}/late`);
    expect(await bench.replayAll(late)).toBe(1);
    await drain(late);
    expect(receiver.requests.at(-1)?.path).toBe('/late');
  });

  test('waits for events that another transaction still holds back', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const other = bench.dataSource.createQueryRunner();
    await other.startTransaction();
    await other.query('SELECT pg_current_xact_id()');
    await bench.record(inbound(appId, 'a', 'x'));
    await drain(webhook);
    const read = vi.spyOn(bench.log, 'read');
    const replaying = bench.replay.replay(PROJECT_ID, webhook.id, null, null);
    await eventually(() => read.mock.calls.length > 2, 'a second look');
    await other.rollbackTransaction();
    await other.release();
    expect(await replaying).toBe(1);
    read.mockRestore();
  });

  test('makes a waiting retry due at once', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer(() => 500);
    await bench.record(inbound(appId, 'a', 'x'));
    await drain(webhook);
    expect(await bench.replayAll(webhook)).toBe(1);
    receiver.answer(() => 200);
    await drain(webhook);
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DELIVERED' }]);
  });

  test('says what is wrong with a cursor or a webhook', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const replay = (id: string, after: string | null): Promise<number> =>
      bench.replay.replay(PROJECT_ID, id, after, null);
    await expect(replay(webhook.id, 'nonsense')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(replay('01K9Z3Q4T6V8X0Z2B4D6F8H0JM', null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await bench.service.update(PROJECT_ID, webhook.id, { targetType: 'DISMISS' as never });
    await expect(replay(webhook.id, null)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });
});

describe('tokens', () => {
  const credentials = (path: string, more = {}) => ({
    clientCredentials: {
      endpoint: `${receiver.url}${path}`,
      clientId: 'id',
      clientSecret: 'sec:ret',
      ...more,
    },
  });
  const token = (name: string) => ({
    status: 200,
    body: JSON.stringify({ access_token: name, expires_in: 3600 }),
  });

  test('a target that asks for one gets a bearer token, fetched once and kept', async () => {
    const webhook = await bench.webhook(
      appId,
      `${receiver.url}/hook`,
      credentials('/token', { scope: 'events' }),
    );
    receiver.answer(({ path }) => (path === '/token' ? token('t-1') : 200));
    await bench.record(inbound(appId, 'a', '1'), inbound(appId, 'a', '2'), inbound(appId, 'b', '3'));
    await drain(webhook);
    const [asked, ...more] = receiver.requests.filter(({ path }) => path === '/token');
    expect(more).toEqual([]);
    expect(asked?.body).toBe('grant_type=client_credentials&scope=events');
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('id:sec%3Aret').toString('base64')}`);
    const hooks = receiver.requests.filter(({ path }) => path === '/hook');
    expect(hooks.map(({ headers }) => headers.authorization)).toEqual(hooks.map(() => 'Bearer t-1'));
    expect(hooks).toHaveLength(3);
  });

  test('a token that the target refuses is replaced once', async () => {
    const webhook = await bench.webhook(
      appId,
      `${receiver.url}/hook`,
      credentials('/token', { tokenRequestType: 'FORM' }),
    );
    let issued = 0;
    receiver.answer(({ path, headers }) => {
      if (path === '/token') return token(`t-${++issued}`);
      return headers.authorization === 'Bearer t-2' ? 200 : 401;
    });
    await bench.record(inbound(appId, 'a', '1'));
    await drain(webhook);
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/token', '/hook', '/token', '/hook']);
    expect(receiver.requests[0]?.body).toBe(
      'grant_type=client_credentials&client_id=id&client_secret=sec%3Aret',
    );
    expect(await bench.deliveries(webhook)).toMatchObject([{ status: 'DELIVERED' }]);
  });

  test('without a token there is no call, and the delivery is tried again', async () => {
    const webhook = await bench.webhook(appId, `${receiver.url}/hook`, credentials('/token'));
    receiver.answer(() => 500);
    await bench.record(inbound(appId, 'a', '1'));
    await drain(webhook);
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/token']);
    expect(await bench.deliveries(webhook)).toMatchObject([
      { status: 'PENDING', attempts: 1, error: 'the token endpoint answered 500' },
    ]);
  });

  test('an endpoint that fails is not asked again by each delivery that waits', async () => {
    const webhook = await bench.webhook(appId, `${receiver.url}/hook`, credentials('/token'));
    receiver.answer(() => 500);
    await bench.record(...numbers(12).map((text) => inbound(appId, `person ${text}`, text)));
    await drain(webhook);
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/token']);
    const tried = (await bench.deliveries(webhook)).filter(({ attempts }) => attempts > 0);
    expect(tried.length).toBeGreaterThan(1);
    expect(new Set(tried.map(({ error }) => error))).toEqual(new Set(['the token endpoint answered 500']));
  });

  test('a target that refuses every token has new ones fetched once, not by each delivery', async () => {
    const webhook = await bench.webhook(appId, `${receiver.url}/hook`, credentials('/token'));
    let issued = 0;
    receiver.answer(({ path }) => (path === '/token' ? token(`t-${++issued}`) : 401));
    await bench.record(...numbers(12).map((text) => inbound(appId, 'a', text)));
    await drain(webhook);
    expect(issued).toBe(2);
    expect(
      (await bench.deliveries(webhook)).map(({ status, response_code }) => [status, response_code]),
    ).toEqual(numbers(12).map(() => ['DEAD', 401]));
  });

  test.each(['a\r\nx-sinch-webhook-signature: forged', 'a b', '', 'é'])(
    'a token such as %j is not put into a header',
    async (access_token) => {
      const webhook = await bench.webhook(appId, `${receiver.url}/hook`, credentials('/token'));
      receiver.answer(({ path }) =>
        path === '/token' ? { status: 200, body: JSON.stringify({ access_token, expires_in: 60 }) } : 200,
      );
      await bench.record(inbound(appId, 'a', '1'));
      await drain(webhook);
      expect(receiver.requests.map(({ path }) => path)).toEqual(['/token']);
      expect(await bench.deliveries(webhook)).toMatchObject([
        { status: 'PENDING', error: 'the token endpoint gave no access_token' },
      ]);
    },
  );
});

test('deliveries that ended are kept as long as events, and there is always a place for the next', async () => {
  const days = async (): Promise<string[]> =>
    (
      await bench.dataSource.query<{ name: string }[]>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'webhook_deliveries_done'::regclass ORDER BY 1`,
      )
    ).map(({ name }) => name);
  const before = await days();
  const [old, last] = ['webhook_deliveries_done_20200101', before.at(-1) ?? ''];
  await bench.dataSource.query(
    `CREATE TABLE ${old} PARTITION OF webhook_deliveries_done FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')`,
  );
  await bench.dataSource.query(`DROP TABLE ${last}`);
  const jobs = new JobsService();
  new DeliveryRetention(bench.dataSource, jobs, new Config()).onModuleInit();
  await jobs.upkeep();
  const after = await days();
  expect(after).toContain(last);
  expect(after).not.toContain(old);
});

describe('webhooks', () => {
  test('an app has at most 5, however many are made at once', async () => {
    const made = await Promise.allSettled(
      numbers(9).map((number) => bench.webhook(appId, `${receiver.url}/${number}`)),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(await bench.service.list(PROJECT_ID, appId)).toHaveLength(5);
    const refused = made.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  test('a target is unique in its app, on creation and on update', async () => {
    const refusal = { code: 'INVALID_ARGUMENT', fields: [{ path: 'target', rule: 'unique' }] };
    const made = await Promise.allSettled([
      bench.webhook(appId, receiver.url),
      bench.webhook(appId, receiver.url),
    ]);
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(made.find((result) => result.status === 'rejected')?.reason).toMatchObject(refusal);
    const other = await bench.webhook(appId, `${receiver.url}/other`);
    await expect(bench.service.update(PROJECT_ID, other.id, { target: receiver.url })).rejects.toMatchObject(
      refusal,
    );
    await expect(bench.webhook(await bench.app(), receiver.url)).resolves.toBeDefined();
  });

  test.each([
    ['nonsense', 'isUrl'],
    ['ftp://example.com/', 'isUrl'],
    ['http://user:pass@example.com/', 'credentials'],
  ])('%s is no target', async (target, rule) => {
    await expect(bench.webhook(appId, target)).rejects.toMatchObject({ fields: [{ path: 'target', rule }] });
  });

  test('secrets are stored encrypted, kept when absent, and removed by null', async () => {
    const webhook = await bench.webhook(appId, receiver.url, { secret: 'very secret' });
    const signed = async (): Promise<boolean> => {
      await bench.record(inbound(appId, 'a', 'x'));
      await drain(webhook);
      return receiver.requests.at(-1)?.headers['webhook-signature'] !== undefined;
    };
    expect((await bench.get(webhook)).secret).not.toContain('very secret');
    await bench.service.update(PROJECT_ID, webhook.id, { triggers: [WebhookTrigger.MESSAGE_INBOUND] });
    expect(await signed()).toBe(true);
    await bench.service.update(PROJECT_ID, webhook.id, { secret: null });
    expect(await signed()).toBe(false);
  });

  test('a change counts for what is delivered from then on', async () => {
    const webhook = await bench.webhook(appId, `${receiver.url}/old`);
    await bench.record(inbound(appId, 'a', 'x'));
    await bench.service.update(PROJECT_ID, webhook.id, { target: `${receiver.url}/new` });
    await drain(webhook);
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/new']);
  });

  test('deleting one drops what waits for it; one set to DISMISS gives it up', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const dismissed = await bench.webhook(appId, `${receiver.url}/dismissed`);
    await bench.record(inbound(appId, 'a', 'x'));
    await bench.service.delete(PROJECT_ID, webhook.id);
    await bench.service.update(PROJECT_ID, dismissed.id, { targetType: 'DISMISS' as never });
    await drain(webhook);
    await drain(dismissed);
    expect(receiver.requests).toEqual([]);
    expect(await bench.deliveries(webhook)).toEqual([]);
    expect(await bench.deliveries(dismissed)).toMatchObject([{ status: 'DEAD' }]);
    await expect(bench.service.delete(PROJECT_ID, webhook.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('another project sees none of it', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    const stranger = { code: 'NOT_FOUND' };
    await expect(bench.service.get('other', webhook.id)).rejects.toMatchObject(stranger);
    await expect(bench.service.update('other', webhook.id, {})).rejects.toMatchObject(stranger);
    await expect(bench.service.delete('other', webhook.id)).rejects.toMatchObject(stranger);
    await expect(bench.service.list('other', appId)).rejects.toMatchObject(stranger);
    await expect(bench.service.deliveries('other', webhook.id, {}, {})).rejects.toMatchObject(stranger);
    await expect(bench.replay.replay('other', webhook.id, null, null)).rejects.toMatchObject(stranger);
  });

  test('deliveries are listed by status, latest event first, page by page', async () => {
    const webhook = await bench.webhook(appId, receiver.url);
    receiver.answer((request) =>
      Number(textOf(request)) % 3 === 0 ? 400 : Number(textOf(request)) % 3 === 1 ? 500 : 200,
    );
    await bench.record(...numbers(9).map((text) => inbound(appId, `person ${text}`, text)));
    await drain(webhook);
    const list = (status: 'PENDING' | 'DELIVERED' | 'DEAD' | null, page = {}) =>
      bench.service.deliveries(PROJECT_ID, webhook.id, { status }, page);
    const all = await list(null);
    expect(all.items.map(({ node }) => node.status)).toEqual(
      [0, 1, 2].flatMap(() => ['DELIVERED', 'PENDING', 'DEAD']),
    );
    for (const status of ['PENDING', 'DELIVERED', 'DEAD'] as const) {
      expect((await list(status)).items.map(({ node }) => node.status)).toEqual([status, status, status]);
    }
    const first = await list(null, { first: 5 });
    const rest = await list(null, { first: 5, after: first.items.at(-1)?.cursor });
    expect([first.hasNextPage, rest.hasNextPage]).toEqual([true, false]);
    expect([...first.items, ...rest.items].map(({ node }) => node.id)).toEqual(
      all.items.map(({ node }) => node.id),
    );
    await expect(list(null, { after: 'WyJ4IiwieSJd' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
