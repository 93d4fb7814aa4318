// The gRPC server itself: certificates, limits, deadlines, shutdown.
import { credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOADER_OPTIONS, protoFiles } from '../../src/api/proto.js';
import { loadConfig } from '../../src/config.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import type { ProtoGrpcType } from '../../src/generated/proto/message_service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventClient } from '../support/events.js';
import { grpcClient, unary } from '../support/grpc.js';
import { EventStream, metadataOf, SendStream } from '../support/grpc-stream.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Sending } from '../support/sending.js';

function requestTo(page: TestPage, psid: string, text: string): object {
  return {
    appId: page.appId,
    recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
    message: { textMessage: { text } },
  };
}

describe('a call that nobody waits for', () => {
  let app: TestApp;
  let client: MessageServiceClient;
  let page: TestPage;
  beforeAll(async () => {
    app = await startTestApp({ PARLEY_ROLES: 'api', GRPC_MAX_MESSAGE_BYTES: '65536' });
    client = grpcClient(app.parley.grpc);
    page = await connectPage(app);
  });
  afterAll(async () => {
    client.close();
    await app.stop();
  });

  test('leaves nothing when it is given up before it is stored, and the whole message when after', async () => {
    const sending = new Sending(app);
    const psid = newPsid();
    const metadata = metadataOf({ authorization: app.authorization });
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, turn) => {
        const deadline = turn % 2 === 0 ? Date.now() + (turn % 40) : Date.now() + 60_000;
        return new Promise<string>((resolve) => {
          const call = client.sendMessage(
            requestTo(page, psid, String(turn)),
            metadata,
            { deadline },
            (error) => resolve(error ? 'given up' : 'accepted'),
          );
          if (turn % 3 === 0) setTimeout(() => call.cancel(), turn % 30);
        });
      }),
    );
    // What has begun to be stored is done when another message to the same person is.
    await unary(client.sendMessage.bind(client), requestTo(page, psid, 'last'), {
      authorization: app.authorization,
    });
    const rows = (await sending.query(
      `SELECT content -> 'text_message' ->> 'text' AS text, s.message_id IS NOT NULL AS queued,
         (SELECT count(*)::int FROM events e WHERE e.kind = 'message.added' AND e.payload -> 'message' ->> 'id' = m.id) AS told
       FROM messages m LEFT JOIN sends s ON s.project_id = m.project_id AND s.message_id = m.id WHERE identity = $1`,
      [psid],
    )) as { text: string; queued: boolean; told: number }[];
    expect(rows.filter(({ queued, told }) => !queued || told !== 1)).toEqual([]);
    const stored = new Set(rows.map(({ text }) => text));
    const accepted = outcomes.flatMap((outcome, turn) => (outcome === 'accepted' ? [String(turn)] : []));
    expect(accepted.filter((text) => !stored.has(text))).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === 'given up').length).toBeGreaterThan(0);
    expect(stored.size).toBeLessThan(outcomes.length + 1);
  });

  test('a request above the limit of this server is refused', async () => {
    const large = requestTo(page, newPsid(), 'x'.repeat(70_000));
    await expect(
      unary(client.sendMessage.bind(client), large, { authorization: app.authorization }),
    ).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });
});

test('at shutdown what was read is answered, streams are told to go elsewhere, and what is new is refused', async () => {
  const app = await startTestApp({ PARLEY_ROLES: 'api' });
  const client = grpcClient(app.parley.grpc);
  const events = eventClient(app.parley.grpc);
  const page = await connectPage(app);
  const sends = new SendStream(client, { authorization: app.authorization });
  const told = new EventStream(events, app.authorization, { appId: page.appId });
  await told.begun;
  const psid = newPsid();
  await sends.write(requestTo(page, psid, 'first'));
  await sends.resultsOf(1);
  for (let turn = 0; turn < 50; turn++) await sends.write(requestTo(page, psid, String(turn)));
  const pending = unary(client.sendMessage.bind(client), requestTo(page, newPsid(), 'unary'), {
    authorization: app.authorization,
  }).catch((error: unknown) => error);
  await told.first(({ message }) => message, 'a message');
  const began = Date.now();
  const stopped = app.stop();
  expect((await sends.ended).code).toBe(status.UNAVAILABLE);
  expect((await told.ended).code).toBe(status.UNAVAILABLE);
  // Only the beginning of what was written may have been read, but of that each has its result.
  expect(sends.results.filter(({ response }) => !response)).toEqual([]);
  // What had not left the client when the server said goodbye was not begun.
  const answered = await pending;
  if (answered instanceof Error) expect(answered).toMatchObject({ code: status.UNAVAILABLE });
  else expect(answered).toMatchObject({ messageId: expect.any(String) as unknown });
  await stopped;
  expect(Date.now() - began).toBeLessThan(10_000);
  await expect(
    unary(client.sendMessage.bind(client), requestTo(page, psid, 'late'), {
      authorization: app.authorization,
    }),
  ).rejects.toMatchObject({ code: status.UNAVAILABLE });
  client.close();
  events.close();
});

describe('with certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-certificates-'));
  const file = (name: string): string => join(folder, name);
  const pem = (name: string): Buffer => readFileSync(file(name));
  let app: TestApp;

  beforeAll(async () => {
    for (const name of ['ca', 'stranger'])
      openssl(
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        ...['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)],
      );
    for (const [name, ca] of [
      ['server', 'ca'],
      ['client', 'ca'],
      ['other', 'stranger'],
    ] as const) {
      openssl(
        'req',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        ...['-keyout', file(`${name}.key`), '-out', file(`${name}.csr`)],
      );
      openssl(
        'x509',
        '-req',
        '-in',
        file(`${name}.csr`),
        '-CA',
        file(`${ca}.pem`),
        '-CAkey',
        file(`${ca}.key`),
        '-CAcreateserial',
        '-days',
        '2',
        '-copy_extensions',
        'copy',
        '-out',
        file(`${name}.pem`),
      );
    }
    app = await startTestApp({
      PARLEY_ROLES: 'api',
      GRPC_TLS_CERT: file('server.pem'),
      GRPC_TLS_KEY: pem('server.key').toString(),
      GRPC_TLS_CLIENT_CA: file('ca.pem'),
    });
  });
  afterAll(async () => {
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }

  async function codeWith(given: ReturnType<typeof credentials.createSsl>): Promise<number> {
    const { parley } = loadPackageDefinition(
      loadSync(protoFiles(), LOADER_OPTIONS),
    ) as unknown as ProtoGrpcType;
    const address = app.parley.grpc.replace('127.0.0.1', 'localhost');
    const client = new parley.conversation.v1.MessageService(address, given);
    try {
      const asked = unary(
        client.getMessage.bind(client),
        { messageId: 'x' },
        { authorization: app.authorization },
      );
      return ((await asked.catch((error: unknown) => error)) as ServiceError).code;
    } finally {
      client.close();
    }
  }

  test('a client with a certificate of the authority is served, any other is not', async () => {
    const served = credentials.createSsl(pem('ca.pem'), pem('client.key'), pem('client.pem'));
    expect(await codeWith(served)).toBe(status.NOT_FOUND);
    expect(await codeWith(credentials.createSsl(pem('ca.pem')))).toBe(status.UNAVAILABLE);
    const other = credentials.createSsl(pem('ca.pem'), pem('other.key'), pem('other.pem'));
    expect(await codeWith(other)).toBe(status.UNAVAILABLE);
  });
});

test.each([
  ['a key', { GRPC_TLS_KEY: 'server.key' }, 'GRPC_TLS_CERT must be set'],
  ['an authority for clients', { GRPC_TLS_CLIENT_CA: 'ca.pem' }, 'GRPC_TLS_CERT must be set'],
  ['a certificate', { GRPC_TLS_CERT: 'server.pem' }, 'GRPC_TLS_KEY must be set'],
])('%s without the rest is refused at start, rather than served in plain text', (_what, settings, fault) => {
  expect(() => loadConfig({ NODE_ENV: 'test', ...settings })).toThrow(fault);
});
