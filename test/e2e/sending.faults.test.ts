import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SendCommand } from '../../src/messages/command.js';
import { MessagesService } from '../../src/messages/messages.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { eventCursor } from '../support/log.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { commandOf, ORDER, SEND, Sending } from '../support/sending.js';

describe('sends through a Graph API that has trouble', () => {
  let sending: Sending;
  let app: TestApp;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
    sending = new Sending(app);
  });
  beforeEach(async () => {
    page = await connectPage(app);
  });
  afterEach(() => sending.clearFaults());
  afterAll(() => app.stop());

  test.each([
    [
      'an error 500 of Graph',
      { kind: 'graph_error', status: 500, error: { code: 2, is_transient: true } },
      2,
    ],
    ['an error 500 that is no JSON', { kind: 'http', status: 500 }, 2],
    ['a 502 of a gateway', { kind: 'http', status: 502 }, 1],
    ['a rate limit', { kind: 'graph_error', status: 400, error: { code: 613 } }, 2],
    ['a connection dropped before anything happened', { kind: 'drop' }, 1],
  ])('%s: the message arrives once that is over, exactly once', async (_what, failure, count) => {
    const psid = await sending.person(page);
    await sending.fault(page, { ...failure, count });
    const id = await sending.send(page, psid, 'persistent');
    await sending.reaches(id, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['persistent']);
    expect(await sending.calls(page)).toHaveLength(count + 1);
    expect(await sending.told(id)).toEqual(ORDER.slice(0, 1).concat(await statusesAfterQueued(id)));
  });

  /** Statuses may be skipped, never repeated or taken back. */
  async function statusesAfterQueued(id: string): Promise<string[]> {
    const [, ...told] = await sending.told(id);
    const ranks = told.map((status) => ORDER.indexOf(status));
    expect(ranks).toEqual([...new Set(ranks)].sort());
    expect(ranks[0]).toBeGreaterThan(0);
    return told;
  }

  test('Graph is away for a while: what waits goes out when it is back', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'http', status: 503, count: 100_000 });
    const id = await sending.send(page, psid, 'patient');
    await eventually(async () => (await sending.calls(page)).length >= 2, 'a second try');
    expect((await sending.message(id)).status).toBe('QUEUED');
    expect(await sending.seen(page, psid)).toEqual([]);
    await sending.clearFaults();
    await sending.reaches(id, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['patient']);
  });

  test('a slow answer is waited for', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'slow', delay_ms: 3_000 });
    const id = await sending.send(page, psid, 'slowly');
    await sending.reaches(id, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['slowly']);
    expect(await sending.calls(page)).toHaveLength(1);
  });

  test('dropped after it was accepted: the echo settles it and nothing is sent twice', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'drop_after_accept' });
    const ids = [await sending.send(page, psid, 'one'), await sending.send(page, psid, 'two')];
    for (const id of ids) await sending.reaches(id, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['one', 'two']);
    expect(await sending.calls(page)).toHaveLength(2);
    expect((await sending.outbound(page, psid)).map(({ id }) => id)).toEqual(ids);
  });

  test('dropped after it was accepted, and no echo ever tells: sent again once, after the time of grace', async () => {
    page = await connectPage(app, { echo: false, delivery: false, read: false });
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'drop_after_accept' });
    const began = Date.now();
    const id = await sending.send(page, psid, 'twice');
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
    expect(await sending.seen(page, psid)).toEqual(['twice', 'twice']);
    expect(await sending.calls(page)).toHaveLength(2);
    expect((await sending.outbound(page, psid)).map((message) => message.id)).toEqual([id]);
  });

  test.each([
    [
      'a person who cannot be reached',
      { code: 551, error_subcode: 1545041 },
      'RECIPIENT_NOT_REACHABLE',
      '551/1545041',
    ],
    ['a bad parameter', { code: 100 }, 'BAD_REQUEST', '100'],
    ['a closed window', { code: 10, error_subcode: 2018278 }, 'OUTSIDE_ALLOWED_SENDING_WINDOW', '10/2018278'],
  ])(
    '%s is final: FAILED with reason and code, without another try',
    async (_what, error, code, channelCode) => {
      const psid = await sending.person(page);
      await sending.fault(page, { kind: 'graph_error', error });
      const failed = await sending.send(page, psid, 'refused');
      const next = await sending.send(page, psid, 'next');
      expect((await sending.reaches(failed, 'FAILED')).reason).toMatchObject({ code, channelCode });
      await sending.reaches(next, 'READ');
      expect(await sending.seen(page, psid)).toEqual(['next']);
      expect(await sending.calls(page)).toHaveLength(2);
      expect(await sending.told(failed)).toEqual(['QUEUED', 'FAILED']);
    },
  );

  test('an invalid token stops the channel until it is reconnected', async () => {
    const psid = await sending.person(page);
    const updates: { state: string; lastError: string | null }[] = [];
    const socket = app.socket();
    const after = await eventCursor(app, page.appId);
    socket.subscribe<{ inbox: { channel?: { state: string; lastError: string | null } } }>(
      {
        query: `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) { ... on ChannelUpdated { channel { state lastError } } } }`,
        variables: { appId: page.appId, after },
      },
      {
        next: ({ data }) => void (data?.inbox.channel && updates.push(data.inbox.channel)),
        error: () => undefined,
        complete: () => undefined,
      },
    );
    await app.sandbox(`pages/${page.pageId}/revoke`, { error_subcode: 460 });
    const first = await sending.send(page, psid, 'with a dead token');
    expect((await sending.reaches(first, 'FAILED')).reason).toMatchObject({
      code: 'CHANNEL_BAD_CONFIGURATION',
      channelCode: '190/460',
    });
    const channels = async (): Promise<{ state: string; lastError: string | null }[]> =>
      (
        await app.graphql<{ app: { channels: { state: string; lastError: string | null }[] } }>(
          `query ($id: ID!) { app(id: $id) { channels { state lastError } } }`,
          { id: page.appId },
        )
      ).app.channels;
    expect(await channels()).toEqual([
      { state: 'NEEDS_REAUTH', lastError: expect.stringContaining('changed their password') as string },
    ]);
    await eventually(() => updates.some(({ state }) => state === 'NEEDS_REAUTH'), 'the event');

    const before = (await sending.calls(page)).length;
    const second = await sending.send(page, psid, 'without a call');
    expect((await sending.reaches(second, 'FAILED')).reason).toMatchObject({
      code: 'INACTIVE_CREDENTIAL',
      description: expect.stringContaining('reconnect') as string,
    });
    expect(await sending.calls(page)).toHaveLength(before);

    const token = `EAAnew${randomUUID()}`;
    await app.sandbox(`pages/${page.pageId}`, { token });
    const { connectChannel } = await app.graphql<{ connectChannel: { id: string; state: string } }>(
      `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id state } }`,
      {
        input: {
          appId: page.appId,
          channel: 'MESSENGER',
          token,
          callbackSecret: page.appSecret,
          pageId: page.pageId,
        },
      },
    );
    expect(connectChannel).toEqual({ id: page.channelId, state: 'ACTIVE' });
    const third = await sending.send(page, psid, 'with the new token');
    await sending.reaches(third, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['with the new token']);
    await eventually(() => updates.at(-1)?.state === 'ACTIVE', 'the event of the reconnect');
    await socket.dispose();
  });

  test('20 messages keep their order through random faults, each exactly once', async () => {
    const psid = await sending.person(page);
    const kinds = [
      { kind: 'drop_after_accept' },
      { kind: 'graph_error', status: 500, error: { code: 2 } },
      { kind: 'slow', delay_ms: 150 },
      { kind: 'graph_error', error: { code: 613 } },
      { kind: 'http', status: 503 },
    ];
    const texts = Array.from({ length: 20 }, (_, index) => `number ${index}`);
    const ids: string[] = [];
    for (const [index, text] of texts.entries()) {
      if (index % 4 === 0) await sending.fault(page, kinds[Math.floor(Math.random() * kinds.length)] ?? {});
      ids.push(await sending.send(page, psid, text));
    }
    for (const id of ids) await sending.reaches(id, 'QUEUED_ON_CHANNEL', 60_000);
    expect(await sending.seen(page, psid)).toEqual(texts);
    expect((await sending.outbound(page, psid)).map(({ id }) => id)).toEqual(ids);
  });

  test('messages that come in faster than they are stored leave in the order in which they came', async () => {
    const psid = await sending.person(page);
    const messages = app.parley.app.get(MessagesService, { strict: false });
    const texts = Array.from({ length: 100 }, (_, index) => `stream ${index}`);
    const command = (identity: string, text: string): SendCommand =>
      commandOf(app, page, identity, { text_message: { text } });
    // As a stream does it: the next before the one before is answered. New people in between make some batches slower than others.
    const accepted = await Promise.all(
      texts.map((text, index) => {
        if (index % 40 < 12) void messages.send(command(newPsid(), text));
        return messages.send(command(psid, text));
      }),
    );
    const ids = accepted.map(({ messageId }) => messageId);
    expect(ids).toEqual([...ids].sort());
    await eventually(
      async () => (await sending.seen(page, psid)).length === texts.length,
      'all of them',
      60_000,
    );
    expect(await sending.seen(page, psid)).toEqual(texts);
  });

  test('messages of one request leave in the order in which it has them', async () => {
    const psid = await sending.person(page);
    const texts = Array.from({ length: 40 }, (_, index) => `burst ${index}`);
    const fields = texts.map(
      (text, index) =>
        `m${index}: sendMessage(input: { appId: "${page.appId}", message: { textMessage: { text: "${text}" } },
          recipient: { identifiedBy: { channelIdentities: [{ channel: MESSENGER, identity: "${psid}" }] } } }) { messageId }`,
    );
    for (let start = 0; start < fields.length; start += 10) {
      await app.graphql(`mutation { ${fields.slice(start, start + 10).join('\n')} }`);
    }
    await eventually(
      async () => (await sending.seen(page, psid)).length === texts.length,
      'all of them',
      60_000,
    );
    expect(await sending.seen(page, psid)).toEqual(texts);
  });

  test('a person whose sends are slow delays nobody else', async () => {
    const [slow, quick] = [await sending.person(page), await sending.person(page)];
    await sending.fault(page, { kind: 'slow', delay_ms: 12_000 });
    const held = await sending.send(page, slow, 'held up');
    await eventually(async () => (await sending.calls(page)).length === 1, 'the slow call');
    const free = await sending.send(page, quick, 'free');
    await sending.reaches(free, 'READ');
    expect((await sending.message(held)).status).toBe('QUEUED');
    await sending.reaches(held, 'READ');
  });

  test('a message that nobody takes within its time to live fails as expired', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'http', status: 503, count: 100_000 });
    const id = await sending.send(page, psid, 'too late', { ttl: '3s' });
    expect((await sending.reaches(id, 'FAILED')).reason?.code).toBe('MESSAGE_EXPIRED');
    await sending.clearFaults();
    const next = await sending.send(page, psid, 'in time');
    await sending.reaches(next, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['in time']);
  });

  test('one that waits behind another expires in its own time, not in that of the other', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'http', status: 503, count: 100_000 });
    const head = await sending.send(page, psid, 'first');
    const behind = await sending.send(page, psid, 'second', { ttl: '3s' });
    expect((await sending.reaches(behind, 'FAILED')).reason?.code).toBe('MESSAGE_EXPIRED');
    expect((await sending.message(head)).status).toBe('QUEUED');
    await sending.clearFaults();
    await sending.reaches(head, 'READ', 60_000);
    expect(await sending.seen(page, psid)).toEqual(['first']);
  });

  test('what somebody types in the Page inbox appears once, as theirs', async () => {
    page = await connectPage(app, { copies: 3 });
    const psid = await sending.person(page);
    await app.sandbox(`pages/${page.pageId}/inbox`, { psid, text: 'typed by hand' });
    const ours = await sending.send(page, psid, 'by the API');
    await sending.reaches(ours, 'READ');
    await eventually(async () => (await sending.outbound(page, psid))[0]?.status === 'READ', 'its receipts');
    expect(await sending.outbound(page, psid)).toMatchObject([
      { sentBy: 'PAGE_INBOX', content: { text: 'typed by hand' }, status: 'READ' },
      { sentBy: 'API', content: { text: 'by the API' }, id: ours },
    ]);
  });

  test.each([
    ['before its answer', { echo_before_answer: true }],
    ['several times', { copies: 4 }],
    [
      'before its answer and several times, receipts too',
      { echo_before_answer: true, copies: 3, delivery_mids: false },
    ],
  ])('the echo of our own send %s makes no second message', async (_when, settings) => {
    page = await connectPage(app, settings);
    const psid = await sending.person(page);
    const id = await sending.send(page, psid, 'just once');
    await sending.reaches(id, 'READ');
    await statusesAfterQueued(id);
    expect(await sending.outbound(page, psid)).toMatchObject([{ id, sentBy: 'API', status: 'READ' }]);
    expect(await sending.seen(page, psid)).toEqual(['just once']);
  });

  test.each([
    ['NUL', 'a\u0000b'],
    ['half a surrogate pair', 'a\ud83d'],
  ])("a text with %s, which nothing can store, is the caller's mistake", async (_what, text) => {
    const psid = await sending.person(page);
    const { errors } = await app.ask(SEND, { input: sending.inputOf(page, psid, text) });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});
