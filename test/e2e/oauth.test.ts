// POST /oauth2/token, and its tokens on every face of the real service, until they end.
import { type ServiceError, status } from '@grpc/grpc-js';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { ProjectsService } from '../../src/access/projects.service.js';
import { TokensService } from '../../src/access/tokens.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventClient } from '../support/events.js';
import { grpcClient, unary } from '../support/grpc.js';
import { EventStream } from '../support/grpc-stream.js';

const QUERY = '{ apps { edges { node { id } } } }';
const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const GRANT = { grant_type: 'client_credentials' };
const FORM_KEY = { client_id: 'test-key', client_secret: 'test-secret-0123456789' };

interface TokenAnswer {
  access_token: string;
  expires_in: number;
  scope: string;
  token_type: string;
}

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => app.stop());

async function ask(form: Record<string, string> | string, authorization?: string | null): Promise<Answer> {
  const response = await fetch(`${app.url}/oauth2/token`, {
    method: 'POST',
    headers: authorization ? { authorization } : {},
    body: new URLSearchParams(form),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

async function newToken(authorization = app.authorization): Promise<string> {
  const { status: code, body } = await ask(GRANT, authorization);
  expect(code, JSON.stringify(body)).toBe(200);
  return `Bearer ${(body as unknown as TokenAnswer).access_token}`;
}

/** A key of the test's own project, so that no test eats another's bucket. */
async function newKey(): Promise<{ projectId: string; keyId: string; basic: string }> {
  const { keyId, secret } = await projects().createKey(app.projectId);
  const basic = `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
  return { projectId: app.projectId, keyId, basic };
}

const projects = (): ProjectsService => app.parley.app.get(ProjectsService, { strict: false });
const tokens = (): TokensService => app.parley.app.get(TokensService, { strict: false });

/** A token that ran out a second ago. */
async function expiredToken(): Promise<string> {
  const { projectId, keyId } = await newKey();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_601_000 });
  const { token } = await tokens().issueAccessToken({ projectId, keyId });
  vi.useRealTimers();
  return `Bearer ${token}`;
}

describe('the token endpoint', () => {
  test('gives a token for an access key in a Basic header, with all four members', async () => {
    const { status: code, headers, body } = await ask(GRANT, app.authorization);
    expect(code).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as unknown,
      expires_in: 3599,
      scope: '',
      token_type: 'bearer',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toContain('application/json');
    const { exp = 0 } = decodeJwt(String(body.access_token));
    expect(Math.abs(exp - Date.now() / 1000 - 3600)).toBeLessThan(10);
  });

  test('takes the access key from the form as well', async () => {
    expect((await ask({ ...GRANT, ...FORM_KEY })).body).toMatchObject({ token_type: 'bearer' });
    expect((await ask({ ...GRANT, client_id: 'test-key' }, app.authorization)).status).toBe(200);
    // As some clients send it: with a charset, and parameters that we do not know.
    const response = await fetch(`${app.url}/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: app.authorization,
        'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      },
      body: 'grant_type=client_credentials&scope=&more=1',
    });
    expect(response.status).toBe(200);
  });

  test.each<
    [
      what: string,
      form: Record<string, string> | string,
      authorization: string | null,
      status: number,
      error: string,
    ]
  >([
    ['no grant', {}, 'Basic', 400, 'invalid_request'],
    ['an empty grant', { grant_type: '' }, 'Basic', 400, 'invalid_request'],
    ['another grant', { grant_type: 'password' }, 'Basic', 400, 'unsupported_grant_type'],
    ['a grant twice', 'grant_type=client_credentials&grant_type=password', 'Basic', 400, 'invalid_request'],
    ['no key', GRANT, null, 401, 'invalid_client'],
    ['half a key', { ...GRANT, client_id: 'test-key' }, null, 401, 'invalid_client'],
    ['a wrong secret', { ...GRANT, ...FORM_KEY, client_secret: 'wrong' }, null, 401, 'invalid_client'],
    ['a key of nobody', { ...GRANT, ...FORM_KEY, client_id: 'nobody' }, null, 401, 'invalid_client'],
    ['a malformed header', GRANT, 'Basic ***', 401, 'invalid_client'],
    ['another scheme', GRANT, 'Digest x', 401, 'invalid_client'],
    ['a key in two places', { ...GRANT, ...FORM_KEY }, 'Basic', 400, 'invalid_request'],
    ['two keys', { ...GRANT, client_id: 'another' }, 'Basic', 400, 'invalid_request'],
  ])('refuses %s as OAuth 2.0 says', async (_what, form, authorization, code, error) => {
    const answer = await ask(form, authorization === 'Basic' ? app.authorization : authorization);
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: code,
      body: { error, error_description: expect.stringMatching(/^[\x20-\x7e]+$/) as unknown },
    });
    expect(answer.headers.get('www-authenticate')).toBe(code === 401 ? 'Basic realm="parley"' : null);
    expect(JSON.stringify(answer.body)).not.toContain(FORM_KEY.client_secret);
  });

  test('gives no token for a token, which would live for ever', async () => {
    expect(await ask(GRANT, await newToken())).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });

  test.each([
    ['JSON', 'application/json', JSON.stringify(GRANT)],
    ['broken JSON', 'application/json', '{'],
    ['nothing', 'application/x-www-form-urlencoded', ''],
    ['a form that is too large', 'application/x-www-form-urlencoded', `grant_type=${'x'.repeat(2_000_000)}`],
  ])('refuses a body of %s in its own words', async (_what, type, body) => {
    const response = await fetch(`${app.url}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: app.authorization, 'content-type': type },
      body,
    });
    expect([400, 413]).toContain(response.status);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  test('lets a key have thirty tokens at once and then tells it to wait, and no other key', async () => {
    const { basic } = await newKey();
    const answers = await Promise.all(Array.from({ length: 120 }, () => ask(GRANT, basic)));
    const codes = answers.map((answer) => answer.status);
    expect(codes.filter((code) => code === 200).length).toBeGreaterThanOrEqual(30);
    expect(codes).toContain(429);
    const refused = answers.find((answer) => answer.status === 429);
    expect(refused?.body).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.any(String) as unknown,
    });
    expect((await ask(GRANT, (await newKey()).basic)).status).toBe(200);
    await vi.waitFor(async () => expect((await ask(GRANT, basic)).status).toBe(200), 20_000);
  });

  test('counts wrong secrets like every face: the eleventh is refused unseen', async () => {
    const { keyId } = await newKey();
    const codes: number[] = [];
    for (let i = 0; i < 11; i++) {
      codes.push((await ask({ ...GRANT, client_id: keyId, client_secret: `guess-${i}` })).status);
    }
    expect(codes).toEqual([...Array<number>(10).fill(401), 429]);
  });
});

describe('a token', () => {
  test('opens every face', async () => {
    const authorization = await newToken();
    expect((await app.ask(QUERY, {}, authorization)).data).toEqual({ apps: { edges: [] } });
    const socket = app.socket(authorization);
    expect((await socket.iterate({ query: QUERY }).next()).value).toEqual({ data: { apps: { edges: [] } } });
    await socket.dispose();
    expect(await grpcStatus(authorization)).toBe(status.NOT_FOUND);
    expect((await media(authorization)).status).toBe(404);
  });

  test('that expired is refused with the word that makes clients fetch another', async () => {
    const authorization = await expiredToken();
    const answer = await media(authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="invalid_token", error_description="The access token expired"',
    );
    expect(answer.body).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } });
    expect(await grpcStatus(authorization)).toBe(status.UNAUTHENTICATED);
    const { data, errors } = await app.ask(QUERY, {}, authorization);
    expect({ data, code: errors?.[0]?.extensions.code }).toEqual({ data: null, code: 'UNAUTHENTICATED' });
    expect(errors?.[0]?.message).toContain('expired');
    expect(await closeOf(authorization)).toEqual([4403, 'Forbidden: the access token expired']);
  });

  test('that is wrong is refused without that word', async () => {
    const made = await newToken();
    const damaged = `${made.slice(0, -8)}${createHash('sha1').update(made).digest('base64url').slice(0, 8)}`;
    for (const authorization of [damaged, 'Bearer made-up', 'bearer a.b.c']) {
      const answer = await media(authorization);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer error="invalid_token", error_description="[^"\\]+"$/,
      );
      expect(answer.headers.get('www-authenticate')).not.toMatch(/expired/i);
      expect(await grpcStatus(authorization)).toBe(status.UNAUTHENTICATED);
      expect((await closeOf(authorization))[0]).toBe(4403);
    }
  });

  test('opens nothing in a query, where logs would keep it', async () => {
    const [, token = ''] = (await newToken()).split(' ');
    const response = await fetch(`${app.url}/media/${NOBODYS}/a.png?access_token=${token}`);
    expect(response.status).toBe(401);
  });
});

describe('a socket', () => {
  const SUBSCRIPTION = 'subscription ($id: ID!) { inbox(appId: $id) { __typename } }';

  test('ends with its token, within seconds, and says so', async () => {
    const { projectId, keyId } = await newKey();
    const { createApp } = await app.graphql<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Shop" }) { id } }`,
    );
    const inbox = { agentId: 'ann', role: 'VIEWER' as const, appIds: [createApp.id] };
    const { token, expiresAt } = await tokens().issueInboxToken({ projectId, keyId }, inbox, 4);
    const [code, reason, messages] = await subscribe(`Bearer ${token}`, createApp.id);
    expect([code, reason]).toEqual([4403, 'Forbidden: the token expired']);
    expect(messages).toContain('connection_ack');
    const late = Date.now() - expiresAt.getTime();
    expect(late).toBeGreaterThan(-100);
    expect(late).toBeLessThan(3_000);
  });

  test('ends when the key that made its token is revoked', async () => {
    const { projectId, keyId } = await newKey();
    const { createApp } = await app.graphql<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Shop" }) { id } }`,
    );
    const inbox = { agentId: 'ann', role: 'VIEWER' as const, appIds: [createApp.id] };
    const { token } = await tokens().issueInboxToken({ projectId, keyId }, inbox, 600);
    const ended = subscribe(`Bearer ${token}`, createApp.id, () => projects().revokeKey(keyId));
    const [code, reason] = await ended;
    expect(code).toBe(4403);
    expect(reason).toContain('revoked');
  }, 30_000);

  /** A subscription by hand, until its socket ends. */
  async function subscribe(
    authorization: string,
    id: string,
    then: () => Promise<unknown> = async () => undefined,
  ): Promise<[code: number, reason: string, messages: string]> {
    const raw = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const messages: string[] = [];
    raw.on('message', (data: Buffer) => messages.push(data.toString()));
    const closed = once(raw, 'close') as Promise<[number, Buffer]>;
    await once(raw, 'open');
    raw.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
    await once(raw, 'message');
    const payload = { query: SUBSCRIPTION, variables: { id } };
    raw.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
    await then();
    const [code, reason] = await closed;
    return [code, reason.toString(), messages.join('\n')];
  }
});

test('a gRPC stream ends with its token, within seconds, and says so', async () => {
  const { projectId, keyId } = await newKey();
  const { createApp } = await app.graphql<{ createApp: { id: string } }>(
    `mutation { createApp(input: { displayName: "Shop" }) { id } }`,
  );
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_596_000 });
  const { token, expiresAt } = await tokens().issueAccessToken({ projectId, keyId });
  vi.useRealTimers();
  const client = eventClient(app.parley.grpc);
  try {
    const stream = new EventStream(client, `Bearer ${token}`, { appId: createApp.id });
    const { code, details } = await stream.ended;
    expect([code, details]).toEqual([status.UNAUTHENTICATED, 'the token expired']);
    const late = Date.now() - expiresAt.getTime();
    expect(late).toBeGreaterThan(-100);
    expect(late).toBeLessThan(3_000);
  } finally {
    client.close();
  }
});

/** The one path of REST that is always there; it knows no such media. */
async function media(authorization: string): Promise<Answer> {
  const response = await fetch(`${app.url}/media/${NOBODYS}/a.png`, { headers: { authorization } });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

async function grpcStatus(authorization: string): Promise<unknown> {
  const client = grpcClient(app.parley.grpc);
  try {
    return await unary<object, object>(
      client.getMessage.bind(client),
      { messageId: NOBODYS },
      { authorization },
    ).catch((error: ServiceError) => error.code);
  } finally {
    client.close();
  }
}

/** How a socket that presents this ends. */
async function closeOf(authorization: string): Promise<[code: number, reason: string]> {
  const raw = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(raw, 'open');
  raw.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
  const [code, reason] = (await once(raw, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}
