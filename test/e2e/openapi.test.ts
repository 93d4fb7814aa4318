// The OpenAPI document that the service gives of itself.
import { DiscoveryService } from '@nestjs/core';
import type { Type } from '@nestjs/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { routesOf } from '../../src/api/openapi.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { connectPage, envelope, newPsid, postWebhook, textItem } from '../support/messenger.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;
interface Schema extends Json {
  properties?: Record<string, Json>;
  required?: string[];
}
interface OperationObject extends Json {
  operationId: string;
  tags: string[];
  parameters?: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
  responses: Record<string, { content: Record<string, { schema: { $ref?: string } }> }>;
}
interface Document {
  openapi: string;
  security: Json[];
  paths: Record<string, Record<string, OperationObject>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Json };
}

let app: TestApp;
let rest: Rest;
let document: Document;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  const response = await fetch(`${app.url}/openapi.json`);
  expect(response.status).toBe(200);
  document = (await response.json()) as Document;
});
afterAll(() => app.stop());

const operations = (): OperationObject[] =>
  Object.values(document.paths).flatMap((path) => Object.values(path));

function schemaOf(path: string, method: string): Schema {
  const ref = document.paths[path]?.[method]?.responses['200']?.content['application/json']?.schema.$ref;
  return document.components.schemas[String(ref).replace('#/components/schemas/', '')] ?? {};
}

test('every route of the Conversation API is in it, and nothing else', () => {
  const routes = app.parley.app
    .get(DiscoveryService, { strict: false })
    .getControllers()
    .flatMap(({ metatype }) => (metatype ? routesOf(metatype as Type<object>) : []))
    .filter(({ path }) => /^\/(v\d\/projects|oauth2)\//.test(path))
    // What Parley refuses as not implemented is no operation.
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`);
  expect(routes.length).toBeGreaterThan(50);
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.sort()).toEqual(routes.sort());
});

test('every reference leads somewhere, and every schema is led to', () => {
  const text = JSON.stringify(document);
  const refs = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name),
  );
  expect([...text.matchAll(/"\$ref":/g)].length).toBe(
    [...text.matchAll(/"\$ref":"#\/components\/schemas\/\w+"/g)].length,
  );
  expect([...refs].sort()).toEqual(Object.keys(document.components.schemas).sort());
});

test('operation ids are unique, path parameters are declared, and every request has credentials', () => {
  const ids = operations().map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toContain('Messages_ListMessagesByChannelIdentity');
  expect(document.openapi).toBe('3.1.0');
  expect(document.security).toEqual([{ basic: [] }, { oauth2: [] }]);
  expect(Object.keys(document.components.securitySchemes)).toEqual(['basic', 'oauth2']);
  for (const [path, methods] of Object.entries(document.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters = [] } of Object.values(methods)) {
      expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(names);
    }
  }
});

test('requests are what the marks of the inputs say, in the names and shapes of JSON', () => {
  const { schemas } = document.components;
  expect(schemas.SendMessageInput).toMatchObject({
    required: expect.arrayContaining(['app_id', 'recipient', 'message']),
    properties: {
      message: { $ref: '#/components/schemas/AppMessageInput' },
      message_metadata: { type: 'string', maxLength: 1_024 },
      channel_properties: { type: 'object', additionalProperties: { type: 'string', maxLength: 1_024 } },
      queue: { enum: ['NORMAL_PRIORITY', 'HIGH_PRIORITY'] },
    },
  });
  expect(schemas.SendMessageInput?.properties).not.toHaveProperty('idempotency_key');
  expect(schemas.AppMessageInput?.properties).toMatchObject({
    text_message: { $ref: '#/components/schemas/TextMessageInput' },
    explicit_channel_message: { type: 'object', additionalProperties: { type: 'string' } },
    channel_specific_message: { additionalProperties: { required: ['message_type', 'message'] } },
    explicit_channel_omni_message: { additionalProperties: { $ref: expect.stringContaining('Override') } },
    reply_to: { required: ['message_id'] },
  });
  expect(schemas.CarouselMessageInput?.properties?.cards).toMatchObject({
    type: 'array',
    minItems: 1,
    maxItems: 10,
    items: { $ref: '#/components/schemas/CardMessageInput' },
  });
  expect(schemas.TranscodeMessageBody?.required).toContain('app_message');
  const list = document.paths['/v1/projects/{project_id}/messages']?.get;
  expect(list?.parameters).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        name: 'start_time',
        in: 'query',
        required: false,
        schema: { type: 'string', format: 'date-time' },
      }),
      expect.objectContaining({ name: 'page_token', in: 'query' }),
    ]),
  );
  const bodies = operations().filter(({ requestBody }) => requestBody).length;
  expect(bodies).toBeGreaterThan(20);
});

test('answers have the members that the document says, no more and no fewer', async () => {
  const page = await connectPage(app);
  await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, newPsid(), 'Hello')));
  const { body: webhook } = await rest('POST', 'webhooks', {
    app_id: page.appId,
    target: 'https://example.com/openapi',
  });
  const { body: messages } = await rest<{ messages: Json[] }>('GET', `messages?app_id=${page.appId}`);
  const { contact_id, conversation_id, id } = messages.messages[0] as Record<string, string>;
  const recipient = { contact_id };
  const sent = await rest('POST', 'events:send', {
    app_id: page.appId,
    recipient,
    event: { composing_event: {} },
  });
  const read: [path: string, template: string, absent?: string[]][] = [
    [`apps/${page.appId}`, 'apps/{app_id}'],
    ['apps', 'apps'],
    [`apps/${page.appId}/webhooks`, 'apps/{app_id}/webhooks'],
    [`webhooks/${String(webhook.id)}`, 'webhooks/{webhook_id}'],
    [`contacts/${contact_id}`, 'contacts/{contact_id}'],
    ['contacts', 'contacts'],
    ['contacts:identityConflicts', 'contacts:identityConflicts'],
    [`conversations/${conversation_id}`, 'conversations/{conversation_id}'],
    [`conversations?app_id=${page.appId}`, 'conversations'],
    [`conversations:recent?app_id=${page.appId}`, 'conversations:recent'],
    [`messages/${id}`, 'messages/{message_id}', ['app_message']],
    ['messages', 'messages'],
    [`events/${String(sent.body.event_id)}`, 'events/{event_id}', ['contact_event', 'contact_message_event']],
    [`events?contact_id=${contact_id}`, 'events'],
    [`apps/${page.appId}/consents/OPT_OUT_ALL`, 'apps/{app_id}/consents/{list_type}'],
  ];
  for (const [path, template, absent = []] of read) {
    const { status, body } = await rest('GET', path);
    expect({ path, status }).toEqual({ path, status: 200 });
    const { properties = {} } = schemaOf(`/v1/projects/{project_id}/${template}`, 'get');
    const names = Object.keys(properties).filter((name) => !absent.includes(name));
    expect({ path, names: Object.keys(body).sort() }).toEqual({ path, names: names.sort() });
  }
});
