// What making an inbox token takes, and what it opens on each face by the marks of the handlers.
import { type ServiceError, status } from '@grpc/grpc-js';
import { Controller, Get, Module } from '@nestjs/common';
import { Query, Resolver, Subscription } from '@nestjs/graphql';
import { GrpcMethod } from '@nestjs/microservices';
import { createClient } from 'graphql-ws';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { Caller } from '../../src/access/caller.js';
import { CurrentCaller } from '../../src/api/current-caller.js';
import { OpenTo } from '../../src/api/open-to.js';
import { AppsModule } from '../../src/apps/apps.module.js';
import { startApi, type TestApi } from '../support/api.js';
import { grpcClient, unary } from '../support/grpc.js';

async function* once(who: string): AsyncGenerator<unknown> {
  yield { subscribeViewer: who, subscribeAgent: who, subscribeKey: who };
}

@Resolver()
class ProbeResolver {
  @OpenTo('VIEWER')
  @Query(() => String)
  viewer(@CurrentCaller() { inbox }: Caller): string {
    return inbox?.role ?? 'KEY';
  }

  @OpenTo('AGENT')
  @Query(() => String)
  agent(@CurrentCaller() { inbox }: Caller): string {
    return inbox?.role ?? 'KEY';
  }

  @Query(() => String)
  key(@CurrentCaller() { inbox }: Caller): string {
    return inbox?.role ?? 'KEY';
  }

  @OpenTo('VIEWER')
  @Subscription(() => String)
  subscribeViewer(@CurrentCaller() { inbox }: Caller): AsyncGenerator<unknown> {
    return once(inbox?.role ?? 'KEY');
  }

  @OpenTo('AGENT')
  @Subscription(() => String)
  subscribeAgent(@CurrentCaller() { inbox }: Caller): AsyncGenerator<unknown> {
    return once(inbox?.role ?? 'KEY');
  }

  @Subscription(() => String)
  subscribeKey(@CurrentCaller() { inbox }: Caller): AsyncGenerator<unknown> {
    return once(inbox?.role ?? 'KEY');
  }
}

@Controller('probe')
class ProbeController {
  @Get('me')
  me(@CurrentCaller() caller: Caller): Caller {
    return caller;
  }
}

@Controller()
class ProbeGrpc {
  @GrpcMethod('MessageService', 'GetMessage')
  get({ messageId }: { messageId: string }): { id: string } {
    return { id: messageId };
  }
}

@Module({ providers: [ProbeResolver], controllers: [ProbeController, ProbeGrpc] })
class ProbeModule {}

interface InboxToken {
  token: string;
  expiresAt: string;
}

const CREATE = `mutation ($input: CreateInboxTokenInput!) { createInboxToken(input: $input) { token expiresAt } }`;
const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

let api: TestApi;
let appId: string;

beforeAll(async () => {
  api = await startApi([AppsModule, ProbeModule]);
  ({ id: appId } = await api.ask<{ id: string }>(
    `mutation { createApp(input: { displayName: "Shop" }) { id } }`,
  ));
});
afterAll(() => api.stop());

async function tokenOf(role: string): Promise<string> {
  const input = { appIds: [appId], agentId: 'ann', role };
  return `Bearer ${(await api.ask<InboxToken>(CREATE, { input })).token}`;
}

describe('an inbox token', () => {
  test('is made by an access key for some apps, and tells when it ends', async () => {
    const input = { appIds: [appId], agentId: 'ann', role: 'AGENT', ttlSeconds: 60 };
    const { token, expiresAt } = await api.ask<InboxToken>(CREATE, { input });
    expect(decodeJwt(token)).toMatchObject({
      aud: 'parley-inbox',
      agent: 'ann',
      role: 'AGENT',
      apps: [appId],
      project: api.projectId,
      exp: Date.parse(expiresAt) / 1000,
    });
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 60_000)).toBeLessThan(5_000);
  });

  test('lasts an hour unless told otherwise', async () => {
    const input = { appIds: [appId], agentId: 'ann', role: 'VIEWER' };
    const { expiresAt } = await api.ask<InboxToken>(CREATE, { input });
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 3_600_000)).toBeLessThan(5_000);
  });

  test('can be made with the token of an access key, as by the key itself', async () => {
    const response = await fetch(`${api.url}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: api.authorization },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    const input = { appIds: [appId], agentId: 'ann', role: 'VIEWER' };
    expect(await api.ask(CREATE, { input }, `Bearer ${access_token}`)).toHaveProperty('token');
  });

  test('makes no other token', async () => {
    const input = { appIds: [appId], agentId: 'eve', role: 'AGENT', ttlSeconds: 86_400 };
    const { extensions } = await api.refusal(CREATE, { input }, await tokenOf('AGENT'));
    expect(extensions.code).toBe('FORBIDDEN');
  });

  test.each([
    ['of no app', { appIds: [] }, 'appIds', 'arrayMinSize'],
    ['of too many apps', { appIds: Array.from({ length: 101 }, (_, i) => `${i}`) }, 'appIds', 'arrayMaxSize'],
    ['of one app twice', { appIds: ['1', '1'] }, 'appIds', 'arrayUnique'],
    ['for nobody', { agentId: '' }, 'agentId', 'isLength'],
    ['for a name without end', { agentId: 'x'.repeat(256) }, 'agentId', 'isLength'],
    ['for a name with a NUL', { agentId: 'a\0b' }, 'input.agentId', 'text'],
    ['for too short', { ttlSeconds: 59 }, 'ttlSeconds', 'min'],
    ['for too long', { ttlSeconds: 86_401 }, 'ttlSeconds', 'max'],
  ])('%s is not made, and the answer names the field', async (_what, change, path, rule) => {
    const input = { appIds: [appId], agentId: 'ann', role: 'AGENT', ...change };
    const { extensions } = await api.refusal(CREATE, { input });
    expect(extensions.code).toBe('BAD_USER_INPUT');
    expect(
      extensions.fields?.map((field) => [field.path.replace(/^input\./, ''), field.rule]),
    ).toContainEqual([path.replace(/^input\./, ''), rule]);
  });

  test('of a role that there is not is not made', async () => {
    const input = { appIds: [appId], agentId: 'ann', role: 'OWNER' };
    expect((await api.refusal(CREATE, { input })).extensions.code).toBe('BAD_USER_INPUT');
  });

  test('for an app of nobody or of another project is not made, and both are told alike', async () => {
    const stranger = await api.project();
    const input = { appIds: [appId], agentId: 'ann', role: 'AGENT' };
    const foreign = await api.refusal(CREATE, { input }, stranger.authorization);
    const nobodys = await api.refusal(CREATE, { input: { ...input, appIds: [appId, NOBODYS] } });
    expect([foreign.extensions.code, nobodys.extensions.code]).toEqual(['NOT_FOUND', 'NOT_FOUND']);
    expect(nobodys.message).toContain(NOBODYS);
    expect(foreign.message).toBe(nobodys.message.replace(NOBODYS, appId));
  });
});

describe('what it opens', () => {
  /** By operation: what each role gets. */
  const TABLE: [operation: string, viewer: string, agent: string][] = [
    ['viewer', 'VIEWER', 'AGENT'],
    ['agent', 'FORBIDDEN', 'AGENT'],
    ['key', 'FORBIDDEN', 'FORBIDDEN'],
    ['subscribeViewer', 'VIEWER', 'AGENT'],
    ['subscribeAgent', 'FORBIDDEN', 'AGENT'],
    ['subscribeKey', 'FORBIDDEN', 'FORBIDDEN'],
  ];

  test.each(TABLE)(
    '%s gives a viewer %s and an agent %s, and an access key everything',
    async (name, ...wanted) => {
      const operation = name.startsWith('subscribe') ? `subscription { ${name} }` : `{ ${name} }`;
      const credentials = [await tokenOf('VIEWER'), await tokenOf('AGENT'), api.authorization];
      const overSocket = await Promise.all(
        credentials.map((authorization) => subscribed(operation, authorization)),
      );
      expect(overSocket).toEqual([...wanted, 'KEY']);
      if (name.startsWith('subscribe')) return;
      const overHttp = await Promise.all(
        credentials.map(async (authorization) => {
          const { data, errors } = await api.graphql(operation, {}, authorization);
          return data?.[name] ?? errors[0]?.extensions.code;
        }),
      );
      expect(overHttp).toEqual([...wanted, 'KEY']);
    },
  );

  test('is nothing over REST', async () => {
    const authorization = await tokenOf('AGENT');
    const response = await fetch(`${api.url}/probe/me`, { headers: { authorization } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 403, status: 'UNAUTHORIZED' } });
  });

  test('is nothing over gRPC', async () => {
    const client = grpcClient(`127.0.0.1:${api.grpc.port}`);
    const call = (authorization: string): Promise<unknown> =>
      unary<object, object>(client.getMessage.bind(client), { messageId: 'M1' }, { authorization }).catch(
        (error: ServiceError) => error.code,
      );
    expect(await call(await tokenOf('AGENT'))).toBe(status.PERMISSION_DENIED);
    expect(await call(api.authorization)).toMatchObject({ id: 'M1' });
    client.close();
  });

  /** The first answer over a socket, or the code of its error. */
  async function subscribed(query: string, authorization: string): Promise<unknown> {
    const client = createClient({
      url: `${api.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
      retryAttempts: 0,
    });
    try {
      const answers = client.iterate<Record<string, unknown>>({ query });
      const { value } = (await answers.next()) as {
        value: { data?: Record<string, unknown> | null; errors?: { extensions: { code: string } }[] };
      };
      return value.errors?.[0]?.extensions.code ?? Object.values(value.data ?? {})[0];
    } catch (errors) {
      return (errors as { extensions: { code: string } }[])[0]?.extensions.code;
    } finally {
      await client.dispose();
    }
  }
});
