import { APP_FILTER } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import express from 'express';
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ErrorFilter } from '../../src/api/error.filter.js';
import { ChannelsService } from '../../src/channels/channels.service.js';
import { Config } from '../../src/config.js';
import { DomainError } from '../../src/errors.js';
import { newId } from '../../src/ids.js';
import { InboundService } from '../../src/messages/inbound.service.js';
import { MessengerController } from '../../src/messenger/messenger.rest.js';

const APP = newId();
const PAGE = '390001112223334';
const SECRET = 'app secret';
const ROUTE = {
  projectId: 'p1',
  appId: APP,
  channelId: newId(),
  accountId: PAGE as string | null,
  callbackSecret: SECRET,
};

/** What stands behind the controller: which channel the app has, and what came through the core's door. */
let route = ROUTE;
let received: unknown[][] = [];
let refuse: Error | null = null;
let app: NestExpressApplication;
let url: string;

beforeAll(async () => {
  const module = await Test.createTestingModule({
    controllers: [MessengerController],
    providers: [
      { provide: APP_FILTER, useClass: ErrorFilter },
      { provide: Config, useValue: Object.assign(new Config(), { MESSENGER_VERIFY_TOKEN: 'verify me' }) },
      {
        provide: ChannelsService,
        useValue: { route: (id: string) => Promise.resolve(id === APP ? route : null) },
      },
      {
        provide: InboundService,
        useValue: {
          receive: (...args: unknown[]) => {
            if (refuse) return Promise.reject(refuse);
            received.push(args);
            return Promise.resolve();
          },
        },
      },
    ],
  }).compile();
  app = module.createNestApplication<NestExpressApplication>({ bodyParser: false });
  app.use('/adapter', express.raw({ type: () => true, limit: '10mb' }));
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app.close());
beforeEach(() => {
  route = ROUTE;
  received = [];
  refuse = null;
});

const TEXT = {
  sender: { id: '7' },
  recipient: { id: PAGE },
  timestamp: 1763712000123,
  message: { mid: 'm_1', text: 'Hej 🙂' },
};

function body(id: unknown = PAGE, object = 'page'): string {
  return JSON.stringify({ object, entry: [{ id, time: 1763712000123, messaging: [TEXT] }] });
}

function sign(text: string, algorithm = 'sha256'): string {
  return `${algorithm}=${createHmac(algorithm, SECRET).update(text).digest('hex')}`;
}

async function post(text: string, headers: Record<string, string> = {}, appId = APP): Promise<Response> {
  return fetch(`${url}/adapter/v1/${appId}/callback`, { method: 'POST', body: text, headers });
}

async function signed(text: string): Promise<Response> {
  return post(text, { 'content-type': 'application/json', 'x-hub-signature-256': sign(text) });
}

describe('the handshake', () => {
  async function ask(query: string): Promise<Response> {
    return fetch(`${url}/adapter/v1/${APP}/callback?${query}`);
  }

  test('the challenge comes back as it is, as plain text', async () => {
    const response = await ask('hub.mode=subscribe&hub.verify_token=verify%20me&hub.challenge=%3Cb%3E115');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toBe('<b>115');
  });

  test.each([
    'hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1',
    'hub.mode=unsubscribe&hub.verify_token=verify%20me&hub.challenge=1',
    'hub.mode=subscribe&hub.verify_token=verify%20me',
    'hub.mode=subscribe&hub.verify_token=verify%20me&hub.verify_token=verify%20me&hub.challenge=1',
    '',
  ])('%j is forbidden', async (query) => {
    expect((await ask(query)).status).toBe(403);
  });
});

describe('a webhook', () => {
  test('that is signed reaches the core before it is answered', async () => {
    const response = await signed(body());
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toBe('EVENT_RECEIVED');
    expect(received).toEqual([
      [
        { projectId: 'p1', appId: APP, channel: 'MESSENGER' },
        [
          {
            kind: 'message',
            identity: '7',
            at: new Date(1763712000123),
            channelMessageId: 'm_1',
            content: { text_message: { text: 'Hej 🙂' } },
          },
        ],
        [],
      ],
    ]);
  });

  test("is checked over the bytes as they came, in Meta's own spelling of JSON", async () => {
    const text = body().replace('🙂', '\\ud83d\\ude42').replaceAll('/', '\\/');
    expect((await signed(text)).status).toBe(200);
    expect(received).toMatchObject([[{}, [{ content: { text_message: { text: 'Hej 🙂' } } }], []]]);
  });

  test('may have the older signature alone, and any content type', async () => {
    const text = body();
    expect(
      (await post(text, { 'x-hub-signature': sign(text, 'sha1'), 'content-type': 'text/plain' })).status,
    ).toBe(200);
  });

  test.each([
    ['no signature', {}],
    ['another signature', { 'x-hub-signature-256': sign('other') }],
    [
      'a good old signature beside a wrong new one',
      { 'x-hub-signature-256': sign('other'), 'x-hub-signature': sign(body(), 'sha1') },
    ],
  ])('with %s is refused and nothing is stored', async (_what, headers: Record<string, string>) => {
    expect((await post(body(), headers)).status).toBe(401);
    expect(received).toEqual([]);
  });

  test('needs no signature where the channel has no secret', async () => {
    route = { ...ROUTE, callbackSecret: '' };
    expect((await post(body())).status).toBe(200);
    expect(received).toHaveLength(1);
  });

  test.each(['01JD0000000000000000000000', 'x', '%00', "'"])('for the app %j is not found', async (appId) => {
    expect((await post(body(), {}, appId)).status).toBe(404);
  });

  test.each([
    ['not JSON', 'hello'],
    ['empty', ''],
    ['of another object', body(PAGE, 'user')],
    ['a list', '[]'],
    [
      'of more events than Meta sends',
      JSON.stringify({ object: 'page', entry: [{ messaging: Array(10_001).fill({}) }] }),
    ],
  ])('that is %s is a bad request', async (_what, text) => {
    expect((await signed(text)).status).toBe(400);
    expect(received).toEqual([]);
  });

  test('over 10 MiB is refused', async () => {
    expect((await post('x'.repeat(10 * 1024 * 1024 + 1))).status).toBe(413);
  });

  test('without events is fine', async () => {
    expect((await signed('{"object":"page","entry":[]}')).status).toBe(200);
    expect(received).toEqual([]);
  });

  test.each<[string, unknown, string | null, boolean]>([
    ['of the page', PAGE, PAGE, true],
    ['of the page, as a number', Number(PAGE), PAGE, true],
    ['of another page', '999', PAGE, false],
    ["of the dashboard's test", '0', PAGE, true],
    ['of a page not named', null, PAGE, true],
    ['of any page, where ours is not known yet', '999', null, true],
  ])('%s is taken or ignored', async (_what, id, accountId, taken) => {
    route = { ...ROUTE, accountId };
    const text = body(id);
    expect((await signed(text)).status).toBe(200);
    const { entry } = JSON.parse(text) as { entry: unknown[] };
    const ignored = taken ? [] : [{ accountId: '999', raw: entry[0] }];
    expect(received).toMatchObject([[{}, taken ? [{ channelMessageId: 'm_1' }] : [], ignored]]);
  });

  test('for an app without the channel is ignored', async () => {
    route = { ...ROUTE, channelId: '', accountId: null, callbackSecret: '' };
    expect((await post(body())).status).toBe(200);
    expect(received).toMatchObject([[{}, [], [{ accountId: PAGE }]]]);
  });

  test('that the core cannot take now comes again', async () => {
    refuse = new DomainError('UNAVAILABLE', 'too much at once');
    expect((await signed(body())).status).toBe(503);
  });
});
