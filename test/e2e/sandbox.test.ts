import { createHmac, randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SandboxModule } from '../../src/sandbox/sandbox.module.js';

type Json = Record<string, unknown>;

interface Received {
  headers: Record<string, string | string[] | undefined>;
  raw: string;
  item: Json & { message?: Json; delivery?: Json; read?: Json; postback?: Json };
}

const secret = 'app secret';
const verifyToken = 'verify me';

/** A service's webhook endpoint, whose answers can be changed. */
class Receiver {
  readonly webhooks: Received[] = [];
  readonly handshakes: URL[] = [];
  respond: () => number | Promise<number> = () => 200;
  private server: Server | undefined;

  async start(): Promise<void> {
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (request.method === 'GET') {
        this.handshakes.push(url);
        const right = url.searchParams.get('hub.verify_token') === verifyToken;
        response.writeHead(right ? 200 : 403).end(right ? url.searchParams.get('hub.challenge') : '');
        return;
      }
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const raw = Buffer.concat(chunks).toString();
        const body = JSON.parse(raw) as { entry: { messaging: Received['item'][] }[] };
        this.webhooks.push({ headers: request.headers, raw, item: body.entry[0]?.messaging[0] ?? {} });
        void Promise.resolve(this.respond()).then((status) => response.writeHead(status).end());
      });
    });
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}/callback`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}

const receiver = new Receiver();
let app: INestApplication;
let base: string;

beforeAll(async () => {
  await receiver.start();
  const module = await Test.createTestingModule({ imports: [SandboxModule] }).compile();
  app = module.createNestApplication({ logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  base = `${await app.getUrl()}/sandbox`;
});

afterAll(async () => {
  await app.close();
  await receiver.stop();
});

beforeEach(async () => {
  await call('POST', 'reset');
  receiver.webhooks.length = 0;
  receiver.handshakes.length = 0;
  receiver.respond = () => 200;
});

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${base}/${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = (answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}) as Json & {
    error?: Json;
    data?: Json[];
  };
  return { status: answer.status, headers: answer.headers, text, json };
}

interface Registered {
  id: string;
  token: string;
}

const quiet = { echo: false, delivery: false, read: false, retry_delays_ms: [] };

async function registerPage(settings: Json = quiet, changes: Json = {}): Promise<Registered> {
  const { status, json } = await call('POST', 'pages', {
    name: 'Hats',
    callback_url: receiver.url,
    verify_token: verifyToken,
    app_secret: secret,
    settings,
    ...changes,
  });
  expect(status).toBe(200);
  return json as unknown as Registered;
}

const newPsid = () => String(randomInt(1e14, 2.8e14));

async function writes(psid: string, body: Json = { text: 'Hello' }) {
  const { json } = await call('POST', `people/${psid}/messages`, body);
  return json as { message_id: string; delivered: Json };
}

async function sends(page: Registered, psid: string, message: Json, envelope: Json = {}) {
  const body = { recipient: { id: psid }, messaging_type: 'RESPONSE', message, ...envelope };
  return call('POST', `v26.0/${page.id}/messages?access_token=${page.token}`, body);
}

async function screen(psid: string) {
  const { json } = await call('GET', `people/${psid}/messages`);
  return json as unknown as { typing: boolean; quick_replies: Json[]; messages: (Json & { mid: string })[] };
}

const echoes = () => receiver.webhooks.filter(({ item }) => item.message?.is_echo === true);

describe('the callback', () => {
  it('is verified as Meta does before a page registers', async () => {
    const page = await registerPage();
    expect(page).toMatchObject({ name: 'Hats', app_secret: secret, token: expect.any(String) });
    expect(receiver.handshakes[0]?.searchParams.get('hub.mode')).toBe('subscribe');
  });

  it('is refused when the verify token is wrong', async () => {
    const body = { callback_url: receiver.url, verify_token: 'wrong' };
    const { status, json } = await call('POST', 'pages', body);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: 2200, type: 'OAuthException', fbtrace_id: expect.any(String) });
    expect((await call('GET', 'pages')).json.data).toEqual([]);
  });

  it('gets signed bodies, escaped as Meta escapes them', async () => {
    const page = await registerPage();
    const { delivered } = await writes(newPsid(), { text: 'Grüße/😀' });
    expect(delivered).toMatchObject({ status: 200, attempts: 1 });
    const [webhook] = receiver.webhooks;
    const hmac = (algorithm: string) =>
      createHmac(algorithm, secret)
        .update(webhook?.raw ?? '')
        .digest('hex');
    expect(webhook?.raw).toContain('Gr\\u00fc\\u00dfe\\/\\ud83d\\ude00');
    expect(webhook?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-hub-signature': `sha1=${hmac('sha1')}`,
      'x-hub-signature-256': `sha256=${hmac('sha256')}`,
    });
    expect(JSON.parse(webhook?.raw ?? '')).toMatchObject({ object: 'page', entry: [{ id: page.id }] });
  });

  it('is tried again when it fails, and what fails for good is listed', async () => {
    const page = await registerPage({ ...quiet, retry_delays_ms: [1, 1] });
    const answers = [500, 500, 200, 500, 500, 500];
    receiver.respond = () => answers.shift() ?? 200;
    expect((await writes(newPsid(), { text: 'one' })).delivered).toEqual({ status: 200, attempts: 3 });
    expect((await writes(newPsid(), { text: 'two' })).delivered).toMatchObject({ status: 500, attempts: 3 });
    const { json } = await call('GET', `pages/${page.id}`);
    expect(json.failed_webhooks).toMatchObject([
      { field: 'messages', attempts: 3, reason: 'HTTP status 500' },
    ]);
  });

  it('gets the webhooks of a page one after another, in order', async () => {
    await registerPage();
    let running = 0;
    let most = 0;
    receiver.respond = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return 200;
    };
    const psid = newPsid();
    const texts = Array.from({ length: 10 }, (_, index) => `message ${index}`);
    for (const text of texts) await call('POST', `people/${psid}/messages?wait=false`, { text });
    await vi.waitFor(() => expect(receiver.webhooks).toHaveLength(10), 20_000);
    expect(receiver.webhooks.map(({ item }) => item.message?.text)).toEqual(texts);
    expect(most).toBe(1);
  });

  it('gets subscribed fields only', async () => {
    const page = await registerPage();
    const answer = await call('POST', `${page.id}/subscribed_apps`, {
      subscribed_fields: ['messaging_postbacks'],
      access_token: page.token,
    });
    expect(answer.json).toEqual({ success: true });
    expect((await writes(newPsid())).delivered).toMatchObject({ status: null });
    const postback = { title: 'Start', payload: 'GET_STARTED' };
    expect((await writes(newPsid(), { postback })).delivered).toMatchObject({ status: 200 });
    expect(receiver.webhooks.map(({ item }) => item.postback)).toEqual([
      { ...postback, mid: expect.stringMatching(/^m_/) },
    ]);
  });

  it('is not used when it was given at a subscription and then fails verification', async () => {
    await call('POST', 'pages/1074512345678901', { settings: { ...quiet, retry_delays_ms: [1] } });
    const subscribed = await call('POST', '1074512345678901/subscribed_apps?access_token=any', {
      subscribed_fields: 'messages',
      sandbox_callback_url: receiver.url,
      sandbox_verify_token: 'wrong',
    });
    expect(subscribed.json).toEqual({ success: true });
    expect((await writes(newPsid())).delivered).toMatchObject({
      status: null,
      reason: 'the callback was not verified: HTTP status 403',
    });
    expect(receiver.handshakes).toHaveLength(2);
    expect(receiver.webhooks).toEqual([]);
    expect((await call('GET', 'pages/1074512345678901')).json).toMatchObject({ callback_state: 'refused' });
  });

  it('gets doubles when asked for', async () => {
    await registerPage({ ...quiet, copies: 2 });
    await writes(newPsid());
    expect(receiver.webhooks.map(({ raw }) => raw)).toEqual([
      receiver.webhooks[0]?.raw,
      receiver.webhooks[0]?.raw,
    ]);
  });
});

describe('a send', () => {
  it('is answered, then echoed, delivered and read', async () => {
    const page = await registerPage({ delivery_delay_ms: 5, read_delay_ms: 10 });
    const psid = newPsid();
    const { message_id: mine } = await writes(psid);
    const { status, json } = await sends(
      page,
      psid,
      { text: 'Hi', metadata: 'row 7' },
      { reply_to: { mid: mine } },
    );
    expect(status).toBe(200);
    expect(json).toEqual({ recipient_id: psid, message_id: expect.stringMatching(/^m_[\w-]+$/) });
    await vi.waitFor(() => expect(receiver.webhooks).toHaveLength(4), 20_000);
    const [, echo, delivery, read] = receiver.webhooks.map(({ item }) => item);
    expect(echo).toEqual({
      sender: { id: page.id },
      recipient: { id: psid },
      timestamp: expect.any(Number),
      message: {
        mid: json.message_id,
        is_echo: true,
        app_id: 190000000000042,
        metadata: 'row 7',
        text: 'Hi',
        reply_to: { mid: mine, is_self_reply: false },
      },
    });
    expect(delivery).toMatchObject({
      sender: { id: psid },
      delivery: { mids: [json.message_id], watermark: echo?.timestamp },
    });
    expect(read).toMatchObject({ recipient: { id: page.id }, read: { watermark: echo?.timestamp } });
    expect((await screen(psid)).messages.at(-1)).toMatchObject({
      from: 'page',
      text: 'Hi',
      delivered: true,
      read: true,
    });
  });

  it('can be echoed before it is answered', async () => {
    const page = await registerPage({ ...quiet, echo: true, echo_before_answer: true });
    const psid = newPsid();
    await writes(psid);
    const { json } = await sends(page, psid, { text: 'Hi' });
    expect(echoes().map(({ item }) => item.message?.mid)).toEqual([json.message_id]);
  });

  it('echoes templates with their payload and saved media by numeric id', async () => {
    const page = await registerPage({ ...quiet, echo: true, echo_before_answer: true });
    const psid = newPsid();
    await writes(psid);
    const saved = await call('POST', `me/message_attachments?access_token=${page.token}`, {
      message: {
        attachment: { type: 'image', payload: { url: 'https://example.com/1.png', is_reusable: true } },
      },
    });
    const elements = [{ media_type: 'image', attachment_id: saved.json.attachment_id }];
    const payload = { template_type: 'media', elements };
    const { status } = await sends(page, psid, { attachment: { type: 'template', payload } });
    expect(status).toBe(200);
    expect(echoes()[0]?.item.message?.attachments).toEqual([
      {
        type: 'template',
        title: '',
        url: null,
        payload: {
          template_type: 'media',
          elements: [{ media_type: 'image', attachment_id: Number(saved.json.attachment_id) }],
        },
      },
    ]);
  });

  it('is taken as a form, with the token in a header', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await writes(psid);
    const answer = await fetch(`${base}/v25.0/me/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${page.token}` },
      body: new URLSearchParams({ recipient: `{"id":"${psid}"}`, message: '{"text":"Hi"}' }),
    });
    expect(await answer.json()).toMatchObject({ recipient_id: psid });
  });

  it('is refused in the envelope of Meta when it breaks a rule', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await writes(psid);
    const { status, json } = await sends(page, psid, { text: 'x'.repeat(2001) });
    expect(status).toBe(400);
    expect(json.error).toEqual({
      message: '(#100) Length of param message[text] must be less than or equal to 2000',
      type: 'OAuthException',
      code: 100,
      fbtrace_id: expect.any(String),
    });
    expect((await screen(psid)).messages).toHaveLength(1);
  });

  it('reaches only people who wrote to a registered page', async () => {
    const page = await registerPage();
    const { status, json } = await sends(page, newPsid(), { text: 'Hi' });
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: 100, error_subcode: 2018001 });
    const psid = newPsid();
    await call('POST', 'people', { psid, page_id: page.id, first_name: 'Ada' });
    expect((await sends(page, psid, { text: 'Hi' })).status).toBe(200);
  });

  it('is refused outside the window until the person writes again', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await writes(psid, { text: 'Long ago', timestamp: Date.now() - 25 * 3_600_000 });
    const late = await sends(page, psid, { text: 'Hi' });
    expect(late.json.error).toMatchObject({ code: 10, error_subcode: 2018278 });
    const tag = { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' };
    expect((await sends(page, psid, { text: 'Hi' }, tag)).status).toBe(200);
    await writes(psid);
    expect((await sends(page, psid, { text: 'Hi' })).status).toBe(200);
    await call('POST', 'people', { psid, page_id: page.id, window: 'expired' });
    expect((await sends(page, psid, { text: 'Hi' }, tag)).json.error).toMatchObject({
      error_subcode: 2018278,
    });
  });

  it('answers a comment once', async () => {
    const page = await registerPage();
    const reply = async () => sends(page, '', { text: 'Hi' }, { recipient: { comment_id: '1_2' } });
    expect((await reply()).json).toMatchObject({ message_id: expect.any(String) });
    expect((await reply()).json.error).toMatchObject({ code: 10900 });
  });
});

describe('a token', () => {
  it('must be there', async () => {
    const { status, json } = await call('GET', 'me');
    expect(status).toBe(401);
    expect(json.error).toMatchObject({ code: 190 });
  });

  it('that nobody registered stands for a page of its own, where everybody is known', async () => {
    const first = await call('GET', 'me?access_token=anything');
    const again = await call('GET', 'v26.0/me?fields=id,name&access_token=anything');
    const other = await call('GET', 'me?access_token=else');
    expect(first.json.id).toMatch(/^\d{15}$/);
    expect(again.json).toEqual(first.json);
    expect(other.json.id).not.toBe(first.json.id);
    const sent = await sends({ id: 'me', token: 'anything' }, '7396619290372809', { text: 'Hi' });
    expect(sent.json).toMatchObject({ recipient_id: '7396619290372809' });
    const stranger = await sends({ id: 'me', token: 'anything' }, 'someone', { text: 'Hi' });
    expect(stranger.json.error).toMatchObject({ code: 100, error_subcode: 2018001 });
  });

  it('that nobody registered opens any page that nobody registered', async () => {
    const sent = await sends({ id: '1074512345678901', token: 'anything' }, '7396619290372809', {
      text: 'Hi',
    });
    expect(sent.status).toBe(200);
    expect((await call('GET', 'me?access_token=anything')).json.id).toBe('1074512345678901');
    const other = await call('GET', '1074512345678902?fields=id,name&access_token=anything');
    expect(other.json).toEqual({ id: '1074512345678902', name: 'Sandbox page 1074512345678902' });
  });

  it('opens its own page only', async () => {
    const [mine, theirs] = [await registerPage(), await registerPage()];
    const wrong = await call('GET', `${theirs.id}?access_token=${mine.token}`);
    expect(wrong.json.error).toMatchObject({ code: 100, error_subcode: 33 });
    const unknown = await call('GET', `${theirs.id}?access_token=unknown`);
    expect(unknown.json.error).toMatchObject({ code: 190 });
  });

  it('fails with the chosen subcode once revoked, and a new one works', async () => {
    await sends({ id: '1074512345678901', token: 'old' }, '7396619290372809', { text: 'Hi' });
    await call('POST', 'pages/1074512345678901/revoke', { error_subcode: 463 });
    const dead = await sends({ id: '1074512345678901', token: 'old' }, '7396619290372809', { text: 'Hi' });
    expect(dead).toMatchObject({ status: 400, json: { error: { code: 190, error_subcode: 463 } } });
    const debugged = await call('GET', 'debug_token?input_token=old&access_token=1|secret');
    expect(debugged.json.data).toMatchObject({ is_valid: false, error: { code: 190, subcode: 463 } });
    const fresh = await sends({ id: '1074512345678901', token: 'new' }, '7396619290372809', { text: 'Hi' });
    expect(fresh.status).toBe(200);
    await call('POST', 'pages/1074512345678901/restore');
    expect((await call('GET', 'me?access_token=old')).status).toBe(200);
  });

  it('comes with a proof that is checked', async () => {
    const page = await registerPage({ ...quiet, require_appsecret_proof: true });
    const proof = createHmac('sha256', secret).update(page.token).digest('hex');
    const path = `me?access_token=${page.token}`;
    expect((await call('GET', path)).json.error).toMatchObject({ code: 100 });
    expect((await call('GET', `${path}&appsecret_proof=no`)).json.error).toMatchObject({ code: 100 });
    expect((await call('GET', `${path}&appsecret_proof=${proof}`)).json.id).toBe(page.id);
  });

  it('of a user lists the pages with their tokens', async () => {
    const registered = [await registerPage(), await registerPage(), await registerPage()];
    const pages = registered.sort((a, b) => Number(a.id) - Number(b.id));
    const first = await call('GET', 'me/accounts?access_token=user&limit=2');
    expect(first.json.data).toMatchObject([
      { id: pages[0]?.id, access_token: pages[0]?.token },
      { id: pages[1]?.id },
    ]);
    const rest = await call('GET', `me/accounts?access_token=user&limit=2&after=${pages[1]?.id}`);
    expect(rest.json.data).toMatchObject([{ id: pages[2]?.id }]);
  });
});

describe('the Graph API', () => {
  it('subscribes a page with the callback that a dashboard would hold', async () => {
    const psid = '7396619290372809';
    await call('POST', 'pages/1074512345678901', { settings: { ...quiet, echo: true } });
    const unsubscribed = await call('GET', '1074512345678901/subscribed_apps?access_token=any');
    expect(unsubscribed.json.data).toEqual([]);
    const subscribed = await call('POST', 'v26.0/1074512345678901/subscribed_apps?access_token=any', {
      subscribed_fields: 'messages,message_echoes',
      sandbox_callback_url: receiver.url,
      sandbox_app_secret: secret,
      sandbox_verify_token: verifyToken,
    });
    expect(subscribed.json).toEqual({ success: true });
    await sends({ id: 'me', token: 'any' }, psid, { text: 'Hi' });
    await vi.waitFor(() => expect(echoes()).toHaveLength(1), 20_000);
    expect(receiver.handshakes).toHaveLength(1);
    expect(echoes()[0]?.headers['x-hub-signature-256']).toMatch(/^sha256=[0-9a-f]{64}$/);
    const listed = await call('GET', 'me/subscribed_apps?access_token=any');
    expect(listed.json.data).toMatchObject([{ subscribed_fields: ['messages', 'message_echoes'] }]);
    await call('DELETE', 'me/subscribed_apps?access_token=any');
    expect((await call('GET', 'me/subscribed_apps?access_token=any')).json.data).toEqual([]);
  });

  it('refuses to subscribe without fields, or to unknown ones', async () => {
    const path = '1074512345678901/subscribed_apps?access_token=any';
    expect((await call('POST', path, {})).json.error).toMatchObject({ code: 100 });
    const unknown = await call('POST', `${path}&subscribed_fields=messages,messaging_handover`);
    expect(unknown.json.error?.message).toContain('subscribed_fields[1]');
  });

  it('shows the profile of a person the page knows', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await call('POST', 'people', {
      psid,
      page_id: page.id,
      first_name: 'Ada',
      last_name: 'Abe',
      timezone: 5.5,
    });
    const shown = await call(
      'GET',
      `${psid}?fields=first_name,name,timezone,profile_pic&access_token=${page.token}`,
    );
    expect(shown.json).toEqual({
      first_name: 'Ada',
      name: 'Ada Abe',
      timezone: 5.5,
      profile_pic: `${base}/people/${psid}/picture`,
      id: psid,
    });
    expect((await call('GET', `people/${psid}/picture`)).headers.get('content-type')).toContain(
      'image/svg+xml',
    );
    const stranger = await call('GET', `${newPsid()}?fields=first_name&access_token=${page.token}`);
    expect(stranger.json.error).toMatchObject({ code: 100, error_subcode: 33 });
    const anybody = await call('GET', '7396619290372809?fields=first_name&access_token=any');
    expect(anybody.json).toEqual({ first_name: expect.any(String), id: '7396619290372809' });
  });

  it('saves uploaded files, of the right type only', async () => {
    const page = await registerPage();
    const upload = async (type: string, contentType: string) => {
      const form = new FormData();
      form.set('message', JSON.stringify({ attachment: { type, payload: { is_reusable: true } } }));
      form.set('filedata', new Blob(['bytes'], { type: contentType }), 'a.png');
      const path = `${base}/me/message_attachments?access_token=${page.token}`;
      return (await (await fetch(path, { method: 'POST', body: form })).json()) as Json;
    };
    const { attachment_id: id } = await upload('image', 'image/png');
    expect(id).toMatch(/^\d+$/);
    expect((await call('GET', `people/files/${String(id)}`)).text).toBe('bytes');
    expect(await upload('video', 'image/png')).toMatchObject({
      error: { code: 100, error_subcode: 2018047 },
    });
    const psid = newPsid();
    await writes(psid);
    const attachment = { type: 'image', payload: { attachment_id: id } };
    expect((await sends(page, psid, { attachment })).status).toBe(200);
    const other = await registerPage();
    await writes(psid, { text: 'Hi', page_id: other.id });
    expect((await sends(other, psid, { attachment })).json.error).toMatchObject({ error_subcode: 2018074 });
  });

  it('saves the attachment of a send that says so', async () => {
    const attachment = { type: 'file', payload: { url: 'https://example.com/a.pdf', is_reusable: true } };
    const { json } = await sends({ id: 'me', token: 'any' }, '7396619290372809', { attachment });
    const again = { type: 'file', payload: { attachment_id: json.attachment_id } };
    expect((await sends({ id: 'me', token: 'any' }, '7396619290372809', { attachment: again })).status).toBe(
      200,
    );
  });

  it('knows its paths', async () => {
    expect((await call('GET', 'app?access_token=any')).json).toMatchObject({ id: '190000000000042' });
    const edge = await call('POST', 'me/postcards?access_token=any');
    expect(edge.json.error).toMatchObject({ code: 2500, message: 'Unknown path components: /postcards' });
    const alias = await call('GET', 'nobody?access_token=any');
    expect(alias.json.error).toMatchObject({ code: 803 });
    const field = await call('GET', 'me?fields=id,shoe_size&access_token=any');
    expect(field.json.error).toMatchObject({ code: 100, message: expect.stringContaining('shoe_size') });
  });

  it('tells of load in the headers that were set', async () => {
    await call('POST', 'usage', { app_usage: { call_count: 97, total_time: 3, total_cputime: 1 } });
    const { headers } = await call('GET', 'me?access_token=any');
    expect(JSON.parse(headers.get('x-app-usage') ?? '')).toEqual({
      call_count: 97,
      total_time: 3,
      total_cputime: 1,
    });
    expect(headers.get('x-page-usage')).toBeNull();
  });
});

describe('the person', () => {
  it('sees messages, typing and quick replies, until they answer', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await writes(psid);
    const action = async (sender_action: string) =>
      call('POST', `me/messages?access_token=${page.token}`, { recipient: { id: psid }, sender_action });
    expect((await action('typing_on')).json).toEqual({ recipient_id: psid });
    await action('mark_seen');
    expect(await screen(psid)).toMatchObject({ typing: true, messages: [{ from: 'person', read: true }] });
    const quick_replies = [
      { content_type: 'text', title: 'Red', payload: 'RED' },
      { content_type: 'user_email' },
    ];
    await sends(page, psid, { text: 'Pick', quick_replies });
    expect(await screen(psid)).toMatchObject({ typing: false, quick_replies });
    const tapped = await call('POST', `people/${psid}/taps`, { title: 'Red' });
    expect(tapped.json).toMatchObject({ delivered: { status: 200 } });
    expect(receiver.webhooks.at(-1)?.item.message).toEqual({
      mid: tapped.json.message_id,
      text: 'Red',
      quick_reply: { payload: 'RED' },
    });
    expect((await screen(psid)).quick_replies).toEqual([]);
    const gone = await call('POST', `people/${psid}/taps`, { title: 'Red' });
    expect(gone.status).toBe(404);
  });

  it('taps buttons of messages long past', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await writes(psid);
    const buttons = [
      { type: 'postback', title: 'Start', payload: 'START' },
      { type: 'web_url', title: 'Visit', url: 'https://example.com/' },
    ];
    const elements = [{ title: 'Hat', buttons }];
    await sends(page, psid, {
      attachment: { type: 'template', payload: { template_type: 'generic', elements } },
    });
    await sends(page, psid, { text: 'And now?' });
    await call('POST', `people/${psid}/taps`, { payload: 'START' });
    expect(receiver.webhooks.at(-1)?.item.postback).toMatchObject({ title: 'Start', payload: 'START' });
    const before = receiver.webhooks.length;
    const visit = await call('POST', `people/${psid}/taps`, { title: 'Visit' });
    expect(visit.json).toEqual({ opened: 'https://example.com/' });
    expect(receiver.webhooks).toHaveLength(before);
  });

  it('sends places, stickers, files and whatever else', async () => {
    await registerPage();
    const psid = newPsid();
    await writes(psid, { location: { lat: 52.5, long: 13.4 } });
    await writes(psid, { sticker_id: '369239263222822' });
    await writes(psid, { attachments: [{ type: 'image', payload: { url: 'https://example.com/1.png' } }] });
    await writes(psid, { raw: { reaction: { mid: 'm_1', action: 'react', emoji: '😢', reaction: 'sad' } } });
    const items = receiver.webhooks.map(({ item }) => item);
    expect(items.map(({ message }) => message?.attachments)).toMatchObject([
      [{ type: 'location', payload: { coordinates: { lat: 52.5, long: 13.4 } } }],
      [{ type: 'sticker', payload: { sticker_id: '369239263222822', url: expect.stringContaining(base) } }],
      [{ type: 'image' }],
      undefined,
    ]);
    expect(items[3]).toMatchObject({
      sender: { id: psid },
      timestamp: expect.any(Number),
      reaction: { emoji: '😢' },
    });
  });

  it('can send the same message twice, as Meta does', async () => {
    await registerPage();
    const psid = newPsid();
    for (const _ of [1, 2]) await writes(psid, { text: 'Hello', mid: 'm_twice' });
    expect(receiver.webhooks.map(({ item }) => item.message?.mid)).toEqual(['m_twice', 'm_twice']);
    expect((await screen(psid)).messages).toMatchObject([{ mid: 'm_twice', text: 'Hello' }]);
  });

  it('reads everything up to a watermark', async () => {
    const page = await registerPage();
    const psid = newPsid();
    await writes(psid);
    await sends(page, psid, { text: 'Hi' });
    expect((await screen(psid)).messages.at(-1)).toMatchObject({ delivered: false, read: false });
    await call('POST', `people/${psid}/read`);
    const message = (await screen(psid)).messages.at(-1);
    expect(message).toMatchObject({ delivered: true, read: true });
    expect(receiver.webhooks.at(-1)?.item.read).toEqual({ watermark: message?.timestamp });
  });

  it('writes to the page that most recently subscribed unless one is named', async () => {
    const [older, newer] = [await registerPage(), await registerPage()];
    const psid = newPsid();
    await writes(psid);
    await writes(psid, { text: 'Hello', page_id: older.id });
    expect(receiver.webhooks.map(({ item }) => item.recipient)).toEqual([{ id: newer.id }, { id: older.id }]);
  });

  it('gets answers from the Page inbox, echoed as those of another app', async () => {
    const page = await registerPage();
    const psid = newPsid();
    const { json } = await call('POST', `pages/${page.id}/inbox`, { psid, text: 'Ann here' });
    expect(receiver.webhooks[0]?.item).toMatchObject({ sender: { id: page.id }, recipient: { id: psid } });
    expect(receiver.webhooks[0]?.item.message).toEqual({
      mid: json.message_id,
      is_echo: true,
      app_id: 263902037430900,
      text: 'Ann here',
    });
  });

  it('is told what is wrong with a request', async () => {
    await registerPage();
    const { status, json } = await call('POST', `people/${newPsid()}/messages`, { txt: 'Hello' });
    expect(status).toBe(400);
    expect(json.error?.message).toContain('"txt"');
    expect((await call('POST', 'people/bob/messages', { text: 'Hello' })).json.error?.message).toContain(
      'psid',
    );
  });
});

describe('a fault', () => {
  const send = async () =>
    sends({ id: '1074512345678901', token: 'any' }, '7396619290372809', { text: 'Hi' });

  it('fails as many calls of its path as it says', async () => {
    const error = { code: 4, message: '(#4) Application request limit reached', is_transient: true };
    await call('POST', 'faults', { kind: 'graph_error', count: 2, path: 'messages', error, status: 400 });
    expect((await call('GET', 'me?access_token=any')).status).toBe(200);
    for (const _ of [1, 2]) expect((await send()).json.error).toMatchObject(error);
    expect((await send()).status).toBe(200);
    expect((await call('GET', 'faults')).json.data).toEqual([]);
  });

  it('can be an answer that is not JSON, and be taken back', async () => {
    await call('POST', 'faults', { kind: 'http', count: 5, status: 502 });
    const { status, text } = await send();
    expect(status).toBe(502);
    expect(text).toContain('<html>');
    await call('DELETE', 'faults');
    expect((await send()).status).toBe(200);
  });

  it('can keep a call waiting', async () => {
    await call('POST', 'faults', { kind: 'slow', delay_ms: 30 });
    const started = performance.now();
    expect((await send()).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(25);
  });

  it('can drop the connection before the message is accepted', async () => {
    await call('POST', 'pages/1074512345678901', {});
    await call('POST', 'faults', { kind: 'drop' });
    await expect(send()).rejects.toThrow();
    const { json } = await call('GET', 'people/7396619290372809/messages?page_id=1074512345678901');
    expect(json).toMatchObject({ messages: [] });
    expect((await send()).status).toBe(200);
  });

  it('can drop the connection after the message was accepted, and the echo still comes', async () => {
    const page = await registerPage({ ...quiet, echo: true });
    const psid = newPsid();
    await writes(psid);
    await call('POST', 'faults', { kind: 'drop_after_accept', page_id: page.id });
    await expect(sends(page, psid, { text: 'Hi', metadata: 'row 1' })).rejects.toThrow();
    await vi.waitFor(
      () => expect(echoes().map(({ item }) => item.message?.metadata)).toEqual(['row 1']),
      20_000,
    );
    expect((await screen(psid)).messages).toHaveLength(2);
  });
});

describe('the log and the page', () => {
  it('list the calls without tokens', async () => {
    await sends({ id: 'me', token: 'a-secret-token' }, '7396619290372809', { text: 'Hi' });
    await sends({ id: 'me', token: 'a-secret-token' }, '7396619290372809', { text: '' });
    await call('GET', 'me?fields=access_token&access_token=a-secret-token');
    const { text, json } = await call('GET', 'calls?path=messages');
    expect(json.data).toMatchObject([
      {
        method: 'POST',
        path: '/me/messages',
        version: 'v26.0',
        status: 200,
        params: { message: { text: 'Hi' } },
      },
      { status: 400, answer: { error: { error_subcode: 2018034 } } },
    ]);
    expect(text + (await call('GET', 'calls')).text).not.toContain('a-secret-token');
    expect((await call('GET', 'calls?refused=true')).json.data).toHaveLength(1);
  });

  it('show a page that brings everything with it', async () => {
    const { headers, text } = await call('GET', '');
    expect(headers.get('content-type')).toContain('text/html');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(text).not.toMatch(/(src|href)=["']?https?:/);
  });
});
