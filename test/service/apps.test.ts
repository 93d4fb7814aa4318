import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { AppsModule } from '../../src/apps/apps.module.js';
import { AppsService } from '../../src/apps/apps.service.js';
import { startApi, type TestApi } from '../support/api.js';

interface App {
  id: string;
  displayName: string;
}

const CREATE = `mutation ($input: CreateAppInput!) { createApp(input: $input) { id displayName } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateAppInput!) { updateApp(id: $id, input: $input) {
  id displayName conversationMetadataReportView } }`;
const DELETE = `mutation ($id: ID!) { deleteApp(id: $id) }`;
const GET = `query ($id: ID!) { app(id: $id) { id displayName } }`;

let api: TestApi;

beforeAll(async () => {
  api = await startApi([AppsModule]);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => api.stop());

function create(displayName: string, authorization?: string): Promise<App> {
  return api.ask<App>(CREATE, { input: { displayName } }, authorization);
}

test('a new app is in conversation mode, has a ULID and can be read back', async () => {
  const app = await api.ask<Record<string, unknown>>(
    `mutation { createApp(input: {displayName: "  Shop  "}) {
      id displayName processingMode conversationMetadataReportView channels { id } createdAt } }`,
  );
  expect(app).toMatchObject({
    displayName: 'Shop',
    processingMode: 'CONVERSATION',
    conversationMetadataReportView: 'NONE',
    channels: [],
  });
  expect(app.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(new Date(String(app.createdAt)).toISOString()).toBe(app.createdAt);
  expect(await api.ask(GET, { id: app.id })).toEqual({ id: app.id, displayName: 'Shop' });
});

test('the route that finds an app by its id alone is made with it and goes with it', async () => {
  const { id } = await create('Routed');
  const find = (): Promise<unknown> =>
    api.dataSource.query('SELECT project_id FROM app_routes WHERE app_id = $1', [id]);
  expect(await find()).toEqual([{ project_id: api.projectId }]);
  expect(await api.ask(DELETE, { id })).toBe(true);
  expect(await find()).toEqual([]);
});

test.each([
  ['empty', '', 'isLength'],
  ['blank', '   ', 'isLength'],
  ['too long', 'x'.repeat(256), 'isLength'],
  ['with a NUL', 'a\0b', 'text'],
  ['with half a surrogate pair', 'a\ud83d', 'text'],
])('a display name that is %s is refused by name', async (_case, displayName, rule) => {
  const { extensions } = await api.refusal(CREATE, { input: { displayName } });
  expect(extensions.code).toBe('BAD_USER_INPUT');
  expect(extensions.fields).toMatchObject([{ path: 'displayName', rule }]);
});

test('an update changes what is given and keeps the rest', async () => {
  const { id } = await create('Before');
  const input = { conversationMetadataReportView: 'FULL' };
  expect(await api.ask(UPDATE, { id, input })).toMatchObject({ displayName: 'Before', ...input });
  expect(await api.ask(UPDATE, { id, input: { displayName: 'After' } })).toMatchObject({
    displayName: 'After',
    ...input,
  });
});

test('apps are listed in order of creation, page by page, each once', async () => {
  const { authorization } = await api.project();
  const created: App[] = [];
  for (let i = 0; i < 5; i++) created.push(await create(`App ${i}`, authorization));
  const seen: string[] = [];
  let after: string | null = null;
  for (let pages = 1; pages <= 3; pages++) {
    const page: {
      edges: { cursor: string; node: App }[];
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string };
    } = await api.ask(
      `query ($after: String) { apps(first: 2, after: $after) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      { after },
      authorization,
    );
    seen.push(...page.edges.map((edge) => edge.node.id));
    expect(page.pageInfo).toMatchObject({ hasNextPage: pages < 3, hasPreviousPage: pages > 1 });
    expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor);
    after = page.pageInfo.endCursor;
  }
  expect(seen).toEqual(created.map((app) => app.id));
});

test('an empty list has no cursors', async () => {
  const { authorization } = await api.project();
  const query = `{ apps { edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  expect(await api.ask(query, {}, authorization)).toEqual({
    edges: [],
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
});

test.each([
  ['first: 0', 'first'],
  ['first: 101', 'first'],
  ['after: "nonsense"', 'after'],
])('a page asked for by %s is refused', async (args, path) => {
  const { extensions } = await api.refusal(`{ apps(${args}) { pageInfo { hasNextPage } } }`);
  expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
});

test("another project's app is as unknown as one that never was", async () => {
  const { authorization } = await api.project();
  const { id } = await create('Ours');
  for (const unknown of [id, '01JD0000000000000000000000', 'x', '']) {
    for (const [query, variables] of [
      [GET, { id: unknown }],
      [UPDATE, { id: unknown, input: { displayName: 'Theirs' } }],
      [DELETE, { id: unknown }],
    ] as const) {
      const { extensions, message } = await api.refusal(query, variables, authorization);
      expect(extensions.code).toBe('NOT_FOUND');
      expect(message).toBe(`App ${unknown} was not found`);
    }
  }
  expect(await api.ask(GET, { id })).toEqual({ id, displayName: 'Ours' });
});

test('deleting an app takes everything below with it and leaves contacts and other apps', async () => {
  const { id } = await create('Doomed');
  const { id: other } = await create('Spared');
  const { projectId, dataSource } = api;
  const run = (sql: string, ...parameters: unknown[]): Promise<unknown[]> =>
    dataSource.query(sql, parameters);
  await run(`INSERT INTO contacts (project_id, id) VALUES ($1, 'C1')`, projectId);
  for (const [app, name] of [
    [id, 'doomed'],
    [other, 'spared'],
  ]) {
    await run(
      `INSERT INTO conversations (project_id, id, app_id, contact_id) VALUES ($1, $2, $3, 'C1')`,
      ...[projectId, name, app],
    );
    await run(
      `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, sent_by, accept_time)
       VALUES ($1, $2, $3, $2, 'C1', 'TO_APP', 'MESSENGER', '1', '{}', 'CONTACT', now())`,
      ...[projectId, name, app],
    );
    await run(
      `INSERT INTO webhooks (project_id, id, app_id, target, secret) VALUES ($1, $2, $3, 'http://x', '')`,
      ...[projectId, name, app],
    );
    await run(
      `INSERT INTO events (project_id, app_id, id, kind, payload) VALUES ($1, $3, $2, 'message.added', '{}')`,
      ...[projectId, name, app],
    );
  }
  await api.ask(DELETE, { id });
  for (const table of ['conversations', 'messages', 'webhooks', 'events']) {
    expect(await run(`SELECT id FROM ${table} WHERE project_id = $1`, projectId), table).toEqual([
      { id: 'spared' },
    ]);
  }
  expect(await run(`SELECT id FROM contacts WHERE project_id = $1`, projectId)).toEqual([{ id: 'C1' }]);
});

test('appsById keeps the order asked for and knows only its own project', async () => {
  const apps = api.app.get(AppsService, { strict: false });
  const [a, b] = [await create('A'), await create('B')];
  const { projectId } = await api.project();
  const found = await apps.appsById(api.projectId, [b.id, 'unknown', a.id, b.id]);
  expect(found.map((app) => app?.displayName)).toEqual(['B', undefined, 'A', 'B']);
  expect(await apps.appsById(projectId, [a.id])).toEqual([null]);
});

describe('the settings of an app', () => {
  const SETTINGS = `id processingMode retentionPolicy { retentionType ttlDays } dispatchRetentionPolicy { retentionType ttlDays }
    smartConversation { enabled } messageRetrySettings { retryDuration } conversationMetadataReportView callbackUrlsSigned
    deliveryReportBasedFallback { enabled deliveryReportWaitingTime } rateLimits { inbound outbound webhooks }
    queueStats { outboundSize outboundLimit }`;
  const MAKE = `mutation ($input: CreateAppInput!) { createApp(input: $input) { ${SETTINGS} } }`;
  const CHANGE = `mutation ($id: ID!, $input: UpdateAppInput!) { updateApp(id: $id, input: $input) { ${SETTINGS} } }`;

  const DEFAULTS = {
    processingMode: 'CONVERSATION',
    conversationMetadataReportView: 'NONE',
    callbackUrlsSigned: false,
    retentionPolicy: { retentionType: 'MESSAGE_EXPIRE_POLICY', ttlDays: 180 },
    dispatchRetentionPolicy: { retentionType: 'MESSAGE_EXPIRE_POLICY', ttlDays: 0 },
    smartConversation: { enabled: false },
    messageRetrySettings: null,
    deliveryReportBasedFallback: null,
  };
  const OTHERS = {
    processingMode: 'DISPATCH',
    conversationMetadataReportView: 'FULL',
    retentionPolicy: { retentionType: 'CONVERSATION_EXPIRE_POLICY', ttlDays: 3650 },
    dispatchRetentionPolicy: { retentionType: 'MESSAGE_EXPIRE_POLICY', ttlDays: 7 },
    smartConversation: { enabled: true },
    messageRetrySettings: { retryDuration: 30 },
    deliveryReportBasedFallback: { enabled: true, deliveryReportWaitingTime: 259_200 },
  };
  const signed = { callbackSettings: { secretForOverriddenCallbackUrls: 's3cret' } };

  const make = (input: object = {}): Promise<App> =>
    api.ask<App>(MAKE, { input: { displayName: 'Set', ...input } });
  const change = (id: string, input: object): Promise<App> => api.ask<App>(CHANGE, { id, input });

  test('have the defaults of the Conversation API', async () => {
    expect(await make()).toMatchObject({
      ...DEFAULTS,
      rateLimits: { inbound: 25, outbound: 25, webhooks: 25 },
      queueStats: { outboundSize: 0, outboundLimit: 500_000 },
    });
  });

  test('can be given to a new app and to one that is there', async () => {
    expect(await make({ ...OTHERS, ...signed })).toMatchObject({ ...OTHERS, callbackUrlsSigned: true });
    const { id } = await make();
    expect(await change(id, { ...OTHERS, ...signed })).toMatchObject({ ...OTHERS, callbackUrlsSigned: true });
  });

  test('stay where an update does not name them, each', async () => {
    const { id } = await make({ ...OTHERS, ...signed });
    expect(await change(id, { displayName: 'Renamed' })).toMatchObject({
      ...OTHERS,
      callbackUrlsSigned: true,
    });
    for (const name of Object.keys(OTHERS) as (keyof typeof OTHERS)[]) {
      const app = await make(signed);
      expect(await change(app.id, { [name]: OTHERS[name] })).toMatchObject({
        ...DEFAULTS,
        [name]: OTHERS[name],
        callbackUrlsSigned: true,
      });
    }
  });

  test('are reset by null, each', async () => {
    for (const name of Object.keys(OTHERS) as (keyof typeof OTHERS)[]) {
      const { id } = await make({ ...OTHERS, ...signed });
      expect(await change(id, { [name]: null })).toMatchObject({
        ...OTHERS,
        [name]: DEFAULTS[name],
        callbackUrlsSigned: true,
      });
    }
    const { id } = await make({ ...OTHERS, ...signed });
    expect(await change(id, { callbackSettings: {} })).toMatchObject({ callbackUrlsSigned: true });
    expect(await change(id, { callbackSettings: null })).toMatchObject({
      ...OTHERS,
      callbackUrlsSigned: false,
    });
  });

  test('can be written back as they were answered', async () => {
    const answers = [
      { retentionPolicy: { retentionType: 'PERSIST_RETENTION_POLICY', ttlDays: 0 } },
      { deliveryReportBasedFallback: { enabled: false, deliveryReportWaitingTime: 0 } },
      { messageRetrySettings: { retryDuration: 3600 } },
    ];
    for (const answer of answers) await make(answer);
    expect(await make({ messageRetrySettings: {} })).toMatchObject({
      messageRetrySettings: { retryDuration: 3600 },
    });
  });

  test.each([
    ['retentionPolicy.ttlDays', 'min', { retentionPolicy: { ttlDays: 0 } }],
    ['retentionPolicy.ttlDays', 'max', { retentionPolicy: { ttlDays: 3651 } }],
    ['dispatchRetentionPolicy.ttlDays', 'min', { dispatchRetentionPolicy: { ttlDays: -1 } }],
    ['dispatchRetentionPolicy.ttlDays', 'max', { dispatchRetentionPolicy: { ttlDays: 8 } }],
    [
      'dispatchRetentionPolicy.retentionType',
      'isIn',
      { dispatchRetentionPolicy: { retentionType: 'PERSIST_RETENTION_POLICY' } },
    ],
    ['messageRetrySettings.retryDuration', 'min', { messageRetrySettings: { retryDuration: 29 } }],
    ['messageRetrySettings.retryDuration', 'max', { messageRetrySettings: { retryDuration: 3601 } }],
    [
      'deliveryReportBasedFallback.deliveryReportWaitingTime',
      'min',
      { deliveryReportBasedFallback: { enabled: true, deliveryReportWaitingTime: 9 } },
    ],
    [
      'deliveryReportBasedFallback.deliveryReportWaitingTime',
      'max',
      { deliveryReportBasedFallback: { enabled: false, deliveryReportWaitingTime: 259_201 } },
    ],
    [
      'deliveryReportBasedFallback.deliveryReportWaitingTime',
      'isInt',
      { deliveryReportBasedFallback: { enabled: true } },
    ],
    ['displayName', 'isString', { displayName: null }],
  ])('%s out of its range is refused (%s)', async (path, rule, input) => {
    const { id } = await make();
    const { extensions } = await api.refusal(CHANGE, { id, input });
    expect(extensions.code).toBe('BAD_USER_INPUT');
    expect(extensions.fields).toContainEqual(expect.objectContaining({ path, rule }));
  });

  test('show how many messages wait to leave, of this app only, and ask the database once in five seconds', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    const { projectId, authorization } = await api.project();
    const waiting = await create('Waiting', authorization);
    await create('Idle', authorization);
    const run = (sql: string, ...values: unknown[]): Promise<unknown> =>
      api.dataSource.query(sql, [projectId, ...values]);
    const send = (...ids: string[]): Promise<unknown> =>
      run(
        `INSERT INTO sends (project_id, conversation_id, message_id, expires_at) SELECT $1, 'Q', id, now() FROM unnest($2::text[]) AS id`,
        ids,
      );
    const sizes = async (): Promise<number[]> => {
      const { edges } = await api.ask<{ edges: { node: { queueStats: { outboundSize: number } } }[] }>(
        `{ apps(first: 100) { edges { node { queueStats { outboundSize } } } } }`,
        {},
        authorization,
      );
      return edges.map(({ node }) => node.queueStats.outboundSize);
    };
    await run(`INSERT INTO contacts (project_id, id) VALUES ($1, 'Q1')`);
    await run(
      `INSERT INTO conversations (project_id, id, app_id, contact_id) VALUES ($1, 'Q', $2, 'Q1')`,
      waiting.id,
    );
    for (const id of ['Q1', 'Q2', 'Q3'])
      await run(
        `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, sent_by, accept_time)
         VALUES ($1, $2, $3, 'Q', 'Q1', 'TO_CONTACT', 'MESSENGER', '1', '{}', 'API', now())`,
        ...[id, waiting.id],
      );
    await send('Q1', 'Q2');
    expect(await sizes()).toEqual([2, 0]);
    await send('Q3');
    expect(await sizes()).toEqual([2, 0]);
    clock.mockReturnValue(performance.now() + 5_001);
    expect(await sizes()).toEqual([3, 0]);
  });
});
