import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ChannelConnectError, type SendRequest } from '../../src/channels/channel.js';
import { GraphClient, type GraphOptions } from '../../src/messenger/graph/graph.client.js';
import { DataSource } from 'typeorm';
import { MediaKinds } from '../../src/messenger/assets/media-kinds.js';
import { PageAssets } from '../../src/messenger/assets/page-assets.js';
import { Preparation } from '../../src/messenger/assets/preparation.js';
import { MessengerChannel } from '../../src/messenger/messenger.channel.js';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';

interface Received {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: unknown;
}

type Behaviour = (
  socket: Socket,
) => { status?: number; headers?: Record<string, string>; body: string } | 'hang' | 'drop';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A server that plays Graph, and what it was asked. */
async function graph(behaviour: Behaviour): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://graph');
      const text = Buffer.concat(chunks).toString();
      received.push({
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: text === '' ? null : JSON.parse(text),
      });
      const answer = behaviour(request.socket);
      if (answer === 'hang') return;
      if (answer === 'drop') {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body);
    });
  });
  const port = await listen(server);
  cleanup.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${port}`, received };
}

function client(url: string, options: Partial<GraphOptions> = {}): GraphClient {
  const made = new GraphClient({ baseUrl: () => url, version: 'v26.0', ...options });
  cleanup.push(() => made.close());
  return made;
}

const TOKEN = 'EAAB-page-token';
const CREDENTIALS = {
  projectId: 'project',
  appId: 'app',
  token: TOKEN,
  callbackSecret: 'app secret',
  accountId: '390001112223334',
};

function request(more: Partial<SendRequest> = {}): SendRequest {
  return {
    credentials: CREDENTIALS,
    identity: '7100200300400500',
    payload: { messaging_type: 'RESPONSE', message: { text: 'Hej' } },
    reference: '01JD:0',
    signal: new AbortController().signal,
    ...more,
  };
}

const accepted: Behaviour = () => ({ body: '{"recipient_id":"7100200300400500","message_id":"m_1"}' });

describe('send', () => {
  test('says a payload to a person, with the token in the header and the reference in the metadata', async () => {
    const { url, received } = await graph(accepted);
    expect(await client(url).send(request())).toEqual({ kind: 'accepted', channelMessageId: 'm_1' });
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/v26.0/390001112223334/messages',
        query: {},
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: {
          recipient: { id: '7100200300400500' },
          messaging_type: 'RESPONSE',
          message: { text: 'Hej', metadata: 'parley:01JD:0' },
        },
      },
    ]);
  });

  test('speaks for the token where the page is not known', async () => {
    const { url, received } = await graph(accepted);
    await client(url).send(request({ credentials: { ...CREDENTIALS, accountId: null } }));
    expect(received[0]?.path).toBe('/v26.0/me/messages');
  });

  test('asks for the address at every call and keeps its path', async () => {
    const { url, received } = await graph(accepted);
    let base = `${url}/first`;
    const graphClient = client('', { baseUrl: () => base });
    await graphClient.send(request());
    base = `${url}/sandbox/`;
    await graphClient.send(request());
    expect(received.map(({ path }) => path)).toEqual([
      '/first/v26.0/390001112223334/messages',
      '/sandbox/v26.0/390001112223334/messages',
    ]);
  });

  test('sends to a notification token where the payload has one, and to nobody else of its choice', async () => {
    const { url, received } = await graph(accepted);
    const message = { text: 'Hej' };
    for (const recipient of [{ notification_messages_token: 't1' }, { comment_id: 'c1' }]) {
      await client(url).send(request({ payload: { recipient, message } }));
    }
    expect(received.map(({ body }) => body)).toMatchObject([
      { recipient: { notification_messages_token: 't1' } },
      { recipient: { id: '7100200300400500' } },
    ]);
  });

  test('replaces a recipient and leaves a payload without message alone', async () => {
    const { url, received } = await graph(accepted);
    await client(url).send(request({ payload: { recipient: { id: '1' }, sender_action: 'typing_on' } }));
    expect(received[0]?.body).toEqual({ recipient: { id: '7100200300400500' }, sender_action: 'typing_on' });
  });

  test('calls that follow each other share connections', async () => {
    const sockets = new Set<Socket>();
    const { url } = await graph((socket) => {
      sockets.add(socket);
      return { body: '{"message_id":"m_1"}' };
    });
    const graphClient = client(url);
    for (let call = 0; call < 10; call++) await graphClient.send(request());
    // The next call may come before undici has cleared up after the one before.
    expect(sockets.size).toBeLessThan(3);
  });

  test('an error is an outcome, with the pause that headers ask for', async () => {
    const { url } = await graph(() => ({
      status: 400,
      headers: { 'x-page-usage': '{"call_count":101}' },
      body: '{"error":{"message":"(#613) slow down","code":613}}',
    }));
    expect(await client(url).send(request())).toMatchObject({
      kind: 'transient',
      after: 300_000,
      reason: { code: 'RATE_LIMITED', channel_code: '613' },
    });
  });

  test('a reason never shows the token', async () => {
    const { url } = await graph(() => ({
      status: 400,
      body: JSON.stringify({ error: { message: `Malformed access token ${TOKEN}`, code: 190 } }),
    }));
    const outcome = await client(url).send(request());
    expect(outcome).toMatchObject({
      kind: 'unauthorized',
      reason: { description: 'Messenger: Malformed access token [token]' },
    });
  });

  test('an answer too long to read leaves the message uncertain', async () => {
    const { url } = await graph(() => ({ body: `{"message_id":"m_1","pad":"${'x'.repeat(70_000)}"}` }));
    expect(await client(url).send(request())).toMatchObject({ kind: 'transient', uncertain: true });
  });

  test('a refused connection is certain to have sent nothing', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const outcome = await client(`http://127.0.0.1:${port}`).send(request());
    expect(outcome).toMatchObject({ kind: 'transient', reason: { code: 'CHANNEL_FAILURE' } });
    expect(outcome).not.toHaveProperty('uncertain');
  });

  test('a name that does not resolve is certain to have sent nothing', async () => {
    const outcome = await client('http://graph.invalid').send(request());
    expect(outcome.kind).toBe('transient');
    expect(outcome).not.toHaveProperty('uncertain');
  });

  test('a connection that is not for TLS is certain to have sent nothing', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.destroy()));
    const port = await listen(server);
    cleanup.push(() => new Promise((resolve) => server.close(resolve)));
    const outcome = await client(`https://127.0.0.1:${port}`).send(request());
    expect(outcome.kind).toBe('transient');
    expect(outcome).not.toHaveProperty('uncertain');
  });

  test('a connection dropped after the request leaves the message uncertain', async () => {
    const { url, received } = await graph(() => 'drop');
    expect(await client(url).send(request())).toMatchObject({ kind: 'transient', uncertain: true });
    expect(received).toHaveLength(1);
  });

  test('an answer that breaks off leaves the message uncertain', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"message_id"'));
    });
    const port = await listen(server);
    cleanup.push(() => new Promise((resolve) => server.close(resolve)));
    expect(await client(`http://127.0.0.1:${port}`).send(request())).toMatchObject({
      kind: 'transient',
      uncertain: true,
    });
  });

  test('a call that lasts too long is given up and leaves the message uncertain', async () => {
    const { url, received } = await graph(() => 'hang');
    const outcome = await client(url, { callTimeout: 100 }).send(request());
    expect(outcome).toMatchObject({ kind: 'transient', uncertain: true });
    expect(received).toHaveLength(1);
  });

  test('a call that is given up while it runs leaves the message uncertain', async () => {
    const controller = new AbortController();
    const { url } = await graph(() => {
      controller.abort(new Error('shutting down'));
      return 'hang';
    });
    const outcome = await client(url).send(request({ signal: controller.signal }));
    expect(outcome).toMatchObject({ kind: 'transient', uncertain: true });
    expect(outcome).toMatchObject({
      reason: { description: expect.stringContaining('shutting down') as string },
    });
  });

  test('a call that is given up before it starts sends nothing', async () => {
    const { url, received } = await graph(accepted);
    const outcome = await client(url).send(request({ signal: AbortSignal.abort() }));
    expect(outcome.kind).toBe('transient');
    expect(outcome).not.toHaveProperty('uncertain');
    expect(received).toHaveLength(0);
  });
});

describe('connecting a page', () => {
  test('the token says which page it is for', async () => {
    const { url, received } = await graph(() => ({ body: '{"id":"390001112223334","name":"Shop"}' }));
    const graphClient = client(url);
    const found = { accountId: '390001112223334', displayName: 'Shop' };
    expect(await graphClient.lookUp({ ...CREDENTIALS, accountId: null })).toEqual(found);
    expect(await graphClient.lookUp(CREDENTIALS)).toEqual(found);
    expect(received).toMatchObject([
      {
        method: 'GET',
        path: '/v26.0/me',
        query: { fields: 'id,name' },
        headers: { authorization: `Bearer ${TOKEN}` },
      },
      { method: 'GET', path: '/v26.0/390001112223334', query: { fields: 'id,name' } },
    ]);
  });

  test('a refused token is told from a page that cannot be asked', async () => {
    const refused = await graph(() => ({ status: 400, body: '{"error":{"message":"expired","code":190}}' }));
    const busy = await graph(() => ({ status: 503, body: '<html>' }));
    const error = await client(refused.url)
      .lookUp(CREDENTIALS)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ChannelConnectError);
    expect(error).toMatchObject({ unauthorized: true, message: 'Messenger: expired' });
    await expect(client(busy.url).lookUp(CREDENTIALS)).rejects.toMatchObject({ unauthorized: false });
    await expect(client('http://graph.invalid').lookUp(CREDENTIALS)).rejects.toMatchObject({
      unauthorized: false,
    });
  });

  test('an answer without id is no page', async () => {
    const { url } = await graph(() => ({ body: '{"name":"Shop"}' }));
    await expect(client(url).lookUp(CREDENTIALS)).rejects.toBeInstanceOf(ChannelConnectError);
  });

  test('subscribes to what is understood, without what would change the chat', async () => {
    const { url, received } = await graph(() => ({ body: '{"success":true}' }));
    await client(url).subscribe(CREDENTIALS, 'https://parley.example/callback');
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/v26.0/390001112223334/subscribed_apps',
        headers: { authorization: `Bearer ${TOKEN}` },
        body: null,
      },
    ]);
    const fields = received[0]?.query.subscribed_fields?.split(',') ?? [];
    expect(fields).toEqual(
      expect.arrayContaining([
        'messages',
        'message_echoes',
        'messaging_postbacks',
        'message_reads',
        'standby',
      ]),
    );
    expect(fields).not.toContain('response_feedback');
  });

  test('tells the sandbox, and only the sandbox, what a person would enter at Meta', async () => {
    const { url, received } = await graph(() => ({ body: '{"success":true}' }));
    const sandbox = { verifyToken: () => 'verify me' };
    await client(url, { sandbox }).subscribe(CREDENTIALS, 'http://127.0.0.1/callback');
    expect(received[0]?.body).toEqual({
      sandbox_callback_url: 'http://127.0.0.1/callback',
      sandbox_app_secret: 'app secret',
      sandbox_verify_token: 'verify me',
    });
  });

  test('unsubscribes', async () => {
    const { url, received } = await graph(() => ({ body: '{"success":true}' }));
    await client(url).unsubscribe(CREDENTIALS);
    expect(received).toMatchObject([{ method: 'DELETE', path: '/v26.0/390001112223334/subscribed_apps' }]);
  });

  test('a refused subscription is told', async () => {
    const { url } = await graph(() => ({
      status: 403,
      body: '{"error":{"message":"(#200) needs pages_manage_metadata","code":200}}',
    }));
    await expect(client(url).subscribe(CREDENTIALS, 'https://x')).rejects.toMatchObject({
      unauthorized: false,
      message: expect.stringContaining('pages_manage_metadata') as string,
    });
  });
});

describe('MessengerChannel', () => {
  const channelOf = (graphClient: GraphClient): MessengerChannel =>
    new MessengerChannel(
      graphClient,
      // Nothing here needs the database.
      new Preparation(new PageAssets(new DataSource({ type: 'postgres' }), graphClient)),
      new MediaKinds(new GuardedAgent({ allowPrivate: false })),
    );
  const channel = channelOf(new GraphClient({ baseUrl: () => 'http://graph.invalid', version: 'v26.0' }));
  const now = new Date('2026-11-21T12:00:00Z');
  const hoursAgo = (hours: number, ms = 0): Date => new Date(now.getTime() - hours * 3_600_000 + ms);
  const tag = (name: string): Record<string, string> => ({ messaging_type: 'MESSAGE_TAG', tag: name });

  test.each<[string, Date | null, Record<string, string>, boolean]>([
    ['just before 24 hours', hoursAgo(24, 1), {}, false],
    ['after 24 hours', hoursAgo(24), {}, true],
    ['after 24 hours with the type UPDATE', hoursAgo(24), { messaging_type: 'UPDATE' }, true],
    ['after 24 hours as a utility message', hoursAgo(24), { messaging_type: 'UTILITY' }, false],
    ['to somebody who never wrote', null, {}, false],
    ['by the clock of Meta, ahead of ours', hoursAgo(-1), {}, false],
    ['just before 7 days as a person', hoursAgo(7 * 24, 1), tag('HUMAN_AGENT'), false],
    ['after 7 days as a person', hoursAgo(7 * 24), tag('HUMAN_AGENT'), true],
    ['long after with a tag of the past', hoursAgo(10_000), tag('ACCOUNT_UPDATE'), false],
    ['long after with a tag that nobody knows', hoursAgo(10_000), tag('NEXT_YEAR'), false],
  ])('a send %s', (_when, last, payload, blocked) => {
    const reason = channel.sendingBlocked(payload, last, now);
    expect(reason?.code).toBe(blocked ? 'OUTSIDE_ALLOWED_SENDING_WINDOW' : undefined);
  });

  test('a send by a notification token needs no window', () => {
    const payload = { recipient: { notification_messages_token: 't1' }, message: { text: 'Hej' } };
    expect(channel.sendingBlocked(payload, hoursAgo(10_000), now)).toBeNull();
  });

  test('the window is open for a day, and for people a week', () => {
    expect(channel.messagingWindow(hoursAgo(24, 1), now)).toEqual({
      open: true,
      expiresAt: hoursAgo(0, 1),
      humanAgentExpiresAt: hoursAgo(-6 * 24, 1),
    });
    expect(channel.messagingWindow(hoursAgo(24), now)).toMatchObject({ open: false });
    expect(channel.messagingWindow(null, now)).toBeNull();
  });

  test('a refused tag of the past is explained', async () => {
    const { url } = await graph(() => ({
      status: 400,
      body: '{"error":{"message":"(#100) no such tag","code":100}}',
    }));
    const payload = { messaging_type: 'MESSAGE_TAG', tag: 'ACCOUNT_UPDATE', message: { text: 'Hej' } };
    const outcome = await channelOf(client(url)).send(request({ payload }));
    expect(outcome).toMatchObject({
      kind: 'permanent',
      reason: {
        description: expect.stringMatching(
          /no such tag.*ACCOUNT_UPDATE \(2026-04-27\).*utility template/,
        ) as string,
      },
    });
  });
});
