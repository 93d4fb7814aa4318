import { createClient, type Client } from 'graphql-ws';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { loadConfig } from '../../src/config.js';
import { type Parley, startParley } from '../../src/start.js';
import { createTestDatabase } from './database.js';

const KEY = { projectId: 'test-project', keyId: 'test-key', keySecret: 'test-secret-0123456789' };

export interface GraphqlError {
  message: string;
  path?: string[];
  extensions: { code: string; fields?: { path: string; rule: string; message: string }[] };
}

export interface GraphqlAnswer<T> {
  data: T | null;
  errors?: GraphqlError[];
}

/** The real service on free ports, with a database of its own and the sandbox as Meta. */
export interface TestApp {
  parley: Parley;
  url: string;
  databaseUrl: string;
  authorization: string;
  projectId: string;
  /** @throws when the answer has errors. */
  graphql<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The answer as it is, errors and all. */
  ask<T>(
    query: string,
    variables?: Record<string, unknown>,
    authorization?: string,
  ): Promise<GraphqlAnswer<T>>;
  socket(authorization?: string): Client;
  sandbox<T>(path: string, body?: unknown): Promise<T>;
  stop(): Promise<void>;
}

export async function startTestApp(env: Record<string, string> = {}): Promise<TestApp> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-app-'));
  const config = loadConfig({
    NODE_ENV: 'test',
    PORT: '0',
    GRPC_PORT: '0',
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: '8',
    PARLEY_DATA_DIR: dataDir,
    PARLEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PARLEY_BOOTSTRAP_PROJECT_ID: KEY.projectId,
    PARLEY_BOOTSTRAP_KEY_ID: KEY.keyId,
    PARLEY_BOOTSTRAP_KEY_SECRET: KEY.keySecret,
    MESSENGER_VERIFY_TOKEN: 'test-verify-token',
    ECHO_GRACE_SECONDS: '2',
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    ...env,
  });
  const parley = await startParley(config, database.url);
  const authorization = `Basic ${Buffer.from(`${KEY.keyId}:${KEY.keySecret}`).toString('base64')}`;
  const { url } = parley;

  const ask = async <T>(
    query: string,
    variables: Record<string, unknown> = {},
    credentials = authorization,
  ): Promise<GraphqlAnswer<T>> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(credentials ? { authorization: credentials } : {}) },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as GraphqlAnswer<T>;
  };
  return {
    parley,
    url,
    databaseUrl: database.url,
    authorization,
    projectId: KEY.projectId,
    ask,
    async graphql<T>(query: string, variables?: Record<string, unknown>): Promise<T> {
      const answer = await ask<T>(query, variables);
      if (answer.errors || !answer.data) throw new Error(JSON.stringify(answer.errors ?? 'no data'));
      return answer.data;
    },
    socket: (credentials = authorization) =>
      createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: credentials },
        retryAttempts: 0,
      }),
    async sandbox<T>(path: string, body?: unknown): Promise<T> {
      const response = await fetch(`${url}/sandbox/${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as T;
    },
    async stop() {
      await parley.stop();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
