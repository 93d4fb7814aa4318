// Project settings, consents, capability, templates and tokens by the official client.
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { TokensService } from '../../src/access/tokens.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Records } from '../support/records.js';
import { everyOne, type Sdk, sdkOf, statusOf } from '../support/sdk.js';

let app: TestApp;
let sdk: Sdk;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp();
  sdk = sdkOf(app);
  page = await connectPage(app);
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => app.stop());

test('project settings are created, read, changed and deleted', async () => {
  const { projectSettings } = sdk.conversation;
  const off = { contact_settings: { unified_contact_id_enabled: false } };
  const on = { contact_settings: { unified_contact_id_enabled: true } };
  const made = await projectSettings.create({ createProjectSettingsRequestBody: off });
  expect(made).toEqual({ project_id: app.projectId, settings: off });
  expect(await projectSettings.get({})).toEqual(made);
  const changed = await projectSettings.update({ updateProjectSettingsRequestBody: on });
  expect(changed).toEqual({ project_id: app.projectId, settings: on });
  expect(await projectSettings.delete({})).toEqual({});
  expect(await statusOf(projectSettings.get({}))).toBe(404);
  expect(sdk.uncalled('projectSettings')).toEqual([]);
});

test('capability is asked for, with an id of its own or the one that is given', async () => {
  const { id } = await sdk.conversation.contact.create({
    contactCreateRequestBody: {
      channel_identities: [{ channel: 'MESSENGER', identity: newPsid(), app_id: page.appId }],
      language: 'EN_US',
    },
  });
  const asked = { app_id: page.appId, recipient: { contact_id: String(id) } };
  const answer = await sdk.conversation.capability.lookup({ lookupCapabilityRequestBody: asked });
  expect(answer).toEqual({ ...asked, request_id: expect.stringMatching(/^[0-9A-Z]{26}$/) });
  const named = { ...asked, request_id: 'mine' };
  expect(await sdk.conversation.capability.lookup({ lookupCapabilityRequestBody: named })).toEqual(named);
  expect(sdk.uncalled('capability')).toEqual([]);
});

test('who opted out is listed page by page, with how that came about', async () => {
  const records = await Records.of(app.databaseUrl);
  const identities = Array.from({ length: 3 }, newPsid).sort();
  for (const identity of identities) {
    await sdk.conversation.contact.create({
      contactCreateRequestBody: {
        channel_identities: [{ channel: 'MESSENGER', identity, app_id: page.appId }],
        language: 'EN_US',
      },
    });
    const key = [app.projectId, page.appId, identity];
    await records.query(
      `INSERT INTO consents (project_id, app_id, list_type, channel, identity) VALUES ($1, $2, 'OPT_OUT_ALL', 'MESSENGER', $3)`,
      key,
    );
    await records.query(
      `INSERT INTO consent_records (project_id, app_id, identity, id, channel, list_type, operation, origin)
       VALUES ($1, $2, $3, '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'MESSENGER', 'OPT_OUT_ALL', 'OPERATION_INSERT', 'ORIGIN_MO')`,
      key,
    );
  }
  await records.close();
  const { consents } = sdk.conversation;
  const asked = { app_id: page.appId, list_type: 'OPT_OUT_ALL' as const, page_size: 2 };
  expect((await consents.listIdentities(asked)).data).toHaveLength(2);
  const all = await everyOne(consents.listIdentities(asked));
  expect(all.map(({ identity }) => identity).sort()).toEqual(identities);
  const [identity = ''] = identities;
  const { audit_records, ...rest } = await consents.listAuditRecords({ app_id: page.appId, identity });
  expect(rest).toEqual({ identity: { identity } });
  expect(audit_records).toMatchObject([
    {
      operation: 'OPERATION_INSERT',
      origin: 'ORIGIN_MO',
      list_type: 'OPT_OUT_ALL',
      app_id: page.appId,
      project_id: app.projectId,
      datetime: expect.any(Date),
    },
  ]);
  expect(sdk.uncalled('consents')).toEqual([]);
});

describe('templates', () => {
  const greeting = (text: string, version: string) => ({
    language_code: 'en-US',
    version,
    text_message: { text },
    variables: [{ key: 'name', preview_value: 'Ada' }],
  });

  test('of version 2 are created under their own id, listed, read, replaced and deleted', async () => {
    const { templatesV2 } = sdk.conversation;
    const template_id = 'greeting';
    const made = await templatesV2.create({
      createTemplateRequestBody: {
        id: template_id,
        description: 'greets',
        default_translation: 'en-US',
        translations: [greeting('Hello ${name}', '1')],
      },
    });
    expect(made).toMatchObject({
      id: template_id,
      version: 1,
      translations: [{ channel_template_overrides: {} }],
    });
    expect(made.create_time).toBeInstanceOf(Date);
    const { templates } = await templatesV2.list({});
    expect(templates?.find(({ id }) => id === template_id)?.translations).toHaveLength(2);
    const read = await templatesV2.get({ template_id });
    expect(read.translations?.map(({ version }) => version).sort()).toEqual(['1', 'latest']);
    const changed = await templatesV2.update({
      template_id,
      updateTemplateRequestBody: {
        version: 1,
        description: 'greets better',
        default_translation: 'en-US',
        translations: [greeting('Hi ${name}', '2')],
      },
    });
    expect(changed).toMatchObject({
      version: 2,
      description: 'greets better',
      translations: [{ version: '2' }],
    });
    const stale = templatesV2.update({
      template_id,
      updateTemplateRequestBody: { version: 1, translations: [greeting('Hey', '3')] },
    });
    expect(await statusOf(stale)).toBe(409);
    const { translations } = await templatesV2.listTranslations({ template_id, language_code: 'en-US' });
    expect(translations?.map(({ version }) => version)).not.toContain('latest');
    expect(await templatesV2.delete({ template_id })).toEqual({});
    expect(await statusOf(templatesV2.get({ template_id }))).toBe(404);
    expect(sdk.uncalled('templatesV2')).toEqual([]);
  });

  test('of version 1, which Parley lacks, are refused as not implemented', async () => {
    const { templatesV1 } = sdk.conversation;
    const template_id = 'old';
    const body = { channel: 'CONVERSATION' } as Parameters<
      typeof templatesV1.create
    >[0]['createTemplateRequestBody'];
    expect(await statusOf(templatesV1.create({ createTemplateRequestBody: body }))).toBe(501);
    expect(await statusOf(templatesV1.list({}))).toBe(501);
    expect(await statusOf(templatesV1.get({ template_id }))).toBe(501);
    expect(await statusOf(templatesV1.update({ template_id, updateTemplateRequestBody: body }))).toBe(501);
    expect(await statusOf(templatesV1.delete({ template_id }))).toBe(501);
    expect(sdk.uncalled('templatesV1')).toEqual([]);
  });
});

describe('tokens', () => {
  /** An authorization server that hands out what it is told to, and notes how often it was asked. */
  async function handingOut(
    ...tokens: string[]
  ): Promise<{ server: Server; url: string; asked: () => number }> {
    let asked = 0;
    const server = createServer((_request, response) => {
      const access_token = tokens[Math.min(asked, tokens.length - 1)];
      asked += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token, expires_in: 3599, scope: '', token_type: 'bearer' }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      server,
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      asked: () => asked,
    };
  }

  async function tokenOf(ageMs: number): Promise<string> {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - ageMs });
    const service = app.parley.app.get(TokensService, { strict: false });
    const { token } = await service.issueAccessToken({ projectId: app.projectId, keyId: 'test-key' });
    vi.useRealTimers();
    return token;
  }

  test('one token serves many calls', async () => {
    const asked = vi.fn();
    const counted = createServer((request, response) => {
      asked();
      void fetch(`${app.url}${request.url ?? ''}`, {
        method: 'POST',
        headers: {
          authorization: request.headers.authorization ?? '',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      }).then(async (answer) => response.end(await answer.text()));
    });
    counted.listen(0, '127.0.0.1');
    await once(counted, 'listening');
    const authHostname = `http://127.0.0.1:${(counted.address() as AddressInfo).port}`;
    const { conversation } = sdkOf(app, { authHostname });
    await Promise.all(Array.from({ length: 5 }, () => conversation.app.list({})));
    await conversation.app.list({});
    expect(asked).toHaveBeenCalledTimes(1);
    counted.close();
  });

  test('a token that has expired is replaced and the call repeated, without the caller noticing', async () => {
    const { server, url, asked } = await handingOut(await tokenOf(3_660_000), await tokenOf(0));
    const { conversation } = sdkOf(app, { authHostname: url });
    expect((await conversation.app.list({})).apps).toBeInstanceOf(Array);
    expect(asked()).toBe(2);
    server.close();
  });

  test('a token that is no good is not asked for again', async () => {
    const { server, url, asked } = await handingOut('made-up');
    const { conversation } = sdkOf(app, { authHostname: url });
    expect(await statusOf(conversation.app.list({}))).toBe(401);
    expect(asked()).toBe(1);
    server.close();
  });
});
