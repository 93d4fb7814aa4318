// Who may do what: every operation of the schema by every kind of caller, and every field that leads from one thing to another.
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isObjectType,
} from 'graphql';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import { encodePosition } from '../../src/events/cursor.js';
import { EventLog } from '../../src/events/event-log.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { envelope, newPsid, postWebhook, textItem } from '../support/messenger.js';
import {
  type Answer,
  answerTo,
  type Ids,
  NOBODYS,
  OPERATIONS,
  REFUSALS,
  rootFields,
} from '../support/operations.js';
import { Records } from '../support/records.js';
import { inboxToken, makeWorld, type World } from '../support/world.js';

type Role = 'VIEWER' | 'AGENT';

/** Who may call what: by an inbox token of this role and above, or by an access key only. */
const OPEN_TO: Record<string, Role | 'KEY'> = {
  'Query.app': 'VIEWER',
  'Query.apps': 'VIEWER',
  'Query.contact': 'VIEWER',
  'Query.contacts': 'VIEWER',
  'Query.conversation': 'VIEWER',
  'Query.inbox': 'VIEWER',
  'Query.message': 'VIEWER',
  'Query.events': 'VIEWER',
  'Query.exportContact': 'KEY',
  'Query.searchMessages': 'VIEWER',
  'Query.template': 'AGENT',
  'Query.templates': 'AGENT',
  'Query.transcodeMessage': 'AGENT',
  'Query.identityConflicts': 'KEY',
  'Query.callbackOrigins': 'KEY',
  'Query.webhooks': 'KEY',
  'Query.webhookDeliveries': 'KEY',
  'Mutation.sendMessage': 'AGENT',
  'Mutation.sendMessages': 'AGENT',
  'Mutation.sendEvent': 'AGENT',
  'Mutation.markConversationRead': 'AGENT',
  'Mutation.updateConversation': 'AGENT',
  'Mutation.stopConversation': 'AGENT',
  'Query.cannedReplies': 'VIEWER',
  'Mutation.createCannedReply': 'AGENT',
  'Mutation.updateCannedReply': 'AGENT',
  'Mutation.deleteCannedReply': 'AGENT',
  'Mutation.addNote': 'AGENT',
  'Mutation.updateNote': 'AGENT',
  'Mutation.deleteNote': 'AGENT',
  'Mutation.createApp': 'KEY',
  'Mutation.updateApp': 'KEY',
  'Mutation.deleteApp': 'KEY',
  'Mutation.connectChannel': 'KEY',
  'Mutation.disconnectChannel': 'KEY',
  'Mutation.importHistory': 'KEY',
  'Mutation.createContact': 'KEY',
  'Mutation.updateContact': 'KEY',
  'Mutation.mergeContacts': 'KEY',
  'Mutation.deleteContact': 'KEY',
  'Mutation.deleteConversation': 'KEY',
  'Mutation.createTemplate': 'KEY',
  'Mutation.updateTemplate': 'KEY',
  'Mutation.deleteTemplate': 'KEY',
  'Mutation.createWebhook': 'KEY',
  'Mutation.updateWebhook': 'KEY',
  'Mutation.deleteWebhook': 'KEY',
  'Mutation.replayWebhook': 'KEY',
  'Mutation.retryWebhookDelivery': 'KEY',
  'Mutation.testWebhook': 'KEY',
  'Mutation.createInboxToken': 'KEY',
  'Subscription.inbox': 'VIEWER',
  'Subscription.conversation': 'VIEWER',
};

/** Of the project, and not of one of its apps. */
const PROJECT_WIDE = ['Query.template', 'Query.templates'];

/** How to ask what takes no id. */
const WITHOUT_IDS: Record<string, () => string> = {
  'Query.apps': () => `{ apps { edges { node { id } } } }`,
  'Query.contacts': () => `{ contacts(first: 100) { edges { node { id } } } }`,
  'Query.templates': () => `{ templates(first: 100) { edges { node { id } } } }`,
  'Query.identityConflicts': () => `{ identityConflicts { edges { node { identity } } } }`,
  'Mutation.createApp': () => `mutation { createApp(input: { displayName: "New" }) { id } }`,
  'Mutation.createTemplate': () =>
    `mutation { createTemplate(input: { defaultTranslation: "en", translations: [{ languageCode: "en", message: { text_message: { text: "Hi" } } }] }) { id } }`,
};

/** Where a caller who may is answered with something else: the webhook sends nothing, and the second contact is not there. */
const ANSWERED: Record<string, string> = {
  'Mutation.replayWebhook': 'FAILED_PRECONDITION',
  'Mutation.retryWebhookDelivery': 'FAILED_PRECONDITION',
  'Mutation.mergeContacts': 'NOT_FOUND',
};

function ask(name: string, ids: Ids): string {
  const query = (OPERATIONS[name] ?? WITHOUT_IDS[name])?.(ids);
  if (query === undefined) throw new Error(`it is not said how to ask ${name}`);
  return query;
}

let app: TestApp;
let records: Records;
let schema: GraphQLSchema;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
  const { __schema } = await app.graphql<{ __schema: object }>(getIntrospectionQuery());
  schema = buildClientSchema({ __schema } as never);
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

async function tail(): Promise<string> {
  return encodePosition(await app.parley.app.get(EventLog, { strict: false }).tail());
}

/** The ids of a world that show in an answer. */
function shown(answer: Answer, ids: Ids): string[] {
  const text = JSON.stringify(answer);
  return Object.entries<string>({ ...ids }).flatMap(([name, id]) => (text.includes(id) ? [name] : []));
}

describe('every operation', () => {
  let ours: World;
  let authorizations: Record<Refusal['by'], string>;

  beforeAll(async () => {
    ours = await makeWorld(app, records);
    const elsewhere = await makeWorld(app, records);
    const projects = app.parley.app.get(ProjectsService, { strict: false });
    const { keyId, secret } = await projects.createKey((await projects.createProject('Another')).projectId);
    authorizations = {
      nobody: '',
      stranger: `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`,
      viewer: await inboxToken(app, 'VIEWER', ours.ids.app),
      agent: await inboxToken(app, 'AGENT', ours.ids.app),
      outsider: await inboxToken(app, 'AGENT', elsewhere.ids.app),
    };
  });

  test('has a row that says who may call it', () => {
    expect(Object.keys(OPEN_TO).sort()).toEqual(rootFields(schema).sort());
  });

  test.each(refusals())('$name refuses $by: $codes', async ({ name, by, codes }) => {
    const before = await records.fingerprint();
    const answer = await answerTo(app, name, ask(name, ours.ids), authorizations[by]);
    if (by === 'nobody' && name.startsWith('Subscription')) {
      expect(answer.data).toEqual({ closed: 4403 });
    } else {
      expect(answer.codes, JSON.stringify(answer)).toEqual(codes);
    }
    expect(shown({ data: answer.data ?? null }, ours.ids)).toEqual([]);
    expect(await records.fingerprint()).toBe(before);
  });
});

interface Refusal {
  name: string;
  by: 'nobody' | 'stranger' | 'viewer' | 'agent' | 'outsider';
  /** None where the answer is merely empty. */
  codes: string[];
}

function refusals(): Refusal[] {
  return Object.entries(OPEN_TO).flatMap(([name, openTo]) => {
    const takesIds = name in OPERATIONS;
    const refused: Refusal[] = [{ name, by: 'nobody', codes: ['UNAUTHENTICATED'] }];
    if (takesIds) refused.push({ name, by: 'stranger', codes: [REFUSALS[name] ?? 'NOT_FOUND'] });
    else if (name.startsWith('Query')) refused.push({ name, by: 'stranger', codes: [] });
    if (openTo !== 'VIEWER') refused.push({ name, by: 'viewer', codes: ['FORBIDDEN'] });
    if (openTo === 'KEY') {
      refused.push(
        { name, by: 'agent', codes: ['FORBIDDEN'] },
        { name, by: 'outsider', codes: ['FORBIDDEN'] },
      );
    } else if (!PROJECT_WIDE.includes(name)) {
      refused.push({ name, by: 'outsider', codes: takesIds ? ['NOT_FOUND'] : [] });
    }
    return refused;
  });
}

describe('every operation is carried out', () => {
  const callers = Object.entries(OPEN_TO).flatMap(([name, openTo]) => [
    ...(openTo === 'VIEWER' ? [{ name, by: 'VIEWER' as const }] : []),
    ...(openTo === 'KEY' ? [] : [{ name, by: 'AGENT' as const }]),
    { name, by: 'KEY' as const },
  ]);

  let start: string;
  /** What reads do not change. */
  let shared: World;

  beforeAll(async () => {
    start = await tail();
    shared = await makeWorld(app, records);
  });

  test.each(callers)('$name by $by', async ({ name, by }) => {
    const { ids } = name.startsWith('Mutation') ? await makeWorld(app, records) : shared;
    const authorization = by === 'KEY' ? app.authorization : await inboxToken(app, by, ids.app);
    // What has happened comes first, so that a subscription has something to tell.
    const query = name.startsWith('Subscription')
      ? ask(name, ids).replace(/(subscription \{ \w+\([^)]*)\)/, `$1, after: "${start}")`)
      : ask(name, ids);
    const answer = await answerTo(app, name, query, authorization);
    const expected = ANSWERED[name];
    expect(answer.codes, JSON.stringify(answer)).toEqual(expected ? [expected] : []);
    if (!expected) expect(Object.values(answer.data ?? {})[0]).toEqual(expect.anything());
  });
});

describe('by an inbox token', () => {
  /** Two apps of one project and a person who wrote to both; somebody else wrote to the second one only. */
  let ours: World;
  let theirs: World;
  let viewer: string;
  let agent: string;
  let start: string;

  beforeAll(async () => {
    start = await tail();
    ours = await makeWorld(app, records);
    theirs = await makeWorld(app, records);
    await app.graphql(
      `mutation ($from: ID!, $to: ID!) { mergeContacts(sourceId: $from, destinationId: $to) { id } }`,
      { from: theirs.ids.contact, to: ours.ids.contact },
    );
    await postWebhook(
      app,
      theirs.page,
      envelope(theirs.page.pageId, textItem(theirs.page.pageId, newPsid(), 'Not for you')),
    );
    const other = (await records.messages(theirs.ids.app)).at(-1);
    theirs.ids.contact = other?.contactId ?? '';
    expect(new Set(Object.values({ ...ours.ids, other: theirs.ids.contact })).size).toBe(10);
    await app.graphql(
      `mutation ($appId: ID!, $contactId: ID!) { sendEvent(input: { appId: $appId, recipient: { contactId: $contactId }, event: { composingEvent: {} } }) { eventId } }`,
      { appId: ours.ids.app, contactId: ours.ids.contact },
    );
    viewer = await inboxToken(app, 'VIEWER', ours.ids.app);
    agent = await inboxToken(app, 'AGENT', ours.ids.app);
  });

  const CONVERSATION = (selection: string) => (ids: Ids) =>
    `{ conversation(id: "${ids.conversation}") { ${selection} } }`;
  const MESSAGE = (selection: string) => (ids: Ids) => `{ message(id: "${ids.message}") { ${selection} } }`;

  /** Fields that lead to something with an id or of an app: how to follow them. */
  const EDGES: Record<string, (ids: Ids) => string> = {
    'App.channels': ({ app }) => `{ app(id: "${app}") { channels { id callbackUrl } } }`,
    'App.webhooks': ({ app }) => `{ app(id: "${app}") { webhooks { id } } }`,
    'Contact.channelIdentities': ({ contact }) =>
      `{ contact(id: "${contact}") { channelIdentities { identity appId } } }`,
    'Conversation.app': CONVERSATION('app { id }'),
    'Conversation.contact': CONVERSATION('contact { id channelIdentities { identity appId } }'),
    'Conversation.lastMessage': CONVERSATION('lastMessage { id }'),
    'Conversation.messages': CONVERSATION('messages { edges { node { id } } }'),
    'Conversation.notes': CONVERSATION('notes { edges { node { id } } }'),
    'Conversation.history': CONVERSATION('history { edges { node { conversation { id } } } }'),
    'Conversation.events': CONVERSATION(
      'events { edges { node { id channelIdentity { identity appId } } } }',
    ),
    'ConversationEvent.channelIdentity': CONVERSATION(
      'events { edges { node { channelIdentity { identity appId } } } }',
    ),
    'Message.conversation': MESSAGE('conversation { id }'),
    'Message.contact': MESSAGE('contact { id channelIdentities { identity appId } }'),
    'Message.channelIdentity': MESSAGE('channelIdentity { identity appId }'),
    'Message.media': MESSAGE('id media { id }'),
  };

  /** For those only who run the app. */
  const REFUSED = ['App.webhooks'];

  /** Reached by operations that inbox tokens cannot call, or by mutations and events that have tests of their own. */
  const ELSEWHERE = /^(SendMessagePayload|\w+(Added|Updated|Deleted|Changed))\./;

  test('every field that leads from one thing to another is followed', () => {
    const followed = edgesOf(schema).filter((field) => !ELSEWHERE.test(field));
    expect(Object.keys(EDGES).sort()).toEqual(followed.sort());
  });

  test.each(Object.entries(EDGES))('%s shows what is of its apps only', async (field, query) => {
    const answer = await app.ask<Record<string, unknown>>(query(ours.ids), {}, viewer);
    const codes = (answer.errors ?? []).map(({ extensions }) => extensions.code);
    if (REFUSED.includes(field)) {
      expect(codes).toEqual(['FORBIDDEN']);
      expect(shown({ data: answer.data ?? null }, { ...ours.ids })).toEqual([]);
      return;
    }
    expect(codes, JSON.stringify(answer)).toEqual([]);
    expect(shown(answer, ours.ids), JSON.stringify(answer)).not.toEqual([]);
    expect(shown(answer, theirs.ids)).toEqual([]);
    expect(JSON.stringify(answer)).not.toContain(theirs.psid);
  });

  test('a key sees both sides of the same person', async () => {
    const query = EDGES['Contact.channelIdentities'] as (ids: Ids) => string;
    const answer = await app.ask<Record<string, unknown>>(query(ours.ids));
    expect(JSON.stringify(answer)).toContain(ours.psid);
    expect(JSON.stringify(answer)).toContain(theirs.psid);
  });

  test('contacts are listed and filtered within its apps', async () => {
    const contacts = async (filter: string): Promise<unknown[]> => {
      const { data } = await app.ask<{ contacts: { edges: { node: { id: string } }[] } }>(
        `{ contacts(first: 100, filter: { ${filter} }) { edges { node { id } } } }`,
        {},
        viewer,
      );
      return data?.contacts.edges.map(({ node }) => node.id) ?? [];
    };
    expect(await contacts('')).toEqual([ours.ids.contact]);
    expect(await contacts(`channel: MESSENGER, identity: "${ours.psid}"`)).toEqual([ours.ids.contact]);
    const [other] = await records.query<{ identity: string }>(
      'SELECT identity FROM channel_identities WHERE contact_id = $1',
      [theirs.ids.contact],
    );
    expect(await contacts(`channel: MESSENGER, identity: "${other?.identity}"`)).toEqual([]);
  });

  test('pages of apps and contacts go on within its apps', async () => {
    const both = await inboxToken(app, 'VIEWER', ours.ids.app, theirs.ids.app);
    const read = async (list: 'apps' | 'contacts', after: string | null): Promise<string[]> => {
      const { data } = await app.ask<Record<string, Page>>(
        `query ($after: String) { ${list}(first: 1, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
        { after },
        both,
      );
      const { edges, pageInfo } = data?.[list] as Page;
      const ids = edges.map(({ node }) => node.id);
      return pageInfo.hasNextPage ? [...ids, ...(await read(list, pageInfo.endCursor))] : ids;
    };
    expect(await read('apps', null)).toEqual([ours.ids.app, theirs.ids.app]);
    expect(await read('contacts', null)).toEqual([ours.ids.contact, theirs.ids.contact]);
  });

  test('nobody is written to whom it does not show', async () => {
    const to = `appId: "${ours.ids.app}", recipient: { contactId: "${theirs.ids.contact}" }`;
    const ofTheirs = `appId: "${theirs.ids.app}", recipient: { contactId: "${ours.ids.contact}" }`;
    const good = `appId: "${ours.ids.app}", recipient: { contactId: "${ours.ids.contact}" }`;
    const message = `message: { textMessage: { text: "Hi" } }`;
    const before = await records.query('SELECT count(*) FROM conversations');
    for (const recipient of [to, ofTheirs]) {
      for (const mutation of [
        `sendMessage(input: { ${recipient}, ${message} }) { messageId }`,
        `sendEvent(input: { ${recipient}, event: { composingEvent: {} } }) { eventId }`,
      ]) {
        const { errors } = await app.ask(`mutation { ${mutation} }`, {}, agent);
        expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
      }
    }
    const { data } = await app.ask<{ sendMessages: { error: { code: string } | null }[] }>(
      `mutation { sendMessages(input: [{ ${to}, ${message} }, { ${good}, ${message} }, { ${ofTheirs}, ${message} }]) { messageId error { code } } }`,
      {},
      agent,
    );
    expect(data?.sendMessages.map(({ error }) => error?.code ?? null)).toEqual([
      'NOT_FOUND',
      null,
      'NOT_FOUND',
    ]);
    expect(await records.query('SELECT count(*) FROM conversations')).toEqual(before);
  });

  test('a conversation of another app is neither read nor changed', async () => {
    const conversation = `id: "${theirs.ids.conversation}"`;
    const before = await records.query('SELECT * FROM conversations WHERE id = $1', [
      theirs.ids.conversation,
    ]);
    for (const query of [
      `{ conversation(${conversation}) { id } }`,
      `mutation { updateConversation(${conversation}, input: { status: CLOSED }) { id } }`,
      `mutation { markConversationRead(${conversation}) { id } }`,
      `mutation { stopConversation(${conversation}) { id } }`,
    ]) {
      const { errors } = await app.ask(query, {}, agent);
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
    }
    expect(
      await records.query('SELECT * FROM conversations WHERE id = $1', [theirs.ids.conversation]),
    ).toEqual(before);
  });

  test('events are of its apps, and none is for those who run the app', async () => {
    const subscription = `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) { __typename
      ... on MessageAdded { message { id channelIdentity { identity } } }
      ... on ContactUpdated { contact { id displayName channelIdentities { identity appId } } } } }`;
    const log = app.parley.app.get(EventLog, { strict: false });
    const dataSource = app.parley.app.get(DataSource, { strict: false });
    const disabled = {
      webhookId: ours.ids.webhook,
      target: 'http://127.0.0.1:8099/gone',
      reason: 'answered 410',
    };
    await dataSource.transaction((tx) =>
      log.record(tx, [
        { projectId: app.projectId, appId: ours.ids.app, kind: 'webhook.disabled', payload: disabled },
      ]),
    );
    await app.graphql(
      `mutation ($id: ID!) { updateContact(id: $id, input: { displayName: "The last" }) { id } }`,
      {
        id: ours.ids.contact,
      },
    );
    const told = async (authorization: string): Promise<{ kinds: Set<string>; text: string }> => {
      const socket = app.socket(authorization);
      const events = socket.iterate<{ inbox: { __typename: string; contact?: { displayName: string } } }>({
        query: subscription,
        variables: { appId: ours.ids.app, after: start },
      });
      const kinds = new Set<string>();
      let text = '';
      for await (const { data, errors } of events) {
        kinds.add(data?.inbox.__typename ?? '');
        text += JSON.stringify({ data, errors });
        if (errors || data?.inbox.contact?.displayName === 'The last') break;
      }
      await socket.dispose();
      return { kinds, text };
    };
    const common = [
      'MessageAdded',
      'ConversationUpdated',
      'ContactUpdated',
      'ChannelUpdated',
      'TypingChanged',
    ];
    const [byToken, byKey] = [await told(viewer), await told(app.authorization)];
    expect([...byKey.kinds]).toEqual(expect.arrayContaining([...common, 'WebhookDisabled']));
    expect([...byToken.kinds]).toEqual(expect.arrayContaining(common));
    expect(byToken.kinds).not.toContain('WebhookDisabled');
    const pulled = `{ events(appId: "${ours.ids.app}", after: "${start}") { edges { node { __typename } } } }`;
    expect(JSON.stringify(await app.ask(pulled))).toContain('WebhookDisabled');
    expect(JSON.stringify(await app.ask(pulled, {}, viewer))).toContain('MessageAdded');
    expect(JSON.stringify(await app.ask(pulled, {}, viewer))).not.toContain('WebhookDisabled');
    expect(byToken.text).toContain(ours.psid);
    expect(byKey.text).toContain(theirs.psid);
    expect(byToken.text).not.toContain(theirs.psid);
    expect(shown({ data: { text: byToken.text } }, { ...theirs.ids, template: NOBODYS })).toEqual([]);
  });
});

interface Page {
  edges: { node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
}

/** Fields of objects that lead to objects with an id of their own, or which say of what app they are. */
function edgesOf(schema: GraphQLSchema): string[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const leadsOn = (type: GraphQLNamedType): boolean => {
    if (!isObjectType(type)) return false;
    if (/(Added|Updated|Deleted|Changed)$/.test(type.name)) return true;
    const { id, appId, edges } = type.getFields();
    if (edges) return leadsOn(getNamedType(edges.type));
    const { node } = type.getFields();
    return node
      ? leadsOn(getNamedType(node.type))
      : [id, appId].some((field) => field && getNamedType(field.type).name === 'ID');
  };
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => !roots.includes(type) && !/(Connection|Edge)$/.test(type.name))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => leadsOn(getNamedType(field.type)))
        .map((field) => `${type.name}.${field.name}`),
    );
}
