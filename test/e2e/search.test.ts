// Finding messages, contacts and conversations by words.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import { DataSource } from 'typeorm';
import { basic } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';

interface Found {
  searchMessages: {
    eventCursor: string;
    edges: { cursor: string; node: { id: string; conversation: { id: string } } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
}

const SEARCH = `query ($appId: ID!, $text: String!, $first: Int, $after: String) {
  searchMessages(appId: $appId, text: $text, first: $first, after: $after) {
    eventCursor edges { cursor node { id conversation { id } } } pageInfo { hasNextPage endCursor } } }`;
const CONTACTS = `query ($text: String, $first: Int, $after: String) {
  contacts(filter: { text: $text }, first: $first, after: $after) { edges { node { displayName } } pageInfo { hasNextPage endCursor } } }`;
const INBOX = `query ($appId: ID!, $filter: InboxFilter) { inbox(appId: $appId, filter: $filter) { edges { node { id } } } }`;

describe('searching', () => {
  let app: TestApp;
  let page: TestPage;
  let dataSource: DataSource;

  beforeAll(async () => {
    app = await startTestApp();
    page = await connectPage(app);
    dataSource = app.parley.app.get(DataSource);
  });
  afterAll(() => app.stop());

  function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, string>[]> {
    return dataSource.query(sql, values);
  }

  async function say(...texts: string[]): Promise<{ psid: string; mids: string[] }> {
    const psid = newPsid();
    const mids = texts.map((_, index) => `m_${psid}_${index}`);
    const items = texts.map((text, index) => textItem(page.pageId, psid, text, mids[index]));
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
    return { psid, mids };
  }

  async function found(
    text: string,
    rest: { first?: number; after?: string | null } = {},
  ): Promise<Found['searchMessages']> {
    return (await app.graphql<Found>(SEARCH, { appId: page.appId, text, ...rest })).searchMessages;
  }

  async function midsFound(text: string): Promise<(string | null)[]> {
    const ids = (await found(text)).edges.map(({ node }) => node.id);
    const rows: { id: string; mid: string }[] = await dataSource.query(
      'SELECT id, channel_message_id AS mid FROM messages WHERE id = ANY($1)',
      [ids],
    );
    return ids.map((id) => rows.find((row) => row.id === id)?.mid ?? null);
  }

  async function inbox(filter: Record<string, unknown>): Promise<string[]> {
    const answer = await app.graphql<{ inbox: { edges: { node: { id: string } }[] } }>(INBOX, {
      appId: page.appId,
      filter,
    });
    return answer.inbox.edges.map(({ node }) => node.id);
  }

  test.each([
    ['German', 'Größe in München verfügbar?', 'verfug MUNCHEN'],
    ['French', "J'ai reçu l’écharpe à Noël", 'echarpe noel'],
    ['Turkish', 'Işıklı İstanbul kapısı', 'isikli kapisi ISTANBUL'],
    ['Greek', 'Το καπέλο του φίλου μου', 'ΚΑΠΕΛΟ φιλοΥ'],
    ['Arabic', 'أُريدُ القُبَّعة', 'القبعة اريد'],
    ['Hebrew', 'הַכּוֹבַע הַכָּחֹל', 'הכובע הכחל'],
    ['Hindi', 'नीली टोपी चाहिए', 'टोपी चा'],
    ['Chinese', '我想买蓝色的帽子', '帽子'],
    ['Japanese', '青い帽子はありますか', '帽子は'],
    ['Thai', 'มีหมวกสีฟ้าไหม', 'สีฟ้า'],
    ['Korean', '파란색 모자 있나요', '모자 파란'],
    ['emoji', 'Love it 🥻👍🏽', '🥻'],
  ])('%s: found by words and their beginnings, whatever the case and the accents', async (_, said, text) => {
    const { mids } = await say(said, 'something else entirely');
    expect(await midsFound(text)).toEqual([mids[0]]);
  });

  test('all words have to be there, in any order', async () => {
    const { mids } = await say('crimson beret', 'crimson fedora', 'beret crimson again');
    expect(await midsFound('BERET crim')).toEqual([mids[2], mids[0]]);
    expect(await midsFound('crimson trilby')).toEqual([]);
  });

  test('what is sent is found as soon as it is accepted, by any of its texts', async () => {
    await say('I look for a sombrero');
    const [hit] = (await found('sombrero')).edges;
    const contact = await app.graphql<{ conversation: { contact: { id: string } } }>(
      `query ($id: ID!) { conversation(id: $id) { contact { id } } }`,
      { id: hit?.node.conversation.id },
    );
    const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
      {
        input: {
          appId: page.appId,
          recipient: { contactId: contact.conversation.contact.id },
          message: {
            cardMessage: {
              title: 'Straw hats',
              description: 'From Ecuadór',
              choices: [{ textMessage: { text: 'Ribboned' }, postbackData: 'hidden-data' }],
            },
          },
        },
      },
    );
    for (const text of ['straw', 'ecuador', 'ribbon'])
      expect((await found(text)).edges.map(({ node }) => node.id)).toEqual([sendMessage.messageId]);
    expect((await found('hidden')).edges).toEqual([]);
    // Its status changes and it is still found.
    await eventually(async () => {
      const [row] = await rowsOf('SELECT status FROM messages WHERE id = $1', [sendMessage.messageId]);
      return row?.status !== 'QUEUED';
    }, 'another status');
    expect((await found('straw hats')).edges).toHaveLength(1);
  });

  test('newest first, and the pages stay while new messages come in', async () => {
    const { mids } = await say(...Array.from({ length: 7 }, (_, index) => `panama number${index}`));
    const first = await found('panama', { first: 3 });
    expect(first.pageInfo.hasNextPage).toBe(true);
    await say('another panama', 'yet another panama');
    const second = await found('panama', { first: 3, after: first.pageInfo.endCursor });
    const third = await found('panama', { first: 3, after: second.pageInfo.endCursor });
    expect(third.pageInfo.hasNextPage).toBe(false);
    const ids = [first, second, third].flatMap(({ edges }) => edges.map(({ node }) => node.id));
    const rows: { mid: string }[] = await dataSource.query(
      'SELECT m.channel_message_id AS mid FROM unnest($1::text[]) WITH ORDINALITY AS k(id, n) JOIN messages m USING (id) ORDER BY n',
      [ids],
    );
    expect(rows.map(({ mid }) => mid)).toEqual([...mids].reverse());
    expect((await found('panama', { first: 3 })).edges).toHaveLength(3);
  });

  test('an edited message is found by what it says now, one that was taken back not at all', async () => {
    const { psid, mids } = await say('bowler please', 'derby please');
    const change = (item: Record<string, unknown>): unknown =>
      envelope(page.pageId, {
        sender: { id: psid },
        recipient: { id: page.pageId },
        timestamp: Date.now() + 1,
        ...item,
      });
    await postWebhook(
      app,
      page,
      change({ message_edit: { mid: mids[0], text: 'boater please', num_edit: 1 } }),
    );
    expect(await midsFound('bowler')).toEqual([]);
    expect(await midsFound('boater')).toEqual([mids[0]]);
    await postWebhook(app, page, change({ message: { mid: mids[1], is_deleted: true } }));
    expect(await midsFound('derby')).toEqual([]);
    expect(await midsFound('please')).toEqual([mids[0]]);
  });

  test('with a person their words go', async () => {
    await say('my secret homburg');
    const [{ contact_id: id } = {}] = await rowsOf(
      `SELECT contact_id FROM messages WHERE content -> 'text_message' ->> 'text' = 'my secret homburg'`,
    );
    await app.graphql(
      `mutation ($id: ID!) { updateContact(id: $id, input: { displayName: "Zebedee" }) { id } }`,
      { id },
    );
    expect(
      (await app.graphql<{ contacts: { edges: unknown[] } }>(CONTACTS, { text: 'zebed' })).contacts.edges,
    ).toHaveLength(1);
    await app.graphql(`mutation ($id: ID!) { deleteContact(id: $id) }`, { id });
    expect((await found('homburg')).edges).toEqual([]);
    expect(
      (await app.graphql<{ contacts: { edges: unknown[] } }>(CONTACTS, { text: 'zebed' })).contacts.edges,
    ).toEqual([]);
    expect(await dataSource.query('SELECT FROM contact_words WHERE contact_id = $1', [id])).toEqual([]);
  });

  test('nothing is found across the walls of apps and projects', async () => {
    await say('walled fez');
    const other = await connectPage(app);
    expect(
      (await app.graphql<Found>(SEARCH, { appId: other.appId, text: 'fez' })).searchMessages.edges,
    ).toEqual([]);
    const projects = app.parley.app.get(ProjectsService, { strict: false });
    const { projectId } = await projects.createProject('Strangers');
    const { keyId, secret } = await projects.createKey(projectId);
    const strange = await app.ask(SEARCH, { appId: page.appId, text: 'fez' }, basic(keyId, secret));
    expect(strange.errors?.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
    const contacts = await app.ask<{ contacts: { edges: unknown[] } }>(
      CONTACTS,
      { text: 'a' },
      basic(keyId, secret),
    );
    expect(contacts.data?.contacts.edges).toEqual([]);
  });

  test('an inbox token finds in its own apps only', async () => {
    await say('token tricorne');
    const other = await connectPage(app);
    const tokenFor = async (appId: string): Promise<string> => {
      const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
        `mutation ($input: CreateInboxTokenInput!) { createInboxToken(input: $input) { token } }`,
        { input: { appIds: [appId], agentId: 'ann', role: 'VIEWER' } },
      );
      return `Bearer ${createInboxToken.token}`;
    };
    const own = await app.ask<Found>(
      SEARCH,
      { appId: page.appId, text: 'tricorne' },
      await tokenFor(page.appId),
    );
    expect(own.data?.searchMessages.edges).toHaveLength(1);
    const foreign = await app.ask(
      SEARCH,
      { appId: page.appId, text: 'tricorne' },
      await tokenFor(other.appId),
    );
    expect(foreign.errors?.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
  });

  test.each([
    ['', 'isNotEmpty'],
    ['  …!? ', 'isNotEmpty'],
    ['x'.repeat(201), 'maxLength'],
    ['a b c d e f g h i j k', 'maxWords'],
  ])('the text %j is refused by the rule %s', async (text, rule) => {
    const { errors } = await app.ask(SEARCH, { appId: page.appId, text });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'text', rule }],
    });
  });

  test('quotes and operators of Postgres are letters like others, i.e. none', async () => {
    const { mids } = await say("rock 'n' roll | & ! top:*hat");
    for (const text of [`'rock'`, `rock & !roll`, `"roll" | nothing:*`.replace('nothing:*', 'top'), `top\\'`])
      expect(await midsFound(text)).toEqual([mids[0]]);
  });

  test('contacts are found by name, e-mail, key and identity, in order of creation', async () => {
    const create = (input: Record<string, unknown>): Promise<unknown> =>
      app.graphql(`mutation ($input: CreateContactInput!) { createContact(input: $input) { id } }`, {
        input,
      });
    await create({ displayName: 'Søren Kierkegård', email: 's.k@philosophy.dk', externalId: 'crm-4711' });
    await create({
      displayName: 'Regine Søren',
      channelIdentities: [{ channel: 'SMS', identity: '+4512345678' }],
    });
    const names = async (text: string, rest = {}): Promise<string[]> =>
      (
        await app.graphql<{ contacts: { edges: { node: { displayName: string } }[] } }>(CONTACTS, {
          text,
          ...rest,
        })
      ).contacts.edges.map(({ node }) => node.displayName);
    expect(await names('soren')).toEqual(['Søren Kierkegård', 'Regine Søren']);
    expect(await names('soren', { first: 1 })).toEqual(['Søren Kierkegård']);
    for (const text of ['KIERK sør', 'philosophy', 's.k@philosophy.dk', '4711'])
      expect(await names(text)).toEqual(['Søren Kierkegård']);
    expect(await names('451234')).toEqual(['Regine Søren']);
    expect(await names('+4512345678')).toEqual(['Regine Søren']);
    expect(await names('nobody')).toEqual([]);
  });

  test('the inbox shows the conversations whose contact or messages match, with the other filters', async () => {
    const { mids } = await say('about a stetson', 'the stetson again');
    await say('only a bonnet');
    const [talk = {}] = await rowsOf(
      'SELECT conversation_id AS id, contact_id FROM messages WHERE channel_message_id = $1',
      [mids[0]],
    );
    expect(await inbox({ text: 'stetson' })).toEqual([talk.id]);
    expect(await inbox({ text: 'stetson', status: 'OPEN', unread: true, unassigned: true })).toEqual([
      talk.id,
    ]);
    expect(await inbox({ text: 'stetson', status: 'CLOSED' })).toEqual([]);
    await app.graphql(
      `mutation ($id: ID!) { updateConversation(id: $id, input: { labels: ["vip"] }) { id } }`,
      {
        id: talk.id,
      },
    );
    expect(await inbox({ text: 'stetson', labels: ['vip'] })).toEqual([talk.id]);
    expect(await inbox({ text: 'bonnet', labels: ['vip'] })).toEqual([]);
    await app.graphql(
      `mutation ($id: ID!) { updateContact(id: $id, input: { displayName: "Bartholomäus" }) { id } }`,
      {
        id: talk.contact_id,
      },
    );
    expect(await inbox({ text: 'bartholoma' })).toEqual([talk.id]);
    expect(await inbox({ text: 'nothing of the kind' })).toEqual([]);
    expect((await inbox({ text: ' ' })).length).toBeGreaterThan(1);
  });

  test('what was there before the search is found once the backlog is worked off', async () => {
    const { mids } = await say('ancient cloche', 'forgotten cloche');
    await dataSource.query('DELETE FROM message_words WHERE project_id = $1', [app.projectId]);
    await dataSource.query('DELETE FROM contact_words WHERE project_id = $1', [app.projectId]);
    expect(await midsFound('cloche')).toEqual([]);
    // What was taken back since has words already, none: the backlog leaves them.
    await dataSource.query(
      `INSERT INTO message_words SELECT project_id, id, app_id, '' FROM messages WHERE channel_message_id = $1`,
      [mids[1]],
    );
    await dataSource.query(
      `INSERT INTO word_backlog (project_id, kind) VALUES ($1, 'messages'), ($1, 'contacts')`,
      [app.projectId],
    );
    await eventually(
      async () => (await rowsOf('SELECT kind FROM word_backlog')).length === 0,
      'the end of the backlog',
      30_000,
    );
    expect(await midsFound('cloche')).toEqual([mids[0]]);
    const { contacts } = await app.graphql<{ contacts: { edges: unknown[] } }>(CONTACTS, { text: 'soren' });
    expect(contacts.edges).toHaveLength(2);
  });
});
