// Templates on a real database: the GraphQL operations, and what the sender asks of the service.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AppMessage, TemplateReference } from '../../src/content/app-message.js';
import { TemplateError } from '../../src/templates/template-error.js';
import { TemplatesModule } from '../../src/templates/templates.module.js';
import { TemplatesService } from '../../src/templates/templates.service.js';
import { startApi, type TestApi } from '../support/api.js';

interface Translation {
  languageCode: string;
  version: string;
  message: unknown;
  createdAt: string;
  updatedAt: string;
}

interface Template {
  id: string;
  version: number;
  description: string;
  translations: Translation[];
}

const FIELDS = `id description version defaultTranslation createdAt updatedAt
  translations { languageCode version message variables { key previewValue } channelTemplateOverrides createdAt updatedAt }`;
const CREATE = `mutation ($input: CreateTemplateInput!) { createTemplate(input: $input) { ${FIELDS} } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateTemplateInput!) { updateTemplate(id: $id, input: $input) { ${FIELDS} } }`;
const DELETE = `mutation ($id: ID!) { deleteTemplate(id: $id) }`;
const GET = `query ($id: ID!) { template(id: $id) { ${FIELDS} } }`;
const LIST = `query ($first: Int, $after: String) {
  templates(first: $first, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`;

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string;

let api: TestApi;
let templates: TemplatesService;
let authorization: string;
let projectId: string;

beforeAll(async () => {
  api = await startApi([TemplatesModule]);
  templates = api.app.get(TemplatesService, { strict: false });
});
beforeEach(async () => {
  ({ authorization, projectId } = await api.project());
});
afterAll(() => api.stop());

function ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
  return api.ask<T>(query, variables, authorization);
}

function text(
  languageCode: string,
  said: string,
  keys: string[] = [],
  version?: string,
): Record<string, unknown> {
  return {
    languageCode,
    message: { text_message: { text: said } },
    variables: keys.map((key) => ({ key })),
    ...(version === undefined ? {} : { version }),
  };
}

function create(...translations: Record<string, unknown>[]): Promise<Template> {
  return ask(CREATE, { input: { defaultTranslation: translations[0]?.languageCode, translations } });
}

describe('a template', () => {
  test('is given back as it was made', async () => {
    const translations = [
      {
        languageCode: 'en-US',
        version: '1',
        message: {
          choice_message: {
            text_message: { text: 'Hello ${name}' },
            choices: [
              { url_message: { title: 'Track', url: 'https://example.org/${order}' } },
              { text_message: { text: 'Stop' }, postback_data: 'stop ${order}' },
            ],
          },
        },
        variables: [
          { key: 'name', previewValue: 'Ann' },
          { key: 'order', previewValue: '' },
        ],
        channelTemplateOverrides: {
          WHATSAPP: {
            template_reference: { template_id: 'hello', language_code: 'en_US', parameters: { a: 'b' } },
            parameter_mappings: { 'body[1]text': 'name' },
          },
        },
      },
      {
        languageCode: 'de',
        version: '2',
        message: { text_message: { text: 'Hallo' } },
        variables: [],
        channelTemplateOverrides: {},
      },
    ];
    const input = { id: 'Hello.World-1_a', description: 'Greets', defaultTranslation: 'en_US', translations };
    const template = await ask<Template>(CREATE, { input });
    expect(template).toEqual({
      ...input,
      version: 1,
      createdAt: TIME,
      updatedAt: TIME,
      translations: translations.map((one) => ({ ...one, createdAt: TIME, updatedAt: TIME })),
    });
    expect(await ask(GET, { id: template.id })).toEqual(template);
  });

  test('needs nothing but what it says: id and version are given to it', async () => {
    const template = await create(text('en', 'Hello'));
    expect(template).toMatchObject({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/) as string,
      description: '',
      version: 1,
      translations: [{ version: '1', variables: [], channelTemplateOverrides: {} }],
    });
  });

  test('has an id that no other of the project has; another project may have it too', async () => {
    const input = { id: 'hello', defaultTranslation: 'en', translations: [text('en', 'Hello')] };
    await ask(CREATE, { input });
    const { extensions } = await api.refusal(CREATE, { input }, authorization);
    expect(extensions.code).toBe('CONFLICT');
    const stranger = await api.project();
    const theirs = await api.ask<Template>(CREATE, { input }, stranger.authorization);
    expect(theirs.id).toBe('hello');
    await ask(DELETE, { id: 'hello' });
    expect(await api.ask(GET, { id: 'hello' }, stranger.authorization)).toEqual(theirs);
  });

  const hello = text('en', 'Hello');
  test.each<[string, string, Record<string, unknown>]>([
    ['id', 'matches', { id: '' }],
    ['id', 'matches', { id: '..' }],
    ['id', 'matches', { id: 'a/b' }],
    ['id', 'matches', { id: 'a:b' }],
    ['id', 'matches', { id: 'x'.repeat(129) }],
    ['description', 'maxLength', { description: 'x'.repeat(1025) }],
    ['defaultTranslation', 'exists', { defaultTranslation: 'english' }],
    ['defaultTranslation', 'matches', { defaultTranslation: 'e' }],
    ['defaultTranslation', 'exists', { defaultTranslation: 'fr' }],
    ['translations', 'arrayMinSize', { translations: [] }],
    ['translations', 'arrayMaxSize', { translations: Array(101).fill(hello) }],
    ['translations[0].languageCode', 'matches', { translations: [{ ...hello, languageCode: 'en US' }] }],
    ['translations[0].version', 'matches', { translations: [{ ...hello, version: 'Latest' }] }],
    ['translations[1]', 'unique', { translations: [text('en-GB', 'a'), text('en_gb', 'b')] }],
    ['translations[0].message', 'exactlyOne', { translations: [{ ...hello, message: {} }] }],
    ['translations[0].message', 'isObject', { translations: [{ ...hello, message: [] }] }],
    ['translations[1].message.text_message.text', 'isNotEmpty', { translations: [hello, text('de', ' ')] }],
    ['translations[0].message', 'declared', { translations: [text('en', 'Hello ${name}', ['nam'])] }],
    ['translations[0].message', 'declared', { translations: [text('en', 'Costs ${}')] }],
    ['translations[0].variables[0].key', 'matches', { translations: [text('en', 'Hello', ['a b'])] }],
    ['translations[0].variables', 'arrayUnique', { translations: [text('en', 'Hello', ['a', 'a'])] }],
    [
      'translations[0].channelTemplateOverrides',
      'key',
      { translations: [{ ...hello, channelTemplateOverrides: { MESSENGER: {} } }] },
    ],
    [
      'translations[0].channelTemplateOverrides',
      'declared',
      {
        translations: [
          { ...hello, channelTemplateOverrides: { WHATSAPP: { parameter_mappings: { a: 'b' } } } },
        ],
      },
    ],
  ])('is refused where its %s breaks the rule %s', async (path, rule, change) => {
    const input = { defaultTranslation: 'en', translations: [hello], ...change };
    const { extensions } = await api.refusal(CREATE, { input }, authorization);
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(extensions.fields?.[0]).toMatchObject({ path, rule });
  });

  test('is refused when its translations are too large together', async () => {
    const translations = Array.from({ length: 9 }, (_, i) => ({
      languageCode: 'en',
      version: `${i}`,
      message: { text_message: { text: 'x'.repeat(30_000) } },
    }));
    const made = templates.create(projectId, { defaultTranslation: 'en', translations });
    await expect(made).rejects.toMatchObject({ fields: [{ path: 'translations', rule: 'maxSize' }] });
    await templates.create(projectId, { defaultTranslation: 'en', translations: translations.slice(1) });
  });

  test('says which placeholders are not declared', async () => {
    const input = { defaultTranslation: 'en', translations: [text('en', '${a} ${b} ${c}', ['b'])] };
    const { message } = await api.refusal(CREATE, { input }, authorization);
    expect(message).toMatch(/: \$\{a\}, \$\{c\}$/);
  });
});

describe('an update', () => {
  test('carries the current version, and the answer the next', async () => {
    const { id } = await create(text('en', 'Hello'));
    const updated = await ask<Template>(UPDATE, { id, input: { version: 1, description: 'Greets' } });
    expect(updated).toMatchObject({ version: 2, description: 'Greets', translations: [{ version: '1' }] });
    expect(await ask(GET, { id })).toEqual(updated);
    const { extensions } = await api.refusal(UPDATE, { id, input: { version: 1 } }, authorization);
    expect(extensions.code).toBe('CONFLICT');
    expect(await ask(GET, { id })).toEqual(updated);
    expect(await ask(UPDATE, { id, input: { version: 2, description: null } })).toMatchObject({
      version: 3,
      description: '',
    });
  });

  test('replaces the whole list, and keeps the times of what stays', async () => {
    const before = await create(text('en', 'Hello', [], '1'), text('de', 'Hallo', [], '1'));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    try {
      const input = {
        version: 1,
        translations: [
          text('en', 'Hello', [], '1'),
          text('EN', 'Hi'),
          text('de', 'Guten Tag', [], '1'),
          text('fr', 'Bonjour'),
        ],
      };
      const { translations } = await ask<Template>(UPDATE, { id: before.id, input });
      const [english, german] = before.translations;
      const now = new Date().toISOString();
      expect(
        translations.map(({ languageCode, version, createdAt, updatedAt }) => [
          languageCode,
          version,
          createdAt === now,
          updatedAt === now,
        ]),
      ).toEqual([
        ['en', '1', false, false],
        ['EN', '2', true, true],
        ['de', '1', false, true],
        ['fr', '2', true, true],
      ]);
      expect(translations[0]).toEqual(english);
      expect(translations[2]?.createdAt).toBe(german?.createdAt);
    } finally {
      vi.useRealTimers();
    }
    const input = { version: 2, translations: [text('en', 'Hi')] };
    const after = await ask<Template>(UPDATE, { id: before.id, input });
    expect(after.translations.map((one) => [one.languageCode, one.version])).toEqual([['en', '3']]);
  });

  test('must leave a translation in the default language', async () => {
    const { id } = await create(text('en', 'Hello'));
    for (const change of [{ defaultTranslation: 'de' }, { translations: [text('de', 'Hallo')] }]) {
      const { extensions } = await api.refusal(
        UPDATE,
        { id, input: { version: 1, ...change } },
        authorization,
      );
      expect(extensions.fields).toMatchObject([{ path: 'defaultTranslation', rule: 'exists' }]);
    }
    const input = { version: 1, defaultTranslation: 'de', translations: [text('de', 'Hallo')] };
    expect(await ask(UPDATE, { id, input })).toMatchObject({ version: 2, defaultTranslation: 'de' });
  });

  test.each(['defaultTranslation', 'translations'])('cannot empty %s', async (field) => {
    const { id } = await create(text('en', 'Hello'));
    const { extensions } = await api.refusal(
      UPDATE,
      { id, input: { version: 1, [field]: null } },
      authorization,
    );
    expect(extensions.code).toBe('BAD_USER_INPUT');
  });

  test('is made by one of those who start from the same version', async () => {
    const { id } = await create(text('en', 'Hello'));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.graphql(UPDATE, { id, input: { version: 1, description: `${i}` } }, authorization),
      ),
    );
    const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? 'made');
    expect(codes.sort()).toEqual([...Array<string>(7).fill('CONFLICT'), 'made']);
    expect(await ask(GET, { id })).toMatchObject({ version: 2 });
  });
});

test('templates are listed page by page, each once, in order of their ids', async () => {
  const ids = ['b', 'C', 'a', 'B', 'c'];
  for (const id of ids) {
    await ask(CREATE, { input: { id, defaultTranslation: 'en', translations: [text('en', 'Hello')] } });
  }
  const seen: string[] = [];
  let after: string | null = null;
  for (let more = true; more;) {
    const page: {
      edges: { node: Template }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    } = await ask(LIST, { first: 2, after });
    seen.push(...page.edges.map(({ node }) => node.id));
    more = page.pageInfo.hasNextPage;
    after = page.pageInfo.endCursor;
  }
  expect(seen).toEqual([...ids].sort());
  const { extensions } = await api.refusal(LIST, { first: 101 }, authorization);
  expect(extensions.code).toBe('BAD_USER_INPUT');
});

test('a template that is deleted is gone', async () => {
  const { id } = await create(text('en', 'Hello'));
  expect(await ask(DELETE, { id })).toBe(true);
  for (const query of [GET, DELETE]) {
    const { extensions } = await api.refusal(query, { id }, authorization);
    expect(extensions.code).toBe('NOT_FOUND');
  }
});

describe("another project's template", () => {
  test.each([
    ['template', GET, {}],
    ['updateTemplate', UPDATE, { input: { version: 1, description: 'Mine now' } }],
    ['deleteTemplate', DELETE, {}],
  ])('is not found by %s, just as one of nobody', async (_name, query, rest) => {
    const theirs = await create(text('en', 'Hello'));
    const stranger = await api.project();
    for (const id of [theirs.id, 'nobodys']) {
      const { extensions, message } = await api.refusal(query, { id, ...rest }, stranger.authorization);
      expect(extensions.code).toBe('NOT_FOUND');
      expect(message).toBe(`Template ${id} was not found`);
    }
    expect(await ask(GET, { id: theirs.id })).toEqual(theirs);
  });

  test('is not in the list, and no message can use it', async () => {
    const { id } = await create(text('en', 'Hello'));
    const stranger = await api.project();
    expect(await api.ask(LIST, {}, stranger.authorization)).toMatchObject({ edges: [] });
    expect(await reasonOf(templateMessage({ template_id: id }), stranger.projectId)).toMatchObject({
      code: 'TEMPLATE_NOT_FOUND',
    });
  });

  test('is never seen without credentials', async () => {
    const { errors } = await api.graphql(LIST, {}, null);
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED']);
  });
});

function templateMessage(reference: TemplateReference): AppMessage {
  return { template_message: { omni_template: reference } };
}

async function reasonOf(message: AppMessage, project = projectId): Promise<unknown> {
  const error: unknown = await templates
    .resolve(project, message, 'MESSENGER')
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof TemplateError))
    throw new Error('it did not fail with a TemplateError', { cause: error });
  return error.reason;
}

describe('a message', () => {
  test('says its template, filled in, and keeps what goes with it', async () => {
    const { id } = await create(text('en', 'Hello ${name}', ['name']), text('de', 'Hallo ${name}', ['name']));
    const rest: AppMessage = { agent: { type: 'BOT' }, reply_to: { message_id: '1' } };
    const reference = { template_id: id, version: 'latest', parameters: { name: 'Ann' } };
    expect(
      await templates.resolve(projectId, { ...rest, ...templateMessage(reference) }, 'MESSENGER'),
    ).toEqual({
      ...rest,
      text_message: { text: 'Hello Ann' },
    });
    const german = templateMessage({ ...reference, language_code: 'de' });
    expect(await templates.resolve(projectId, german, 'MESSENGER')).toEqual({
      text_message: { text: 'Hallo Ann' },
    });
  });

  test('goes by the newest template at once, also when another process has changed it', async () => {
    const { id } = await create(text('en', 'Hello'));
    const message = templateMessage({ template_id: id });
    expect(await templates.resolve(projectId, message, 'MESSENGER')).toEqual({
      text_message: { text: 'Hello' },
    });
    const elsewhere = new TemplatesService(api.dataSource);
    await elsewhere.update(projectId, id, {
      version: 1,
      translations: [{ languageCode: 'en', message: { text_message: { text: 'Hi' } } }],
    });
    expect(await templates.resolve(projectId, message, 'MESSENGER')).toEqual({
      text_message: { text: 'Hi' },
    });
  });

  test('prefers the template of the channel', async () => {
    const [all, messenger] = [await create(text('en', 'All')), await create(text('en', 'Messenger'))];
    const message: AppMessage = {
      template_message: {
        omni_template: { template_id: all.id, version: 'latest' },
        channel_template: { MESSENGER: { template_id: messenger.id } },
      },
    };
    expect(await templates.resolve(projectId, message, 'MESSENGER')).toEqual({
      text_message: { text: 'Messenger' },
    });
    expect(await templates.resolve(projectId, message, 'LINE')).toEqual({ text_message: { text: 'All' } });
  });

  test('may have a template for one channel only', async () => {
    const { id } = await create(text('en', 'Template'));
    const message: AppMessage = {
      text_message: { text: 'Text' },
      explicit_channel_omni_message: {
        MESSENGER: { template_reference: { template_id: id } },
        LINE: { text_message: { text: 'Line' } },
      },
    };
    expect(await templates.resolve(projectId, message, 'MESSENGER')).toEqual({
      text_message: { text: 'Text' },
      explicit_channel_omni_message: {
        MESSENGER: { text_message: { text: 'Template' } },
        LINE: { text_message: { text: 'Line' } },
      },
    });
    expect(await templates.resolve(projectId, message, 'LINE')).toBe(message);
  });

  const nowhere = { template_message: { omni_template: { template_id: 'nowhere' } } };
  test.each<AppMessage>([
    { text_message: { text: 'Hello' } },
    { ...nowhere, explicit_channel_message: { MESSENGER: '{}' } },
    { ...nowhere, channel_specific_message: { MESSENGER: { message_type: 'RECEIPT', message: {} } } },
    { ...nowhere, explicit_channel_omni_message: { MESSENGER: { text_message: { text: 'Hello' } } } },
  ])('that says no template on the channel is left as it is, without a query: %j', async (message) => {
    const query = vi.spyOn(api.dataSource.manager, 'findOneBy');
    expect(await templates.resolve(projectId, message, 'MESSENGER')).toBe(message);
    expect(query).not.toHaveBeenCalled();
    query.mockRestore();
  });

  test('fails with the reason that fits', async () => {
    const { id } = await create(text('en', 'Hello ${name}', ['name']));
    const parameters = { name: 'Ann' };
    expect(await reasonOf(templateMessage({ template_id: 'nowhere' }))).toEqual({
      code: 'TEMPLATE_NOT_FOUND',
      description: 'template nowhere was not found',
      sub_code: 'UNSPECIFIED_SUB_CODE',
    });
    expect(await reasonOf(templateMessage({ template_id: id }))).toMatchObject({
      code: 'TEMPLATE_INSUFFICIENT_PARAMETERS',
      description: `template ${id}, en version 1: parameters are missing: name`,
    });
    for (const wrong of [{ language_code: 'fr' }, { version: '7' }]) {
      expect(await reasonOf(templateMessage({ template_id: id, parameters, ...wrong }))).toMatchObject({
        code: 'TEMPLATE_NON_EXISTING_LANGUAGE_OR_VERSION',
      });
    }
    expect(
      await reasonOf({ template_message: { channel_template: { LINE: { template_id: id, parameters } } } }),
    ).toMatchObject({
      code: 'TEMPLATE_NOT_FOUND',
      description: expect.stringContaining('MESSENGER') as string,
    });
  });

  test('may go by a template that is another template, one step far', async () => {
    const inner = await create(text('en', 'Dear ${name}', ['name']));
    const alias = (target: string): Record<string, unknown> => ({
      languageCode: 'en',
      message: {
        template_message: {
          omni_template: { template_id: target, version: 'latest', parameters: { name: '${name} ${name}' } },
        },
      },
      variables: [{ key: 'name' }],
    });
    const outer = await create(alias(inner.id));
    const message = (id: string): AppMessage =>
      templateMessage({ template_id: id, parameters: { name: '${other}' } });
    expect(await templates.resolve(projectId, message(outer.id), 'MESSENGER')).toEqual({
      text_message: { text: 'Dear ${other} ${other}' },
    });
    const third = await create(alias(outer.id));
    expect(await reasonOf(message(third.id))).toMatchObject({ code: 'BAD_REQUEST' });
    const input = { version: 1, translations: [alias(outer.id)] };
    await ask(UPDATE, { id: outer.id, input });
    expect(await reasonOf(message(outer.id))).toMatchObject({ code: 'BAD_REQUEST' });
  });
});
