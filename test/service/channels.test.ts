import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { AppsModule } from '../../src/apps/apps.module.js';
import type { Channel } from '../../src/channels/channel.entity.js';
import {
  type ChannelAccount,
  ChannelConnectError,
  type ChannelCredentials,
  type ChannelPlugin,
} from '../../src/channels/channel.js';
import { ChannelsService } from '../../src/channels/channels.service.js';
import { ChannelRegistry } from '../../src/channels/registry.js';
import { startApi, type TestApi } from '../support/api.js';

/** A Messenger whose pages are known by their tokens: `page-1` is the token of page 1. */
class FakeMessenger implements ChannelPlugin {
  readonly channel = 'MESSENGER';
  readonly subscribed: { credentials: ChannelCredentials; callbackUrl: string }[] = [];
  readonly unsubscribed: ChannelCredentials[] = [];
  /** Set to make the calls of that name fail. */
  failures: { lookUp?: Error; subscribe?: Error; unsubscribe?: Error } = {};
  /** Runs within `subscribe`. */
  meanwhile: () => Promise<void> = async () => undefined;

  async lookUp({ token }: ChannelCredentials): Promise<ChannelAccount> {
    if (this.failures.lookUp) throw this.failures.lookUp;
    if (!token.startsWith('page-')) throw new ChannelConnectError('Invalid OAuth access token', true);
    return { accountId: token.replace(/\D/g, ''), displayName: `Page ${token}` };
  }

  async subscribe(credentials: ChannelCredentials, callbackUrl: string): Promise<void> {
    await this.meanwhile();
    if (this.failures.subscribe) throw this.failures.subscribe;
    this.subscribed.push({ credentials: { ...credentials }, callbackUrl });
  }

  async unsubscribe(credentials: ChannelCredentials): Promise<void> {
    this.unsubscribed.push(credentials);
    if (this.failures.unsubscribe) throw this.failures.unsubscribe;
  }

  transcode(): never {
    throw new Error('not of this test');
  }

  sendingBlocked(): null {
    return null;
  }

  messagingWindow(): null {
    return null;
  }

  async send(): Promise<never> {
    throw new Error('not of this test');
  }

  async sendEvent(): Promise<never> {
    throw new Error('not of this test');
  }
}

const CONNECT = `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) {
  id channel state pageId displayName lastError callbackUrl } }`;

let api: TestApi;
let messenger: FakeMessenger;
let channels: ChannelsService;
let appId: string;

beforeAll(async () => {
  api = await startApi([AppsModule]);
  channels = api.app.get(ChannelsService, { strict: false });
  messenger = new FakeMessenger();
  api.app.get(ChannelRegistry, { strict: false }).register(messenger);
});
beforeEach(async () => {
  ({ id: appId } = await api.ask<{ id: string }>(
    `mutation { createApp(input: {displayName: "Shop"}) { id } }`,
  ));
});
afterEach(() => {
  messenger.failures = {};
  messenger.meanwhile = async () => undefined;
  messenger.subscribed.length = 0;
  messenger.unsubscribed.length = 0;
});
afterAll(() => api.stop());

function input(token: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { input: { appId, channel: 'MESSENGER', token, ...more } };
}

function connect(token: string, more: Record<string, unknown> = {}): Promise<Channel & { pageId: string }> {
  return api.ask(CONNECT, input(token, more));
}

async function states(): Promise<unknown[]> {
  const events = await api.events();
  return events
    .filter((event) => event.app_id === appId && event.kind === 'channel.updated')
    .map((event) => (event.payload.channel as Channel).state);
}

test('a good token connects the page, subscribes it to our callback and says so in events', async () => {
  const channel = await connect('page-1', { callbackSecret: 'app secret' });
  const callbackUrl = `${api.url}/adapter/v1/${appId}/callback`;
  expect(channel).toMatchObject({
    channel: 'MESSENGER',
    state: 'ACTIVE',
    pageId: '1',
    displayName: 'Page page-1',
    lastError: null,
    callbackUrl,
  });
  expect(messenger.subscribed).toEqual([
    { credentials: { token: 'page-1', callbackSecret: 'app secret', accountId: '1' }, callbackUrl },
  ]);
  expect(await states()).toEqual(['PENDING', 'ACTIVE']);
});

test('when the channel calls back while it is being subscribed, everything is committed already', async () => {
  let seen: unknown;
  messenger.meanwhile = async () => {
    seen = await api.dataSource.query('SELECT state FROM channels WHERE app_id = $1', [appId]);
  };
  await connect('page-1');
  expect(seen).toEqual([{ state: 'PENDING' }]);
});

test('token and secret are encrypted at rest and in no answer, event or log of ours', async () => {
  await connect('page-1', { callbackSecret: 'app secret' });
  const rows: unknown = await api.dataSource.query('SELECT * FROM channels WHERE app_id = $1', [appId]);
  const everything = JSON.stringify([rows, await api.events()]);
  expect(everything).toContain(appId);
  expect(everything).not.toContain('"page-1"');
  expect(everything).not.toContain('app secret');
  const { errors } = await api.graphql(`{ app(id: "${appId}") { channels { token } } }`);
  expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
});

test('connecting again replaces the token in place and keeps the secret that is not given', async () => {
  const first = await connect('page-1', { callbackSecret: 'app secret' });
  await channels.markNeedsReauth(api.projectId, appId, 'MESSENGER', 'session expired', 'page-1');
  const reconnected = vi.fn(async () => undefined);
  channels.onReconnected(reconnected);
  const second = await connect('page-1-new');
  expect(second).toMatchObject({ id: first.id, state: 'ACTIVE', lastError: null });
  expect(reconnected).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ id: first.id, appId }), {
    importHistory: false,
  });
  expect(await channels.credentials(api.projectId, appId, 'MESSENGER')).toMatchObject({
    token: 'page-1-new',
    callbackSecret: 'app secret',
    state: 'ACTIVE',
  });
  await connect('page-1-new', { callbackSecret: '' });
  expect(await channels.route(appId, 'MESSENGER')).toMatchObject({ callbackSecret: '' });
});

test.each([
  ['a token that the channel refuses', 'bad', {}, 'token', 'accepted'],
  ['a token with a blank', 'page 1', {}, 'token', 'matches'],
  ['no token', '', {}, 'token', 'matches'],
  ['a token without end', 'x'.repeat(4097), {}, 'token', 'matches'],
  ['a secret too long', 'page-1', { callbackSecret: 'x'.repeat(257) }, 'callbackSecret', 'maxLength'],
  ['a page id that is no number', 'page-1', { pageId: 'one' }, 'pageId', 'matches'],
  ['a page that the token does not speak for', 'page-1', { pageId: '2' }, 'pageId', 'owner'],
  ['a channel without a plug-in', 'page-1', { channel: 'WHATSAPP' }, 'channel', 'supported'],
])('%s is refused and stores nothing', async (_case, token, more, path, rule) => {
  const { extensions } = await api.refusal(CONNECT, input(token, more));
  expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path, rule }] });
  expect(await channels.listByApps(api.projectId, [appId])).toEqual([[]]);
});

test('when the channel cannot be asked whose token it is, the caller is told to try again', async () => {
  messenger.failures.lookUp = new ChannelConnectError('connect ETIMEDOUT', false);
  const { extensions, message } = await api.refusal(CONNECT, input('page-1'));
  expect(extensions.code).toBe('UNAVAILABLE');
  expect(message).toContain('could not be asked');
});

test.each([
  ['the look-up meets a dead token', { lookUp: new ChannelConnectError('expired', true) }, 'NEEDS_REAUTH'],
  ['the look-up gets no answer', { lookUp: new ChannelConnectError('timeout', false) }, 'FAILING'],
  ['subscribing meets a dead token', { subscribe: new ChannelConnectError('expired', true) }, 'NEEDS_REAUTH'],
  ['subscribing fails', { subscribe: new ChannelConnectError('no permission', false) }, 'FAILING'],
])('with a page id given, the channel is kept and shows it when %s', async (_case, failures, state) => {
  messenger.failures = failures;
  const channel = await connect('page-1', { pageId: '1' });
  const lastError = Object.values(failures)[0]?.message;
  expect(channel).toMatchObject({ state, lastError, pageId: '1' });
  expect(await states()).toEqual(['PENDING', state]);
});

test('a slow connect does not overwrite what a later one with another token found', async () => {
  messenger.failures.subscribe = new ChannelConnectError('expired', true);
  messenger.meanwhile = async () => {
    messenger.meanwhile = async () => undefined;
    messenger.failures = {};
    await connect('page-1-second');
    messenger.failures.subscribe = new ChannelConnectError('expired', true);
  };
  expect(await connect('page-1-first')).toMatchObject({ state: 'ACTIVE', lastError: null });
  expect(await channels.credentials(api.projectId, appId, 'MESSENGER')).toMatchObject({
    token: 'page-1-second',
    state: 'ACTIVE',
  });
});

test('disconnecting unsubscribes the page and forgets it, even when the channel does not answer', async () => {
  const { id } = await connect('page-1');
  messenger.failures.unsubscribe = new Error('unreachable');
  expect(await api.ask(`mutation ($id: ID!) { disconnectChannel(id: $id) }`, { id })).toBe(true);
  expect(messenger.unsubscribed).toMatchObject([{ token: 'page-1', accountId: '1' }]);
  expect(await channels.credentials(api.projectId, appId, 'MESSENGER')).toBeNull();
  expect(await channels.route(appId, 'MESSENGER')).toMatchObject({ channelId: '', callbackSecret: '' });
  const { extensions } = await api.refusal(`mutation ($id: ID!) { disconnectChannel(id: $id) }`, { id });
  expect(extensions.code).toBe('NOT_FOUND');
});

test('deleting an app unsubscribes its page', async () => {
  await connect('page-1');
  await api.ask(`mutation ($id: ID!) { deleteApp(id: $id) }`, { id: appId });
  expect(messenger.unsubscribed).toMatchObject([{ token: 'page-1' }]);
  expect(await channels.route(appId, 'MESSENGER')).toBeNull();
});

test('a route is found by the app alone, and an unknown app has none', async () => {
  expect(await channels.route(appId, 'MESSENGER')).toEqual(
    expect.objectContaining({ projectId: api.projectId, appId, channelId: '', accountId: null }),
  );
  const { id } = await connect('page-1', { callbackSecret: 'app secret' });
  expect(await channels.route(appId, 'MESSENGER')).toMatchObject({
    projectId: api.projectId,
    appId,
    channelId: id,
    accountId: '1',
    callbackSecret: 'app secret',
  });
  expect(await channels.route('01JD0000000000000000000000', 'MESSENGER')).toBeNull();
});

test('routes and credentials are read once for many messages', async () => {
  await connect('page-1');
  const query = vi.spyOn(api.dataSource.manager, 'query');
  await Promise.all(Array.from({ length: 20 }, () => channels.route(appId, 'MESSENGER')));
  await channels.credentials(api.projectId, appId, 'MESSENGER');
  expect(query).toHaveBeenCalledTimes(1);
  query.mockRestore();
});

test('a state is written, and told, only when it changes', async () => {
  await connect('page-1');
  const failing = { state: 'FAILING', lastError: 'rate limited' } as const;
  await channels.markState(api.projectId, appId, 'MESSENGER', failing);
  await channels.markState(api.projectId, appId, 'MESSENGER', failing);
  expect(await states()).toEqual(['PENDING', 'ACTIVE', 'FAILING']);
  expect(await channels.credentials(api.projectId, appId, 'MESSENGER')).toMatchObject({ state: 'FAILING' });
});

test('what an old token met says nothing about the new one', async () => {
  await connect('page-1');
  await connect('page-1-new');
  await channels.markNeedsReauth(api.projectId, appId, 'MESSENGER', 'session expired', 'page-1');
  expect(await channels.credentials(api.projectId, appId, 'MESSENGER')).toMatchObject({ state: 'ACTIVE' });
  await channels.markNeedsReauth(api.projectId, appId, 'MESSENGER', 'session expired', 'page-1-new');
  expect(await channels.credentials(api.projectId, appId, 'MESSENGER')).toMatchObject({
    state: 'NEEDS_REAUTH',
  });
});

test("nothing of another project's channels can be read, changed or guessed at", async () => {
  const { id } = await connect('page-1');
  const stranger = await api.project();
  const { extensions } = await api.refusal(CONNECT, input('page-1'), stranger.authorization);
  expect(extensions.code).toBe('NOT_FOUND');
  const refusal = await api.refusal(
    `mutation ($id: ID!) { disconnectChannel(id: $id) }`,
    { id },
    stranger.authorization,
  );
  expect(refusal.extensions.code).toBe('NOT_FOUND');
  expect(await channels.credentials(stranger.projectId, appId, 'MESSENGER')).toBeNull();
  expect(await channels.listByApps(stranger.projectId, [appId])).toEqual([[]]);
  await channels.markNeedsReauth(stranger.projectId, appId, 'MESSENGER', 'not yours');
  await expect(channels.get(stranger.projectId, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await channels.get(api.projectId, id)).toMatchObject({ state: 'ACTIVE' });
});

test('the channels of many apps are read in one query', async () => {
  const { authorization } = await api.project();
  const apps: string[] = [];
  for (let i = 1; i <= 3; i++) {
    const { id } = await api.ask<{ id: string }>(
      `mutation { createApp(input: {displayName: "Shop ${i}"}) { id } }`,
      {},
      authorization,
    );
    apps.push(id);
    await api.ask(CONNECT, { input: { appId: id, channel: 'MESSENGER', token: `page-${i}` } }, authorization);
  }
  const find = vi.spyOn(channels, 'listByApps');
  const { edges } = await api.ask<{ edges: { node: { channels: { pageId: string }[] } }[] }>(
    `{ apps { edges { node { channels { pageId } } } } }`,
    {},
    authorization,
  );
  expect(edges.map((edge) => edge.node.channels)).toEqual([
    [{ pageId: '1' }],
    [{ pageId: '2' }],
    [{ pageId: '3' }],
  ]);
  expect(find).toHaveBeenCalledTimes(1);
});
