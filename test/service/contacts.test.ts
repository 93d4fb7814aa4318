import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ContactsModule } from '../../src/contacts/contacts.module.js';
import { ContactsService } from '../../src/contacts/contacts.service.js';
import { startApi, type TestApi } from '../support/api.js';

interface Contact {
  id: string;
  displayName: string | null;
}

const FIELDS = `id displayName email externalId language metadata channelPriority
  channelIdentities { channel identity appId }`;
const CREATE = `mutation ($input: CreateContactInput!) { createContact(input: $input) { ${FIELDS} } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateContactInput!) { updateContact(id: $id, input: $input) { ${FIELDS} } }`;
const GET = `query ($id: ID!) { contact(id: $id) { ${FIELDS} } }`;
const LIST = `query ($filter: ContactFilter, $first: Int, $after: String) {
  contacts(filter: $filter, first: $first, after: $after) {
    edges { node { id displayName } } pageInfo { hasNextPage endCursor } } }`;

let api: TestApi;
let contacts: ContactsService;
let appId: string;
let authorization: string;
let projectId: string;

beforeAll(async () => {
  api = await startApi([ContactsModule]);
  contacts = api.app.get(ContactsService, { strict: false });
});
beforeEach(async () => {
  ({ authorization, projectId } = await api.project());
  appId = await newApp();
});
afterAll(() => api.stop());

async function newApp(): Promise<string> {
  const { id } = await ask<{ id: string }>(`mutation { createApp(input: {displayName: "Shop"}) { id } }`);
  return id;
}

function ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
  return api.ask<T>(query, variables, authorization);
}

function create(input: Record<string, unknown>): Promise<Contact> {
  return ask<Contact>(CREATE, { input });
}

function messenger(identity: string, app = appId): { channel: string; identity: string; appId: string } {
  return { channel: 'MESSENGER', identity, appId: app };
}

async function eventsOf(contactId: string): Promise<{ kind: string; app_id: string; payload: unknown }[]> {
  const events = await api.events();
  return events.filter((event) => event.contact_id === contactId);
}

async function names(filter: Record<string, unknown>): Promise<(string | null)[]> {
  const { edges } = await ask<{ edges: { node: Contact }[] }>(LIST, { filter });
  return edges.map((edge) => edge.node.displayName);
}

test('a contact is given back as it was made', async () => {
  const input = {
    displayName: 'Ann',
    email: 'ann@example.org',
    externalId: 'customer 7',
    language: 'PT_BR',
    metadata: '{"vip":true}',
    channelPriority: ['MESSENGER', 'SMS'],
    channelIdentities: [messenger('111'), { channel: 'SMS', identity: '+12015555555' }],
  };
  const contact = await create(input);
  expect(contact).toEqual({
    ...input,
    id: expect.stringMatching(/^[0-9A-Z]{26}$/) as unknown,
    channelIdentities: [messenger('111'), { channel: 'SMS', identity: '12015555555', appId: null }],
  });
  expect(await ask(GET, { id: contact.id })).toEqual(contact);
});

test('what is not known of a contact is null', async () => {
  expect(await create({})).toMatchObject({
    displayName: null,
    email: null,
    externalId: null,
    metadata: null,
    language: 'UNSPECIFIED',
    channelPriority: [],
    channelIdentities: [],
  });
});

test.each([
  [{ metadata: 'x'.repeat(1025) }, 'metadata', 'maxLength'],
  [{ language: 'KLINGON' }, 'language', 'isIn'],
  [{ channelPriority: ['SMS', 'SMS'] }, 'channelPriority', 'arrayUnique'],
  [
    { channelIdentities: [{ channel: 'MESSENGER', identity: '1' }] },
    'channelIdentities[0].appId',
    'required',
  ],
  [{ channelIdentities: [{ channel: 'SMS', identity: '' }] }, 'channelIdentities[0].identity', 'isLength'],
  [
    {
      channelIdentities: [
        { channel: 'SMS', identity: '+1' },
        { channel: 'SMS', identity: '1' },
      ],
    },
    'channelIdentities[1]',
    'unique',
  ],
  [
    { channelIdentities: [{ channel: 'MESSENGER', identity: '1', appId: '01JD0000000000000000000000' }] },
    'channelIdentities[0].appId',
    'exists',
  ],
])('the input %j is refused', async (input, path, rule) => {
  const { extensions } = await api.refusal(CREATE, { input }, authorization);
  expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path, rule }] });
});

test("an identity of another project's app is refused like that of an unknown one", async () => {
  const stranger = await api.project();
  const input = { channelIdentities: [messenger('111')] };
  const { extensions } = await api.refusal(CREATE, { input }, stranger.authorization);
  expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ rule: 'exists' }] });
});

test('an identity belongs to one contact, and nothing is stored of one that claims it too', async () => {
  await create({ displayName: 'First', channelIdentities: [messenger('111')] });
  const input = { displayName: 'Second', channelIdentities: [messenger('222'), messenger('111')] };
  const { extensions, message } = await api.refusal(CREATE, { input }, authorization);
  expect(extensions.code).toBe('CONFLICT');
  expect(message).toContain('MESSENGER 111');
  expect(await names({})).toEqual(['First']);
  expect(await create({ displayName: 'Third', channelIdentities: [messenger('222')] })).toBeTruthy();
});

test('of many who claim the same identities at the same time, in any order, one gets them', async () => {
  const identities = Array.from({ length: 40 }, (_, i) => messenger(`${100 + i}`));
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      api.graphql(
        CREATE,
        { input: { channelIdentities: i % 2 ? identities : identities.toReversed() } },
        authorization,
      ),
    ),
  );
  const codes = answers.map((answer) => answer.errors[0]?.extensions.code ?? 'made');
  expect(codes.filter((code) => code === 'made')).toHaveLength(1);
  expect(codes.filter((code) => code === 'CONFLICT')).toHaveLength(7);
});

test('an update changes what is given, null empties, and a list of identities replaces the whole', async () => {
  const { id } = await create({
    displayName: 'Ann',
    email: 'ann@example.org',
    metadata: 'kept',
    channelIdentities: [messenger('111'), messenger('222')],
  });
  expect(
    await ask(UPDATE, {
      id,
      input: { email: null, channelIdentities: [messenger('333'), messenger('222')] },
    }),
  ).toMatchObject({
    displayName: 'Ann',
    email: null,
    metadata: 'kept',
    channelIdentities: [messenger('333'), messenger('222')],
  });
  expect(await ask(UPDATE, { id, input: { displayName: 'Anne' } })).toMatchObject({
    displayName: 'Anne',
    channelIdentities: [messenger('333'), messenger('222')],
  });
});

test('an update that would take an identity from somebody else changes nothing', async () => {
  await create({ channelIdentities: [messenger('111')] });
  const { id } = await create({ displayName: 'Bob', channelIdentities: [messenger('222')] });
  const input = { displayName: 'Thief', channelIdentities: [messenger('111')] };
  const { extensions } = await api.refusal(UPDATE, { id, input }, authorization);
  expect(extensions.code).toBe('CONFLICT');
  expect(await ask(GET, { id })).toMatchObject({ displayName: 'Bob', channelIdentities: [messenger('222')] });
});

test('contacts are found by the beginning of the name, their key, and who they are on a channel', async () => {
  await create({ displayName: 'Ann 100%', externalId: 'a', channelIdentities: [messenger('111')] });
  await create({ displayName: 'anna', externalId: 'b', channelIdentities: [messenger('222')] });
  await create({ displayName: 'Joann', channelIdentities: [{ channel: 'SMS', identity: '111' }] });
  expect(await names({})).toEqual(['Ann 100%', 'anna', 'Joann']);
  expect(await names({ text: 'ANN' })).toEqual(['Ann 100%', 'anna']);
  expect(await names({ text: 'ann 100%' })).toEqual(['Ann 100%']);
  expect(await names({ text: '%' })).toEqual([]);
  expect(await names({ externalId: 'b' })).toEqual(['anna']);
  expect(await names({ channel: 'MESSENGER', identity: '111' })).toEqual(['Ann 100%']);
  expect(await names({ channel: 'SMS', identity: '+111' })).toEqual(['Joann']);
  expect(await names({ text: 'ann', externalId: 'b' })).toEqual(['anna']);
  const { extensions } = await api.refusal(LIST, { filter: { channel: 'SMS' } }, authorization);
  expect(extensions.code).toBe('BAD_USER_INPUT');
});

test('contacts are listed page by page, each once, with their identities read in one query a page', async () => {
  for (let i = 1; i <= 5; i++) await create({ displayName: `C${i}`, channelIdentities: [messenger(`${i}`)] });
  const identities = vi.spyOn(contacts, 'identitiesOf');
  const seen: (string | null)[] = [];
  let after: string | null = null;
  for (let more = true; more;) {
    const page: {
      edges: { node: Contact & { channelIdentities: { identity: string }[] } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    } = await ask(
      `query ($after: String) { contacts(first: 2, after: $after) {
        edges { node { displayName channelIdentities { identity } } } pageInfo { hasNextPage endCursor } } }`,
      { after },
    );
    for (const { node } of page.edges) {
      expect(`C${node.channelIdentities[0]?.identity}`).toBe(node.displayName);
      seen.push(node.displayName);
    }
    more = page.pageInfo.hasNextPage;
    after = page.pageInfo.endCursor;
  }
  expect(seen).toEqual(['C1', 'C2', 'C3', 'C4', 'C5']);
  expect(identities).toHaveBeenCalledTimes(3);
});

test('every write is told to each app that the contact has to do with', async () => {
  const other = await newApp();
  const { id } = await create({ displayName: 'Ann', channelIdentities: [messenger('111')] });
  await ask(UPDATE, { id, input: { channelIdentities: [messenger('111'), messenger('222', other)] } });
  const events = await eventsOf(id);
  expect(events.map((event) => [event.kind, event.app_id])).toEqual([
    ['contact.created', appId],
    ...[appId, other].sort().map((app) => ['contact.updated', app]),
  ]);
  expect(events[0]?.payload).toMatchObject({
    contact: { id, displayName: 'Ann', channelIdentities: [messenger('111')] },
  });
  const { id: nobody } = await create({ displayName: 'Nobody yet' });
  expect(await eventsOf(nobody)).toEqual([]);
});

test('phone numbers that different contacts have on different channels are listed as conflicts', async () => {
  const number = (channel: string, identity: string): object => ({ channel, identity });
  const made: string[] = [];
  for (const identities of [
    [number('SMS', '+1201'), number('MMS', '+1201')],
    [number('RCS', '1201')],
    [number('SMS', '+1202'), number('MMS', '+1202')],
    [number('SMS', '+1203')],
    [number('MMS', '+1203')],
    [number('WHATSAPP', '+1202')],
  ])
    made.push((await create({ channelIdentities: identities })).id);
  const conflicts = `query ($first: Int, $after: String) { identityConflicts(first: $first, after: $after) {
    edges { node { identity channels contactIds } } pageInfo { hasNextPage endCursor } } }`;
  interface Conflicts {
    edges: { node: unknown }[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  }
  const first = await ask<Conflicts>(conflicts, { first: 1 });
  expect(first.edges.map(({ node }) => node)).toEqual([
    { identity: '1201', channels: ['MMS', 'RCS', 'SMS'], contactIds: [made[0], made[1]].sort() },
  ]);
  expect(first.pageInfo.hasNextPage).toBe(true);
  const second = await ask<Conflicts>(conflicts, { first: 1, after: first.pageInfo.endCursor });
  expect(second.edges.map(({ node }) => node)).toEqual([
    { identity: '1203', channels: ['MMS', 'SMS'], contactIds: [made[3], made[4]].sort() },
  ]);
  expect(second.pageInfo.hasNextPage).toBe(false);
  const stranger = await api.project();
  expect((await api.ask<Conflicts>(conflicts, {}, stranger.authorization)).edges).toEqual([]);
});

test("another project's contact is as unknown as one that never was", async () => {
  const { id } = await create({ displayName: 'Ours', channelIdentities: [messenger('111')] });
  const stranger = await api.project();
  for (const [query, variables] of [
    [GET, { id }],
    [UPDATE, { id, input: { displayName: 'Theirs' } }],
  ] as const) {
    const { extensions } = await api.refusal(query, variables, stranger.authorization);
    expect(extensions.code).toBe('NOT_FOUND');
  }
  const listed = await api.ask<{ edges: unknown[] }>(LIST, {}, stranger.authorization);
  expect(listed.edges).toEqual([]);
  expect(await contacts.contactsById(stranger.projectId, [id])).toEqual([null]);
  expect(await contacts.identitiesOf(stranger.projectId, [id])).toEqual([[]]);
  expect((await contacts.contactsById(projectId, ['unknown', id])).map((contact) => contact?.id)).toEqual([
    undefined,
    id,
  ]);
});
