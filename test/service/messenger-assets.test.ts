import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectedCredentials, SendOutcome } from '../../src/channels/channel.js';
import type { AppMessage } from '../../src/content/app-message.js';
import { createDataSource } from '../../src/database/data-source.js';
import { newId } from '../../src/ids.js';
import { MediaKinds } from '../../src/messenger/assets/media-kinds.js';
import { PageAssets } from '../../src/messenger/assets/page-assets.js';
import { Preparation } from '../../src/messenger/assets/preparation.js';
import { GraphClient } from '../../src/messenger/graph/graph.client.js';
import { MessengerChannel } from '../../src/messenger/messenger.channel.js';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

type Json = Record<string, unknown>;
type Answer = { status?: number; body: unknown } | 'drop';

interface Call {
  /** Such as `390/messages`. */
  path: string;
  body: Json;
}

const PICTURE = 'https://shop.example/hat.png';
const AGENT = {
  type: 'HUMAN',
  display_name: 'Ada Abe',
  picture_url: 'https://shop.example/ada.png',
} as const;

let database: TestDatabase;
let dataSource: DataSource;
let server: Server;
let base: string;
let calls: Call[];
/** Plays Graph; the number counts what was made. */
let answer: (call: Call, made: number) => Answer | Promise<Answer>;
/** Content types of the media server, by path; other paths are not there. */
let media: Record<string, string>;
let mediaCalls: string[];
let channel: MessengerChannel;
let credentials: ConnectedCredentials;

const error = (code: number, error_subcode?: number): Answer => ({
  status: 400,
  body: { error: { message: 'no', code, error_subcode } },
});

function graph({ path }: Call, made: number): Answer {
  if (path.endsWith('/message_attachments')) return { body: { attachment_id: String(9000 + made) } };
  if (path.endsWith('/personas')) return { body: { id: String(5000 + made) } };
  return { body: { message_id: 'm_1' } };
}

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 10).initialize();
  server = createServer((request, response) => {
    void (async () => {
      const path = (request.url ?? '').replace(/^\/v26\.0\//, '');
      if (request.method === 'GET') {
        mediaCalls.push(path);
        const type = media[path];
        response.writeHead(type === undefined ? 404 : 200, { 'content-type': type ?? 'text/html' });
        return void response.end('x'.repeat(100_000));
      }
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const call = { path, body: JSON.parse(text) as Json };
      calls.push(call);
      const given = await answer(call, calls.filter((one) => !one.path.endsWith('/messages')).length);
      if (given === 'drop') return void request.socket.destroy();
      response.writeHead(given.status ?? 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(given.body));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(async () => {
  calls = [];
  mediaCalls = [];
  media = {};
  answer = graph;
  channel = newProcess();
  credentials = await newChannel();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await dataSource.destroy();
  await database.drop();
});

function newProcess({ allowPrivate = true } = {}): MessengerChannel {
  const client = new GraphClient({ baseUrl: () => base, version: 'v26.0' });
  const kinds = new MediaKinds(new GuardedAgent({ allowPrivate }));
  return new MessengerChannel(client, new Preparation(new PageAssets(dataSource, client)), kinds);
}

async function newChannel(): Promise<ConnectedCredentials> {
  const [projectId, appId] = [newId(), newId()];
  await dataSource.query(`INSERT INTO projects (project_id, display_name) VALUES ($1, 'P')`, [projectId]);
  await dataSource.query(`INSERT INTO apps (project_id, id, display_name) VALUES ($1, $2, 'A')`, [
    projectId,
    appId,
  ]);
  return { projectId, appId, token: 'page token', callbackSecret: '', accountId: '390' };
}

async function say(
  message: AppMessage,
  {
    properties = {},
    from = channel,
    as = credentials,
  }: { properties?: Record<string, string>; from?: MessengerChannel; as?: ConnectedCredentials } = {},
): Promise<SendOutcome> {
  const [payload] = from.transcode(message, { messageId: newId(), properties }).payloads;
  const signal = new AbortController().signal;
  return from.send({ credentials: as, identity: '7100', payload: payload ?? {}, reference: 'r:0', signal });
}

function mediaTemplate(url = PICTURE): AppMessage {
  const message = { elements: [{ media_type: 'image', url }] };
  return { channel_specific_message: { MESSENGER: { message_type: 'MEDIA_TEMPLATE', message } } };
}

const called = (edge: string): Json[] =>
  calls.filter(({ path }) => path === `390/${edge}`).map(({ body }) => body);
const elements = (): unknown[] =>
  called('messages').map(
    ({ message }) =>
      (message as { attachment: { payload: { elements: unknown[] } } }).attachment.payload.elements[0],
  );

describe('media that a template shows', () => {
  test('is saved with Meta once, however many sends want it, also after a restart', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => say(mediaTemplate())));
    outcomes.push(await say(mediaTemplate(), { from: newProcess() }));
    expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(called('message_attachments')).toEqual([
      { message: { attachment: { type: 'image', payload: { url: PICTURE, is_reusable: true } } } },
    ]);
    expect(elements()).toEqual(
      Array.from({ length: 21 }, () => ({ media_type: 'image', attachment_id: '9001' })),
    );
  });

  test("is not saved when it is Facebook's own", async () => {
    const url = 'https://www.facebook.com/page/photos/1';
    await say(mediaTemplate(url));
    expect(calls.map(({ path }) => path)).toEqual(['390/messages']);
    expect(elements()).toEqual([{ media_type: 'image', url }]);
  });

  test('is saved for each address, page and app by itself', async () => {
    await say(mediaTemplate());
    await say(mediaTemplate('https://shop.example/shoe.png'));
    await say(mediaTemplate(), { as: { ...credentials, accountId: '391' } });
    await say(mediaTemplate(), { as: await newChannel() });
    expect(calls.filter(({ path }) => path.endsWith('/message_attachments'))).toHaveLength(4);
  });

  test('is saved again before Meta forgets it', async () => {
    await say(mediaTemplate());
    const [row] = await dataSource.query<{ days: string }[]>(
      `SELECT extract(day FROM expires_at - now()) AS days FROM messenger_assets WHERE project_id = $1`,
      [credentials.projectId],
    );
    expect(Number(row?.days)).toBe(79);
    await dataSource.query(`UPDATE messenger_assets SET expires_at = now() WHERE project_id = $1`, [
      credentials.projectId,
    ]);
    await say(mediaTemplate());
    expect(elements()).toMatchObject([{ attachment_id: '9001' }, { attachment_id: '9002' }]);
  });

  test('is saved anew and sent once more when Meta does not know it any more', async () => {
    await say(mediaTemplate());
    answer = (call, made) =>
      call.path.endsWith('/messages') && JSON.stringify(call.body).includes('9001')
        ? error(100, 2018074)
        : graph(call, made);
    expect(await say(mediaTemplate())).toEqual({ kind: 'accepted', channelMessageId: 'm_1' });
    expect(elements()).toMatchObject([
      { attachment_id: '9001' },
      { attachment_id: '9001' },
      { attachment_id: '9002' },
    ]);
    answer = (call, made) => (call.path.endsWith('/messages') ? error(100, 2018074) : graph(call, made));
    expect(await say(mediaTemplate())).toMatchObject({
      kind: 'permanent',
      reason: { channel_code: '100/2018074' },
    });
    expect(called('messages')).toHaveLength(5);
  });

  test.each<[string, Answer, object]>([
    [
      'cannot be fetched',
      error(100, 2018008),
      { kind: 'transient', tries: 3, reason: { code: 'MEDIA_NOT_REACHABLE' } },
    ],
    ['is too large', error(100, 2018109), { kind: 'permanent', reason: { code: 'MEDIA_TOO_LARGE' } }],
    [
      'is of another type',
      error(100, 2018047),
      { kind: 'permanent', reason: { code: 'MEDIA_TYPE_UNSUPPORTED' } },
    ],
    ['meets a dead token', error(190, 460), { kind: 'unauthorized' }],
    ['gets an answer without an id', { body: {} }, { kind: 'transient' }],
  ])('that %s is why the message fails, which is not sent', async (_why, given, outcome) => {
    answer = () => given;
    expect(await say(mediaTemplate())).toMatchObject(outcome);
    expect(called('messages')).toEqual([]);
  });

  test('whose answer is lost leaves no doubt about the message', async () => {
    answer = () => 'drop';
    const outcome = await say(mediaTemplate());
    expect(outcome).toMatchObject({ kind: 'transient', reason: { code: 'CHANNEL_FAILURE' } });
    expect(outcome).not.toHaveProperty('uncertain');
  });
});

describe('the agent as a persona', () => {
  const properties = { MESSENGER_PERSONA: 'AGENT' };
  const hello = (agent: AppMessage['agent']): AppMessage => ({ text_message: { text: 'Hi' }, agent });

  test('is made once and then named', async () => {
    await Promise.all([1, 2, 3].map(() => say(hello(AGENT), { properties })));
    await say(hello({ ...AGENT, display_name: 'Ben Berg' }), { properties });
    expect(called('personas')).toEqual([
      { name: 'Ada Abe', profile_picture_url: AGENT.picture_url },
      { name: 'Ben Berg', profile_picture_url: AGENT.picture_url },
    ]);
    expect(called('messages').map(({ persona_id }) => persona_id)).toEqual(['5001', '5001', '5001', '5002']);
    for (const body of called('messages')) expect(body).not.toHaveProperty('persona');
  });

  test('is left out when Meta does not make it', async () => {
    answer = (call, made) => (call.path.endsWith('/personas') ? error(100, 2018145) : graph(call, made));
    expect(await say(hello(AGENT), { properties })).toMatchObject({ kind: 'accepted' });
    expect(called('messages')).toEqual([
      {
        messaging_type: 'RESPONSE',
        message: { text: 'Hi', metadata: 'parley:r:0' },
        recipient: { id: '7100' },
      },
    ]);
  });

  test('is made anew when somebody has deleted it', async () => {
    await say(hello(AGENT), { properties });
    answer = (call, made) => (call.body.persona_id === '5001' ? error(100) : graph(call, made));
    expect(await say(hello(AGENT), { properties })).toMatchObject({ kind: 'accepted' });
    expect(called('messages').map(({ persona_id }) => persona_id)).toEqual(['5001', '5001', '5002']);
  });
});

describe('media that neither name nor extension explains', () => {
  const types = (): unknown[] =>
    called('messages').map(({ message }) => (message as { attachment: { type: string } }).attachment.type);

  test('is what its address answers with, asked once', async () => {
    media = {
      '/1': 'image/png',
      '/2': 'video/mp4; codecs=avc1',
      '/3': 'application/pdf',
      '/4': 'image/svg+xml',
    };
    for (const path of ['/1', '/2', '/3', '/4', '/5', '/1']) {
      await say({ media_message: { url: `${base}${path}` } });
    }
    expect(types()).toEqual(['image', 'video', 'file', 'file', 'file', 'image']);
    expect(mediaCalls).toEqual(['/1', '/2', '/3', '/4', '/5']);
  });

  test('stays what the caller says it is', async () => {
    media = { '/1': 'image/png', '/1.pdf': 'image/png' };
    const url = `${base}/1`;
    const message = { type: 'file', url };
    await say({ channel_specific_message: { MESSENGER: { message_type: 'ATTACHMENT', message } } });
    await say({
      explicit_channel_message: {
        MESSENGER: JSON.stringify({ attachment: { type: 'file', payload: { url } } }),
      },
    });
    await say({ media_message: { url, filename_override: 'scan.pdf' } });
    await say({ media_message: { url: `${base}/1.pdf` } });
    expect(types()).toEqual(['file', 'file', 'file', 'file']);
    expect(mediaCalls).toEqual([]);
  });

  test('is a file where nobody may be asked: addresses of our own network are not called', async () => {
    media = { '/1': 'image/png' };
    await say({ media_message: { url: `${base}/1` } }, { from: newProcess({ allowPrivate: false }) });
    expect(types()).toEqual(['file']);
    expect(mediaCalls).toEqual([]);
  });
});

test('what an app has saved goes with the app', async () => {
  await say(mediaTemplate());
  const count = `SELECT count(*)::int AS count FROM messenger_assets WHERE project_id = $1`;
  expect(await dataSource.query(count, [credentials.projectId])).toEqual([{ count: 1 }]);
  await dataSource.query('DELETE FROM apps WHERE project_id = $1', [credentials.projectId]);
  expect(await dataSource.query(count, [credentials.projectId])).toEqual([{ count: 0 }]);
});
