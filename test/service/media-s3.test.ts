// Media in a bucket: what we say to S3, and that it comes back.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../src/config.js';
import { newId } from '../../src/ids.js';
import { LocalStorage } from '../../src/media/local.storage.js';
import { S3Storage } from '../../src/media/s3.storage.js';
import type { MediaStorage } from '../../src/media/storage.js';
import { startTestApp } from '../support/app.js';
import { PNG, startTestCdn } from '../support/cdn.js';
import { eventually } from '../support/eventually.js';
import { connectPage, envelope, newPsid, postWebhook } from '../support/messenger.js';

interface S3Request {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
}

const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));

let folder: string;
let server: Server;
let requests: S3Request[];
let objects: Map<string, { body: Buffer; type: string }>;
let config: Config;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-s3-'));
  requests = [];
  objects = new Map();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', headers } = request;
      const [path = ''] = (request.url ?? '').split('?');
      requests.push({ method, path, headers });
      const found = objects.get(path);
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (!headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
        response.writeHead(403).end();
      } else if (method === 'PUT') {
        objects.set(path, { body: Buffer.concat(chunks), type: headers['content-type'] ?? '' });
        response.writeHead(200, { etag: '"x"' }).end();
      } else if (method === 'DELETE') {
        objects.delete(path);
        response.writeHead(204).end();
      } else if (!found) {
        response.writeHead(404, { 'content-type': 'application/xml' });
        response.end('<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>no</Message></Error>');
      } else if (start !== undefined) {
        response.writeHead(206).end(found.body.subarray(Number(start), Number(end) + 1));
      } else response.writeHead(200).end(found.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  config = loadConfig({
    NODE_ENV: 'test',
    PARLEY_DATA_DIR: folder,
    MEDIA_S3_BUCKET: 'inbox-media',
    MEDIA_S3_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    MEDIA_S3_REGION: 'eu-central-1',
    MEDIA_S3_ACCESS_KEY_ID: 'the-key',
    MEDIA_S3_SECRET_ACCESS_KEY: 'the-secret',
    MEDIA_S3_PATH_STYLE: '1',
  });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(content: Buffer): Promise<string> {
  const path = join(folder, newId());
  await writeFile(path, content);
  return path;
}

async function read(
  storage: MediaStorage,
  ...given: Parameters<MediaStorage['open']>
): Promise<Buffer | null> {
  const stream = await storage.open(...given);
  return stream && Buffer.concat((await stream.toArray()) as Buffer[]);
}

describe.each([
  ['a folder', (): MediaStorage => new LocalStorage(join(folder, 'stored'))],
  ['a bucket', (): MediaStorage => new S3Storage(config)],
])('%s', (_name, storageOf) => {
  const live = AbortSignal.timeout(60_000);

  test('gives back what it took, in whole or in part, until it is deleted', async () => {
    const storage = storageOf();
    const key = { projectId: 'p', id: newId() };
    const path = await fileOf(CONTENT);
    await storage.put(key, { path, contentType: 'image/png' }, live);
    expect(await readdir(folder)).not.toContain(path.split('/').at(-1));
    expect(await read(storage, key, null)).toEqual(CONTENT);
    expect(await read(storage, key, { start: 1_000, end: 1_999 })).toEqual(CONTENT.subarray(1_000, 2_000));
    expect(await read(storage, key, { start: 0, end: 0 })).toEqual(CONTENT.subarray(0, 1));
    await storage.delete(key);
    expect(await read(storage, key, null)).toBeNull();
    await storage.delete(key);
  });

  test('replaces what is there, and keeps projects apart', async () => {
    const storage = storageOf();
    const id = newId();
    for (const text of ['first', 'second'])
      await storage.put(
        { projectId: 'p', id },
        { path: await fileOf(Buffer.from(text)), contentType: 'text/plain' },
        live,
      );
    expect(String(await read(storage, { projectId: 'p', id }, null))).toBe('second');
    expect(await read(storage, { projectId: 'other', id }, null)).toBeNull();
  });
});

test('a bucket is asked with a signature by the configured key and region, and told type and length', async () => {
  const key = { projectId: 'p', id: newId() };
  requests.length = 0;
  const path = await fileOf(CONTENT);
  await new S3Storage(config).put(key, { path, contentType: 'image/png' }, AbortSignal.timeout(10_000));
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ method: 'PUT', path: `/inbox-media/p/${key.id}` });
  const headers: IncomingHttpHeaders = requests[0]?.headers ?? {};
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=the-key\/\d{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=[\w;-]*host[\w;-]*, Signature=[0-9a-f]{64}$/,
  );
  expect(headers).toMatchObject({ 'content-length': String(CONTENT.length), 'content-type': 'image/png' });
  expect(objects.get(`/inbox-media/p/${key.id}`)?.body).toEqual(CONTENT);
});

test('a bucket that does not answer fails in the time of the attempt', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const storage = new S3Storage(
    Object.assign(Object.create(config) as Config, { MEDIA_S3_ENDPOINT: endpoint }),
  );
  const path = await fileOf(Buffer.from('x'));
  const put = storage.put(
    { projectId: 'p', id: newId() },
    { path, contentType: 'a/b' },
    AbortSignal.timeout(200),
  );
  await expect(put).rejects.toThrow();
  silent.closeAllConnections();
  await new Promise((resolve) => silent.close(resolve));
});

test('a service with a bucket keeps media there and serves them from there', async () => {
  const cdn = await startTestCdn();
  const app = await startTestApp({
    MEDIA_S3_BUCKET: config.MEDIA_S3_BUCKET ?? '',
    MEDIA_S3_ENDPOINT: config.MEDIA_S3_ENDPOINT ?? '',
    MEDIA_S3_ACCESS_KEY_ID: 'the-key',
    MEDIA_S3_SECRET_ACCESS_KEY: 'the-secret',
    MEDIA_S3_PATH_STYLE: '1',
  });
  try {
    const page = await connectPage(app);
    const url = cdn.serve('/photo.png', { body: PNG });
    const message = { mid: `m_${newId()}`, attachments: [{ type: 'image', payload: { url } }] };
    const item = {
      sender: { id: newPsid() },
      recipient: { id: page.pageId },
      timestamp: Date.now(),
      message,
    };
    expect((await postWebhook(app, page, envelope(page.pageId, item))).status).toBe(200);
    const media = await eventually(async () => {
      const { inbox } = await app.graphql<{
        inbox: {
          edges: { node: { lastMessage: { media: { id: string; state: string; url: string }[] } } }[];
        };
      }>(
        `query ($appId: ID!) { inbox(appId: $appId) { edges { node { lastMessage { media { id state url } } } } } }`,
        { appId: page.appId },
      );
      const found = inbox.edges[0]?.node.lastMessage.media[0];
      return found?.state === 'STORED' && found;
    }, 'stored media');
    const path = `/inbox-media/${app.projectId}/${media.id}`;
    expect(objects.get(path)).toEqual({ body: PNG, type: 'image/png' });
    const whole = await fetch(media.url);
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(PNG);
    const part = await fetch(media.url, { headers: { range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'PNG']);
    objects.delete(path);
    const lost = await fetch(media.url);
    expect([lost.status, lost.headers.get('cache-control')]).toEqual([404, null]);
  } finally {
    await app.stop();
    await cdn.stop();
  }
});

test('settings of a bucket that do not go together are named at start', () => {
  const given = { NODE_ENV: 'test', PARLEY_DATA_DIR: folder };
  const start = (settings: Record<string, string>) => () => loadConfig({ ...given, ...settings });
  expect(start({ MEDIA_S3_ENDPOINT: 'https://s3.example' })).toThrow(/MEDIA_S3_BUCKET/);
  expect(start({ MEDIA_S3_BUCKET: 'media', MEDIA_S3_ACCESS_KEY_ID: 'k' })).toThrow(
    /MEDIA_S3_SECRET_ACCESS_KEY/,
  );
  expect(start({ MEDIA_S3_BUCKET: 'no/slashes' })).toThrow(/MEDIA_S3_BUCKET/);
  expect(start({ MEDIA_MAX_BYTES: '10' })).toThrow(/MEDIA_MAX_BYTES/);
  expect(start({ MEDIA_S3_BUCKET: 'media' })).not.toThrow();
});
