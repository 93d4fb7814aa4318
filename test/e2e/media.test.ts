// From Messenger's webhook to a picture in a browser: media that last, and who may read them.
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import { Config } from '../../src/config.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { PNG, startTestCdn, type TestCdn } from '../support/cdn.js';
import { eventually } from '../support/eventually.js';
import { connectPage, envelope, newPsid, postWebhook, type TestPage } from '../support/messenger.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

interface MessageView {
  id: string;
  content: { __typename: string; url?: string };
  media: {
    id: string;
    state: string;
    url: string;
    originalUrl: string;
    contentType: string | null;
    size: number | null;
    name: string | null;
    reason: string | null;
  }[];
  contact: { id: string };
}

const MESSAGE = `id content { __typename ... on MediaMessage { url } } media { id state url originalUrl contentType size name reason } contact { id }`;

let app: TestApp;
let page: TestPage;
let cdn: TestCdn;
let receiver: Receiver;
let stranger: string;

beforeAll(async () => {
  app = await startTestApp();
  page = await connectPage(app);
  cdn = await startTestCdn();
  receiver = await startReceiver();
  const projects = app.parley.app.get(ProjectsService, { strict: false });
  const { projectId } = await projects.createProject('Stranger');
  const { keyId, secret } = await projects.createKey(projectId);
  stranger = `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
});
afterAll(async () => {
  await app.stop();
  await cdn.stop();
  await receiver.close();
});

/** Somebody sends a picture by Messenger. */
async function send(url: string, psid = newPsid()): Promise<string> {
  const response = await postWebhook(
    app,
    page,
    envelope(page.pageId, {
      sender: { id: psid },
      recipient: { id: page.pageId },
      timestamp: Date.now(),
      message: { mid: `m_${randomUUID()}`, attachments: [{ type: 'image', payload: { url } }] },
    }),
  );
  expect(response.status).toBe(200);
  return psid;
}

async function lastMessage(psid: string): Promise<MessageView | undefined> {
  const { inbox } = await app.graphql<{
    inbox: {
      edges: { node: { contact: { channelIdentities: { identity: string }[] }; lastMessage: MessageView } }[];
    };
  }>(
    `query ($appId: ID!) { inbox(appId: $appId) { edges { node { contact { channelIdentities { identity } } lastMessage { ${MESSAGE} } } } } }`,
    { appId: page.appId },
  );
  return inbox.edges.find(({ node }) => node.contact.channelIdentities[0]?.identity === psid)?.node
    .lastMessage;
}

async function stored(
  path: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<MessageView> {
  const psid = await send(cdn.serve(path, { headers, body }));
  return eventually(async () => {
    const message = await lastMessage(psid);
    // The two are read one after the other.
    return message?.media[0]?.state === 'STORED' && message.content.url === message.media[0].url && message;
  }, 'stored media');
}

function linkOf(message: MessageView): string {
  return message.content.url ?? '';
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

function without(link: string, change: (url: URL) => void): string {
  const url = new URL(link);
  change(url);
  return url.href;
}

describe('a picture that comes in', () => {
  test('is shown by our link as soon as it is here, and the link gives the picture', async () => {
    const message = await stored('/photo.png?oh=secret', PNG, { 'content-type': 'image/png' });
    const [media] = message.media;
    expect(media).toMatchObject({
      contentType: 'image/png',
      size: PNG.length,
      name: 'photo.png',
      reason: null,
    });
    expect(media?.originalUrl).toBe(`${cdn.url}/photo.png?oh=secret`);
    expect(linkOf(message)).toBe(media?.url);
    expect(linkOf(message).startsWith(`${app.url}/media/${media?.id}/photo.png?s=`)).toBe(true);

    const response = await fetch(linkOf(message));
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toEqual(PNG);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(PNG.length),
      'content-disposition': `inline; filename="photo.png"; filename*=UTF-8''photo.png`,
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      'accept-ranges': 'bytes',
    });
  });

  test('is told to whoever watches: the message comes again with our link', async () => {
    const socket = createClient({
      url: `${app.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: app.authorization },
      retryAttempts: 0,
    });
    const events = socket.iterate<{ inbox: { __typename: string; message?: MessageView } }>({
      query: `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) {
        __typename ... on MessageAdded { message { ${MESSAGE} } } ... on MessageUpdated { message { ${MESSAGE} } } } }`,
      variables: { appId: page.appId, after: await cursor() },
    });
    const original = cdn.serve('/watched.png', { body: PNG });
    await send(original);
    const seen: [string, string | undefined, string | undefined][] = [];
    for await (const { data } of events) {
      const event = data?.inbox;
      // What the tests before have sent may still be told of.
      if (event?.message?.media[0]?.originalUrl !== original) continue;
      seen.push([event.__typename, event.message.content.url, event.message.media[0]?.state]);
      if (event.__typename === 'MessageUpdated') break;
    }
    await socket.dispose();
    expect(seen.map(([type]) => type)).toEqual(['MessageAdded', 'MessageUpdated']);
    expect(seen[0]?.[1]).toBe(original);
    expect(seen[1]?.[1]).toContain(`${app.url}/media/`);
    expect(seen[1]?.[2]).toBe('STORED');
  });

  test('that cannot be had keeps its link, and the message says why', async () => {
    const url = cdn.serve('/expired.png', { status: 403 });
    const psid = await send(url);
    const message = await eventually(async () => {
      const found = await lastMessage(psid);
      return found?.media[0]?.state === 'FAILED' && found;
    }, 'the failure');
    expect(linkOf(message)).toBe(url);
    expect(message.media[0]).toMatchObject({
      url,
      reason: "the channel's server answered with status 403",
      size: null,
    });
  });

  test('is told to webhooks at once, by the link that it came with', async () => {
    await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
      input: {
        appId: page.appId,
        target: `${receiver.url}/hook`,
        triggers: ['MESSAGE_INBOUND', 'MESSAGE_DELIVERY'],
      },
    });
    const message = await stored('/hooked.png', PNG);
    await receiver.waitFor((requests) => requests.length > 0);
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.requests[0]?.json).toMatchObject({
      message: { id: message.id, contact_message: { media_message: { url: `${cdn.url}/hooked.png` } } },
    });
  });
});

async function cursor(): Promise<string> {
  const { inbox } = await app.graphql<{ inbox: { eventCursor: string } }>(
    `query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }`,
    { appId: page.appId },
  );
  return inbox.eventCursor;
}

describe('a part of media', () => {
  let link: string;
  beforeAll(async () => {
    link = linkOf(await stored('/part.png', PNG));
  });

  test.each([
    ['bytes=0-9', 206, `bytes 0-9/${PNG.length}`, PNG.subarray(0, 10)],
    ['bytes=10-', 206, `bytes 10-${PNG.length - 1}/${PNG.length}`, PNG.subarray(10)],
    ['bytes=-5', 206, `bytes ${PNG.length - 5}-${PNG.length - 1}/${PNG.length}`, PNG.subarray(-5)],
    ['bytes=9999-', 416, `bytes */${PNG.length}`, Buffer.alloc(0)],
    ['bytes=0-1,4-5', 200, null, PNG],
    ['nonsense', 200, null, PNG],
  ])('%s is answered with %i', async (range, status, contentRange, bytes) => {
    const response = await fetch(link, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(await bytesOf(response)).toEqual(bytes);
  });

  test('is not mixed with another version, and what a browser has is not sent again', async () => {
    const etag = (await fetch(link, { method: 'HEAD' })).headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    const other = await fetch(link, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
    expect(other.status).toBe(200);
    const same = await fetch(link, { headers: { range: 'bytes=0-1', 'if-range': etag } });
    expect(same.status).toBe(206);
    const fresh = await fetch(link, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } });
    expect([fresh.status, (await bytesOf(fresh)).length]).toEqual([304, 0]);
  });

  test('is not needed to ask how large they are', async () => {
    const head = await fetch(link, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(PNG.length)]);
    expect(await bytesOf(head)).toHaveLength(0);
  });
});

describe('media are read', () => {
  let link: string;
  let bare: string;
  beforeAll(async () => {
    link = linkOf(await stored('/private.png', PNG));
    bare = without(link, (url) => url.searchParams.delete('s'));
  });

  test('by a key of the project without the link', async () => {
    const response = await fetch(bare, { headers: { authorization: app.authorization } });
    expect([response.status, await bytesOf(response)]).toEqual([200, PNG]);
  });

  test("by an inbox token of the message's app, and by no other app's: it looks as if there were none", async () => {
    const { createApp } = await app.graphql<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Another" }) { id } }`,
    );
    const answers = await Promise.all(
      [page.appId, createApp.id].map(async (appId) => {
        const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
          `mutation { createInboxToken(input: { appIds: ["${appId}"], agentId: "ann", role: VIEWER }) { token } }`,
        );
        const authorization = `Bearer ${createInboxToken.token}`;
        return fetch(bare, { headers: { authorization } });
      }),
    );
    expect(answers.map((response) => response.status)).toEqual([200, 404]);
  });

  test('by nobody without either', async () => {
    const forged = without(link, (url) => url.searchParams.set('s', `${app.projectId}.${'x'.repeat(24)}`));
    const nobodys = without(link, (url) => url.searchParams.set('s', `nobody.${'x'.repeat(24)}`));
    for (const address of [bare, forged, nobodys, `${bare}?s=`, `${bare}?s[]=a.b`]) {
      const response = await fetch(address);
      expect([address, response.status]).toEqual([address, 401]);
      expect(response.headers.get('cache-control') ?? '').not.toContain('max-age');
    }
  });

  test("never by another project's key: it looks as if there were none", async () => {
    const missing = without(bare, (url) => (url.pathname = `/media/01ARZ3NDEKTSV4RRFFQ69G5FAV/private.png`));
    const answers = await Promise.all(
      [bare, missing].map(async (address) => {
        const response = await fetch(address, { headers: { authorization: stranger } });
        return [response.status, (await response.text()).replace(/[0-9A-Z]{26}/, 'ID')];
      }),
    );
    expect(answers[0]?.[0]).toBe(404);
    expect(answers[0]).toEqual(answers[1]);
    const wrong = await fetch(bare, { headers: { authorization: 'Basic eDp5' } });
    expect(wrong.status).toBe(401);
  });

  test("of a message of the caller's project only", async () => {
    const { data } = await app.ask<{ message: object | null }>(
      `query ($id: ID!) { message(id: $id) { media { url } } }`,
      { id: (await lastMessage(await send(cdn.serve('/theirs.png', { body: PNG }))))?.id },
      stranger,
    );
    expect(data?.message ?? null).toBeNull();
  });

  test('by the name they have, and ids that are none are none', async () => {
    const renamed = without(
      link,
      (url) => (url.pathname = url.pathname.replace('private.png', 'private.html')),
    );
    const nowhere = without(link, (url) => (url.pathname = '/media/..%2f..%2fetc/passwd'));
    expect((await fetch(renamed)).status).toBe(404);
    expect((await fetch(nowhere, { headers: { authorization: app.authorization } })).status).toBe(404);
  });
});

test.each([
  ['html', '<!doctype html><script>alert(1)</script>', 'text/html'],
  ['svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'image/svg+xml'],
  ['png', '<!doctype html><script>alert(1)</script>', 'image/png'],
  ['pdf', '%PDF-1.7\n', 'application/pdf'],
])('%s that could hold scripts is never shown in place', async (extension, body, contentType) => {
  const response = await fetch(
    linkOf(await stored(`/trap.${extension}`, body, { 'content-type': contentType })),
  );
  expect(response.headers.get('content-disposition')).toMatch(/^attachment; /);
  expect(response.headers.get('content-type')).not.toMatch(/^image\/png/);
  expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

test('erasing a contact takes the media along: the link ends at once, the bytes soon after', async () => {
  const message = await stored('/erased.png', PNG);
  const [media] = message.media;
  const folder = join(
    app.parley.app.get(Config).PARLEY_DATA_DIR,
    'media/stored',
    app.projectId,
    media?.id.slice(-2) ?? '',
  );
  expect(await readdir(folder)).toContain(media?.id);
  await app.graphql(`mutation ($id: ID!) { deleteContact(id: $id) }`, { id: message.contact.id });
  expect((await fetch(linkOf(message))).status).toBe(401);
  expect((await fetch(linkOf(message), { headers: { authorization: app.authorization } })).status).toBe(404);
  await eventually(async () => !(await readdir(folder)).includes(media?.id ?? ''), 'the end of the bytes');
});
