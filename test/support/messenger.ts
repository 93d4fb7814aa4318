import { createHmac, randomUUID } from 'node:crypto';
import type { TestApp } from './app.js';

/** An app of the test project with a Messenger page that the sandbox plays. */
export interface TestPage {
  appId: string;
  pageId: string;
  appSecret: string;
  channelId: string;
}

let pages = 0;

export async function connectPage(app: TestApp, settings: Record<string, unknown> = {}): Promise<TestPage> {
  pages += 1;
  const pageId = `7000${Date.now()}${pages}`;
  const appSecret = `secret-of-${pageId}`;
  await app.sandbox(`pages/${pageId}`, {
    name: `Page ${pages}`,
    settings: { delivery_delay_ms: 1, read_delay_ms: 2, ...settings },
  });
  const { token } = await app.sandbox<{ token: string }>(`pages`, { id: pageId });
  const { createApp } = await app.graphql<{ createApp: { id: string } }>(
    `mutation { createApp(input: { displayName: "Test app" }) { id } }`,
  );
  const { connectChannel } = await app.graphql<{
    connectChannel: { id: string; state: string; lastError: string | null };
  }>(
    `mutation ($appId: ID!, $token: String!, $secret: String!, $pageId: String!) {
      connectChannel(input: { appId: $appId, channel: MESSENGER, token: $token, callbackSecret: $secret, pageId: $pageId }) { id state lastError }
    }`,
    { appId: createApp.id, token, secret: appSecret, pageId },
  );
  if (connectChannel.state !== 'ACTIVE')
    throw new Error(`the channel is ${connectChannel.state}: ${connectChannel.lastError}`);
  return { appId: createApp.id, pageId, appSecret, channelId: connectChannel.id };
}

/** A page-scoped id that nobody else in the test has. */
export function newPsid(): string {
  return BigInt(`0x${randomUUID().replaceAll('-', '').slice(0, 13)}`).toString();
}

export function sign(body: string | Buffer, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** Posts a webhook as Meta does. */
export async function postWebhook(
  app: TestApp,
  page: Pick<TestPage, 'appId' | 'appSecret'>,
  body: unknown,
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${app.url}/adapter/v1/${page.appId}/callback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': sign(text, page.appSecret) },
    body: text,
  });
}

/** An entry's worth of messaging items as Meta's envelope. */
export function envelope(pageId: string, ...messaging: unknown[]): unknown {
  return { object: 'page', entry: [{ id: pageId, time: Date.now(), messaging }] };
}

export function textItem(
  pageId: string,
  psid: string,
  text: string,
  mid = `m_${randomUUID()}`,
  timestamp = Date.now(),
): unknown {
  return { sender: { id: psid }, recipient: { id: pageId }, timestamp, message: { mid, text } };
}
