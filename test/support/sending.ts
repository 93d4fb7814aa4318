// What the tests of sending ask of a service, whoever plays Meta for it.
import pg from 'pg';
import { expect } from 'vitest';
import type { AppMessage } from '../../src/content/app-message.js';
import type { SendCommand } from '../../src/messages/command.js';
import type { TestApp } from './app.js';
import { eventually } from './eventually.js';
import { newPsid, type TestPage } from './messenger.js';

export interface MessageView {
  id: string;
  status: string;
  sentBy: string;
  reason: { code: string; description: string; channelCode: string | null } | null;
  content: { text?: string };
}

const MESSAGE = `id status sentBy reason { code description channelCode } content { ... on TextMessage { text } }`;
export const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`;
/** In which statuses only move forward. */
export const ORDER = ['QUEUED', 'QUEUED_ON_CHANNEL', 'DELIVERED', 'READ'];

export class Sending {
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

  /** Somebody who has written to the page, as a page may only write to such. */
  async person(page: TestPage): Promise<string> {
    const psid = newPsid();
    const { delivered } = await this.app.sandbox<{ delivered: { status: number } }>(
      `people/${psid}/messages`,
      { page_id: page.pageId, text: 'Hello' },
    );
    expect(delivered.status).toBe(200);
    return psid;
  }

  /** What the person has seen of the page. */
  async seen(page: TestPage, psid: string): Promise<(string | undefined)[]> {
    const { messages } = await this.app.sandbox<{ messages: { from: string; text?: string }[] }>(
      `people/${psid}/messages?page_id=${page.pageId}`,
    );
    return messages.filter(({ from }) => from === 'page').map(({ text }) => text);
  }

  /** Trouble for the next sends of the page. */
  async fault(page: TestPage, what: Record<string, unknown>): Promise<void> {
    await this.app.sandbox('faults', { page_id: page.pageId, path: 'messages', ...what });
  }

  async clearFaults(): Promise<void> {
    await fetch(`${this.app.url}/sandbox/faults`, { method: 'DELETE' });
  }

  /** The calls of the Send API for the page. */
  async calls(page: TestPage): Promise<{ status?: number }[]> {
    const { data } = await this.app.sandbox<{ data: { page_id?: string; status?: number }[] }>(
      'calls?path=messages',
    );
    return data.filter((call) => call.page_id === page.pageId);
  }
}

/** A send as the service takes it. */
export function commandOf(
  app: TestApp,
  page: TestPage,
  identity: string,
  message: AppMessage,
  more: Partial<SendCommand> = {},
): SendCommand {
  return {
    projectId: app.projectId,
    appId: page.appId,
    recipient: { identities: [{ channel: 'MESSENGER', identity }] },
    message,
    channelPriorityOrder: [],
    channelProperties: {},
    messageMetadata: '',
    conversationMetadata: null,
    correlationId: null,
    callbackUrl: null,
    ttlSeconds: 3600,
    highPriority: false,
    idempotency: null,
    ...more,
  };
}

let connected = 0;

/** An app with a page of a Graph API that takes any token. */
export async function connectTo(app: TestApp): Promise<TestPage> {
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
