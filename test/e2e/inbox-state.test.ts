// What agents keep: snoozes that end by themselves, who did what, notes, canned replies, and how far they have read.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { connectPage, newPsid, type TestPage } from '../support/messenger.js';
import { Records } from '../support/records.js';

interface Change {
  field: string;
  from: unknown;
  to: unknown;
}

interface Told {
  __typename: string;
  changes?: Change[];
  agentId?: string | null;
  note?: { id: string; text: string; author: string | null };
}

interface State {
  id: string;
  status: string;
  snoozedUntil: string | null;
  lastActivity: string;
  unreadCount: number;
  readUpToMessageId: string | null;
  readAt: string | null;
  labels: string[];
  assignee: string | null;
}

const STATE = 'id status snoozedUntil lastActivity unreadCount readUpToMessageId readAt labels assignee';
const UPDATE = `mutation ($id: ID!, $input: UpdateConversationInput!) { updateConversation(id: $id, input: $input) { ${STATE} } }`;

let app: TestApp;
let records: Records;
let page: TestPage;
let psid: string;
let conversation: string;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
});
beforeEach(async () => {
  page = await connectPage(app);
  psid = newPsid();
  conversation = await says(psid, 'Hello');
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

/** The conversation that it came to. */
async function says(from: string, text: string): Promise<string> {
  await app.sandbox(`people/${from}/messages`, { page_id: page.pageId, text });
  const said = (await records.messages(page.appId)).filter(({ identity }) => identity === from).at(-1);
  return said?.conversationId ?? '';
}

async function update(input: object, id = conversation): Promise<State> {
  return (await app.graphql<{ updateConversation: State }>(UPDATE, { id, input })).updateConversation;
}

async function state(id = conversation): Promise<State> {
  return (
    await app.graphql<{ conversation: State }>(`query ($id: ID!) { conversation(id: $id) { ${STATE} } }`, {
      id,
    })
  ).conversation;
}

const soon = (ms = 3_000): string => new Date(Date.now() + ms).toISOString();

async function token(role: 'VIEWER' | 'AGENT', agentId: string, appId = page.appId): Promise<string> {
  const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
    `mutation ($input: CreateInboxTokenInput!) { createInboxToken(input: $input) { token } }`,
    { input: { appIds: [appId], role, agentId } },
  );
  return `Bearer ${createInboxToken.token}`;
}

async function codes(query: string, authorization?: string): Promise<string[]> {
  const { errors } = await app.ask(query, {}, authorization);
  return (errors ?? []).map(({ extensions }) => extensions.code);
}

async function history(id = conversation): Promise<Told[]> {
  const answer = await app.graphql<{ conversation: { history: { edges: { node: Told }[] } } }>(
    `query ($id: ID!) { conversation(id: $id) { history(first: 100) { edges { node { __typename agentId changes { field from to } } } } } }`,
    { id },
  );
  return answer.conversation.history.edges.map(({ node }) => node);
}

interface HistoryPage {
  edges: { node: Told }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
}

async function historyPage(after: string | null): Promise<HistoryPage> {
  const answer = await app.graphql<{ conversation: { history: HistoryPage } }>(
    `query ($id: ID!, $after: String) { conversation(id: $id) { history(first: 2, after: $after) {
      edges { node { changes { field from to } } } pageInfo { hasNextPage endCursor } } } }`,
    { id: conversation, after },
  );
  return answer.conversation.history;
}

/** What subscribers of the inbox hear from the beginning on. */
async function heard(until: (events: Told[]) => boolean, what: string): Promise<Told[]> {
  const events: Told[] = [];
  const client = app.socket();
  client.subscribe<{ inbox: Told }>(
    {
      query: `subscription ($id: ID!, $after: String) { inbox(appId: $id, after: $after) { __typename
        ... on ConversationUpdated { agentId changes { field from to } }
        ... on NoteAdded { note { id text author } } ... on NoteUpdated { note { id text author } } ... on NoteDeleted { note { id text author } } } }`,
      variables: { id: page.appId, after: Buffer.from('0.0').toString('base64url') },
    },
    {
      next: ({ data }) => void (data && events.push(data.inbox)),
      error: () => undefined,
      complete: () => undefined,
    },
  );
  await eventually(() => until(events), what);
  await client.dispose();
  return events;
}

describe('a snooze', () => {
  test('ends by itself, and puts the conversation on top of the inbox', async () => {
    await says(newPsid(), 'I am later');
    const snoozed = await update({ status: 'SNOOZED', snoozedUntil: soon() });
    expect(snoozed).toMatchObject({ status: 'SNOOZED', snoozedUntil: expect.any(String) as string });
    const woken = await eventually(async () => {
      const now = await state();
      return now.status === 'OPEN' && now;
    }, 'the end of a snooze');
    expect(woken.snoozedUntil).toBeNull();
    expect(Date.now()).toBeGreaterThan(Date.parse(snoozed.snoozedUntil ?? ''));
    const { inbox } = await app.graphql<{ inbox: { edges: { node: { id: string } }[] } }>(
      `query ($id: ID!) { inbox(appId: $id) { edges { node { id } } } }`,
      { id: page.appId },
    );
    expect(inbox.edges[0]?.node.id).toBe(conversation);
    const [last] = await history();
    expect(last?.agentId).toBeNull();
    expect(last?.changes).toEqual([
      { field: 'status', from: 'SNOOZED', to: 'OPEN' },
      { field: 'snoozedUntil', from: snoozed.snoozedUntil, to: null },
    ]);
  });

  test('ends with a message of the person, and so does being closed, each told once', async () => {
    await update({ snoozedUntil: soon(3_600_000) });
    expect((await state()).status).toBe('SNOOZED');
    await says(psid, 'Me again');
    expect(await state()).toMatchObject({ status: 'OPEN', snoozedUntil: null });
    await update({ status: 'CLOSED' });
    await says(psid, 'And again');
    expect((await state()).status).toBe('OPEN');
    const statuses = (await history()).flatMap(({ changes = [] }) =>
      changes
        .filter(({ field }) => field === 'status')
        .map(({ from, to }) => `${from as string} ${to as string}`),
    );
    expect(statuses).toEqual(['CLOSED OPEN', 'OPEN CLOSED', 'SNOOZED OPEN', 'OPEN SNOOZED']);
  });

  test('can be moved and ended by hand', async () => {
    const later = soon(7_200_000);
    await update({ snoozedUntil: soon(3_600_000) });
    expect(await update({ snoozedUntil: later })).toMatchObject({ status: 'SNOOZED', snoozedUntil: later });
    expect(await update({ snoozedUntil: null })).toMatchObject({ status: 'OPEN', snoozedUntil: null });
    await update({ status: 'SNOOZED', snoozedUntil: later });
    expect(await update({ status: 'CLOSED' })).toMatchObject({ status: 'CLOSED', snoozedUntil: null });
  });

  test.each([
    [{ status: 'SNOOZED' }, 'required'],
    [{ status: 'SNOOZED', snoozedUntil: new Date(Date.now() - 1_000).toISOString() }, 'future'],
    [{ snoozedUntil: new Date(Date.now() + 400 * 86_400_000).toISOString() }, 'max'],
    [{ status: 'CLOSED', snoozedUntil: soon(60_000) }, 'status'],
  ])('%j is refused by the rule %s', async (input, rule) => {
    const { errors } = await app.ask(UPDATE, { id: conversation, input });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'snoozedUntil', rule }],
    });
  });
});

describe('what agents do', () => {
  test('is told with who did it, what it was and what it is', async () => {
    const anna = await token('AGENT', 'anna');
    await app.ask(UPDATE, { id: conversation, input: { assignee: 'anna', labels: ['vip'] } }, anna);
    await update({ assignee: null });
    await update({ assignee: null });
    await app.ask(`mutation { stopConversation(id: "${conversation}") { id } }`, {}, anna);
    const told = [
      { agentId: 'anna', changes: [{ field: 'active', from: true, to: false }] },
      { agentId: null, changes: [{ field: 'assignee', from: 'anna', to: null }] },
      {
        agentId: 'anna',
        changes: [
          { field: 'assignee', from: null, to: 'anna' },
          { field: 'labels', from: [], to: ['vip'] },
        ],
      },
      { agentId: null, changes: [] },
    ].map((event) => ({ __typename: 'ConversationUpdated', ...event }));
    expect(await history()).toEqual(told);
    const pushed = await heard(
      (events) =>
        events.filter(({ __typename }) => __typename === 'ConversationUpdated').length >= told.length,
      'the changes of a conversation',
    );
    expect(pushed.filter(({ __typename }) => __typename === 'ConversationUpdated')).toEqual(told.reverse());
  });

  test('is listed in pages, for many conversations by the same statement', async () => {
    const other = await says(newPsid(), 'Somebody else');
    for (const assignee of ['a', 'b', 'c']) {
      await update({ assignee });
      await update({ assignee: `${assignee}-other` }, other);
    }
    const seen: unknown[] = [];
    let after: string | null = null;
    for (;;) {
      const { edges, pageInfo }: HistoryPage = await historyPage(after);
      seen.push(...edges.flatMap(({ node }) => (node.changes ?? []).map(({ to }) => to)));
      after = pageInfo.endCursor;
      if (!pageInfo.hasNextPage) break;
    }
    expect(seen).toEqual(['c', 'b', 'a']);
    const { inbox } = await app.graphql<{
      inbox: { edges: { node: { id: string; history: { edges: { node: Told }[] } } }[] };
    }>(
      `query ($id: ID!) { inbox(appId: $id) { edges { node { id history(first: 1) { edges { node { changes { to } } } } } } } }`,
      { id: page.appId },
    );
    expect(
      Object.fromEntries(inbox.edges.map(({ node }) => [node.id, node.history.edges[0]?.node.changes])),
    ).toEqual({ [conversation]: [{ to: 'c' }], [other]: [{ to: 'c-other' }] });
  });
});

describe('reading', () => {
  const MARK = `mutation ($id: ID!, $upTo: ID, $notify: Boolean) { markConversationRead(id: $id, upToMessageId: $upTo, notifyContact: $notify) { ${STATE} } }`;

  async function mark(upTo: string | null, notify?: boolean, id = conversation): Promise<State> {
    const answer = await app.graphql<{ markConversationRead: State }>(MARK, {
      id,
      upTo,
      notify: notify ?? false,
    });
    return answer.markConversationRead;
  }

  async function seen(): Promise<number> {
    const events = await records.query<{ count: string }>(
      `SELECT count(*) FROM conversation_events WHERE app_id = $1 AND content ? 'read_message_event'`,
      [page.appId],
    );
    return Number(events[0]?.count);
  }

  test('moves the mark forward only, and tells the person only when asked', async () => {
    await says(psid, 'two');
    await says(psid, 'three');
    const [first, second] = await records.messages(page.appId);
    expect((await state()).readAt).toBeNull();
    const marked = await mark(second?.id ?? '');
    expect(marked).toMatchObject({ unreadCount: 1, readUpToMessageId: second?.id });
    expect(Date.parse(marked.readAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(await mark(first?.id ?? '')).toMatchObject({ unreadCount: 1, readUpToMessageId: second?.id });
    expect(await seen()).toBe(0);
    expect(await mark(null, true)).toMatchObject({ unreadCount: 0 });
    expect(await seen()).toBe(1);
    const event = await eventually(async () => {
      const events = await records.query<{ status: string; reason: unknown }>(
        `SELECT status, reason FROM conversation_events WHERE app_id = $1 AND status <> 'QUEUED'`,
        [page.appId],
      );
      return events[0];
    }, 'mark_seen on the channel');
    expect(event).toEqual({ status: 'QUEUED_ON_CHANNEL', reason: null });
  });

  test('of a stopped conversation does not begin another', async () => {
    await app.graphql(`mutation ($id: ID!) { stopConversation(id: $id) { id } }`, { id: conversation });
    expect(await mark(null, true)).toMatchObject({ unreadCount: 0 });
    expect(await seen()).toBe(0);
    expect(await records.query('SELECT FROM conversations WHERE app_id = $1', [page.appId])).toHaveLength(1);
  });

  test('of nothing new is not told again', async () => {
    await mark(null);
    const before = await history();
    await mark(null);
    expect(await history()).toEqual(before);
  });
});

describe('a note', () => {
  const add = (text: string, authorization?: string) =>
    app.ask<{ addNote: { id: string; author: string | null; text: string } }>(
      `mutation ($id: ID!, $text: String!) { addNote(conversationId: $id, text: $text) { id author text createdAt editedAt } }`,
      { id: conversation, text },
      authorization,
    );

  async function notes(args = 'first: 10'): Promise<string[]> {
    const answer = await app.graphql<{ conversation: { notes: { edges: { node: { text: string } }[] } } }>(
      `query ($id: ID!) { conversation(id: $id) { notes(${args}) { edges { node { text } } } } }`,
      { id: conversation },
    );
    return answer.conversation.notes.edges.map(({ node }) => node.text);
  }

  test('is for its author to change, and for an access key', async () => {
    const [anna, ben, viewer] = [
      await token('AGENT', 'anna'),
      await token('AGENT', 'ben'),
      await token('VIEWER', 'vera'),
    ];
    const { data } = await add('Likes blue', anna);
    const note = data?.addNote;
    expect(note).toMatchObject({ author: 'anna', text: 'Likes blue' });
    const edit = `mutation { updateNote(id: "${note?.id}", text: "Likes red") { text editedAt } }`;
    expect(await codes(edit, ben)).toEqual(['FORBIDDEN']);
    expect(await codes(edit, viewer)).toEqual(['FORBIDDEN']);
    expect(await codes(edit, anna)).toEqual([]);
    expect(await codes(`mutation { deleteNote(id: "${note?.id}") }`, ben)).toEqual(['FORBIDDEN']);
    expect(await notes()).toEqual(['Likes red']);
    expect(await codes(`mutation { deleteNote(id: "${note?.id}") }`)).toEqual([]);
    expect(await notes()).toEqual([]);
    const { data: byKey } = await add('By a machine');
    expect(byKey?.addNote.author).toBeNull();
    expect(await codes(`mutation { deleteNote(id: "${byKey?.addNote.id}") }`, anna)).toEqual(['FORBIDDEN']);
  });

  test('of another app is not there for an agent', async () => {
    const elsewhere = await token('AGENT', 'eve', (await connectPage(app)).appId);
    const { data } = await add('Secret');
    const id = data?.addNote.id ?? '';
    expect(await codes(`mutation { updateNote(id: "${id}", text: "x") { id } }`, elsewhere)).toEqual([
      'NOT_FOUND',
    ]);
    expect(await codes(`mutation { deleteNote(id: "${id}") }`, elsewhere)).toEqual(['NOT_FOUND']);
    expect((await add('x', elsewhere)).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(await notes()).toEqual(['Secret']);
  });

  test.each(['', '   ', 'x'.repeat(4097)])('of the wrong length is refused: %#', async (text) => {
    expect((await add(text)).errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'text' }],
    });
  });

  test('is listed in order, both ways', async () => {
    for (const text of ['one', 'two', 'three']) await add(text);
    expect(await notes('first: 2')).toEqual(['one', 'two']);
    expect(await notes('last: 2')).toEqual(['two', 'three']);
  });

  test('is told to the inbox alone, and once deleted its text is told no more', async () => {
    await app.graphql(
      `mutation ($id: ID!) { createWebhook(input: { appId: $id, target: "http://127.0.0.1:8099/notes", targetType: HTTP }) { id } }`,
      { id: page.appId },
    );
    const { data } = await add('Owes us money');
    const id = data?.addNote.id ?? '';
    await app.graphql(`mutation ($id: ID!) { updateNote(id: $id, text: "Has paid") { id } }`, { id });
    const kinds = (events: Told[]): string[] =>
      events.map(({ __typename }) => __typename).filter((name) => name.startsWith('Note'));
    const told = await heard((events) => kinds(events).length === 2, 'two events of a note');
    expect(told.flatMap(({ note }) => (note ? [note.text] : []))).toEqual(['Owes us money', 'Has paid']);
    await app.graphql(`mutation ($id: ID!) { deleteNote(id: $id) }`, { id });
    const after = await heard((events) => kinds(events).length === 3, 'three events of a note');
    expect(kinds(after)).toEqual(['NoteAdded', 'NoteUpdated', 'NoteDeleted']);
    expect(after.flatMap(({ note }) => (note ? [note.text] : []))).toEqual(['', '', '']);
    expect(
      await records.query(
        `SELECT FROM webhook_deliveries d JOIN events e ON e.id = d.event_id WHERE e.app_id = $1 AND e.kind LIKE 'note.%'`,
        [page.appId],
      ),
    ).toEqual([]);
    expect(await records.query(`SELECT FROM events e WHERE e::text LIKE '%Owes us money%'`)).toEqual([]);
  });

  test('goes with the contact who becomes part of another, and is gone with the person', async () => {
    await add('Met at the fair');
    const other = await says(newPsid(), 'I am somebody else');
    const contacts = await records.query<{ id: string; contact_id: string }>(
      'SELECT id, contact_id FROM conversations WHERE app_id = $1',
      [page.appId],
    );
    const contactOf = (id: string): string => contacts.find((row) => row.id === id)?.contact_id ?? '';
    await app.graphql(
      `mutation ($from: ID!, $to: ID!) { mergeContacts(sourceId: $from, destinationId: $to) { id } }`,
      { from: contactOf(conversation), to: contactOf(other) },
    );
    const to = contactOf(other);
    conversation = other;
    expect(await notes()).toEqual(['Met at the fair']);
    await app.graphql(`mutation ($id: ID!) { deleteContact(id: $id) }`, { id: to });
    expect(await records.query('SELECT FROM notes WHERE conversation_id = $1', [other])).toEqual([]);
    expect(await records.query(`SELECT FROM events e WHERE e::text LIKE '%Met at the fair%'`)).toEqual([]);
  });
});

describe('a canned reply', () => {
  interface Reply {
    id: string;
    shortcut: string;
    message: object;
    content: { __typename: string };
  }

  const CREATE = `mutation ($input: CreateCannedReplyInput!) { createCannedReply(input: $input) { id shortcut message content { __typename } } }`;
  const card = {
    cardMessage: {
      title: 'Our shop',
      description: 'Open till six',
      choices: [{ urlMessage: { title: 'Visit', url: 'https://shop.example/' } }],
    },
  };

  const create = (input: object, authorization?: string) =>
    app.ask<{ createCannedReply: Reply }>(
      CREATE,
      { input: { appId: page.appId, title: 'T', message: { textMessage: { text: 'Hi' } }, ...input } },
      authorization,
    );

  async function list(args = '', authorization?: string): Promise<string[]> {
    const { data, errors } = await app.ask<{ cannedReplies: { edges: { node: Reply }[] } }>(
      `{ cannedReplies(appId: "${page.appId}"${args}) { edges { node { id shortcut } } } }`,
      {},
      authorization,
    );
    if (!data) throw new Error(JSON.stringify(errors));
    return data.cannedReplies.edges.map(({ node }) => node.shortcut);
  }

  test('gives back the message ready to be sent', async () => {
    const { data } = await create({ shortcut: 'shop', message: card });
    const reply = data?.createCannedReply;
    expect(reply).toMatchObject({ shortcut: 'shop', content: { __typename: 'CardMessage' }, message: card });
    const { sendMessage } = await app.graphql<{ sendMessage: { message: { content: { title: string } } } }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { content { ... on CardMessage { title } } } } }`,
      {
        input: {
          appId: page.appId,
          recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
          message: reply?.message,
        },
      },
    );
    expect(sendMessage.message.content.title).toBe('Our shop');
  });

  test('is found by the beginning of its shortcut, its title or a word of it', async () => {
    await create({ shortcut: 'bye', title: 'See you SOON' });
    await create({ shortcut: 'hello', title: 'Welcome' });
    await create({ shortcut: 'help_100', title: 'All about % and _' });
    expect(await list()).toEqual(['bye', 'hello', 'help_100']);
    expect(await list(', text: "HEL"')).toEqual(['hello', 'help_100']);
    expect(await list(', text: "soo"')).toEqual(['bye']);
    expect(await list(', text: "elcome"')).toEqual([]);
    expect(await list(', text: "%"')).toEqual(['help_100']);
    expect(await list(', first: 1')).toEqual(['bye']);
  });

  test('has a shortcut of its own in its app', async () => {
    const { data } = await create({ shortcut: 'one' });
    await create({ shortcut: 'two' });
    expect((await create({ shortcut: 'one' })).errors?.[0]?.extensions.code).toBe('CONFLICT');
    const rename = (shortcut: string) =>
      `mutation { updateCannedReply(id: "${data?.createCannedReply.id}", input: { shortcut: "${shortcut}" }) { id } }`;
    expect(await codes(rename('two'))).toEqual(['CONFLICT']);
    expect(await codes(rename('three'))).toEqual([]);
    expect(await codes(rename('No spaces'))).toEqual(['BAD_USER_INPUT']);
    expect(await list()).toEqual(['three', 'two']);
    expect(await codes(`mutation { deleteCannedReply(id: "${data?.createCannedReply.id}") }`)).toEqual([]);
    expect(await list()).toEqual(['two']);
  });

  test('of the whole project is read by every agent and written by access keys', async () => {
    const [agent, viewer] = [await token('AGENT', 'anna'), await token('VIEWER', 'vera')];
    const { data } = await create({ appId: null, shortcut: 'all' });
    const id = data?.createCannedReply.id ?? '';
    expect(await list('', viewer)).toEqual(['all']);
    expect((await create({ appId: null, shortcut: 'mine' }, agent)).errors?.[0]?.extensions.code).toBe(
      'FORBIDDEN',
    );
    expect(await codes(`mutation { deleteCannedReply(id: "${id}") }`, agent)).toEqual(['FORBIDDEN']);
    expect((await create({ shortcut: 'ours' }, agent)).errors).toBeUndefined();
    expect((await create({ shortcut: 'ours' }, viewer)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const elsewhere = await token('AGENT', 'eve', (await connectPage(app)).appId);
    const own = (await create({ shortcut: 'own' })).data?.createCannedReply.id;
    expect(await codes(`mutation { deleteCannedReply(id: "${own}") }`, elsewhere)).toEqual(['NOT_FOUND']);
    expect(await codes(`mutation { deleteCannedReply(id: "${id}") }`)).toEqual([]);
  });
});

test('a snooze that ended while no worker was up ends when one is', async () => {
  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  try {
    await update({ snoozedUntil: soon(3_600_000) });
    // As if the hour were over: the job waits for its time in the queue, where it has been from the snooze on.
    await client.query(`UPDATE conversations SET snoozed_until = now() - interval '1 minute' WHERE id = $1`, [
      conversation,
    ]);
    const { rowCount } = await client.query(
      `UPDATE graphile_worker._private_jobs SET run_at = now() - interval '1 minute' WHERE key LIKE 'wake:%' AND run_at > now()`,
    );
    expect(rowCount).toBeGreaterThan(0);
    await eventually(async () => (await state()).status === 'OPEN', 'the end of a snooze');
  } finally {
    await client.end();
  }
});
