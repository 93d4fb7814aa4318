// What was said on a page before it was connected.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { newPsid } from '../support/messenger.js';
import { Records } from '../support/records.js';
import { Sending } from '../support/sending.js';

interface Import {
  state: string;
  conversations: number;
  messages: number;
  error: string | null;
  finishedAt: string | null;
}

const IMPORT = `state conversations messages error finishedAt`;
const HOUR = 3_600_000;

let app: TestApp;
let records: Records;
let sending: Sending;
let pages = 0;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
  sending = new Sending(app);
});
afterEach(() => sending.clearFaults());
afterAll(async () => {
  await records.close();
  await app.stop();
});

/** A page that nobody has connected yet. */
async function newPage(): Promise<{ pageId: string; token: string }> {
  pages += 1;
  const pageId = `7100${Date.now()}${pages}`;
  await app.sandbox(`pages/${pageId}`, { name: 'Old page', settings: { delivery: false, read: false } });
  const { token } = await app.sandbox<{ token: string }>('pages', { id: pageId });
  return { pageId, token };
}

async function wrote(
  pageId: string,
  psid: string,
  what: Record<string, unknown>,
  hoursAgo: number,
): Promise<string> {
  const { message_id } = await app.sandbox<{ message_id: string }>(`people/${psid}/messages`, {
    ...{ page_id: pageId, timestamp: Math.floor((Date.now() - hoursAgo * HOUR) / 1000) * 1000 },
    ...what,
  });
  return message_id;
}

async function connect(
  { pageId, token }: { pageId: string; token: string },
  importHistory: boolean,
): Promise<{ appId: string; channelId: string }> {
  const { createApp } = await app.graphql<{ createApp: { id: string } }>(
    `mutation { createApp(input: { displayName: "Test app" }) { id } }`,
  );
  const { connectChannel } = await app.graphql<{ connectChannel: { id: string; state: string } }>(
    `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id state } }`,
    {
      input: {
        ...{ appId: createApp.id, channel: 'MESSENGER', token, pageId },
        ...{ callbackSecret: 'history secret', importHistory },
      },
    },
  );
  expect(connectChannel.state).toBe('ACTIVE');
  return { appId: createApp.id, channelId: connectChannel.id };
}

async function importOf(appId: string): Promise<Import | null> {
  const { app: found } = await app.graphql<{ app: { channels: { historyImport: Import | null }[] } }>(
    `query ($id: ID!) { app(id: $id) { channels { historyImport { ${IMPORT} } } } }`,
    { id: appId },
  );
  return found.channels[0]?.historyImport ?? null;
}

function ended(appId: string): Promise<Import> {
  return eventually(async () => {
    const found = await importOf(appId);
    return found?.finishedAt ? found : null;
  }, 'the end of the import');
}

async function again(channelId: string): Promise<void> {
  await app.graphql(`mutation ($id: ID!) { importHistory(channelId: $id) { state } }`, { id: channelId });
}

interface Conversation {
  id: string;
  unreadCount: number;
  lastActivity: string;
  messages: {
    edges: { node: { acceptTime: string; sentBy: string; content: { text?: string; url?: string } } }[];
  };
}

async function inbox(appId: string): Promise<Conversation[]> {
  const { inbox: found } = await app.graphql<{ inbox: { edges: { node: Conversation }[] } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { edges { node { id unreadCount lastActivity messages(last: 100) { edges { node {
      acceptTime sentBy content { ... on TextMessage { text } ... on MediaMessage { url } } } } } } } } }`,
    { appId },
  );
  return found.edges.map(({ node }) => node);
}

function said({ messages }: Conversation): (string | undefined)[] {
  return messages.edges.map(({ node }) => node.content.text ?? node.content.url);
}

describe('the import of history', () => {
  test('stands in its time, both sides, and is neither unread nor told to webhooks', async () => {
    const page = await newPage();
    const [ann, bob] = [newPsid(), newPsid()];
    await wrote(page.pageId, ann, { text: 'ann 1' }, 50);
    await wrote(page.pageId, bob, { text: 'bob 1' }, 30);
    await wrote(page.pageId, ann, { text: 'ann 2' }, 20);
    await wrote(page.pageId, ann, { text: 'ann 3' }, 20);
    await app.sandbox(`pages/${page.pageId}/inbox`, { psid: bob, text: 'page to bob' });
    const { appId } = await connect(page, true);
    expect(await ended(appId)).toMatchObject({ state: 'DONE', conversations: 2, messages: 5, error: null });
    const found = await inbox(appId);
    expect(found.map(said)).toEqual([
      ['bob 1', 'page to bob'],
      ['ann 1', 'ann 2', 'ann 3'],
    ]);
    expect(found.map(({ unreadCount }) => unreadCount)).toEqual([0, 0]);
    expect(found[0]?.messages.edges.map(({ node }) => node.sentBy)).toEqual(['CONTACT', 'PAGE_INBOX']);
    const [, annes] = found;
    expect(Date.now() - Date.parse(annes?.lastActivity ?? '')).toBeGreaterThan(19 * HOUR);
    const rows = await records.query<{ injected: boolean; at: string }>(
      `SELECT DISTINCT injected FROM messages WHERE app_id = $1`,
      [appId],
    );
    expect(rows).toEqual([{ injected: true }]);
    const told = (await records.events(appId)).filter(({ kind }) => kind === 'message.added');
    expect(told).toHaveLength(5);
  });

  test('done again, or beside what webhooks bring, stores nothing twice', async () => {
    const page = await newPage();
    const psid = newPsid();
    await wrote(page.pageId, psid, { text: 'before' }, 5);
    const { appId, channelId } = await connect(page, false);
    expect(await importOf(appId)).toBeNull();
    await wrote(page.pageId, psid, { text: 'live' }, 0);
    expect((await inbox(appId)).map(said)).toEqual([['live']]);
    await again(channelId);
    await ended(appId);
    expect((await inbox(appId)).map(said)).toEqual([['before', 'live']]);
    expect((await inbox(appId))[0]?.unreadCount).toBe(1);
    await again(channelId);
    expect(await ended(appId)).toMatchObject({ messages: 0 });
    expect((await inbox(appId)).map(said)).toEqual([['before', 'live']]);
    const { markConversationRead } = await app.graphql<{ markConversationRead: { unreadCount: number } }>(
      `mutation ($id: ID!, $upTo: ID) { markConversationRead(id: $id, upToMessageId: $upTo) { unreadCount } }`,
      { id: (await inbox(appId))[0]?.id, upTo: (await records.messages(appId))[0]?.id },
    );
    expect(markConversationRead.unreadCount).toBe(1);
  });

  test('knows the sends of our own and does not take them for those of others', async () => {
    const page = await newPage();
    const psid = newPsid();
    await wrote(page.pageId, psid, { text: 'Hello' }, 0);
    const { appId, channelId } = await connect(page, false);
    const of = { appId, pageId: page.pageId, appSecret: 'history secret', channelId };
    await sending.reaches(await sending.send(of, psid, 'ours'), 'QUEUED_ON_CHANNEL');
    await again(channelId);
    await ended(appId);
    const messages = await records.messages(appId);
    expect(messages.filter(({ sentBy }) => sentBy !== 'CONTACT').map(({ sentBy }) => sentBy)).toEqual([
      'API',
    ]);
  });

  test('goes on where it stopped: over pages, errors, and a token that died', async () => {
    const page = await newPage();
    const people = Array.from({ length: 12 }, newPsid);
    for (const [index, psid] of people.entries())
      await wrote(page.pageId, psid, { text: `from ${index}` }, 100 - index);
    await app.sandbox('faults', {
      ...{ kind: 'graph_error', path: 'conversations', page_id: page.pageId },
      error: { code: 2, is_transient: true },
    });
    const { appId } = await connect(page, true);
    await eventually(async () => (await importOf(appId))?.conversations === 10, 'the first page');
    await app.sandbox(`pages/${page.pageId}/revoke`, { error_subcode: 460 });
    await eventually(async () => {
      const { app: found } = await app.graphql<{ app: { channels: { state: string }[] } }>(
        `query ($id: ID!) { app(id: $id) { channels { state } } }`,
        { id: appId },
      );
      return found.channels[0]?.state === 'NEEDS_REAUTH';
    }, 'a dead token');
    expect((await importOf(appId))?.state).toBe('RUNNING');
    await app.sandbox(`pages/${page.pageId}/restore`, {});
    await app.graphql(`mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id } }`, {
      input: { appId, channel: 'MESSENGER', token: page.token, pageId: page.pageId },
    });
    expect(await ended(appId)).toMatchObject({ state: 'DONE', conversations: 12, messages: 12 });
    expect((await inbox(appId)).flatMap(said).sort()).toEqual(
      people.map((_, index) => `from ${index}`).sort(),
    );
  });

  test('that the channel refuses ends with the reason, and may begin anew', async () => {
    const page = await newPage();
    await wrote(page.pageId, newPsid(), { text: 'Hello' }, 3);
    await app.sandbox('faults', {
      ...{ kind: 'graph_error', path: 'conversations', page_id: page.pageId },
      error: { code: 200, message: '(#200) Requires pages_read_engagement permission' },
    });
    const { appId, channelId } = await connect(page, true);
    expect(await ended(appId)).toMatchObject({
      state: 'FAILED',
      error: expect.stringContaining('pages_read_engagement') as unknown,
    });
    await again(channelId);
    expect(await ended(appId)).toMatchObject({ state: 'DONE', messages: 1, error: null });
  });

  test('of an unknown channel is refused', async () => {
    const answer = await app.ask(`mutation { importHistory(channelId: "nothing") { state } }`);
    expect(answer.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});
