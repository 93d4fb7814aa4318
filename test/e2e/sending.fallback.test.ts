import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { reason } from '../../src/content/reason.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { MessagesService } from '../../src/messages/messages.service.js';
import { TemplateError } from '../../src/templates/template-error.js';
import { TemplatesService } from '../../src/templates/templates.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  deliveryItem,
  echoItem,
  type GraphSend,
  readItem,
  startTestGraph,
  taken,
  type TestGraph,
} from '../support/graph.js';
import { envelope, newPsid, postWebhook, type TestPage, textItem } from '../support/messenger.js';
import { commandOf, connectTo, Sending } from '../support/sending.js';
import { connectTestChannel, registerTestChannel, type TestChannel } from '../support/test-channel.js';

interface Report {
  status: string;
  channel: string;
  identity: string;
  reason: string | null;
}

const UNREACHABLE = { status: 400, body: { error: { code: 551, message: 'not available' } } };

describe('a message that may take several channels', () => {
  let app: TestApp;
  let graph: TestGraph;
  let telegram: TestChannel;
  let line: TestChannel;
  let sending: Sending;
  let page: TestPage;
  let psid: string;

  beforeAll(async () => {
    graph = await startTestGraph();
    app = await startTestApp({ GRAPH_API_URL: graph.url });
    sending = new Sending(app);
    telegram = registerTestChannel(app, 'TELEGRAM');
    line = registerTestChannel(app, 'LINE');
    page = await connectTo(app);
    await connectTestChannel(app, page.appId, 'TELEGRAM');
    await connectTestChannel(app, page.appId, 'LINE');
  });
  beforeEach(() => {
    psid = newPsid();
    graph.sends.length = 0;
    graph.answer = taken;
    for (const channel of [telegram, line]) {
      channel.sends.length = 0;
      channel.answer = (_request, channelMessageId) => ({ kind: 'accepted', channelMessageId });
      channel.blocked = null;
    }
  });
  afterAll(async () => {
    await app.stop();
    await graph.stop();
  });

  /** Sends to a person whose Telegram and LINE identities are made of the one on Messenger. */
  async function send(
    text: string,
    channels = ['MESSENGER', 'TELEGRAM'],
    more: Record<string, unknown> = {},
  ): Promise<string> {
    const channelIdentities = channels.map((channel) => ({
      channel,
      identity: channel === 'MESSENGER' ? psid : `${channel} ${psid}`,
    }));
    return sending.send(page, psid, text, { recipient: { identifiedBy: { channelIdentities } }, ...more });
  }

  /** What the event log told of a message, in order. */
  async function reports(id: string): Promise<Report[]> {
    return (await sending.query(
      `SELECT payload -> 'message' ->> 'status' AS status, payload -> 'message' ->> 'channel' AS channel,
         payload -> 'message' ->> 'identity' AS identity, payload -> 'message' -> 'reason' ->> 'code' AS reason
       FROM events WHERE kind IN ('message.added', 'message.updated') AND payload -> 'message' ->> 'id' = $1 ORDER BY xact, seq`,
      [id],
    )) as Report[];
  }

  async function conversation(): Promise<{ active_channel: string; contact_id: string; id: string }> {
    const rows = await sending.query(
      `SELECT c.* FROM conversations c JOIN channel_identities i ON i.project_id = c.project_id AND i.contact_id = c.contact_id
       WHERE i.identity = $1`,
      [psid],
    );
    return rows[0] as { active_channel: string; contact_id: string; id: string };
  }

  const queued = (): Report => ({ status: 'QUEUED', channel: 'MESSENGER', identity: psid, reason: null });
  const switching = (code: string): Report => ({
    status: 'SWITCHING_CHANNEL',
    channel: 'MESSENGER',
    identity: psid,
    reason: code,
  });
  const arrived = (): Report => ({
    status: 'QUEUED_ON_CHANNEL',
    channel: 'TELEGRAM',
    identity: `TELEGRAM ${psid}`,
    reason: null,
  });

  test('goes on by the next channel when the first one fails for good, and reports tell so', async () => {
    graph.answer = () => UNREACHABLE;
    const id = await send('one\ntwo');
    const message = await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(message.reason).toBeNull();
    expect(await reports(id)).toEqual([queued(), switching('RECIPIENT_NOT_REACHABLE'), arrived()]);
    expect(telegram.sends.map(({ payload, identity }) => [payload.text, identity])).toEqual([
      ['one', `TELEGRAM ${psid}`],
      ['two', `TELEGRAM ${psid}`],
    ]);
    expect(graph.sends).toHaveLength(1);
    expect((await conversation()).active_channel).toBe('TELEGRAM');
  });

  test('what follows it keeps its place, and is tried by the first channel again', async () => {
    graph.answer = (call) => (call.text === 'one' ? UNREACHABLE : taken(call));
    const first = await send('one');
    const second = await send('two');
    await sending.reaches(second, 'QUEUED_ON_CHANNEL');
    expect((await sending.message(first)).status).toBe('QUEUED_ON_CHANNEL');
    expect(telegram.sends.map(({ payload }) => payload.text)).toEqual(['one']);
    expect(graph.sends.map(({ text }) => text)).toEqual(['one', 'two']);
  });

  test('a channel that has closed its window, lost its token or is gone is passed over without a call', async () => {
    telegram.blocked = reason('OUTSIDE_ALLOWED_SENDING_WINDOW', 'closed');
    const blocked = await send('window', ['TELEGRAM', 'LINE']);
    await sending.reaches(blocked, 'QUEUED_ON_CHANNEL');
    expect((await reports(blocked))[1]).toMatchObject({ reason: 'OUTSIDE_ALLOWED_SENDING_WINDOW' });
    telegram.blocked = null;

    telegram.answer = () => ({ kind: 'unauthorized', reason: reason('CHANNEL_BAD_CONFIGURATION', 'dead') });
    const dead = await send('token', ['TELEGRAM', 'LINE']);
    await sending.reaches(dead, 'QUEUED_ON_CHANNEL');
    expect((await reports(dead))[1]).toMatchObject({ reason: 'CHANNEL_BAD_CONFIGURATION' });
    const calls = telegram.sends.length;
    const known = await send('token known', ['TELEGRAM', 'LINE']);
    await sending.reaches(known, 'QUEUED_ON_CHANNEL');
    expect((await reports(known))[1]).toMatchObject({ reason: 'INACTIVE_CREDENTIAL' });
    expect(telegram.sends).toHaveLength(calls);
    await connectTestChannel(app, page.appId, 'TELEGRAM');
  });

  test('a content that the first channel cannot say goes to the next one', async () => {
    const id = await send('unused', ['TELEGRAM', 'MESSENGER'], {
      message: { mediaMessage: { url: 'https://example.com/a.png' } },
    });
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect((await reports(id)).map(({ status, reason: why }) => [status, why])).toEqual([
      ['QUEUED', null],
      ['SWITCHING_CHANNEL', 'BAD_REQUEST'],
      ['QUEUED_ON_CHANNEL', null],
    ]);
    expect(graph.sends).toHaveLength(1);
  });

  test('when all have failed it fails with NO_CHANNELS_LEFT, which tells of the last one', async () => {
    graph.answer = () => UNREACHABLE;
    telegram.answer = () => ({ kind: 'permanent', reason: reason('CHANNEL_REJECT', 'no thanks', '403') });
    const id = await send('nobody');
    const { reason: why } = await sending.reaches(id, 'FAILED');
    expect(why).toMatchObject({ code: 'NO_CHANNELS_LEFT', channelCode: '403' });
    expect(why?.description).toContain('CHANNEL_REJECT: no thanks');
    expect((await reports(id)).map(({ status }) => status)).toEqual([
      'QUEUED',
      'SWITCHING_CHANNEL',
      'FAILED',
    ]);
  });

  test('a single channel fails with its own reason', async () => {
    graph.answer = () => UNREACHABLE;
    const id = await send('alone', ['MESSENGER']);
    expect((await sending.reaches(id, 'FAILED')).reason?.code).toBe('RECIPIENT_NOT_REACHABLE');
    expect(await reports(id)).toHaveLength(2);
  });

  test('once a channel has taken the beginning, the message fails there instead of being said twice', async () => {
    telegram.answer = (request, channelMessageId) =>
      request.payload.text === 'first'
        ? { kind: 'accepted', channelMessageId }
        : { kind: 'permanent', reason: reason('CHANNEL_REJECT', 'enough') };
    const id = await send('first\nsecond', ['TELEGRAM', 'LINE']);
    const { reason: why } = await sending.reaches(id, 'FAILED');
    expect(why).toMatchObject({ code: 'CHANNEL_REJECT' });
    expect(why?.description).toContain('TELEGRAM had taken the beginning');
    expect(line.sends).toHaveLength(0);
  });

  test('the end of its time to live never switches', async () => {
    telegram.answer = () => ({ kind: 'transient', reason: reason('CHANNEL_FAILURE', 'away') });
    const id = await send('too late', ['TELEGRAM', 'LINE'], { ttl: '3s' });
    expect((await sending.reaches(id, 'FAILED')).reason?.code).toBe('MESSAGE_EXPIRED');
    expect(line.sends).toHaveLength(0);
    expect((await reports(id)).map(({ status }) => status)).toEqual(['QUEUED', 'FAILED']);
  });

  test('a failure that passes is tried on the same channel; one that came too often switches', async () => {
    let calls = 0;
    telegram.answer = (_request, channelMessageId) =>
      (calls += 1) < 2
        ? { kind: 'transient', reason: reason('CHANNEL_FAILURE', 'away') }
        : { kind: 'accepted', channelMessageId };
    const passes = await send('passes', ['TELEGRAM', 'LINE']);
    await sending.reaches(passes, 'QUEUED_ON_CHANNEL');
    expect(line.sends).toHaveLength(0);
    telegram.answer = () => ({ kind: 'transient', reason: reason('CHANNEL_FAILURE', 'away'), tries: 2 });
    telegram.sends.length = 0;
    const fails = await send('fails', ['TELEGRAM', 'LINE']);
    await sending.reaches(fails, 'QUEUED_ON_CHANNEL');
    expect(telegram.sends).toHaveLength(2);
    expect((await reports(fails))[1]).toMatchObject({
      status: 'SWITCHING_CHANNEL',
      reason: 'CHANNEL_FAILURE',
    });
  });

  test('the priority order decides over the order of the identities, and skips channels without one', async () => {
    const id = await send('order', ['MESSENGER', 'TELEGRAM'], {
      channelPriorityOrder: ['LINE', 'TELEGRAM', 'MESSENGER'],
    });
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(telegram.sends).toHaveLength(1);
    expect(graph.sends).toHaveLength(0);
  });

  test('a contact is spoken to where the conversation is, then on their other channels', async () => {
    graph.answer = () => UNREACHABLE;
    await sending.reaches(await send('moves to Telegram'), 'QUEUED_ON_CHANNEL');
    graph.answer = taken;
    const { contact_id: contactId } = await conversation();
    const there = await send('stays there', [], { recipient: { contactId } });
    await sending.reaches(there, 'QUEUED_ON_CHANNEL');
    expect(telegram.sends.map(({ payload }) => payload.text)).toEqual(['moves to Telegram', 'stays there']);
    telegram.answer = () => ({ kind: 'permanent', reason: reason('CHANNEL_REJECT', 'no') });
    const back = await send('back to Messenger', [], { recipient: { contactId } });
    await sending.reaches(back, 'QUEUED_ON_CHANNEL');
    expect(graph.sends.map(({ text }) => text)).toEqual(['moves to Telegram', 'back to Messenger']);
    expect((await conversation()).active_channel).toBe('MESSENGER');
  });

  test('a late echo and late receipts of the channel that failed disturb nothing', async () => {
    const calls: GraphSend[] = [];
    graph.answer = (call) => (calls.push(call) === 1 ? 'drop' : UNREACHABLE);
    const held = Promise.withResolvers<void>();
    telegram.answer = async (_request, channelMessageId) => {
      await held.promise;
      return { kind: 'accepted', channelMessageId };
    };
    const id = await send('lost, refused, switched');
    await eventually(() => telegram.sends.length === 1, 'the call of the next channel');
    const [lost] = calls as [GraphSend];
    await post(echoItem(lost), deliveryItem(lost), readItem(lost, Date.now()));
    expect((await sending.message(id)).status).toBe('SWITCHING_CHANNEL');
    held.resolve();
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    await post(echoItem(lost), deliveryItem(lost), readItem(lost, Date.now()));
    await post(textItem(page.pageId, psid, 'by the way'));
    expect((await sending.message(id)).status).toBe('QUEUED_ON_CHANNEL');
    expect((await reports(id)).map(({ status }) => status)).toEqual([
      'QUEUED',
      'SWITCHING_CHANNEL',
      'QUEUED_ON_CHANNEL',
    ]);
    expect(await sending.outbound(page, psid)).toHaveLength(1);
  });

  test('receipts of the channel that took it count, also where only the caller knew the identity', async () => {
    graph.answer = () => UNREACHABLE;
    const id = await send('received');
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    const channelMessageId = telegram.sends[0]?.channelMessageId ?? '';
    const source = { projectId: app.projectId, appId: page.appId, channel: 'TELEGRAM' as const };
    await app.parley.app.get(InboundService, { strict: false }).receive(source, [
      {
        kind: 'receipt',
        identity: `TELEGRAM ${psid}`,
        at: new Date(),
        status: 'READ',
        watermark: null,
        channelMessageIds: [channelMessageId],
      },
    ]);
    expect((await sending.message(id)).status).toBe('READ');
  });

  test('a reply quotes what it answers only on the channel that had it', async () => {
    const source = { projectId: app.projectId, appId: page.appId, channel: 'TELEGRAM' as const };
    const asked = `question-${randomUUID()}`;
    await app.parley.app.get(InboundService, { strict: false }).receive(source, [
      {
        kind: 'message',
        identity: `TELEGRAM ${psid}`,
        at: new Date(),
        channelMessageId: asked,
        content: { text_message: { text: 'When?' } },
      },
    ]);
    const [row] = (await sending.query('SELECT id FROM messages WHERE channel_message_id = $1', [asked])) as {
      id: string;
    }[];
    const reply = async (messageId: string, ...channels: ('TELEGRAM' | 'LINE')[]): Promise<string> => {
      const message = { text_message: { text: 'Now' }, reply_to: { message_id: messageId } };
      const identities = channels.map((channel) => ({ channel, identity: `${channel} ${psid}` }));
      const command = commandOf(app, page, psid, message, { recipient: { identities } });
      const accepted = await app.parley.app.get(MessagesService, { strict: false }).send(command);
      await sending.reaches(accepted.messageId, 'QUEUED_ON_CHANNEL');
      return accepted.messageId;
    };
    const first = await reply(row?.id ?? '', 'TELEGRAM');
    expect(telegram.contexts.at(-1)?.quotes).toBe(asked);
    const ours = telegram.sends.at(-1)?.channelMessageId;
    await reply(first, 'TELEGRAM');
    expect(telegram.contexts.at(-1)?.quotes).toBe(ours);
    const stored = await sending.query('SELECT reply_to_message_id FROM messages ORDER BY id DESC LIMIT 1');
    expect(stored).toEqual([{ reply_to_message_id: first }]);
    telegram.answer = () => ({ kind: 'permanent', reason: reason('CHANNEL_REJECT', 'no') });
    const known = line.contexts.length;
    await reply(first, 'TELEGRAM', 'LINE');
    expect(line.contexts.slice(known).map(({ quotes }) => quotes)).toEqual([undefined]);
  });

  test('a template is filled in once for a channel, and what it lacks is a reason to try the next one', async () => {
    const templates = app.parley.app.get(TemplatesService, { strict: false });
    const asked: string[] = [];
    const resolve = vi
      .spyOn(templates, 'resolve')
      .mockImplementation(async (_projectId, _message, channel) => {
        asked.push(channel);
        if (channel === 'LINE') throw new TemplateError('TEMPLATE_NOT_FOUND', 'no such template');
        return Promise.resolve({ text_message: { text: `Dear\nyou ${asked.length}` } });
      });
    let calls = 0;
    telegram.answer = (_request, channelMessageId) =>
      (calls += 1) === 2
        ? { kind: 'transient', reason: reason('CHANNEL_FAILURE', 'away') }
        : { kind: 'accepted', channelMessageId };
    const id = await send('unused', ['LINE', 'TELEGRAM']);
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect((await reports(id))[1]).toMatchObject({ reason: 'TEMPLATE_NOT_FOUND' });
    expect(telegram.sends.map(({ payload }) => payload.text)).toEqual(['Dear', 'you 2', 'you 2']);
    expect(asked).toEqual(['LINE', 'TELEGRAM']);
    const alone = await send('unused', ['LINE']);
    expect((await sending.reaches(alone, 'FAILED')).reason?.code).toBe('TEMPLATE_NOT_FOUND');
    resolve.mockRestore();
  });

  async function post(...items: unknown[]): Promise<void> {
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  }
});
