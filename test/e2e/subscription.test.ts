import type { Client } from 'graphql-ws';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ProjectsService } from '../../src/access/projects.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { logSettled } from '../support/log.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';

interface EventView {
  __typename: string;
  cursor: string;
  message?: { id: string; content: { text?: string } };
  conversation?: { id: string; unreadCount: number };
}

const EVENT = `__typename
  ... on MessageAdded { cursor message { id content { ... on TextMessage { text } } } conversation { id unreadCount } }
  ... on MessageUpdated { cursor message { id content { ... on TextMessage { text } } } conversation { id unreadCount } }
  ... on ConversationUpdated { cursor conversation { id unreadCount } }
  ... on ContactUpdated { cursor } ... on ChannelUpdated { cursor }`;
const INBOX = `subscription ($id: ID!, $after: String) { inbox(appId: $id, after: $after) { ${EVENT} } }`;
const CONVERSATION = `subscription ($id: ID!, $after: String) { conversation(id: $id, after: $after) { ${EVENT} } }`;

let app: TestApp;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  page = await connectPage(app);
});
afterAll(() => app.stop());

/** A front end that keeps its last cursor and can lose its connection at any time. */
class FrontEnd {
  readonly events: EventView[] = [];
  /** Why a stream ended by itself. */
  readonly endings: unknown[] = [];
  private client: Client | null = null;

  constructor(
    private readonly query: string,
    private readonly id: string,
    private after: string | null,
  ) {
    this.connect();
  }

  connect(): void {
    const client = app.socket();
    this.client = client;
    client.subscribe<Record<string, EventView>>(
      { query: this.query, variables: { id: this.id, after: this.after } },
      {
        next: ({ data, errors }) => {
          // What arrives on a connection that was given up has not been seen.
          if (this.client !== client) return;
          const [event] = Object.values(data ?? {});
          if (errors || !event) return void this.endings.push(errors ?? 'no data');
          this.events.push(event);
          this.after = event.cursor;
        },
        error: (error) => void (this.client === client && this.endings.push(error)),
        complete: () => undefined,
      },
    );
  }

  /** Gone without a word, as when a lid is closed. */
  cut(): void {
    const lost = this.client;
    this.client = null;
    lost?.terminate();
  }

  get messages(): string[] {
    return this.events.flatMap(({ __typename, message }) =>
      __typename === 'MessageAdded' && message ? [message.id] : [],
    );
  }

  get texts(): (string | undefined)[] {
    return this.events.flatMap(({ __typename, message }) =>
      __typename === 'MessageAdded' && message ? [message.content.text] : [],
    );
  }

  async close(): Promise<void> {
    await this.client?.dispose();
    this.client = null;
  }
}

async function write(...texts: { psid: string; text: string }[]): Promise<void> {
  const items = texts.map(({ psid, text }) => textItem(page.pageId, psid, text));
  expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
}

async function inboxCursor(): Promise<string> {
  const { inbox } = await app.graphql<{ inbox: { eventCursor: string } }>(
    `query ($id: ID!) { inbox(appId: $id) { eventCursor } }`,
    { id: page.appId },
  );
  return inbox.eventCursor;
}

async function query<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows as T[];
  } finally {
    await client.end();
  }
}

/** Ids of the messages, in the order of the log. */
async function logged(): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `SELECT payload -> 'message' ->> 'id' AS id FROM events WHERE app_id = $1 AND kind = 'message.added' ORDER BY xact, seq`,
    [page.appId],
  );
  return rows.map(({ id }) => id);
}

async function conversationOf(psid: string): Promise<string> {
  const [row] = await query<{ id: string }>(
    `SELECT c.id FROM conversations c JOIN channel_identities i ON i.contact_id = c.contact_id WHERE i.identity = $1`,
    [psid],
  );
  return row?.id ?? '';
}

describe('a burst of 1,000 messages', () => {
  test('reaches subscribers who are cut off again and again: each once, in order, the same for all', async () => {
    const start = await inboxCursor();
    const steady = new FrontEnd(INBOX, page.appId, start);
    const flaky = [0, 1, 2].map(() => new FrontEnd(INBOX, page.appId, start));
    const people = Array.from({ length: 20 }, newPsid);
    const burst = (async () => {
      let number = 0;
      const request = (): Promise<void> =>
        write(
          ...Array.from({ length: 20 }, () => ({
            psid: people[number % 20] ?? '',
            text: `text ${number++}`,
          })),
        );
      for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 5 }, request));
    })();
    let cuts = 0;
    const cutting = flaky.map(async (frontEnd, index) => {
      for (;;) {
        const until = frontEnd.messages.length + 20 + Math.floor(Math.random() * 120);
        if (until > 1_000) return;
        await eventually(() => frontEnd.messages.length >= until, `message ${until} of subscriber ${index}`);
        frontEnd.cut();
        cuts += 1;
        frontEnd.connect();
      }
    });
    await Promise.all([burst, ...cutting]);
    expect(cuts).toBeGreaterThanOrEqual(15);
    const expected = await logged();
    expect(expected).toHaveLength(1_000);
    for (const frontEnd of [steady, ...flaky]) {
      await eventually(() => frontEnd.messages.length >= 1_000, 'the last message', 25_000);
      expect(frontEnd.messages).toEqual(expected);
      expect(frontEnd.endings).toEqual([]);
      const cursors = frontEnd.events.map(({ cursor }) => cursor);
      expect(new Set(cursors).size).toBe(cursors.length);
      await frontEnd.close();
    }
    // Unread counts only grow while nobody reads: the conversation shown with each message is never from before.
    const counts = new Map<string, number>();
    for (const { conversation, __typename } of steady.events) {
      if (!conversation || __typename !== 'MessageAdded') continue;
      expect(conversation.unreadCount).toBeGreaterThanOrEqual(counts.get(conversation.id) ?? 0);
      counts.set(conversation.id, conversation.unreadCount);
    }
    expect([...counts.values()]).toEqual(people.map(() => 50));
  }, 60_000);

  test('is there in full for one who does not read for a while, and delays nobody else', async () => {
    const start = await inboxCursor();
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const received: string[] = [];
    socket.on('message', (data: Buffer) => {
      const { type, payload } = JSON.parse(data.toString('utf8')) as {
        type: string;
        payload?: { data: { inbox: EventView } };
      };
      if (type === 'connection_ack') {
        const variables = { id: page.appId, after: start };
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: INBOX, variables } }));
      }
      if (type === 'next' && payload?.data.inbox.__typename === 'MessageAdded')
        received.push(payload.data.inbox.message?.id ?? '');
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: app.authorization } }));
    const psid = newPsid();
    await write({ psid, text: 'first' });
    await eventually(() => received.length === 1, 'the first message');
    socket.pause();
    const quick = new FrontEnd(INBOX, page.appId, start);
    // More than the buffers of both ends of a connection hold.
    const padding = 'x'.repeat(12_000);
    for (let round = 0; round < 20; round += 1)
      await write(
        ...Array.from({ length: 50 }, (_, index) => ({ psid, text: `${round}-${index} ${padding}` })),
      );
    await eventually(() => quick.messages.length === 1_001, 'the other subscriber', 25_000);
    expect(received).toHaveLength(1);
    socket.resume();
    await eventually(() => received.length === 1_001, 'the one that slept', 25_000);
    expect(received).toEqual(quick.messages);
    socket.terminate();
    await quick.close();
  }, 60_000);
});

describe('a page and the events after it', () => {
  test('of an inbox miss nothing while messages come in', async () => {
    const people = Array.from({ length: 8 }, newPsid);
    let running = true;
    const writers = people.map(async (psid, index) => {
      for (let number = 0; running; number += 1) await write({ psid, text: `${index}-${number}` });
    });
    const frontEnds: { frontEnd: FrontEnd; shown: Map<string, number> }[] = [];
    for (let round = 0; round < 6; round += 1) {
      const { inbox } = await app.graphql<{
        inbox: { eventCursor: string; edges: { node: { id: string; unreadCount: number } }[] };
      }>(
        `query ($id: ID!) { inbox(appId: $id, first: 100) { eventCursor edges { node { id unreadCount } } } }`,
        {
          id: page.appId,
        },
      );
      const shown = new Map(inbox.edges.map(({ node }) => [node.id, node.unreadCount]));
      frontEnds.push({ frontEnd: new FrontEnd(INBOX, page.appId, inbox.eventCursor), shown });
    }
    running = false;
    await Promise.all(writers);
    const expected = new Map(
      (
        await query<{ id: string; unread_count: number }>(
          'SELECT id, unread_count FROM conversations WHERE app_id = $1',
          [page.appId],
        )
      ).map(({ id, unread_count }) => [id, unread_count]),
    );
    const last = (await logged()).at(-1);
    for (const { frontEnd, shown } of frontEnds) {
      await eventually(() => frontEnd.messages.includes(last ?? ''), 'the last message');
      // A front end that puts each event's conversation into its list ends with what is true.
      for (const { conversation } of frontEnd.events)
        if (conversation) shown.set(conversation.id, conversation.unreadCount);
      expect(shown).toEqual(expected);
      await frontEnd.close();
    }
  });

  test('of a conversation miss no message', async () => {
    const psid = newPsid();
    await write({ psid, text: 'first' });
    const id = await conversationOf(psid);
    let running = true;
    const writers = [0, 1, 2].map(async (writer) => {
      for (let number = 0; running && number < 25; number += 1)
        await write({ psid, text: `${writer}-${number}` });
    });
    const views: { frontEnd: FrontEnd; page: string[] }[] = [];
    for (let round = 0; round < 6; round += 1) {
      const { conversation } = await app.graphql<{
        conversation: { messages: { eventCursor: string; edges: { node: { id: string } }[] } };
      }>(
        `query ($id: ID!) { conversation(id: $id) { messages(last: 100) { eventCursor edges { node { id } } } } }`,
        { id },
      );
      views.push({
        frontEnd: new FrontEnd(CONVERSATION, id, conversation.messages.eventCursor),
        page: conversation.messages.edges.map(({ node }) => node.id),
      });
    }
    running = false;
    await Promise.all(writers);
    const expected = await logged();
    for (const { frontEnd, page: shown } of views) {
      await eventually(
        () => frontEnd.messages.includes(expected.at(-1) ?? '') || shown.length === expected.length,
        'the last message',
      );
      expect([...new Set([...shown, ...frontEnd.messages])]).toEqual(expected);
      await frontEnd.close();
    }
  });
});

describe('a subscription', () => {
  test('to a conversation tells of that conversation only', async () => {
    const [mine, other] = [newPsid(), newPsid()];
    await write({ psid: mine, text: 'one' }, { psid: other, text: 'two' });
    const id = await conversationOf(mine);
    await logSettled(query);
    const frontEnd = new FrontEnd(CONVERSATION, id, await inboxCursor());
    await write({ psid: other, text: 'not this' });
    await write({ psid: mine, text: 'this' }, { psid: other, text: 'nor this' });
    await app.graphql(
      `mutation ($id: ID!) { updateConversation(id: $id, input: { assignee: "ann" }) { id } }`,
      { id },
    );
    await eventually(() => frontEnd.events.length >= 2, 'both events');
    expect(frontEnd.events.map(({ __typename, conversation }) => [__typename, conversation?.id])).toEqual([
      ['MessageAdded', id],
      ['ConversationUpdated', id],
    ]);
    expect(frontEnd.texts).toEqual(['this']);
    await frontEnd.close();
  });

  test('without a cursor begins now', async () => {
    const psid = newPsid();
    await write({ psid, text: 'before' });
    await logSettled(query);
    const frontEnd = new FrontEnd(INBOX, page.appId, null);
    // Nothing tells a client that its subscription stands, so it writes until it hears of it.
    await eventually(async () => {
      await write({ psid, text: 'after' });
      return frontEnd.messages.length > 0;
    }, 'an event');
    expect(new Set(frontEnd.texts)).toEqual(new Set(['after']));
    await frontEnd.close();
  });

  /** The errors that a subscription is refused with. */
  async function refusal(document: string, id: string, after: string | null): Promise<string | undefined> {
    const frontEnd = new FrontEnd(document, id, after);
    const [errors] = await eventually(() => frontEnd.endings.length > 0 && frontEnd.endings, 'the refusal');
    await frontEnd.close();
    return (errors as { extensions: { code: string } }[])[0]?.extensions.code;
  }

  test.each(['', 'no cursor', Buffer.from('1.9999999999999999999').toString('base64url')])(
    'after the malformed cursor "%s" is refused',
    async (cursor) => {
      expect(await refusal(INBOX, page.appId, cursor)).toBe('BAD_USER_INPUT');
    },
  );

  test('after a cursor whose events are gone is told so, and after a new page it works', async () => {
    await write({ psid: newPsid(), text: 'old' });
    const first = new FrontEnd(INBOX, page.appId, await oldestCursor());
    await eventually(() => first.messages.length === 1, 'the message');
    await first.close();
    const cursor = first.events.at(-1)?.cursor ?? '';
    await query('UPDATE event_horizon SET xact = (SELECT max(xact) FROM events)');
    try {
      expect(await refusal(INBOX, page.appId, cursor)).toBe('CURSOR_EXPIRED');
      expect(await refusal(CONVERSATION, first.events.at(-1)?.conversation?.id ?? '', cursor)).toBe(
        'CURSOR_EXPIRED',
      );
      await logSettled(query);
      const frontEnd = new FrontEnd(INBOX, page.appId, await inboxCursor());
      await write({ psid: newPsid(), text: 'new' });
      await eventually(() => frontEnd.texts.includes('new'), 'the new message');
      expect(frontEnd.texts).toEqual(['new']);
      await frontEnd.close();
    } finally {
      await query(`UPDATE event_horizon SET xact = '0'`);
    }
  });

  function oldestCursor(): Promise<string> {
    return Promise.resolve(Buffer.from('0.0').toString('base64url'));
  }

  test('to what belongs to another project is not found', async () => {
    const projects = app.parley.app.get(ProjectsService, { strict: false });
    const { projectId } = await projects.createProject('Other');
    const { keyId, secret } = await projects.createKey(projectId);
    const theirs = `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
    const { data } = await app.ask<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Theirs" }) { id } }`,
      {},
      theirs,
    );
    expect(await refusal(INBOX, data?.createApp.id ?? '', null)).toBe('NOT_FOUND');
    expect(await refusal(INBOX, '01JZZZZZZZZZZZZZZZZZZZZZZZ', null)).toBe('NOT_FOUND');
    expect(await refusal(CONVERSATION, '01JZZZZZZZZZZZZZZZZZZZZZZZ', null)).toBe('NOT_FOUND');
  });

  test.each([
    ['no credentials', ''],
    ['a wrong secret', `Basic ${Buffer.from('test-key:wrong').toString('base64')}`],
    ['a token that is none', 'Bearer nothing'],
  ])('with %s is refused before it begins', async (_what, authorization) => {
    const client = app.socket(authorization);
    const closed = new Promise<{ code: number }>((resolve) =>
      client.on('closed', (event) => resolve(event as { code: number })),
    );
    client.subscribe(
      { query: INBOX, variables: { id: page.appId } },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    expect((await closed).code).toBe(4403);
  });
});

describe('malformed upgrades and frames', () => {
  const HANDSHAKE = [
    'GET /graphql HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ];

  async function open(): Promise<Socket> {
    const { port } = new URL(app.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    return socket;
  }

  /** Resolves once the service has closed the connection, or has sent a close frame and waits for ours. */
  async function refused(socket: Socket): Promise<void> {
    const closed = once(socket, 'close');
    const closing = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => chunk.includes(0x88) && resolve());
    });
    await Promise.race([closed, closing]);
  }

  /** A frame of a client: masked with zeros. */
  function frame(
    opcode: number,
    payload: Buffer | string,
    { fin = true, masked = true, rsv = 0 } = {},
  ): Buffer {
    const body = Buffer.from(payload);
    const length =
      body.length < 126
        ? Buffer.from([(masked ? 0x80 : 0) | body.length])
        : Buffer.concat([
            Buffer.from([(masked ? 0x80 : 0) | 126]),
            Buffer.from([body.length >> 8, body.length & 255]),
          ]);
    return Buffer.concat([
      Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]),
      length,
      masked ? Buffer.alloc(4) : Buffer.alloc(0),
      body,
    ]);
  }

  /** The service lives as long as somebody can still subscribe and hear something. */
  async function serves(): Promise<void> {
    const frontEnd = new FrontEnd(INBOX, page.appId, await inboxCursor());
    await write({ psid: newPsid(), text: 'alive' });
    await eventually(() => frontEnd.texts.includes('alive'), 'an event');
    await frontEnd.close();
  }

  test.each([
    ['another path', HANDSHAKE.with(0, 'GET /elsewhere HTTP/1.1')],
    ['no key', HANDSHAKE.filter((line) => !line.includes('Key'))],
    ['another version', HANDSHAKE.map((line) => line.replace('Version: 13', 'Version: 7'))],
    ['another protocol', HANDSHAKE.map((line) => line.replace('graphql-transport-ws', 'mqtt'))],
    ['no protocol', HANDSHAKE.filter((line) => !line.includes('Protocol'))],
    ['another upgrade', HANDSHAKE.map((line) => line.replace('websocket', 'h2c'))],
    ['another method', HANDSHAKE.with(0, 'POST /graphql HTTP/1.1')],
    ['a broken request line', ['GET']],
  ])('an upgrade with %s is refused', async (_what, lines) => {
    const socket = await open();
    const answered = refused(socket);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.write(frame(1, JSON.stringify({ type: 'connection_init' })));
    await answered;
    socket.destroy();
    await serves();
  });

  test.each([
    ['an unmasked frame', [frame(1, 'hello', { masked: false })]],
    ['reserved bits', [frame(1, 'hello', { rsv: 7 })]],
    ['an unknown opcode', [frame(5, 'hello')]],
    ['a fragmented control frame', [frame(9, 'ping', { fin: false })]],
    ['a continuation of nothing', [frame(0, 'hello')]],
    ['text that is no UTF-8', [frame(1, Buffer.from([0xff, 0xfe, 0xfd]))]],
    [
      'a frame longer than is allowed',
      [Buffer.concat([Buffer.from([0x81, 0xff]), Buffer.from('7fffffffffffffff', 'hex'), Buffer.alloc(4)])],
    ],
    ['an invalid close code', [frame(8, Buffer.from([0x00, 0x01]))]],
    ['text that is no JSON', [frame(1, '{"type":')]],
    ['JSON that is no message', [frame(1, '[1, 2]')]],
    ['a message of unknown type', [frame(1, '{"type":"explode"}')]],
    [
      'a subscription before the greeting',
      [frame(1, '{"id":"1","type":"subscribe","payload":{"query":"subscription { x }"}}')],
    ],
    ['two greetings', [frame(1, '{"type":"connection_init"}'), frame(1, '{"type":"connection_init"}')]],
    [
      'a greeting with strange credentials',
      [frame(1, '{"type":"connection_init","payload":{"authorization":{"a":1}}}')],
    ],
    ['a binary frame', [frame(2, Buffer.from([0, 1, 2]))]],
  ])('%s ends the connection and nothing else', async (_what, frames) => {
    const socket = await open();
    const ended = refused(socket);
    socket.write(`${HANDSHAKE.join('\r\n')}\r\n\r\n`);
    await once(socket, 'data');
    for (const bytes of frames) socket.write(bytes);
    await ended;
    socket.destroy();
    await serves();
  });

  test('connections that are reset at any moment end nothing else', async () => {
    const greeting = frame(
      1,
      JSON.stringify({ type: 'connection_init', payload: { authorization: app.authorization } }),
    );
    const variables = { id: page.appId, after: Buffer.from('0.0').toString('base64url') };
    const subscribe = frame(
      1,
      JSON.stringify({ id: '1', type: 'subscribe', payload: { query: INBOX, variables } }),
    );
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const socket = await open();
        socket.write(`${HANDSHAKE.join('\r\n')}\r\n\r\n`.slice(0, index % 3 === 0 ? 60 + index : undefined));
        if (index % 3 > 0) await once(socket, 'data');
        if (index % 3 > 1) socket.write(Buffer.concat([greeting, subscribe]).subarray(0, 40 + index * 20));
        socket.resetAndDestroy();
      }),
    );
    await serves();
  });
});
