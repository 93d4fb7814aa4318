import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';

const MAIN = new URL('../../src/main.js', import.meta.url);
const READY = /^Parley is ready: GraphQL (\S+)\/graphql, gRPC ([^\s,]+)/;
const PROJECT = 'bench';
const KEY = { id: 'bench-key', secret: 'bench-secret-0123456789' };

/** The built service in a process of its own, set up as in production. */
export class Parley {
  readonly authorization = `Basic ${Buffer.from(`${KEY.id}:${KEY.secret}`).toString('base64')}`;
  readonly projectId = PROJECT;

  private constructor(
    readonly url: string,
    /** `host:port` */
    readonly grpc: string,
    readonly databaseUrl: string,
    /** `host:port` of the stand-in for what Parley calls. */
    readonly outside: string,
  ) {}

  static async start(
    databaseUrl: string,
    outside: string,
    settings: Record<string, string>,
  ): Promise<Parley> {
    const env = {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      GRPC_PORT: '0',
      DATABASE_URL: databaseUrl,
      PARLEY_DATA_DIR: dataDir(),
      PARLEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PARLEY_BOOTSTRAP_PROJECT_ID: PROJECT,
      PARLEY_BOOTSTRAP_KEY_ID: KEY.id,
      PARLEY_BOOTSTRAP_KEY_SECRET: KEY.secret,
      MESSENGER_VERIFY_TOKEN: 'bench-verify-token',
      PARLEY_ALLOW_PRIVATE_TARGETS: '1',
      GRAPH_API_URL: `http://${outside}`,
      LOG_LEVEL: 'warn',
      ...settings,
    };
    const nodeOptions = process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [];
    const { match } = await Child.start(MAIN, env, READY, nodeOptions);
    return new Parley(match[1] ?? '', match[2] ?? '', databaseUrl, outside);
  }

  /** @throws Error when the answer has errors. */
  async graphql<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: this.authorization },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data?: T; errors?: object[] };
    if (errors || !data) throw new Error(`GraphQL: ${JSON.stringify(errors)}`);
    return data;
  }

  /** A new app's id. */
  async createApp(): Promise<string> {
    const { createApp } = await this.graphql<{ createApp: { id: string } }>(
      'mutation { createApp(input: { displayName: "Bench" }) { id } }',
    );
    return createApp.id;
  }

  /** @param token says which page it is of, where there are several. */
  async connectMessenger(appId: string, appSecret: string, token = 'bench-token'): Promise<void> {
    const { connectChannel } = await this.graphql<{ connectChannel: { state: string; lastError: string } }>(
      `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { state lastError } }`,
      { input: { appId, channel: 'MESSENGER', token, callbackSecret: appSecret } },
    );
    if (connectChannel.state !== 'ACTIVE')
      throw new Error(`the channel is ${connectChannel.state}: ${connectChannel.lastError}`);
  }

  /** A webhook for every message that comes in. */
  async createWebhook(appId: string, path: string, host = this.outside): Promise<void> {
    await this.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
      input: {
        appId,
        target: `http://${host}${path}`,
        secret: 'bench-webhook-secret',
        triggers: ['MESSAGE_INBOUND'],
      },
    });
  }
}

/** Stored media of one run. */
function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-data-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
