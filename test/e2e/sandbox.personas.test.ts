import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SandboxModule } from '../../src/sandbox/sandbox.module.js';

type Json = Record<string, unknown>;

interface Page {
  id: string;
  token: string;
}

const ada = { name: 'Ada Abe', profile_picture_url: 'https://shop.example/ada.png' };
const psid = '7100200300400500';

let app: INestApplication;
let base: string;
let page: Page;
let other: Page;

beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [SandboxModule] }).compile();
  app = module.createNestApplication({ logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  base = `${await app.getUrl()}/sandbox`;
});
beforeEach(async () => {
  await call('POST', 'reset');
  page = await register('Hats');
  other = await register('Shoes');
});
afterAll(() => app.close());

async function call(method: string, path: string, body?: unknown, token?: string) {
  const response = await fetch(`${base}/${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Json & { data?: Json[]; error?: Json } };
}

async function register(name: string): Promise<Page> {
  const { json } = await call('POST', 'pages', { name, settings: { echo: false, delivery: false } });
  return json as unknown as Page;
}

async function create(of = page, persona: Json = ada): Promise<string> {
  const { json } = await call('POST', `v26.0/${of.id}/personas`, persona, of.token);
  return json.id as string;
}

async function says(persona_id: unknown, of = page) {
  await call('POST', `people/${psid}/messages`, { text: 'Hello', page_id: of.id });
  const body = { recipient: { id: psid }, messaging_type: 'RESPONSE', message: { text: 'Hi' }, persona_id };
  return call('POST', `v26.0/${of.id}/messages`, body, of.token);
}

describe('a persona of a page', () => {
  it('is made, shown, listed in pages, and deleted', async () => {
    const id = await create();
    expect(id).toMatch(/^\d{15}$/);
    expect((await call('GET', id, undefined, page.token)).json).toEqual({ ...ada, id });
    expect((await call('GET', `${id}?fields=name`, undefined, page.token)).json).toEqual({
      name: 'Ada Abe',
      id,
    });

    const second = await create(page, { ...ada, name: 'Ben Berg' });
    const first = await call('GET', 'me/personas?limit=1', undefined, page.token);
    expect(first.json.data).toEqual([{ ...ada, name: 'Ben Berg', id: second }]);
    const rest = await call('GET', `me/personas?limit=1&after=${second}`, undefined, page.token);
    expect(rest.json.data).toEqual([{ ...ada, id }]);
    expect((await call('GET', 'me/personas', undefined, other.token)).json).toEqual({ data: [] });

    expect((await call('DELETE', id, undefined, page.token)).json).toEqual({ success: true });
    expect((await call('GET', id, undefined, page.token)).status).toBe(400);
  });

  it.each([
    ['a name', { profile_picture_url: ada.profile_picture_url }],
    ['a name of at most 50 characters', { ...ada, name: 'x'.repeat(51) }],
    ['the address of a picture', { ...ada, profile_picture_url: 'ada.png' }],
  ])('needs %s', async (_what, persona) => {
    const { status, json } = await call('POST', 'me/personas', persona, page.token);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: 100 });
  });

  it('says messages of its page, until it is deleted', async () => {
    const id = await create();
    expect((await says(id)).status).toBe(200);
    const { json } = await call('GET', `people/${psid}/messages`);
    expect(JSON.stringify(json)).toContain(`"persona_id":"${id}"`);
    expect((await says(id, other)).json.error).toMatchObject({ code: 100 });
    expect((await says('123')).json.error).toMatchObject({ code: 100 });
    await call('DELETE', id, undefined, page.token);
    expect((await says(id)).json.error).toMatchObject({ code: 100 });
  });

  it('belongs to its page: another one neither sees nor deletes it', async () => {
    const id = await create();
    for (const method of ['GET', 'DELETE']) {
      expect((await call(method, id, undefined, other.token)).json.error).toMatchObject({ code: 100 });
    }
    expect((await call('GET', id, undefined, page.token)).json).toEqual({ ...ada, id });
  });
});
