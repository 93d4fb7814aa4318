// Who may ask, and for what: credentials on every face, and the wall between projects.
import { status, type ServiceError } from '@grpc/grpc-js';
import { createClient } from 'graphql-ws';
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  type GraphQLSchema,
  isInputObjectType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ProjectsService } from '../../src/access/projects.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { grpcClient, unary } from '../support/grpc.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { Records } from '../support/records.js';

type Json = Record<string, unknown>;

const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** Operations that take ids: how to ask each, given one of everything. A new operation that takes an id has to be added. */
const OPERATIONS: Record<string, (ids: Ids) => string> = {
  'Query.app': ({ app }) => `{ app(id: "${app}") { id } }`,
  'Query.contact': ({ contact }) => `{ contact(id: "${contact}") { id } }`,
  'Query.conversation': ({ conversation }) => `{ conversation(id: "${conversation}") { id } }`,
  'Query.message': ({ message }) => `{ message(id: "${message}") { id } }`,
  'Query.inbox': ({ app }) => `{ inbox(appId: "${app}") { edges { node { id } } } }`,
  'Query.template': ({ template }) => `{ template(id: "${template}") { id } }`,
  'Query.transcodeMessage': ({ app }) =>
    `{ transcodeMessage(appId: "${app}", message: { textMessage: { text: "Hi" } }, channels: [MESSENGER]) { payloads } }`,
  'Query.callbackOrigins': ({ app }) => `{ callbackOrigins(appId: "${app}") { id } }`,
  'Query.webhooks': ({ app }) => `{ webhooks(appId: "${app}") { id } }`,
  'Query.webhookDeliveries': ({ webhook }) =>
    `{ webhookDeliveries(webhookId: "${webhook}") { edges { node { id } } } }`,
  'Mutation.updateApp': ({ app }) =>
    `mutation { updateApp(id: "${app}", input: { displayName: "Mine now" }) { id } }`,
  'Mutation.deleteApp': ({ app }) => `mutation { deleteApp(id: "${app}") }`,
  'Mutation.connectChannel': ({ app }) =>
    `mutation { connectChannel(input: { appId: "${app}", channel: MESSENGER, token: "mine", pageId: "12345678" }) { id } }`,
  'Mutation.disconnectChannel': ({ channel }) => `mutation { disconnectChannel(id: "${channel}") }`,
  'Mutation.testWebhook': ({ webhook }) =>
    `mutation { testWebhook(id: "${webhook}", trigger: MESSAGE_INBOUND) { __typename } }`,
  'Mutation.retryWebhookDelivery': ({ webhook }) =>
    `mutation { retryWebhookDelivery(webhookId: "${webhook}", id: "${NOBODYS}") { __typename } }`,
  'Mutation.createContact': ({ app }) =>
    `mutation { createContact(input: { displayName: "Eve", channelIdentities: [{ channel: MESSENGER, identity: "12345678", appId: "${app}" }] }) { id } }`,
  'Mutation.updateContact': ({ contact }) =>
    `mutation { updateContact(id: "${contact}", input: { displayName: "Eve" }) { id } }`,
  'Mutation.deleteContact': ({ contact }) => `mutation { deleteContact(id: "${contact}") }`,
  'Mutation.mergeContacts': ({ contact }) =>
    `mutation { mergeContacts(sourceId: "${contact}", destinationId: "${contact.replace(/.$/, 'X')}") { id } }`,
  'Mutation.deleteConversation': ({ conversation }) =>
    `mutation { deleteConversation(id: "${conversation}") }`,
  'Mutation.importHistory': ({ channel }) =>
    `mutation { importHistory(channelId: "${channel}") { __typename } }`,
  'Mutation.sendMessage': ({ app, contact }) =>
    `mutation { sendMessage(input: { appId: "${app}", recipient: { contactId: "${contact}" }, message: { textMessage: { text: "Hi" } } }) { messageId } }`,
  'Mutation.sendMessages': ({ app, contact }) =>
    `mutation { sendMessages(input: [{ appId: "${app}", recipient: { contactId: "${contact}" }, message: { textMessage: { text: "Hi" } } }]) { messageId error { code } } }`,
  'Mutation.sendEvent': ({ app, contact }) =>
    `mutation { sendEvent(input: { appId: "${app}", recipient: { contactId: "${contact}" }, event: { composingEvent: {} } }) { eventId } }`,
  'Mutation.updateTemplate': ({ template }) =>
    `mutation { updateTemplate(id: "${template}", input: { version: 1, description: "Mine now" }) { id } }`,
  'Mutation.deleteTemplate': ({ template }) => `mutation { deleteTemplate(id: "${template}") }`,
  'Mutation.markConversationRead': ({ conversation }) =>
    `mutation { markConversationRead(id: "${conversation}") { id } }`,
  'Mutation.updateConversation': ({ conversation }) =>
    `mutation { updateConversation(id: "${conversation}", input: { status: CLOSED }) { id } }`,
  'Mutation.stopConversation': ({ conversation }) =>
    `mutation { stopConversation(id: "${conversation}") { id } }`,
  'Mutation.createWebhook': ({ app }) =>
    `mutation { createWebhook(input: { appId: "${app}", target: "http://127.0.0.1:8099/mine" }) { id } }`,
  'Mutation.updateWebhook': ({ webhook }) =>
    `mutation { updateWebhook(id: "${webhook}", input: { targetType: DISMISS }) { id } }`,
  'Mutation.deleteWebhook': ({ webhook }) => `mutation { deleteWebhook(id: "${webhook}") }`,
  'Mutation.replayWebhook': ({ webhook }) => `mutation { replayWebhook(id: "${webhook}") }`,
  'Subscription.inbox': ({ app }) => `subscription { inbox(appId: "${app}") { __typename } }`,
  'Subscription.conversation': ({ conversation }) =>
    `subscription { conversation(id: "${conversation}") { __typename } }`,
};

/** Where the id is a field of what is to be made, the input is at fault. */
const REFUSALS: Record<string, string> = { 'Mutation.createContact': 'BAD_USER_INPUT' };

interface Ids {
  app: string;
  channel: string;
  contact: string;
  conversation: string;
  message: string;
  webhook: string;
  template: string;
}

describe('the wall between projects', () => {
  let app: TestApp;
  let records: Records;
  let page: TestPage;
  let theirs: Ids;
  let stranger: string;

  beforeAll(async () => {
    app = await startTestApp();
    records = await Records.of(app.databaseUrl);
    page = await connectPage(app);
    await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, newPsid(), 'Hello')));
    const [message] = await records.messages(page.appId);
    const { createWebhook } = await app.graphql<{ createWebhook: { id: string } }>(
      `mutation ($appId: ID!) { createWebhook(input: { appId: $appId, target: "http://127.0.0.1:8099/theirs", targetType: DISMISS }) { id } }`,
      { appId: page.appId },
    );
    const { createTemplate } = await app.graphql<{ createTemplate: { id: string } }>(
      `mutation { createTemplate(input: { defaultTranslation: "en", translations: [{ languageCode: "en", message: { text_message: { text: "Hi" } } }] }) { id } }`,
    );
    theirs = {
      app: page.appId,
      channel: page.channelId,
      contact: message?.contactId ?? '',
      conversation: message?.conversationId ?? '',
      message: message?.id ?? '',
      webhook: createWebhook.id,
      template: createTemplate.id,
    };
    const projects = app.parley.app.get(ProjectsService, { strict: false });
    const { keyId, secret } = await projects.createKey((await projects.createProject('Another')).projectId);
    stranger = basic(keyId, secret);
  });
  afterAll(async () => {
    await records.close();
    await app.stop();
  });

  test('is tried for every operation that takes an id', async () => {
    const { __schema } = await app.graphql<Json>(getIntrospectionQuery());
    const schema = buildClientSchema({ __schema } as never);
    expect(Object.keys(OPERATIONS).sort()).toEqual(operationsWithIds(schema).sort());
  });

  test.each(Object.keys(OPERATIONS))(
    '%s answers an id of another project like one of nobody',
    async (name) => {
      const ask = OPERATIONS[name] as (ids: Ids) => string;
      const nobodys = Object.fromEntries(Object.keys(theirs).map((key) => [key, NOBODYS])) as unknown as Ids;
      const before = await records.fingerprint();
      for (const ids of [theirs, nobodys]) {
        const { errors, data } = name.startsWith('Subscription')
          ? await subscribed(ask(ids))
          : await app.ask<Json>(ask(ids), {}, stranger);
        const refused =
          name === 'Mutation.sendMessages'
            ? itemErrors(data)
            : errors?.map(({ extensions }) => extensions.code);
        expect(refused, JSON.stringify({ data, errors })).toEqual([REFUSALS[name] ?? 'NOT_FOUND']);
        if (errors) expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([]);
      }
      expect(await records.fingerprint()).toBe(before);
    },
  );

  test('lists nothing of another project', async () => {
    const query = `{ apps { edges { node { id } } } contacts(filter: {}) { edges { node { id } } } }`;
    expect((await app.ask(query, {}, stranger)).data).toEqual({
      apps: { edges: [] },
      contacts: { edges: [] },
    });
  });

  test('holds in filters', async () => {
    const { data } = await app.ask<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Mine" }) { id } }`,
      {},
      stranger,
    );
    const inbox = `{ inbox(appId: "${data?.createApp.id}", filter: { contactId: "${theirs.contact}" }) { edges { node { id } } } }`;
    expect((await app.ask(inbox, {}, stranger)).data).toEqual({ inbox: { edges: [] } });
  });

  test('lets two projects have the same person and page without meeting', async () => {
    const psid = newPsid();
    const { data } = await app.ask<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Mine" }) { id } }`,
      {},
      stranger,
    );
    const appId = data?.createApp.id ?? '';
    const connect = `mutation { connectChannel(input: { appId: "${appId}", channel: MESSENGER, token: "mine", callbackSecret: "mine", pageId: "${page.pageId}" }) { id } }`;
    await app.ask(connect, {}, stranger);
    const item = textItem(page.pageId, psid, 'To both', 'm_both');
    await postWebhook(app, page, envelope(page.pageId, item));
    await postWebhook(app, { appId, appSecret: 'mine' }, envelope(page.pageId, item));
    const [ours, mine] = await Promise.all(
      [page.appId, appId].map(async (id) =>
        (await records.messages(id)).filter(({ identity }) => identity === psid),
      ),
    );
    expect([ours?.length, mine?.length]).toEqual([1, 1]);
    expect(ours?.[0]?.contactId).not.toBe(mine?.[0]?.contactId);
  });

  /** The first answer of a subscription of the stranger. */
  function subscribed(
    query: string,
  ): Promise<{ errors?: { extensions: { code: string } }[]; data?: Json | null }> {
    const client = app.socket(stranger);
    return new Promise((resolve) => {
      let answered = false;
      const answer = (value: unknown): void => {
        if (answered) return;
        answered = true;
        void client.dispose();
        resolve(value as { errors?: { extensions: { code: string } }[]; data?: Json | null });
      };
      client.subscribe(
        { query },
        {
          next: answer,
          error: (errors) =>
            answer(Array.isArray(errors) ? { errors } : { data: { closed: String(errors) } }),
          complete: () => answer({ data: { completed: true } }),
        },
      );
    });
  }
});

describe('credentials', () => {
  let app: TestApp;
  const QUERY = '{ apps { edges { node { id } } } }';
  const bad: [what: string, authorization: string | null][] = [
    ['that are missing', null],
    ['of a key that does not exist', basic('nobody', 'test-secret-0123456789')],
    ['with a wrong secret', basic('test-key', 'wrong')],
    ['with an empty secret', basic('test-key', '')],
    ['without a colon', `Basic ${Buffer.from('test-key').toString('base64')}`],
    ['that are no base64', 'Basic ***'],
    ['of another scheme', 'Digest username="test-key"'],
    ['that are a made-up token', 'Bearer made-up'],
  ];

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.stop());

  test.each(bad)('%s open no face', async (_what, authorization) => {
    const over = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization === null ? {} : { authorization }) },
      body: JSON.stringify({ query: QUERY }),
    });
    const { data, errors } = (await over.json()) as {
      data: Json | null;
      errors: { extensions: { code: string } }[];
    };
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED']);
    expect(data).toBeNull();

    const client = grpcClient(app.parley.grpc);
    const metadata: Record<string, string> = authorization === null ? {} : { authorization };
    const refusals = await Promise.all([
      unary<object, object>(client.getMessage.bind(client), { messageId: NOBODYS }, metadata).catch(
        (error: ServiceError) => error.code,
      ),
      unary<object, object>(client.sendMessage.bind(client), {}, metadata).catch(
        (error: ServiceError) => error.code,
      ),
    ]);
    expect(refusals).toEqual([status.UNAUTHENTICATED, status.UNAUTHENTICATED]);
    client.close();

    expect(await closeCode(authorization)).toBe(4403);
  });

  test('that are right open every face', async () => {
    expect((await app.ask(QUERY)).data).toEqual({ apps: { edges: [] } });
    const client = grpcClient(app.parley.grpc);
    const { authorization } = app;
    const refusal = await unary<object, object>(
      client.getMessage.bind(client),
      { messageId: NOBODYS },
      { authorization },
    ).catch((error: ServiceError) => error.code);
    expect(refusal).toBe(status.NOT_FOUND);
    client.close();
    const socket = app.socket();
    const answers = socket.iterate({ query: QUERY });
    expect((await answers.next()).value).toEqual({ data: { apps: { edges: [] } } });
    await socket.dispose();
  });

  test('are not looked for in a query, where logs would keep them', async () => {
    const url = `${app.url}/graphql?authorization=${encodeURIComponent(app.authorization)}`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
    });
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  /** How a WebSocket with these credentials ends. */
  function closeCode(authorization: string | null): Promise<number> {
    return new Promise((resolve, reject) => {
      const client = createClient({
        url: `${app.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        lazy: false,
        retryAttempts: 0,
        ...(authorization === null ? {} : { connectionParams: { authorization } }),
        onNonLazyError: () => undefined,
        on: {
          connected: () => reject(new Error('the socket was let in')),
          closed: (event) => resolve((event as CloseEvent).code),
        },
      });
      void client;
    });
  }
});

function basic(keyId: string, secret: string): string {
  return `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
}

/** Every field of the roots that has an id among its arguments or in their inputs. */
/** A batch answers each item for itself. */
function itemErrors(data: Json | undefined | null): unknown[] {
  const results = data?.sendMessages as { messageId: string | null; error: { code: string } | null }[];
  return results.map(({ messageId, error }) => messageId ?? error?.code);
}

function operationsWithIds(schema: GraphQLSchema): string[] {
  const hasId = (type: ReturnType<typeof getNamedType>, seen: Set<unknown>): boolean => {
    if (type === undefined || seen.has(type)) return false;
    if (type.name === 'ID') return true;
    if (!isInputObjectType(type)) return false;
    const fields = Object.values(type.getFields());
    return fields.some((field) => hasId(getNamedType(field.type), new Set([...seen, type])));
  };
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((root) =>
    Object.values(root?.getFields() ?? {})
      .filter(({ args }) => args.some(({ type }) => hasId(getNamedType(type), new Set())))
      .map(({ name }) => `${root?.name}.${name}`),
  );
}
