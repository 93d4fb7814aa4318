import { afterAll, beforeAll, expect, test } from 'vitest';
import { TemplatesModule } from '../../src/templates/templates.module.js';
import { startApi, type TestApi } from '../support/api.js';
import { type Rest, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;

let api: TestApi;
let rest: Rest;
let base: string;

beforeAll(async () => {
  api = await startApi([TemplatesModule]);
  rest = restOf(api);
  base = `/v2/projects/${api.projectId}/templates`;
});
afterAll(() => api.stop());

const greeting = (id: string): Json => ({
  id,
  description: 'greets',
  default_translation: 'en-US',
  translations: [
    {
      language_code: 'en-US',
      version: '1',
      text_message: { text: 'Hello ${name}' },
      variables: [{ key: 'name', preview_value: 'Ada' }],
    },
  ],
});

const said = {
  language_code: 'en-US',
  version: '1',
  text_message: { text: 'Hello ${name}' },
  variables: [{ key: 'name', preview_value: 'Ada' }],
  channel_template_overrides: {},
  create_time: expect.any(String),
  update_time: expect.any(String),
};

test('a template is made under its own id, and read with its newest translations as latest too', async () => {
  const made = await rest('POST', base, greeting('greeting'));
  expect(made.status).toBe(200);
  expect(made.body).toEqual({
    ...greeting('greeting'),
    version: 1,
    translations: [said],
    create_time: expect.any(String),
    update_time: expect.any(String),
  });
  const read = await rest('GET', `${base}/greeting`);
  expect(read.body).toMatchObject({ translations: [said, { ...said, version: 'latest' }] });
  const { body } = await rest<{ templates: Json[] }>('GET', base);
  expect(body.templates).toContainEqual(read.body);
  expect((await rest('GET', `${base}/greeting/translations`)).body).toEqual({ translations: [said] });
  expect((await rest('GET', `${base}/greeting/translations?language_code=fr`)).body).toEqual({
    translations: [],
  });
  expect((await rest('POST', base, greeting('greeting'))).status).toBe(409);
});

test('what was read can be written back; the version is an optimistic lock', async () => {
  await rest('POST', base, greeting('locked'));
  const { body: read } = await rest('GET', `${base}/locked`);
  const updated = await rest('PUT', `${base}/locked`, { ...read, description: 'again' });
  expect(updated.body).toMatchObject({ version: 2, description: 'again', translations: [said] });
  expect((updated.body.translations as Json[]).length).toBe(1);
  const stale = await rest('PUT', `${base}/locked`, read);
  expect(stale.status).toBe(409);
  expect((await rest('DELETE', `${base}/locked`)).body).toEqual({});
  expect((await rest('GET', `${base}/locked`)).status).toBe(404);
});

test('a template may be written in the other spelling of proto JSON, with the latest that was read', async () => {
  const translation = {
    languageCode: 'en-US',
    version: '1',
    mediaMessage: { url: 'https://example.com/a.png', filenameOverride: '${file}' },
    variables: [{ key: 'file', previewValue: 'a.png' }],
    channelTemplateOverrides: {
      WHATSAPP: {
        templateReference: { templateId: 't', languageCode: 'en' },
        parameterMappings: { 'body[1]fileName': 'file' },
      },
    },
  };
  const made = await rest('POST', base, {
    id: 'camel',
    defaultTranslation: 'en-US',
    translations: [translation, { ...translation, version: 'latest' }],
  });
  expect(made).toMatchObject({
    status: 200,
    body: {
      default_translation: 'en-US',
      translations: [
        {
          language_code: 'en-US',
          version: '1',
          media_message: { url: 'https://example.com/a.png', filename_override: '${file}' },
          variables: [{ key: 'file', preview_value: 'a.png' }],
          channel_template_overrides: {
            WHATSAPP: {
              template_reference: { template_id: 't', language_code: 'en' },
              parameter_mappings: { 'body[1]fileName': 'file' },
            },
          },
        },
      ],
    },
  });
  expect(made.body.translations).toHaveLength(1);
});

test.each([
  ['translations that are no list', { translations: 'x' }, 'translations'],
  ['a translation that is nothing', { translations: [null] }, 'translations'],
  ['no translation', { translations: [] }, 'translations'],
  ['a default without a translation', { default_translation: 'nl' }, 'default_translation'],
  ['no message', { translations: [{ language_code: 'en-US' }] }, 'translations[0].message'],
])('%s is refused', async (_what, change, field) => {
  const { status, body } = await rest('POST', base, { ...greeting('bad'), ...change });
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain(field);
});
