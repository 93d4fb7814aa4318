// An agent's day at an inbox, by a front end that knows the schema and the README and nothing else.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { TokensService } from '../../src/access/tokens.service.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type ConversationView, InboxClient, type InboxEventView } from '../support/inbox-client.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { restOf } from '../support/rest.js';

const UPDATE = `mutation ($id: ID!, $input: UpdateConversationInput!) { updateConversation(id: $id, input: $input) { id } }`;
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`;
const MARK = `mutation ($id: ID!) { markConversationRead(id: $id, notifyContact: true) { unreadCount } }`;
const SEARCH = `query ($appId: ID!, $text: String!) { searchMessages(appId: $appId, text: $text) {
  edges { node { content { ... on TextMessage { text } } conversation { id } } } } }`;

let app: TestApp;
let page: TestPage;
let ann: InboxClient;

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  page = await connectPage(app);
  ann = new InboxClient(app.url, page.appId, () => tokenFor('ann'));
});
afterEach(() => ann.close());
afterAll(() => app.stop());

/** What our own server does for the browser of an agent. */
async function tokenFor(agentId: string): Promise<string> {
  const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
    `mutation ($input: CreateInboxTokenInput!) { createInboxToken(input: $input) { token } }`,
    { input: { appIds: [page.appId], agentId, role: 'AGENT' } },
  );
  return createInboxToken.token;
}

interface Phone {
  messages: { from: string; text?: string; read?: boolean }[];
}

/** Somebody with a phone. */
class Person {
  readonly psid = newPsid();

  async writes(text: string): Promise<void> {
    await app.sandbox(`people/${this.psid}/messages`, { page_id: page.pageId, text });
  }

  async phone(): Promise<Phone['messages']> {
    const { messages } = await app.sandbox<Phone>(`people/${this.psid}/messages?page_id=${page.pageId}`);
    return messages;
  }
}

/** People who have written one text each, and what the agent sees of them, in their order. */
async function writers(...texts: string[]): Promise<{ person: Person; conversation: ConversationView }[]> {
  const people = texts.map((text) => ({ person: new Person(), text }));
  for (const { person, text } of people) await person.writes(text);
  return Promise.all(
    people.map(async ({ person, text }) => ({
      person,
      conversation: await eventually(
        () => ann.list.find(({ lastMessage }) => lastMessage?.content.text === text),
        `the conversation about ${text}`,
      ),
    })),
  );
}

function update(id: string, input: Record<string, unknown>): Promise<unknown> {
  return ann.ask(UPDATE, { id, input });
}

async function idsOf(filter: Record<string, unknown>): Promise<string[]> {
  return (await ann.walk(filter)).map(({ id }) => id);
}

/** What the agent sees without a reload becomes what there is. */
async function expectLive(): Promise<void> {
  await eventually(async () => {
    const stored = await ann.walk();
    return JSON.stringify(ann.list) === JSON.stringify(stored);
  }, 'the live list to be the stored one');
}

function changesOf(id: string): [by: unknown, ...fields: string[]][] {
  return ann
    .eventsOf('ConversationUpdated')
    .filter(({ conversation, changes }) => conversation?.id === id && changes?.length)
    .map(({ agentId, changes }) => [agentId, ...(changes ?? []).map(({ field }) => field)]);
}

test('the morning: what waits is there, and who writes now shows up on top, unread', async () => {
  const early = new Person();
  await early.writes('I wrote last night');
  await ann.open();
  expect(ann.list.map(({ lastMessage, unreadCount }) => [lastMessage?.content.text, unreadCount])).toEqual([
    ['I wrote last night', 1],
  ]);
  const [newcomer] = await writers('Good morning');
  await newcomer?.person.writes('Anybody there?');
  await eventually(() => ann.list[0]?.unreadCount === 2, 'the second message');
  expect(ann.list.map(({ lastMessage }) => lastMessage?.content.text)).toEqual([
    'Anybody there?',
    'I wrote last night',
  ]);
  await early.writes('Me again');
  await eventually(() => ann.list[0]?.lastMessage?.content.text === 'Me again', 'the first on top again');
  await expectLive();
});

test('sorting the inbox: assignee, labels and status are told live, with who did it, and filter the list', async () => {
  await ann.open();
  const [blue, red, green] = (await writers('blue shoes', 'red shoes', 'green hats')).map(
    ({ conversation }) => conversation.id,
  );
  if (!blue || !red || !green) throw new Error('nobody wrote');
  await update(blue, { assignee: 'ann' });
  await update(red, { assignee: 'ben', labels: ['vip', 'returns'] });
  await update(green, { status: 'CLOSED' });
  await ann.ask(MARK, { id: green });
  await eventually(() => changesOf(green).length === 2, 'the last change');
  expect(changesOf(blue)).toEqual([['ann', 'assignee']]);
  expect(changesOf(red)).toEqual([['ann', 'assignee', 'labels']]);
  expect(await idsOf({ assignee: 'ann' })).toEqual([blue]);
  expect(await idsOf({ unassigned: true })).toEqual([green]);
  expect(await idsOf({ unassigned: false })).toEqual([red, blue]);
  expect(await idsOf({ labels: ['vip'] })).toEqual([red]);
  expect(await idsOf({ labels: ['vip', 'returns'], assignee: 'ben' })).toEqual([red]);
  expect(await idsOf({ status: 'OPEN' })).toEqual([red, blue]);
  expect(await idsOf({ status: 'CLOSED' })).toEqual([green]);
  expect(await idsOf({ unread: true })).toEqual([red, blue]);
  expect(await idsOf({ unread: false })).toEqual([green]);
  expect(await idsOf({ channel: 'MESSENGER', active: true })).toEqual([green, red, blue]);
  expect(await idsOf({ text: 'shoes' })).toEqual([red, blue]);
  expect(await idsOf({ text: 'shoes', assignee: 'ann' })).toEqual([blue]);
  // Page by page it is the same list.
  expect((await ann.walk({}, 1)).map(({ id }) => id)).toEqual([green, red, blue]);
  await expectLive();
});

test('a reply reaches the phone, and what becomes of it is told; what was read is told to the person', async () => {
  await ann.open();
  const [writer] = await writers('Is it still available?');
  if (!writer) throw new Error('nobody wrote');
  const { person, conversation } = writer;
  const marked = await ann.ask<{ markConversationRead: object }>(MARK, { id: conversation.id });
  expect(marked).toEqual({ markConversationRead: { unreadCount: 0 } });
  await ann.ask(SEND, {
    input: {
      appId: page.appId,
      recipient: { contactId: conversation.contact.id },
      message: { textMessage: { text: 'It is!' } },
      idempotencyKey: 'the reply',
    },
  });
  const statuses = (): (string | null)[] =>
    ann.events.flatMap(({ message }) => (message?.direction === 'TO_CONTACT' ? [message.status] : []));
  await eventually(() => statuses().includes('READ'), 'the person to read it');
  const order = ['QUEUED', 'QUEUED_ON_CHANNEL', 'DELIVERED', 'READ'];
  expect(statuses()).toEqual(order.filter((status) => statuses().includes(status)));
  expect(statuses()[0]).toBe('QUEUED');
  await eventually(async () => (await person.phone())[0]?.read, 'mark_seen at Messenger');
  expect((await person.phone()).map(({ from, text }) => [from, text])).toEqual([
    ['person', 'Is it still available?'],
    ['page', 'It is!'],
  ]);
  await expectLive();
});

test('a canned reply is found by what is typed, and sent as it is', async () => {
  await ann.open();
  const [writer] = await writers('When do you open?');
  await ann.ask(`mutation ($input: CreateCannedReplyInput!) { createCannedReply(input: $input) { id } }`, {
    input: {
      appId: page.appId,
      shortcut: 'hours',
      title: 'Opening hours',
      message: { textMessage: { text: 'We open at nine.' } },
    },
  });
  const { cannedReplies } = await ann.ask<{
    cannedReplies: { edges: { node: { shortcut: string; message: object } }[] };
  }>(
    `query ($appId: ID!) { cannedReplies(appId: $appId, text: "open") { edges { node { shortcut message } } } }`,
    { appId: page.appId },
  );
  const [found] = cannedReplies.edges;
  expect(found?.node.shortcut).toBe('hours');
  const recipient = { contactId: writer?.conversation.contact.id };
  await ann.ask(SEND, { input: { appId: page.appId, recipient, message: found?.node.message } });
  await eventually(
    async () => (await writer?.person.phone())?.some(({ text }) => text === 'We open at nine.'),
    'the canned reply on the phone',
  );
});

test('a note is for colleagues: they see it live, the person never does', async () => {
  const ben = new InboxClient(app.url, page.appId, () => tokenFor('ben'));
  await ann.open();
  await ben.open();
  const [writer] = await writers('I want my money back');
  const id = writer?.conversation.id;
  const { addNote } = await ann.ask<{ addNote: { id: string } }>(
    `mutation ($id: ID!) { addNote(conversationId: $id, text: "He is right") { id } }`,
    { id },
  );
  const note = { id: addNote.id, author: 'ann', text: 'He is right' };
  const [told] = await eventually(
    () => ben.eventsOf('NoteAdded').length > 0 && ben.eventsOf('NoteAdded'),
    'it at Ben',
  );
  expect(told?.note).toEqual(note);
  const REWRITE = `mutation ($id: ID!) { updateNote(id: $id, text: "He is wrong") { id } }`;
  await expect(ben.ask(REWRITE, { id: note.id })).rejects.toThrow('FORBIDDEN');
  await ann.ask(REWRITE, { id: note.id });
  const { conversation } = await ben.ask<{ conversation: { notes: { edges: { node: object }[] } } }>(
    `query ($id: ID!) { conversation(id: $id) { notes { edges { node { id author text } } } } }`,
    { id },
  );
  expect(conversation.notes.edges.map(({ node }) => node)).toEqual([{ ...note, text: 'He is wrong' }]);
  await eventually(() => ben.eventsOf('NoteUpdated').length > 0, 'the change at Ben');
  expect((await writer?.person.phone())?.map(({ text }) => text)).toEqual(['I want my money back']);
  await ben.close();
});

test('what is snoozed comes back by itself, or when the person writes', async () => {
  await ann.open();
  const [alone, impatient] = await writers('Call me later', 'Call me never');
  if (!alone || !impatient) throw new Error('nobody wrote');
  const soon = new Date(Date.now() + 1_500).toISOString();
  await update(alone.conversation.id, { snoozedUntil: soon });
  await update(impatient.conversation.id, {
    status: 'SNOOZED',
    snoozedUntil: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await eventually(
    () => ann.conversations.get(impatient.conversation.id)?.status === 'SNOOZED',
    'both to be asleep',
  );
  await impatient.person.writes('Now!');
  for (const { conversation } of [impatient, alone]) {
    await eventually(() => ann.conversations.get(conversation.id)?.status === 'OPEN', 'its waking');
    expect(ann.conversations.get(conversation.id)?.snoozedUntil).toBeNull();
  }
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
  expect(changesOf(alone.conversation.id).map(([by]) => by)).toEqual(['ann', null]);
  expect(new Set(await idsOf({ status: 'OPEN' }))).toEqual(
    new Set([alone.conversation.id, impatient.conversation.id]),
  );
  await expectLive();
});

test('what is deleted, merged into another or given to another app leaves the list without a reload', async () => {
  await ann.open();
  const shown = (await writers('one', 'two', 'three', 'four')).map(({ conversation }) => conversation);
  const [deleted, merged, moved, kept] = shown;
  if (!deleted || !merged || !moved || !kept) throw new Error('nobody wrote');
  await app.graphql(`mutation ($id: ID!) { deleteConversation(id: $id) }`, { id: deleted.id });
  await app.graphql(
    `mutation ($from: ID!, $to: ID!) { mergeContacts(sourceId: $from, destinationId: $to) { id } }`,
    { from: merged.contact.id, to: kept.contact.id },
  );
  const { appId } = await connectPage(app);
  await restOf(app)('PATCH', `conversations/${moved.id}`, { app_id: appId });
  await eventually(() => ann.eventsOf('ConversationRemoved').length === 3, 'three removals');
  expect(ann.eventsOf('ConversationRemoved').map(({ conversationId }) => conversationId)).toEqual([
    deleted.id,
    merged.id,
    moved.id,
  ]);
  expect(ann.list.map(({ id }) => id)).toEqual([kept.id]);
  await expectLive();
});

test('what somebody said last week is found by its words, accents or not, newest first', async () => {
  await ann.open();
  const [first, second] = await writers('Ein Gruß aus dem Café Müller', 'Kein café in Köln');
  const search = async (text: string): Promise<string[]> => {
    const { searchMessages } = await ann.ask<{
      searchMessages: { edges: { node: { conversation: { id: string } } }[] };
    }>(SEARCH, { appId: page.appId, text });
    return searchMessages.edges.map(({ node }) => node.conversation.id);
  };
  expect(await search('cafe')).toEqual([second?.conversation.id, first?.conversation.id]);
  expect(await search('MULLER caf')).toEqual([first?.conversation.id]);
  expect(await search('cafe paris')).toEqual([]);
});

/** Texts of the person's messages, in the order in which they were told. */
function textsOf(events: readonly InboxEventView[]): (string | undefined)[] {
  return events.flatMap(({ __typename, message }) =>
    __typename === 'MessageAdded' && message?.direction === 'TO_APP' ? [message.content.text] : [],
  );
}

test('a train ride: the connection is cut again and again, and nothing is lost or told twice', async () => {
  await ann.open();
  const person = new Person();
  const texts = Array.from({ length: 40 }, (_, number) => `message ${number}`);
  for (const [number, text] of texts.entries()) {
    await person.writes(text);
    if (number % 5 === 4) {
      await eventually(() => textsOf(ann.events).length > number - 5, 'what came before the tunnel');
      ann.cut();
    }
  }
  await eventually(() => textsOf(ann.events).length >= texts.length, 'the last message');
  expect(textsOf(ann.events)).toEqual(texts);
  const cursors = ann.events.map(({ cursor }) => cursor);
  expect(new Set(cursors).size).toBe(cursors.length);
  expect(ann.endings.length).toBeGreaterThanOrEqual(4);
  await expectLive();
});

test('the token runs out over lunch: the front end gets another and goes on where it was', async () => {
  const tokens = app.parley.app.get(TokensService, { strict: false });
  const caller = { projectId: app.projectId, keyId: 'test-key' };
  const inbox = { agentId: 'ann', role: 'AGENT' as const, appIds: [page.appId] };
  let expiresAt = new Date(0);
  let renewals = 0;
  ann = new InboxClient(app.url, page.appId, async () => {
    renewals += 1;
    if (renewals > 1) return tokenFor('ann');
    const issued = await tokens.issueInboxToken(caller, inbox, 3);
    ({ expiresAt } = issued);
    return issued.token;
  });
  await ann.open();
  const person = new Person();
  const texts: string[] = [];
  while (Date.now() < expiresAt.getTime() + 500) {
    texts.push(`at ${Date.now()}`);
    await person.writes(texts.at(-1) ?? '');
    // People do not write without a pause.
    await pause(50);
  }
  await eventually(() => textsOf(ann.events).length >= texts.length, 'the last message');
  expect(textsOf(ann.events)).toEqual(texts);
  expect(ann.endings).toEqual(['4403']);
  expect(renewals).toBe(2);
  await expectLive();
});
