import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

/**
 * Plays one conversation against a running service and prints each step as it happens: a person writes, the inbox hears of it, an agent
 * replies, the reply is delivered and read, and the customer's own system is told. It uses the public faces only.
 */

const base = argument('url') ?? 'http://127.0.0.1:3000';
const person = String(Math.floor(1e15 + Math.random() * 8e15));
const began = Date.now();

const authorization = `Basic ${Buffer.from(credentials()).toString('base64')}`;

try {
  await play();
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function play(): Promise<void> {
  const customer = await receiveCallbacks();
  const { createApp } = await graphql<{ createApp: { id: string } }>(
    'mutation { createApp(input: { displayName: "Demo" }) { id } }',
  );
  say('app', `created ${createApp.id}`);
  const { connectChannel } = await graphql<{ connectChannel: { state: string; pageId: string } }>(
    `
      mutation ($appId: ID!, $token: String!) {
        connectChannel(
          input: { appId: $appId, channel: MESSENGER, token: $token, callbackSecret: "demo-app-secret" }
        ) {
          state
          pageId
        }
      }
    `,
    { appId: createApp.id, token: `demo-page-token-${person}` },
  );
  say('channel', `Messenger page ${connectChannel.pageId} is ${connectChannel.state}`);
  await graphql(
    `
      mutation ($appId: ID!, $target: String!) {
        createWebhook(
          input: {
            appId: $appId
            target: $target
            secret: "demo-secret"
            triggers: [MESSAGE_INBOUND, MESSAGE_DELIVERY, CONVERSATION_START]
          }
        ) {
          id
        }
      }
    `,
    { appId: createApp.id, target: customer.url },
  );
  say('webhook', `the customer listens on ${customer.url}`);
  const inbox = await followInbox(createApp.id);

  await sandbox(`people/${person}/messages`, {
    page_id: connectChannel.pageId,
    text: 'Hello, is the blue one still available?',
  });
  say('person', `wrote "Hello, is the blue one still available?" (webhook in, answered 200)`);
  const { contactId } = await inbox.message;
  await graphql(
    `
      mutation ($appId: ID!, $contactId: ID!) {
        sendMessage(
          input: {
            appId: $appId
            recipient: { contactId: $contactId }
            message: {
              choiceMessage: {
                textMessage: { text: "It is! Shall we keep it for you?" }
                choices: [{ textMessage: { text: "Yes, please" } }, { textMessage: { text: "No, thanks" } }]
              }
            }
          }
        ) {
          messageId
        }
      }
    `,
    { appId: createApp.id, contactId },
  );
  say('agent', 'replied with a question and two choices');
  await inbox.read;
  await customer.toldRead;
  const seen = await sandbox<{ messages: unknown[] }>(
    `people/${person}/messages?page_id=${connectChannel.pageId}`,
  );
  say('person', `sees ${seen.messages.length} messages on the phone: ${base}/sandbox`);
  inbox.stop();
  customer.stop();
  console.log(`\nDone in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

/** A customer's own system: says what it is told. */
async function receiveCallbacks(): Promise<{ url: string; toldRead: Promise<void>; stop: () => void }> {
  const told = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      response.end();
      const body = JSON.parse(text) as Record<string, { status?: string } | undefined>;
      const status = body.message_delivery_report?.status;
      const kind = ['message', 'conversation_start_notification', 'message_delivery_report'].find(
        (key) => body[key],
      );
      say(
        'callback',
        `${kind}${status ? ` ${status}` : ''}, signature ${request.headers['x-sinch-webhook-signature'] ? 'present' : 'missing'}`,
      );
      if (status === 'READ') told.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks`,
    toldRead: inTime(told.promise, 'the READ callback'),
    stop: () => server.close(),
  };
}

interface InboxEvent {
  __typename: string;
  message?: { direction: string; status: string | null; content: { text?: string }; contact: { id: string } };
}

async function followInbox(
  appId: string,
): Promise<{ message: Promise<{ contactId: string }>; read: Promise<void>; stop: () => void }> {
  const connected = Promise.withResolvers<void>();
  const message = Promise.withResolvers<{ contactId: string }>();
  const read = Promise.withResolvers<void>();
  const client = createClient({
    url: `${base.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    lazy: false,
    on: { connected: () => connected.resolve() },
    onNonLazyError: (error) =>
      connected.reject(error instanceof Error ? error : new Error('the subscription was refused')),
  });
  await inTime(connected.promise, 'the WebSocket');
  const { inbox } = await graphql<{ inbox: { eventCursor: string } }>(
    'query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }',
    { appId },
  );
  client.subscribe<{ inbox: InboxEvent }>(
    {
      query: `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) { __typename
        ... on MessageAdded { message { direction status content { ... on TextMessage { text } } contact { id } } }
        ... on MessageUpdated { message { direction status content { __typename } contact { id } } } } }`,
      variables: { appId, after: inbox.eventCursor },
    },
    {
      next: ({ data }) => {
        const event = data?.inbox;
        if (!event) return;
        say(
          'inbox',
          [event.__typename, event.message?.direction, event.message?.status].filter(Boolean).join(' '),
        );
        if (event.message?.direction === 'TO_APP') message.resolve({ contactId: event.message.contact.id });
        if (event.message?.status === 'READ') read.resolve();
        if (event.message?.status === 'FAILED') read.reject(new Error('the reply failed'));
      },
      error: (error) => message.reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
      complete: () => undefined,
    },
  );
  say('inbox', 'subscribed');
  return {
    message: inTime(message.promise, 'the inbox event'),
    read: inTime(read.promise, 'the READ status'),
    stop: () => void client.dispose(),
  };
}

async function graphql<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
  const answer = await post<{ data?: T; errors?: { message: string }[] }>(`${base}/graphql`, {
    query,
    variables,
  });
  if (answer.errors || !answer.data)
    throw new Error(answer.errors?.map((error) => error.message).join('; ') ?? 'no data');
  return answer.data;
}

function sandbox<T>(path: string, body?: unknown): Promise<T> {
  return post<T>(`${base}/sandbox/${path}`, body);
}

async function post<T>(url: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => {
    throw new Error(`cannot reach ${url}: is the service running (npm start)? ${String(error)}`);
  });
  return (await response.json()) as T;
}

function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const timeout = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`${what} did not come within 15 s`)), 15_000).unref(),
  );
  const raced = Promise.race([promise, timeout]);
  // Awaited later; an early failure must not end the process without its message.
  raced.catch(() => undefined);
  return raced;
}

function say(who: string, what: string): void {
  console.log(`${String(Date.now() - began).padStart(6)} ms  ${who.padEnd(9)} ${what}`);
}

function argument(name: string): string | undefined {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? undefined : process.argv[index + 1];
}

/** `keyId:keySecret` of --key, or what the development service made for itself. */
function credentials(): string {
  const given = argument('key');
  if (given) return given;
  const file = `${argument('data') ?? '.data'}/development.json`;
  if (!existsSync(file))
    throw new Error(
      `start the service first (npm start), or give --key KEY_ID:KEY_SECRET; ${file} is missing`,
    );
  const { keyId, keySecret } = JSON.parse(readFileSync(file, 'utf8')) as { keyId: string; keySecret: string };
  return `${keyId}:${keySecret}`;
}
