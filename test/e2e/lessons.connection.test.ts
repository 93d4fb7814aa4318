// Failures of other projects with the connection to Messenger, by their number in the list of reported failures: shown not to happen
// here, or why not yet.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Answered, missing } from '../support/lessons.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { Records } from '../support/records.js';
import { Sending } from '../support/sending.js';
import { saidTo, talksOf } from '../support/talks.js';

const HERE = 'test/e2e/lessons.connection.test.ts';
const CHANNELS = 'test/service/channels.test.ts';
const DEAD_TOKEN = [
  HERE,
  '30, 31, 32: a token that dies (%s) shows on the channel with what to do, and loses nothing that comes in',
] as const;

const LESSONS: Readonly<Record<number, Answered>> = {
  30: [
    DEAD_TOKEN,
    ['test/e2e/sending.faults.test.ts', 'an invalid token stops the channel until it is reconnected'],
    [CHANNELS, 'connecting again replaces the token in place and keeps the secret that is not given'],
    'what is sent while the token is dead fails at once with INACTIVE_CREDENTIAL instead of waiting for another token',
  ],
  31: [DEAD_TOKEN],
  32: [
    DEAD_TOKEN,
    [HERE, '32: a token that died in silence is found out by the next call, without anything being sent'],
    [CHANNELS, 'with a page id given, the channel is kept and shows it when %s'],
    'no probe of an idle page: a channel of which nobody asks anything keeps its last state',
  ],
  33: [
    [HERE, '33, 37: a thread that another app owns stays in sight'],
    'not built: who owns a thread is in the events of the conversation, but is no state of it, and there are no calls to take or pass it',
  ],
  34: [
    [
      HERE,
      '34, 37: connecting subscribes the page to every field that is read, standby and hand-overs among them',
    ],
    [HERE, '34: a page that cannot be subscribed is not shown as connected'],
    'not built: a daily check of the subscription, and a self-test',
  ],
  35: [
    [HERE, '35: the verification call is answered before anything is connected'],
    [CHANNELS, 'when the channel calls back while it is being subscribed, everything is committed already'],
  ],
  36: [
    'not built, nor needed: there is no login by a proxy and no list of pages; a page is connected by its own token, by whoever runs Parley',
    [CHANNELS, 'a good token connects the page, subscribes it to our callback and says so in events'],
  ],
  37: [
    [
      HERE,
      '34, 37: connecting subscribes the page to every field that is read, standby and hand-overs among them',
    ],
    [HERE, '33, 37: a thread that another app owns stays in sight'],
  ],
};

test('every reported failure of the connection is answered, by a test that there is or by a reason', () => {
  expect(missing(LESSONS, 30, 37)).toEqual([]);
});

interface ChannelView {
  id: string;
  state: string;
  lastError: string | null;
}

describe('reported failures of the connection', () => {
  let app: TestApp;
  let records: Records;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
    records = await Records.of(app.databaseUrl);
    sending = new Sending(app);
  });
  beforeEach(async () => {
    page = await connectPage(app);
  });
  afterAll(async () => {
    await records.close();
    await app.stop();
  });

  async function channel(appId = page.appId): Promise<ChannelView | undefined> {
    const { app: found } = await app.graphql<{ app: { channels: ChannelView[] } }>(
      `query ($id: ID!) { app(id: $id) { channels { id state lastError } } }`,
      { id: appId },
    );
    return found.channels[0];
  }

  async function connect(appId: string, pageId: string, token: string): Promise<ChannelView> {
    const input = { appId, channel: 'MESSENGER', token, callbackSecret: `secret-of-${pageId}`, pageId };
    const { connectChannel } = await app.graphql<{ connectChannel: ChannelView }>(
      `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id state lastError } }`,
      { input },
    );
    return connectChannel;
  }

  async function post(...items: unknown[]): Promise<void> {
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  }

  function reauth(): Promise<ChannelView> {
    return eventually(async () => {
      const found = await channel();
      return found?.state === 'NEEDS_REAUTH' && found;
    }, 'the state of the channel');
  }

  test.each([
    ['password changed', 460, 'changed their password'],
    ['expired', 463, 'expired'],
    ['app removed', 458, ''],
  ])(
    '30, 31, 32: a token that dies (%s) shows on the channel with what to do, and loses nothing that comes in',
    async (_why, subcode, words) => {
      const psid = await sending.person(page);
      // Whoever asks for the person's profile would find out first.
      await records.settled();
      await app.sandbox(`pages/${page.pageId}/revoke`, { error_subcode: subcode });
      const dead = await sending.send(page, psid, 'with a dead token');
      expect((await sending.reaches(dead, 'FAILED')).reason?.channelCode).toBe(`190/${subcode}`);
      expect(await reauth()).toMatchObject({ lastError: expect.stringContaining(words) as string });
      await post(textItem(page.pageId, psid, 'Are you there?'));
      const refused = await sending.send(page, psid, 'without a call');
      expect((await sending.reaches(refused, 'FAILED')).reason?.code).toBe('INACTIVE_CREDENTIAL');

      const token = `EAAnew${randomUUID()}`;
      await app.sandbox(`pages/${page.pageId}`, { token });
      expect(await connect(page.appId, page.pageId, token)).toEqual({
        ...{ id: page.channelId, state: 'ACTIVE', lastError: null },
      });
      await sending.reaches(await sending.send(page, psid, 'here again'), 'READ');
      const [talk, ...others] = await talksOf(app, page, psid);
      expect(others).toEqual([]);
      expect(talk?.messages.map(({ content, status }) => `${content.text ?? ''}: ${status ?? ''}`)).toEqual([
        'Hello: ',
        'with a dead token: FAILED',
        'Are you there?: ',
        'without a call: FAILED',
        'here again: READ',
      ]);
    },
  );

  test('32: a token that died in silence is found out by the next call, without anything being sent', async () => {
    await app.sandbox(`pages/${page.pageId}/revoke`, { error_subcode: 460 });
    expect((await channel())?.state).toBe('ACTIVE');
    // Somebody new has their profile asked for.
    await post(textItem(page.pageId, newPsid(), 'Hello'));
    expect((await reauth()).lastError).toContain('password');
  });

  test('33, 37: a thread that another app owns stays in sight', async () => {
    const psid = newPsid();
    const sides = { sender: { id: psid }, recipient: { id: page.pageId } };
    const pass = {
      ...sides,
      timestamp: Date.now(),
      pass_thread_control: { new_owner_app_id: '12', metadata: 'to a bot' },
    };
    const standby = [
      textItem(page.pageId, psid, 'to the other app'),
      {
        ...{ sender: sides.recipient, recipient: sides.sender, timestamp: Date.now() },
        message: { mid: `m_${randomUUID()}`, is_echo: true, app_id: 12, text: 'by the other app' },
      },
    ];
    await post(pass);
    const body = { object: 'page', entry: [{ id: page.pageId, time: Date.now(), standby }] };
    for (let time = 0; time < 2; time += 1) expect((await postWebhook(app, page, body)).status).toBe(200);
    expect(await saidTo(app, page, psid)).toMatchObject([
      { content: { text: 'to the other app' }, sentBy: 'CONTACT', channelData: { standby: true } },
      {
        content: { text: 'by the other app' },
        sentBy: 'OTHER_APP',
        channelData: { standby: true, app_id: '12' },
      },
    ]);
    const events = await sending.query(
      `SELECT e.content::text AS content FROM conversation_events e JOIN channel_identities i ON i.contact_id = e.contact_id
       WHERE i.identity = $1`,
      [psid],
    );
    expect(events).toEqual([{ content: expect.stringMatching(/pass_thread_control.*to a bot/) as string }]);
  });

  test('34, 37: connecting subscribes the page to every field that is read, standby and hand-overs among them', async () => {
    const { token } = await app.sandbox<{ token: string }>('pages', { id: page.pageId });
    const { data } = await app.sandbox<{ data: { subscribed_fields: string[] }[] }>(
      `v26.0/${page.pageId}/subscribed_apps?access_token=${token}`,
    );
    expect(data[0]?.subscribed_fields).toEqual(
      expect.arrayContaining([
        ...['messages', 'message_echoes', 'message_deliveries', 'message_reads', 'message_reactions'],
        ...['message_edits', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals'],
        ...[
          'messaging_account_linking',
          'messaging_handovers',
          'messaging_policy_enforcement',
          'standby',
          'feed',
        ],
      ]),
    );
  });

  test('34: a page that cannot be subscribed is not shown as connected', async () => {
    const { createApp } = await app.graphql<{ createApp: { id: string } }>(
      `mutation { createApp(input: { displayName: "Refused" }) { id } }`,
    );
    const { token } = await app.sandbox<{ token: string }>('pages', { id: page.pageId });
    const error = {
      code: 200,
      message: '(#200) To subscribe to the messages field, pages_messaging is needed',
    };
    await app.sandbox('faults', {
      page_id: page.pageId,
      path: 'subscribed_apps',
      kind: 'graph_error',
      error,
    });
    const found = await connect(createApp.id, page.pageId, token);
    expect(found).toMatchObject({ lastError: expect.stringContaining('pages_messaging') as string });
    expect(found.state).not.toBe('ACTIVE');
    expect(await channel(createApp.id)).toEqual(found);
  });

  test('35: the verification call is answered before anything is connected', async () => {
    const query = 'hub.mode=subscribe&hub.verify_token=test-verify-token&hub.challenge=1158201444';
    const answer = await fetch(`${app.url}/adapter/v1/01JD0000000000000000000000/callback?${query}`);
    expect([answer.status, await answer.text()]).toEqual([200, '1158201444']);
  });
});
