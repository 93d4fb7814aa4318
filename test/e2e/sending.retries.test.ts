// How long a send is tried again, by the settings of its app.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { reason } from '../../src/content/reason.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { newPsid } from '../support/messenger.js';
import { Records } from '../support/records.js';
import { Sending } from '../support/sending.js';
import { connectTestChannel, registerTestChannel, type TestChannel } from '../support/test-channel.js';

const BUSY = reason('CHANNEL_FAILURE', 'busy right now');

let app: TestApp;
let records: Records;
let sending: Sending;
let telegram: TestChannel;
let line: TestChannel;
let appId: string;

beforeAll(async () => {
  app = await startTestApp({ ECHO_GRACE_SECONDS: '1' });
  records = await Records.of(app.databaseUrl);
  sending = new Sending(app);
  telegram = registerTestChannel(app, 'TELEGRAM');
  line = registerTestChannel(app, 'LINE');
  const { createApp } = await app.graphql<{ createApp: { id: string } }>(
    `mutation { createApp(input: { displayName: "Patient", messageRetrySettings: { retryDuration: 30 } }) { id } }`,
  );
  appId = createApp.id;
  await connectTestChannel(app, appId, 'TELEGRAM');
  await connectTestChannel(app, appId, 'LINE');
  // Less than may be set, or the tests would take as long.
  await records.query(`UPDATE apps SET retry_seconds = 2 WHERE id = $1`, [appId]);
});
beforeEach(() => {
  for (const channel of [telegram, line]) channel.sends.length = 0;
  line.answer = (_request, channelMessageId) => ({ kind: 'accepted', channelMessageId });
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

async function send(channels: string[]): Promise<string> {
  const channelIdentities = channels.map((channel) => ({ channel, identity: newPsid() }));
  const recipient = { identifiedBy: { channelIdentities } };
  return sending.send({ appId, pageId: '', appSecret: '', channelId: '' }, '', 'Hello', { recipient });
}

test('a channel that stays busy has its time, and at least one more try, then the message fails', async () => {
  const calls: number[] = [];
  telegram.answer = () => {
    calls.push(Date.now());
    return { kind: 'transient', reason: BUSY };
  };
  const id = await send(['TELEGRAM']);
  const failed = await sending.reaches(id, 'FAILED');
  expect(failed.reason).toMatchObject({ code: 'CHANNEL_FAILURE', description: 'busy right now' });
  expect(calls.length).toBeGreaterThanOrEqual(2);
  // The last try is when the time is over.
  const [first = 0, last = 0] = [calls[0], calls.at(-1)];
  expect(last - first).toBeGreaterThanOrEqual(1_900);
});

test('what may have arrived is given the time to say so before it is given up', async () => {
  telegram.answer = () => ({ kind: 'transient', reason: BUSY, uncertain: true });
  const id = await send(['TELEGRAM']);
  const failed = await sending.reaches(id, 'FAILED');
  expect(failed.reason?.description).toBe(
    'TELEGRAM did not take the message within 2 s of its first failure',
  );
  expect(telegram.sends.length).toBeGreaterThanOrEqual(2);
});

test('a channel that only asks for fewer calls when the time is over is tried again after the pause', async () => {
  let first: number | undefined;
  let limits = 1;
  telegram.answer = (_request, channelMessageId) => {
    first ??= Date.now();
    if (Date.now() - first < 2_000) return { kind: 'transient', reason: BUSY };
    if (limits-- > 0) return { kind: 'transient', reason: BUSY, slowDown: { ms: 1 } };
    return { kind: 'accepted', channelMessageId };
  };
  const id = await send(['TELEGRAM']);
  const settled = await eventually(async () => {
    const message = await sending.message(id);
    return message.status !== 'QUEUED' && message;
  }, `the end of ${id}`);
  expect(settled).toMatchObject({ status: 'QUEUED_ON_CHANNEL', reason: null });
  expect(telegram.sends.length).toBeGreaterThanOrEqual(3);
});

test('the next channel has its turn, and a time of its own', async () => {
  telegram.answer = () => ({ kind: 'transient', reason: BUSY });
  let refusals = 1;
  line.answer = (_request, channelMessageId) =>
    refusals-- > 0 ? { kind: 'transient', reason: BUSY } : { kind: 'accepted' as const, channelMessageId };
  const id = await send(['TELEGRAM', 'LINE']);
  await sending.reaches(id, 'QUEUED_ON_CHANNEL');
  expect(telegram.sends.length).toBeGreaterThanOrEqual(2);
  expect(line.sends).toHaveLength(2);
});
