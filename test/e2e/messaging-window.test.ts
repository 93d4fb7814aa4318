import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';

const HOUR = 3_600_000;
const WINDOW = `messagingWindow { open expiresAt humanAgentExpiresAt }`;

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ PARLEY_ROLES: 'api' });
});
afterAll(async () => {
  await app.stop();
});

interface Window {
  open: boolean;
  expiresAt: string;
  humanAgentExpiresAt: string;
}

async function writes(page: TestPage, psid: string, at: number): Promise<void> {
  const response = await postWebhook(
    app,
    page,
    envelope(page.pageId, textItem(page.pageId, psid, 'Hi', undefined, at)),
  );
  expect(response.status).toBe(200);
}

async function windowsOf(page: TestPage): Promise<(Window | null)[]> {
  const { inbox } = await app.graphql<{ inbox: { edges: { node: { messagingWindow: Window | null } }[] } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { edges { node { ${WINDOW} } } } }`,
    { appId: page.appId },
  );
  return inbox.edges.map(({ node }) => node.messagingWindow);
}

test.each<[what: string, hoursAgo: number, open: boolean]>([
  ['is open when the person has just written', 0, true],
  ['is open within 24 hours', 23, true],
  ['is closed after 24 hours', 25, false],
])('the messaging window %s', async (_what, hoursAgo, open) => {
  const page = await connectPage(app);
  const at = Date.now() - hoursAgo * HOUR;
  await writes(page, newPsid(), at);
  expect(await windowsOf(page)).toEqual([
    {
      open,
      expiresAt: new Date(at + 24 * HOUR).toISOString(),
      humanAgentExpiresAt: new Date(at + 7 * 24 * HOUR).toISOString(),
    },
  ]);
});

test('the messaging window is unknown until the person has written', async () => {
  const page = await connectPage(app);
  await app.graphql(`mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`, {
    input: {
      appId: page.appId,
      recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: newPsid() }] } },
      message: { textMessage: { text: 'Hello' } },
    },
  });
  expect(await windowsOf(page)).toEqual([null]);
});

test('an older message that comes late does not move the messaging window back', async () => {
  const page = await connectPage(app);
  const psid = newPsid();
  const now = Date.now();
  await writes(page, psid, now);
  await writes(page, psid, now - 30 * HOUR);
  expect(await windowsOf(page)).toMatchObject([
    { open: true, expiresAt: new Date(now + 24 * HOUR).toISOString() },
  ]);
});

test('the messaging windows of a page of the inbox cost no query more than those of one conversation', async () => {
  const page = await connectPage(app);
  const queries = async (): Promise<number> => {
    await windowsOf(page); // the caller is known from now on
    const query = vi.spyOn(pg.Client.prototype, 'query');
    await windowsOf(page);
    const { length } = query.mock.calls;
    query.mockRestore();
    return length;
  };
  await writes(page, newPsid(), Date.now());
  const one = await queries();
  for (let more = 0; more < 5; more += 1) await writes(page, newPsid(), Date.now());
  expect((await windowsOf(page)).length).toBe(6);
  expect(one).toBeGreaterThan(0);
  expect(await queries()).toBe(one);
});

test('a subscriber sees the messaging window open when the person writes', async () => {
  const page = await connectPage(app);
  const { inbox } = await app.graphql<{ inbox: { eventCursor: string } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }`,
    { appId: page.appId },
  );
  const client = app.socket();
  try {
    const events = client.iterate<{ inbox: { conversation?: { messagingWindow: Window | null } } }>({
      query: `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) { ... on MessageAdded { conversation { ${WINDOW} } } } }`,
      variables: { appId: page.appId, after: inbox.eventCursor },
    });
    const seen = (async () => {
      for await (const { data, errors } of events) {
        if (errors) throw new Error(JSON.stringify(errors));
        if (data?.inbox.conversation) return data.inbox.conversation.messagingWindow;
      }
      return null;
    })();
    const at = Date.now();
    await writes(page, newPsid(), at);
    expect(await seen).toMatchObject({ open: true, expiresAt: new Date(at + 24 * HOUR).toISOString() });
  } finally {
    await client.dispose();
  }
});
