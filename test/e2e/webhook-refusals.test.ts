// What Meta's door does not let in: each with its own status, and nothing of it stored.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  sign,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { Records } from '../support/records.js';

const MIB = 1024 * 1024;

describe('a webhook', () => {
  let app: TestApp;
  let page: TestPage;
  let records: Records;
  let good: string;

  beforeAll(async () => {
    app = await startTestApp();
    page = await connectPage(app);
    records = await Records.of(app.databaseUrl);
    good = JSON.stringify(envelope(page.pageId, textItem(page.pageId, newPsid(), 'Hello', 'm_refused')));
  });
  afterAll(async () => {
    await records.close();
    await app.stop();
  });

  function post(
    body: string | Uint8Array | ReadableStream,
    headers: Record<string, string>,
  ): Promise<Response> {
    return fetch(`${app.url}/adapter/v1/${page.appId}/callback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof ReadableStream ? body : new Uint8Array(body),
      ...({ duplex: 'half' } as object),
    });
  }

  const postSigned = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    post(body, { 'x-hub-signature-256': sign(body, page.appSecret), ...headers });

  async function expectRefusal(response: Response, status: number): Promise<void> {
    const text = await response.text();
    expect(response.status, text).toBe(status);
    expect(JSON.parse(text)).toMatchObject({ error: { code: status, message: expect.any(String) } });
    expect(text).not.toMatch(/node_modules|\.ts:\d|\.js:\d|at \w+ \(/);
  }

  describe('is refused, and nothing is stored, when', () => {
    let before: string;

    beforeEach(async () => {
      before = await records.fingerprint();
    });
    afterEach(async () => {
      expect(await records.fingerprint()).toBe(before);
      expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    });

    test('nobody signed it', async () => {
      await expectRefusal(await post(good, {}), 401);
    });

    test.each([
      ['with another secret', () => ({ 'x-hub-signature-256': sign(good, 'another secret') })],
      ['for another body', () => ({ 'x-hub-signature-256': sign(`${good} `, page.appSecret) })],
      ['with an empty signature', () => ({ 'x-hub-signature-256': '' })],
      ['with half a signature', () => ({ 'x-hub-signature-256': sign(good, page.appSecret).slice(0, 39) })],
      [
        'without naming the algorithm',
        () => ({ 'x-hub-signature-256': sign(good, page.appSecret).slice(7) }),
      ],
      [
        'rightly by SHA-1 but wrongly by SHA-256',
        () => ({ ...sha1(good, page.appSecret), 'x-hub-signature-256': sign(good, 'x') }),
      ],
      ['by SHA-1 with another secret', () => sha1(good, 'another secret')],
    ])('it is signed %s', async (_how, headers) => {
      await expectRefusal(await post(good, headers()), 401);
    });

    test('it is for an app that does not exist', async () => {
      const { appSecret } = page;
      for (const appId of ['01ARZ3NDEKTSV4RRFFQ69G5FAV', 'x', `${page.appId.toLowerCase()}x`, "';--"])
        await expectRefusal(await postWebhook(app, { appId, appSecret }, good), 404);
    });

    test.each<[string, string]>([
      ['is empty', ''],
      ['is not JSON', 'hello'],
      ['is a form', 'object=page&entry=1'],
      ['is XML', '<object>page</object>'],
      ['ends too early', '{"object":"page","entry":[{"id":"1","messaging":['],
      ['goes on after its end', '{"object":"page","entry":[]}{}'],
      ['is an array', '[]'],
      ['is an array of callbacks', '[{"object":"page","entry":[]}]'],
      ['is a number', '17'],
      ['is a number too large for any', '1e999'],
      ['is a text', '"page"'],
      ['is null', 'null'],
      ['is true', 'true'],
      ['is an empty object', '{}'],
      ['is about nothing', '{"entry":[]}'],
      ['is about something else', '{"object":"user","entry":[]}'],
      ['is about a list', '{"object":["page"],"entry":[]}'],
      ['is about an object', '{"object":{"page":"page"},"entry":[]}'],
      ['is nested 100,000 levels deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
      ['opens 100,000 levels and closes none', '{"object":"page","entry":'.concat('['.repeat(100_000))],
      [
        'holds more events than Meta ever sends',
        JSON.stringify({ object: 'page', entry: [{ messaging: Array(10_001).fill({}) }] }),
      ],
    ])('its body %s', async (_what, body) => {
      await expectRefusal(await postSigned(body), 400);
    });

    test('its body is not in UTF-8', async () => {
      await expectRefusal(await postSigned(Buffer.from(good, 'utf16le')), 400);
    });

    test('it is over 10 MiB', async () => {
      await expectRefusal(await postSigned(padded(good, 11 * MIB)), 413);
    });

    test('it is over 10 MiB and does not say so beforehand', async () => {
      const body = padded(good, 11 * MIB);
      const chunks = Array.from({ length: 11 }, (_, index) =>
        Buffer.from(body.slice(index * MIB, (index + 1) * MIB)),
      );
      await expectRefusal(
        await post(ReadableStream.from(chunks), { 'x-hub-signature-256': sign(body, page.appSecret) }),
        413,
      );
    });

    test('it unpacks to over 10 MiB', async () => {
      const body = padded(good, 30 * MIB);
      const headers = { 'content-encoding': 'gzip', 'x-hub-signature-256': sign(body, page.appSecret) };
      await expectRefusal(await post(gzipSync(body), headers), 413);
    });

    test('its encoding is unknown or not what it says', async () => {
      await expectRefusal(await postSigned(good, { 'content-encoding': 'rot13' }), 415);
      await expectRefusal(await postSigned(good, { 'content-encoding': 'gzip' }), 400);
    });

    test('its connection ends before its body', async () => {
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
      const head = [
        `POST /adapter/v1/${page.appId}/callback HTTP/1.1`,
        'Host: parley',
        `X-Hub-Signature-256: ${sign(good, page.appSecret)}`,
        `Content-Length: ${Buffer.byteLength(good)}`,
      ];
      socket.write(`${head.join('\r\n')}\r\n\r\n${good.slice(0, 40)}`);
      await once(socket, 'connect');
      socket.end();
      await once(socket.resume(), 'close');
    });

    test('it comes by another method', async () => {
      for (const method of ['PUT', 'PATCH', 'DELETE']) {
        const url = `${app.url}/adapter/v1/${page.appId}/callback`;
        const headers = { 'x-hub-signature-256': sign(good, page.appSecret) };
        await expectRefusal(await fetch(url, { method, headers, body: good }), 404);
      }
    });
  });

  test('is taken whatever content type it claims: the signature vouches for it', async () => {
    const psid = newPsid();
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'x',
    ];
    for (const type of types) {
      const body = JSON.stringify(envelope(page.pageId, textItem(page.pageId, psid, type)));
      expect((await postSigned(body, { 'content-type': type })).status, type).toBe(200);
      await expectRefusal(await postSigned('a=b', { 'content-type': type }), 400);
    }
    expect(await textsOf(psid)).toEqual(types);
  });

  test('signed by SHA-1 alone is taken, as older apps send it', async () => {
    const psid = newPsid();
    const body = JSON.stringify(envelope(page.pageId, textItem(page.pageId, psid, 'old')));
    expect((await post(body, sha1(body, page.appSecret))).status).toBe(200);
    expect(await textsOf(psid)).toEqual(['old']);
  });

  test('is taken up to 10 MiB, and a deeply nested event costs its neighbours nothing', async () => {
    const psid = newPsid();
    const items = ['before', 'after'].map((text) => textItem(page.pageId, psid, text));
    const deep = `{"sender":{"id":"${psid}"},"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const body = JSON.stringify(envelope(page.pageId, items[0], 'deep', items[1])).replace('"deep"', deep);
    expect((await postSigned(padded(body, 10 * MIB))).status).toBe(200);
    expect(await textsOf(psid)).toEqual(['before', 'after']);
  });

  async function textsOf(psid: string): Promise<unknown[]> {
    const messages = (await records.messages(page.appId)).filter(({ identity }) => identity === psid);
    return messages.map(({ content }) => (content.text_message as { text: string }).text);
  }
});

function sha1(body: string, secret: string): Record<string, string> {
  return { 'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` };
}

/** The same JSON in so many bytes. */
function padded(json: string, bytes: number): string {
  return json + ' '.repeat(bytes - Buffer.byteLength(json));
}
