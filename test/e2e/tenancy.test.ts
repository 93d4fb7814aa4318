// Who may ask, and for what: credentials on every face, and the wall between projects.
import { status, type ServiceError } from '@grpc/grpc-js';
import { createClient } from 'graphql-ws';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ProjectsService } from '../../src/access/projects.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { grpcClient, unary } from '../support/grpc.js';
import { envelope, newPsid, postWebhook, type TestPage, textItem } from '../support/messenger.js';
import {
  answerTo,
  type Ids,
  NOBODYS,
  OPERATIONS,
  operationsWithIds,
  REFUSALS,
} from '../support/operations.js';
import { Records } from '../support/records.js';
import { makeWorld } from '../support/world.js';

type Json = Record<string, unknown>;

describe('the wall between projects', () => {
  let app: TestApp;
  let records: Records;
  let page: TestPage;
  let theirs: Ids;
  let stranger: string;

  beforeAll(async () => {
    app = await startTestApp();
    records = await Records.of(app.databaseUrl);
    ({ ids: theirs, page } = await makeWorld(app, records));
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
        const { codes, data, errors } = await answerTo(app, name, ask(ids), stranger);
        expect(codes, JSON.stringify({ data, errors })).toEqual([REFUSALS[name] ?? 'NOT_FOUND']);
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
