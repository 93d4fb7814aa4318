// Operations that a client names by their ids instead of sending their text.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';

type Json = Record<string, unknown>;

interface Answer {
  status: number;
  data?: Json | null;
  errors?: { message: string; extensions: { code: string } }[];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const named = (id: string): Json => ({ persistedQuery: { version: 1, sha256Hash: id } });

const APPS = 'query Apps { apps { edges { node { displayName } } } }';
const LIVE = 'subscription Live($appId: ID!) { inbox(appId: $appId) { __typename } }';
const OTHER = '{ apps(first: 1) { edges { cursor } } }';

async function post(app: TestApp, body: Json): Promise<Answer> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: app.authorization },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) };
}

/** The first answer to an operation over WebSocket. */
async function overSocket(
  app: TestApp,
  payload: { query: string; extensions?: Json; variables?: Json },
): Promise<unknown> {
  const client = app.socket();
  try {
    return await new Promise((resolve) => {
      client.subscribe(payload, { next: resolve, error: resolve, complete: () => resolve('complete') });
    });
  } finally {
    await client.dispose();
  }
}

/** Codes of an operation that was refused before it ran, or that failed. */
function codesOf(answer: unknown): string[] {
  const errors = Array.isArray(answer) ? answer : (answer as { errors?: unknown[] }).errors;
  return ((errors ?? []) as { extensions: { code: string } }[]).map(({ extensions }) => extensions.code);
}

describe('Automatic Persisted Queries', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.stop());

  test('a text that was sent once with its hash runs by the hash from then on, over HTTP and WebSocket', async () => {
    const unknown = await post(app, { extensions: named(sha256(APPS)) });
    expect(unknown.errors).toMatchObject([
      { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
    ]);
    expect(codesOf(await overSocket(app, { query: '', extensions: named(sha256(APPS)) }))).toEqual([
      'PERSISTED_QUERY_NOT_FOUND',
    ]);
    expect((await post(app, { query: APPS, extensions: named(sha256(APPS)) })).data).toEqual({
      apps: { edges: [] },
    });
    expect((await post(app, { extensions: named(sha256(APPS)) })).data).toEqual({ apps: { edges: [] } });
    expect(await overSocket(app, { query: '', extensions: named(sha256(APPS)) })).toEqual({
      data: { apps: { edges: [] } },
    });
  });

  test('a text is not kept under the hash of another', async () => {
    const answer = await post(app, { query: OTHER, extensions: named(sha256('something else')) });
    expect(answer.status).toBe(400);
    expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    const asked = await post(app, { extensions: named(sha256('something else')) });
    expect(asked.errors?.[0]?.message).toBe('PersistedQueryNotFound');
  });

  test.each<[what: string, persistedQuery: unknown]>([
    ['is a number', { version: 1, sha256Hash: 5 }],
    ['is an object', { version: 1, sha256Hash: { a: 1 } }],
    ['has another version', { version: 2, sha256Hash: 'a' }],
    ['is missing', { version: 1 }],
  ])('a hash that %s is refused', async (_what, persistedQuery) => {
    const answer = await post(app, { extensions: { persistedQuery } });
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors?.map(({ extensions }) => extensions.code)).not.toContain('INTERNAL');
    expect(answer.errors).toHaveLength(1);
  });
});

describe('a manifest of operations', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-operations-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function manifest(content: unknown): Promise<string> {
    const file = join(folder, `${sha256(JSON.stringify(content)).slice(0, 8)}.json`);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  test('its operations run by their ids without having been sent, and others by their text', async () => {
    const GRAPHQL_OPERATIONS = await manifest({ [sha256(APPS)]: APPS });
    const app = await startTestApp({ GRAPHQL_OPERATIONS });
    try {
      expect((await post(app, { extensions: named(sha256(APPS)) })).data).toEqual({ apps: { edges: [] } });
      expect((await post(app, { query: OTHER })).data).toEqual({ apps: { edges: [] } });
    } finally {
      await app.stop();
    }
  });

  test('alone it leaves nothing else to run, over HTTP and WebSocket', async () => {
    const operations = [APPS, LIVE].map((body) => ({ id: sha256(body), name: 'x', type: 'query', body }));
    const GRAPHQL_OPERATIONS = await manifest({
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations,
    });
    const app = await startTestApp({ GRAPHQL_OPERATIONS, GRAPHQL_OPERATIONS_ONLY: '1' });
    try {
      expect((await post(app, { extensions: named(sha256(APPS)) })).data).toEqual({ apps: { edges: [] } });
      expect((await post(app, { query: APPS })).data).toEqual({ apps: { edges: [] } });
      expect(await overSocket(app, { query: '', extensions: named(sha256(APPS)) })).toEqual({
        data: { apps: { edges: [] } },
      });
      const unknown = { appId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' };
      // It runs, and does not find the app.
      expect(
        codesOf(await overSocket(app, { query: '', extensions: named(sha256(LIVE)), variables: unknown })),
      ).toEqual(['NOT_FOUND']);

      for (const body of [
        { query: OTHER },
        { query: OTHER, extensions: named(sha256(OTHER)) },
        { query: '{ __typename }' },
      ]) {
        const refused = await post(app, body);
        expect(refused.status).toBe(403);
        expect(refused.errors?.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
      }
      expect((await post(app, { extensions: named(sha256(OTHER)) })).errors?.[0]?.message).toBe(
        'PersistedQueryNotFound',
      );
      expect(codesOf(await overSocket(app, { query: OTHER }))).toEqual(['FORBIDDEN']);
      expect(
        codesOf(await overSocket(app, { query: LIVE.replace('Live', 'Mine'), variables: unknown })),
      ).toEqual(['FORBIDDEN']);
    } finally {
      await app.stop();
    }
  });

  test.each<[what: string, content: unknown, reason: RegExp]>([
    ['is not JSON', '{', /JSON/],
    ['is a list', [], /object/],
    ['is empty', {}, /no operations/],
    ['has what is no text', { a: 5 }, /id and a text/],
    ['has what is no GraphQL', { a: 'query {' }, /operation a: Syntax Error/],
  ])('that %s keeps the service from starting, with the reason', async (_what, content, reason) => {
    const file = await manifest(content);
    await expect(startTestApp({ GRAPHQL_OPERATIONS: file })).rejects.toThrow(reason);
    await expect(startTestApp({ GRAPHQL_OPERATIONS: file })).rejects.toThrow('GRAPHQL_OPERATIONS');
  });

  test('alone without a file keeps the service from starting', async () => {
    await expect(startTestApp({ GRAPHQL_OPERATIONS_ONLY: '1' })).rejects.toThrow(
      'GRAPHQL_OPERATIONS must be set when GRAPHQL_OPERATIONS_ONLY is',
    );
  });
});
