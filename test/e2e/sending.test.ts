import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SendCommand } from '../../src/messages/command.js';
import { MessagesService } from '../../src/messages/messages.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  deliveryItem,
  echoItem,
  type GraphReply,
  type GraphSend,
  readItem,
  startTestGraph,
  taken,
  type TestGraph,
} from '../support/graph.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';

interface MessageView {
  id: string;
  status: string;
  sentBy: string;
  reason: { code: string; description: string; channelCode: string | null } | null;
  content: { text?: string };
}

const MESSAGE = `id status sentBy reason { code description channelCode } content { ... on TextMessage { text } }`;
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`;
const ORDER = ['QUEUED', 'QUEUED_ON_CHANNEL', 'DELIVERED', 'READ'];

/** What the tests ask of a service, whoever plays Meta for it. */
class Sending {
  constructor(readonly app: TestApp) {}

  inputOf(page: TestPage, psid: string, text: string, more: Record<string, unknown> = {}): object {
    return {
      appId: page.appId,
      recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
      message: { textMessage: { text } },
      ...more,
    };
  }

  async send(page: TestPage, psid: string, text: string, more?: Record<string, unknown>): Promise<string> {
    const { sendMessage } = await this.app.graphql<{ sendMessage: { messageId: string } }>(SEND, {
      input: this.inputOf(page, psid, text, more),
    });
    return sendMessage.messageId;
  }

  async message(id: string): Promise<MessageView> {
    return (
      await this.app.graphql<{ message: MessageView }>(
        `query ($id: ID!) { message(id: $id) { ${MESSAGE} } }`,
        { id },
      )
    ).message;
  }

  /** Waits until the message has got at least as far as `status`; FAILED only counts when asked for. */
  async reaches(id: string, status: string, timeoutMs?: number): Promise<MessageView> {
    return eventually(
      async () => {
        const message = await this.message(id);
        const far = ORDER.indexOf(message.status) >= ORDER.indexOf(status) && message.status !== 'FAILED';
        return (status === 'FAILED' ? message.status === 'FAILED' : far) && message;
      },
      `${status} of ${id}`,
      timeoutMs,
    );
  }

  /** The outbound messages of a person's conversations, oldest first. */
  async outbound(page: TestPage, psid: string): Promise<MessageView[]> {
    const { inbox } = await this.app.graphql<{
      inbox: {
        edges: {
          node: {
            contact: { channelIdentities: { identity: string }[] };
            messages: { edges: { node: MessageView & { direction: string } }[] };
          };
        }[];
      };
    }>(
      `query ($appId: ID!) { inbox(appId: $appId) { edges { node {
        contact { channelIdentities { identity } } messages(last: 100) { edges { node { direction ${MESSAGE} } } } } } } }`,
      { appId: page.appId },
    );
    return inbox.edges
      .filter(({ node }) => node.contact.channelIdentities.some(({ identity }) => identity === psid))
      .flatMap(({ node }) => node.messages.edges.map((edge) => edge.node))
      .filter(({ direction }) => direction === 'TO_CONTACT');
  }

  /** The statuses that the event log told of a message, in order. */
  async told(id: string): Promise<string[]> {
    const client = new pg.Client({ connectionString: this.app.databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ status: string }>(
        `SELECT payload -> 'message' ->> 'status' AS status FROM events
         WHERE kind IN ('message.added', 'message.updated') AND payload -> 'message' ->> 'id' = $1 ORDER BY xact, seq`,
        [id],
      );
      return rows.map(({ status }) => status);
    } finally {
      await client.end();
    }
  }

  async query(sql: string, values: unknown[] = []): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: this.app.databaseUrl });
    await client.connect();
    try {
      return (await client.query(sql, values)).rows as unknown[];
    } finally {
      await client.end();
    }
  }
}

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
  afterEach(clearFaults);
  afterAll(() => app.stop());

  async function clearFaults(): Promise<void> {
    await fetch(`${app.url}/sandbox/faults`, { method: 'DELETE' });
  }

  /** Somebody who has written to the page, as a page may only write to such. */
  async function person(of = page): Promise<string> {
    const psid = newPsid();
    const { delivered } = await app.sandbox<{ delivered: { status: number } }>(`people/${psid}/messages`, {
      page_id: of.pageId,
      text: 'Hello',
    });
    expect(delivered.status).toBe(200);
    return psid;
  }

  async function fault(what: Record<string, unknown>): Promise<void> {
    await app.sandbox('faults', { page_id: page.pageId, path: 'messages', ...what });
  }

  /** What the person has seen of the page. */
  async function seen(psid: string): Promise<(string | undefined)[]> {
    const { messages } = await app.sandbox<{ messages: { from: string; text?: string }[] }>(
      `people/${psid}/messages?page_id=${page.pageId}`,
    );
    return messages.filter(({ from }) => from === 'page').map(({ text }) => text);
  }

  async function calls(): Promise<{ status?: number }[]> {
    const { data } = await app.sandbox<{ data: { page_id?: string; status?: number }[] }>(
      'calls?path=messages',
    );
    return data.filter((call) => call.page_id === page.pageId);
  }

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
    const psid = await person();
    await fault({ ...failure, count });
    const id = await sending.send(page, psid, 'persistent');
    await sending.reaches(id, 'READ');
    expect(await seen(psid)).toEqual(['persistent']);
    expect(await calls()).toHaveLength(count + 1);
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
    const psid = await person();
    await fault({ kind: 'http', status: 503, count: 100_000 });
    const id = await sending.send(page, psid, 'patient');
    await eventually(async () => (await calls()).length >= 2, 'a second try');
    expect((await sending.message(id)).status).toBe('QUEUED');
    expect(await seen(psid)).toEqual([]);
    await clearFaults();
    await sending.reaches(id, 'READ');
    expect(await seen(psid)).toEqual(['patient']);
  });

  test('a slow answer is waited for', async () => {
    const psid = await person();
    await fault({ kind: 'slow', delay_ms: 3_000 });
    const id = await sending.send(page, psid, 'slowly');
    await sending.reaches(id, 'READ');
    expect(await seen(psid)).toEqual(['slowly']);
    expect(await calls()).toHaveLength(1);
  });

  test('dropped after it was accepted: the echo settles it and nothing is sent twice', async () => {
    const psid = await person();
    await fault({ kind: 'drop_after_accept' });
    const ids = [await sending.send(page, psid, 'one'), await sending.send(page, psid, 'two')];
    for (const id of ids) await sending.reaches(id, 'READ');
    expect(await seen(psid)).toEqual(['one', 'two']);
    expect(await calls()).toHaveLength(2);
    expect((await sending.outbound(page, psid)).map(({ id }) => id)).toEqual(ids);
  });

  test('dropped after it was accepted, and no echo ever tells: sent again once, after the time of grace', async () => {
    page = await connectPage(app, { echo: false, delivery: false, read: false });
    const psid = await person();
    await fault({ kind: 'drop_after_accept' });
    const began = Date.now();
    const id = await sending.send(page, psid, 'twice');
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
    expect(await seen(psid)).toEqual(['twice', 'twice']);
    expect(await calls()).toHaveLength(2);
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
      const psid = await person();
      await fault({ kind: 'graph_error', error });
      const failed = await sending.send(page, psid, 'refused');
      const next = await sending.send(page, psid, 'next');
      expect((await sending.reaches(failed, 'FAILED')).reason).toMatchObject({ code, channelCode });
      await sending.reaches(next, 'READ');
      expect(await seen(psid)).toEqual(['next']);
      expect(await calls()).toHaveLength(2);
      expect(await sending.told(failed)).toEqual(['QUEUED', 'FAILED']);
    },
  );

  test('an invalid token stops the channel until it is reconnected', async () => {
    const psid = await person();
    const updates: { state: string; lastError: string | null }[] = [];
    const socket = app.socket();
    const subscribed = new Promise<void>((resolve) => socket.on('message', () => resolve()));
    socket.subscribe<{ inbox: { channel?: { state: string; lastError: string | null } } }>(
      {
        query: `subscription ($appId: ID!) { inbox(appId: $appId) { ... on ChannelUpdated { channel { state lastError } } } }`,
        variables: { appId: page.appId },
      },
      {
        next: ({ data }) => void (data?.inbox.channel && updates.push(data.inbox.channel)),
        error: () => undefined,
        complete: () => undefined,
      },
    );
    await subscribed;
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

    const before = (await calls()).length;
    const second = await sending.send(page, psid, 'without a call');
    expect((await sending.reaches(second, 'FAILED')).reason).toMatchObject({
      code: 'INACTIVE_CREDENTIAL',
      description: expect.stringContaining('reconnect') as string,
    });
    expect(await calls()).toHaveLength(before);

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
    expect(await seen(psid)).toEqual(['with the new token']);
    await eventually(() => updates.at(-1)?.state === 'ACTIVE', 'the event of the reconnect');
    await socket.dispose();
  });

  test('20 messages keep their order through random faults, each exactly once', async () => {
    const psid = await person();
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
      if (index % 4 === 0) await fault(kinds[Math.floor(Math.random() * kinds.length)] ?? {});
      ids.push(await sending.send(page, psid, text));
    }
    for (const id of ids) await sending.reaches(id, 'QUEUED_ON_CHANNEL', 60_000);
    expect(await seen(psid)).toEqual(texts);
    expect((await sending.outbound(page, psid)).map(({ id }) => id)).toEqual(ids);
  });

  test('messages that come in faster than they are stored leave in the order in which they came', async () => {
    const psid = await person();
    const messages = app.parley.app.get(MessagesService, { strict: false });
    const texts = Array.from({ length: 100 }, (_, index) => `stream ${index}`);
    const command = (identity: string, text: string): SendCommand => ({
      projectId: app.projectId,
      appId: page.appId,
      recipient: { identities: [{ channel: 'MESSENGER', identity }] },
      message: { text_message: { text } },
      channelPriorityOrder: [],
      channelProperties: {},
      messageMetadata: '',
      conversationMetadata: null,
      correlationId: null,
      ttlSeconds: 3600,
      highPriority: false,
      idempotency: null,
    });
    // As a stream does it: the next before the one before is answered. New people in between make some batches slower than others.
    const accepted = await Promise.all(
      texts.map((text, index) => {
        if (index % 40 < 12) void messages.send(command(newPsid(), text));
        return messages.send(command(psid, text));
      }),
    );
    const ids = accepted.map(({ messageId }) => messageId);
    expect(ids).toEqual([...ids].sort());
    await eventually(async () => (await seen(psid)).length === texts.length, 'all of them', 60_000);
    expect(await seen(psid)).toEqual(texts);
  });

  test('messages of one request leave in the order in which it has them', async () => {
    const psid = await person();
    const texts = Array.from({ length: 40 }, (_, index) => `burst ${index}`);
    const fields = texts.map(
      (text, index) =>
        `m${index}: sendMessage(input: { appId: "${page.appId}", message: { textMessage: { text: "${text}" } },
          recipient: { identifiedBy: { channelIdentities: [{ channel: MESSENGER, identity: "${psid}" }] } } }) { messageId }`,
    );
    for (let start = 0; start < fields.length; start += 10) {
      await app.graphql(`mutation { ${fields.slice(start, start + 10).join('\n')} }`);
    }
    await eventually(async () => (await seen(psid)).length === texts.length, 'all of them', 60_000);
    expect(await seen(psid)).toEqual(texts);
  });

  test('a person whose sends are slow delays nobody else', async () => {
    const [slow, quick] = [await person(), await person()];
    await fault({ kind: 'slow', delay_ms: 6_000 });
    const held = await sending.send(page, slow, 'held up');
    await eventually(async () => (await calls()).length === 1, 'the slow call');
    const began = Date.now();
    const free = await sending.send(page, quick, 'free');
    await sending.reaches(free, 'READ');
    expect(Date.now() - began).toBeLessThan(4_000);
    expect((await sending.message(held)).status).toBe('QUEUED');
    await sending.reaches(held, 'READ');
  });

  test('a message that nobody takes within its time to live fails as expired', async () => {
    const psid = await person();
    await fault({ kind: 'http', status: 503, count: 100_000 });
    const id = await sending.send(page, psid, 'too late', { ttl: '3s' });
    expect((await sending.reaches(id, 'FAILED')).reason?.code).toBe('MESSAGE_EXPIRED');
    await clearFaults();
    const next = await sending.send(page, psid, 'in time');
    await sending.reaches(next, 'READ');
    expect(await seen(psid)).toEqual(['in time']);
  });

  test('one that waits behind another expires in its own time, not in that of the other', async () => {
    const psid = await person();
    await fault({ kind: 'http', status: 503, count: 100_000 });
    const head = await sending.send(page, psid, 'first');
    const behind = await sending.send(page, psid, 'second', { ttl: '3s' });
    expect((await sending.reaches(behind, 'FAILED')).reason?.code).toBe('MESSAGE_EXPIRED');
    expect((await sending.message(head)).status).toBe('QUEUED');
    await clearFaults();
    await sending.reaches(head, 'READ', 60_000);
    expect(await seen(psid)).toEqual(['first']);
  });

  test('what somebody types in the Page inbox appears once, as theirs', async () => {
    page = await connectPage(app, { copies: 3 });
    const psid = await person();
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
    const psid = await person();
    const id = await sending.send(page, psid, 'just once');
    await sending.reaches(id, 'READ');
    await statusesAfterQueued(id);
    expect(await sending.outbound(page, psid)).toMatchObject([{ id, sentBy: 'API', status: 'READ' }]);
    expect(await seen(psid)).toEqual(['just once']);
  });

  describe('with an idempotency key', () => {
    test('a retry gets the first answer and sends nothing', async () => {
      const psid = await person();
      const key = { idempotencyKey: randomUUID() };
      const first = await sending.send(page, psid, 'only one', key);
      expect(await sending.send(page, psid, 'only one', key)).toBe(first);
      await sending.reaches(first, 'READ');
      expect(await sending.send(page, psid, 'only one', key)).toBe(first);
      const next = await sending.send(page, psid, 'next');
      await sending.reaches(next, 'READ');
      expect(await seen(psid)).toEqual(['only one', 'next']);
    });

    test('another request is refused', async () => {
      const psid = await person();
      const key = { idempotencyKey: randomUUID() };
      await sending.send(page, psid, 'this', key);
      const { errors } = await app.ask(SEND, { input: sending.inputOf(page, psid, 'that', key) });
      expect(errors?.[0]?.extensions.code).toBe('CONFLICT');
      expect(await sending.outbound(page, psid)).toHaveLength(1);
    });

    test('concurrent retries agree, and one of them sends', async () => {
      const psid = await person();
      const keys = [randomUUID(), randomUUID(), randomUUID()];
      const ids = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          sending.send(page, psid, `key ${index % 3}`, { idempotencyKey: keys[index % 3] }),
        ),
      );
      expect(new Set(ids).size).toBe(3);
      for (const id of new Set(ids)) await sending.reaches(id, 'QUEUED_ON_CHANNEL');
      expect((await seen(psid)).sort()).toEqual(['key 0', 'key 1', 'key 2']);
    });

    test('a key means something else in another project', async () => {
      const psid = await person();
      const idempotencyKey = randomUUID();
      const id = await sending.send(page, psid, 'mine', { idempotencyKey });
      await sending.query(
        `INSERT INTO projects (project_id, display_name) VALUES ('other', 'Other') ON CONFLICT DO NOTHING`,
      );
      await sending.query(
        `INSERT INTO idempotency_keys (project_id, key, request_hash, message_id, accepted_time) VALUES ('other', $1, 'x', 'y', now())`,
        [idempotencyKey],
      );
      expect(await sending.send(page, psid, 'mine', { idempotencyKey })).toBe(id);
    });
  });

  test.each([
    ['NUL', 'a\u0000b'],
    ['half a surrogate pair', 'a\ud83d'],
  ])("a text with %s, which nothing can store, is the caller's mistake", async (_what, text) => {
    const psid = await person();
    const { errors } = await app.ask(SEND, { input: sending.inputOf(page, psid, text) });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('the answer of a send, its echo and its receipts, in any order', () => {
  let app: TestApp;
  let graph: TestGraph;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    graph = await startTestGraph();
    // So long that nothing here can be due to it.
    app = await startTestApp({ GRAPH_API_URL: graph.url, ECHO_GRACE_SECONDS: '300' });
    sending = new Sending(app);
    page = await connect(app);
  });
  beforeEach(() => {
    graph.sends.length = 0;
    graph.answer = taken;
  });
  afterAll(async () => {
    await app.stop();
    await graph.stop();
  });

  async function post(...items: unknown[]): Promise<void> {
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  }

  /** Sends a text, and stops at the moment when the channel has it but has not answered. */
  async function sendHeld(
    psid: string,
    text: string,
  ): Promise<{ id: string; call: GraphSend; answer: (reply: GraphReply) => void }> {
    const known = graph.sends.length;
    const held = Promise.withResolvers<GraphReply>();
    graph.answer = (send) => (send.text === text ? held.promise : taken(send));
    const id = await sending.send(page, psid, text);
    const call = await eventually(
      () => graph.sends.slice(known).find((send) => send.text === text),
      'the call',
    );
    return { id, call, answer: held.resolve };
  }

  async function settledAs(id: string, statuses: string[]): Promise<void> {
    await sending.reaches(id, statuses.at(-1) ?? '');
    expect(await sending.told(id)).toEqual(statuses);
  }

  /** The lane has done all it can once a further message has gone through it. */
  async function laneIsClear(psid: string): Promise<void> {
    await sending.reaches(await sending.send(page, psid, `flush ${randomUUID()}`), 'QUEUED_ON_CHANNEL');
  }

  test('echo, then answer', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'echo first');
    await post(echoItem(call), echoItem(call));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    answer(taken(call));
    await post(echoItem(call));
    await laneIsClear(psid);
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    expect(await sending.outbound(page, psid)).toHaveLength(2);
    expect(graph.sends).toHaveLength(2);
  });

  test('echo, then the connection drops: no second call, and the next message does not wait', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'dropped after the echo');
    const next = await sending.send(page, psid, 'next');
    await post(echoItem(call));
    answer('drop');
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await sending.reaches(next, 'QUEUED_ON_CHANNEL');
    await laneIsClear(psid);
    expect(graph.sends.map(({ text }) => text).slice(0, 2)).toEqual(['dropped after the echo', 'next']);
    expect(graph.sends).toHaveLength(3);
  });

  test('the connection drops, then the echo: what waited goes on at once', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'dropped before the echo');
    const next = await sending.send(page, psid, 'next');
    answer('drop');
    await eventually(
      async () =>
        (await sending.query('SELECT FROM sends WHERE message_id = $1 AND attempt_by IS NULL', [id]))
          .length === 1,
      'the record of the lost answer',
    );
    expect(graph.sends).toHaveLength(1);
    await post(echoItem(call));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await sending.reaches(next, 'QUEUED_ON_CHANNEL', 2_500);
    expect(graph.sends.map(({ text }) => text)).toEqual(['dropped before the echo', 'next']);
  });

  test('echo and dropped connection at the same moment, many times over', async () => {
    const psid = newPsid();
    const texts = Array.from({ length: 15 }, (_, index) => `together ${index}`);
    graph.answer = async (call): Promise<GraphReply> => {
      const echoed = post(echoItem(call));
      // Before, during and after the transaction of the echo.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
      void echoed;
      return 'drop';
    };
    for (const text of texts) await sending.send(page, psid, text);
    await eventually(
      async () => (await sending.outbound(page, psid)).every(({ status }) => status === 'QUEUED_ON_CHANNEL'),
      'all of them on the channel',
      60_000,
    );
    expect(graph.sends.map(({ text }) => text)).toEqual(texts);
  });

  test.each([
    ['by id', (call: GraphSend) => [deliveryItem(call)], 'DELIVERED'],
    ['by watermark', (call: GraphSend) => [deliveryItem(call, call.at, [])], 'DELIVERED'],
    ['read', (call: GraphSend) => [readItem(call)], 'READ'],
    ['delivered and read', (call: GraphSend) => [deliveryItem(call), readItem(call)], 'READ'],
    [
      'read, then delivered, all doubled',
      (call: GraphSend) => [readItem(call), deliveryItem(call), readItem(call), deliveryItem(call)],
      'READ',
    ],
  ])('receipts before the answer, no echo: %s', async (_how, receipts, status) => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'received before answered');
    await post(...receipts(call));
    expect((await sending.message(id)).status).toBe('QUEUED');
    answer(taken(call));
    expect((await sending.reaches(id, status)).status).toBe(status);
    const [, ...told] = await sending.told(id);
    expect(told.at(-1)).toBe(status);
    expect(await sending.outbound(page, psid)).toHaveLength(1);
  });

  test('a receipt for what came before says nothing about a send under way', async () => {
    const psid = newPsid();
    const before = await sending.send(page, psid, 'before');
    await sending.reaches(before, 'QUEUED_ON_CHANNEL');
    const watermark = Date.now();
    await eventually(() => Date.now() > watermark + 5, 'the clock');
    const { id, call, answer } = await sendHeld(psid, 'under way');
    await post(readItem(call, watermark));
    expect((await sending.message(before)).status).toBe('READ');
    answer(taken(call));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await laneIsClear(psid);
    expect((await sending.message(id)).status).toBe('QUEUED_ON_CHANNEL');
  });

  test('receipts, then a dropped connection, then the echo', async () => {
    const psid = newPsid();
    const { id, call, answer } = await sendHeld(psid, 'everything is late');
    await post(deliveryItem(call));
    answer('drop');
    await post(echoItem(call));
    await sending.reaches(id, 'DELIVERED');
    await post(readItem(call), deliveryItem(call), echoItem(call));
    expect((await sending.message(id)).status).toBe('READ');
    expect(graph.sends).toHaveLength(1);
  });

  test('a message of several payloads is on the channel with its last one, and received with its last one', async () => {
    const psid = newPsid();
    const long = `${'long '.repeat(500)}end`;
    const held = Promise.withResolvers<GraphReply>();
    graph.answer = (send) => (graph.sends.length === 1 ? taken(send) : held.promise);
    const id = await sending.send(page, psid, long);
    await eventually(() => graph.sends.length === 2, 'the second payload');
    const [one, two] = graph.sends as [GraphSend, GraphSend];
    await post(echoItem(one), deliveryItem(one));
    expect((await sending.message(id)).status).toBe('QUEUED');
    held.resolve(taken(two));
    await settledAs(id, ['QUEUED', 'QUEUED_ON_CHANNEL']);
    await post(echoItem(two), deliveryItem(two));
    expect((await sending.message(id)).status).toBe('DELIVERED');
  });

  test('an echo of a failed message changes nothing: FAILED is final', async () => {
    const psid = newPsid();
    graph.answer = () => ({ status: 400, body: { error: { code: 100, message: 'no' } } });
    const id = await sending.send(page, psid, 'failed');
    await sending.reaches(id, 'FAILED');
    const [call] = graph.sends as [GraphSend];
    await post(echoItem(call), deliveryItem(call), readItem(call));
    await settledAsFailed(id);
    expect(await sending.outbound(page, psid)).toHaveLength(1);
  });

  async function settledAsFailed(id: string): Promise<void> {
    expect(await sending.told(id)).toEqual(['QUEUED', 'FAILED']);
    expect((await sending.message(id)).status).toBe('FAILED');
  }

  test('somebody writing at the same time does not disturb the sends', async () => {
    const psid = newPsid();
    graph.answer = async (call) => {
      await post(textItem(page.pageId, psid, `answer to ${call.text}`), echoItem(call));
      return taken(call);
    };
    const texts = Array.from({ length: 10 }, (_, index) => `question ${index}`);
    for (const text of texts) await sending.send(page, psid, text);
    await eventually(
      async () => (await sending.outbound(page, psid)).every(({ status }) => status === 'QUEUED_ON_CHANNEL'),
      'all of them on the channel',
    );
    expect(graph.sends.map(({ text }) => text)).toEqual(texts);
  });
});

describe('sends while the database fails', () => {
  let app: TestApp;
  let graph: TestGraph;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    graph = await startTestGraph();
    app = await startTestApp({ GRAPH_API_URL: graph.url, ECHO_GRACE_SECONDS: '4' });
    sending = new Sending(app);
    page = await connect(app);
  });
  afterAll(async () => {
    await app.stop();
    await graph.stop();
  });

  /** Ends every connection of the service, as a restart of Postgres does. */
  async function cutConnections(): Promise<void> {
    await sending.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  }

  test('an answer that cannot be recorded blocks its lane for no longer than the time of grace', async () => {
    const psid = newPsid();
    const held = Promise.withResolvers<GraphReply>();
    graph.answer = (send) => (send.text === 'unrecorded' ? held.promise : taken(send));
    await sending.send(page, psid, 'unrecorded');
    const call = await eventually(() => graph.sends[0], 'the call');
    // Its job finds the lane taken and ends; the job in the middle of the call is now the only one that knows.
    const next = await sending.send(page, psid, 'next');
    await eventually(
      async () =>
        (await sending.query(`SELECT FROM graphile_worker._private_jobs WHERE key LIKE 'send:%'`)).length ===
        0,
      'the end of the second job',
    );
    graph.answer = taken;
    await sending.query('ALTER TABLE message_parts RENAME TO message_parts_away');
    held.resolve(taken(call));
    await eventually(
      async () =>
        (await sending.query(`SELECT FROM graphile_worker._private_jobs WHERE last_error IS NOT NULL`))
          .length === 1,
      'the job that failed',
    );
    await sending.query('ALTER TABLE message_parts_away RENAME TO message_parts');
    await sending.reaches(next, 'QUEUED_ON_CHANNEL', 60_000);
    // Nobody told what became of the first call: once more is the price.
    expect(graph.sends.map(({ text }) => text)).toEqual(['unrecorded', 'unrecorded', 'next']);
  }, 120_000);

  test('connections that are cut under load lose no message', async () => {
    graph.sends.length = 0;
    const echoes: Promise<unknown>[] = [];
    graph.answer = async (send) => {
      echoes.push(echoUntilTaken(send));
      await new Promise((resolve) => setTimeout(resolve, 10));
      return taken(send);
    };
    const people = Array.from({ length: 8 }, newPsid);
    const accepted: string[] = [];
    const senders = people.map(async (psid) => {
      for (let index = 0; index < 12; index += 1) {
        const idempotencyKey = randomUUID();
        await eventually(async () => {
          accepted.push(await sending.send(page, psid, `${psid} ${index}`, { idempotencyKey }));
          return true;
        }, 'acceptance');
      }
    });
    for (let cut = 0; cut < 3; cut += 1) {
      const before = graph.sends.length;
      await eventually(() => graph.sends.length >= before + 10, 'some sends');
      await cutConnections();
    }
    await Promise.all(senders);
    for (const id of accepted) await sending.reaches(id, 'QUEUED_ON_CHANNEL', 60_000);
    await Promise.all(echoes);
    for (const psid of people) {
      const texts = graph.sends.filter((send) => send.psid === psid).map(({ text }) => text);
      expect(texts).toEqual(Array.from({ length: 12 }, (_, index) => `${psid} ${index}`));
    }
  }, 120_000);

  /** As Meta does: again until it is answered with 200. */
  async function echoUntilTaken(send: GraphSend): Promise<void> {
    await eventually(
      async () => (await postWebhook(app, page, envelope(page.pageId, echoItem(send)))).status === 200,
      'the echo',
      60_000,
    );
  }
});

let connected = 0;

/** An app with a page of a Graph API that takes any token. */
async function connect(app: TestApp): Promise<TestPage> {
  connected += 1;
  const pageId = `8000${Date.now()}${connected}`;
  const appSecret = `secret-of-${pageId}`;
  const { createApp } = await app.graphql<{ createApp: { id: string } }>(
    `mutation { createApp(input: { displayName: "Test app" }) { id } }`,
  );
  const { connectChannel } = await app.graphql<{ connectChannel: { id: string; state: string } }>(
    `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id state } }`,
    { input: { appId: createApp.id, channel: 'MESSENGER', token: 'any', callbackSecret: appSecret, pageId } },
  );
  expect(connectChannel.state).toBe('ACTIVE');
  return { appId: createApp.id, pageId, appSecret, channelId: connectChannel.id };
}
