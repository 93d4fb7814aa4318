// Failures of other projects, by their number in the list of reported failures: each shown not to happen here. 30 to 37 are in
// lessons.connection.test.ts, 38 to 46 in lessons.sending.test.ts.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { PNG, startTestCdn, type TestCdn } from '../support/cdn.js';
import { eventually } from '../support/eventually.js';
import {
  deliveryItem,
  type GraphReply,
  readItem,
  startTestGraph,
  taken,
  type TestGraph,
} from '../support/graph.js';
import { type Answered, missing } from '../support/lessons.js';
import { envelope, newPsid, postWebhook, type TestPage, textItem } from '../support/messenger.js';
import { startReceiver } from '../support/receiver.js';
import { connectTo, Sending } from '../support/sending.js';
import { contactsOf, saidTo, type TalkMessage, talksOf } from '../support/talks.js';

const HERE = 'test/e2e/lessons.ingest.test.ts';
const ECHOES = 'test/e2e/lessons.echoes.test.ts';
const INBOUND = 'test/service/inbound.test.ts';
const PROPERTIES = 'test/service/history.properties.test.ts';
const MEDIA = 'test/service/media.test.ts';

const LESSONS: Readonly<Record<number, Answered>> = {
  1: [
    [ECHOES, '1, 4, 5, 6, 7: '],
    [ECHOES, '1, 2, 5, 7: '],
  ],
  2: [
    [ECHOES, '1, 2, 5, 7: '],
    [ECHOES, '2: an echo, then %s'],
  ],
  3: [
    [HERE, '3: '],
    [INBOUND, 'delivered several times at once, to two processes, is stored once'],
  ],
  4: [[ECHOES, '1, 4, 5, 6, 7: ']],
  5: [
    [ECHOES, '1, 4, 5, 6, 7: '],
    ['test/e2e/sending.echoes.test.ts', 'echo and dropped connection at the same moment, many times over'],
  ],
  6: [
    [ECHOES, '6, 7: '],
    [ECHOES, '6: what another tool writes while we send'],
    [ECHOES, '6: an echo without metadata and no answer ever'],
  ],
  7: [
    [ECHOES, '1, 4, 5, 6, 7: '],
    [ECHOES, '6, 7: '],
  ],
  8: [[ECHOES, '8: ']],
  9: [[HERE, '9: ']],
  10: [[ECHOES, '10: ']],
  11: [
    [HERE, '11: '],
    [INBOUND, 'a request is refused in time for the channel to come again, and what it held is stored once'],
    ['test/e2e/people.test.ts', 'does not hold up what comes in when Graph hangs'],
  ],
  12: [[HERE, '12: ']],
  13: [
    [HERE, '13: '],
    [
      INBOUND,
      'are in the log in the order of acceptance, conversation by conversation, also beside people who are new',
    ],
    'the contract lists messages in order of acceptance, which takes no queue: a webhook that Messenger itself delivers late is not put between older messages',
  ],
  14: [
    'of sending',
    [
      'test/e2e/sending.faults.test.ts',
      '20 messages keep their order through random faults, each exactly once',
    ],
  ],
  15: [
    [HERE, '15: '],
    [PROPERTIES, 'a message %s reads the same in every order of a triple'],
  ],
  16: [
    'of our own webhooks',
    [
      'test/service/webhooks.test.ts',
      'retries carry the same event id and a nonce and signature of their own',
    ],
  ],
  17: [
    'of sending',
    ['test/e2e/sending.idempotency.test.ts', 'concurrent retries agree, and one of them sends'],
  ],
  18: [
    [HERE, '18, 19: '],
    ['test/e2e/corpus.test.ts', 'costs its neighbours nothing'],
    [INBOUND, 'does not take its neighbours along and is kept as unsupported'],
  ],
  19: [[HERE, '18, 19: ']],
  20: [
    [HERE, '20: '],
    [MEDIA, 'with %i is tried again later'],
    [MEDIA, 'for good keeps the original link and says why'],
  ],
  21: [[HERE, '21: ']],
  22: [[HERE, '22: ']],
  23: [[HERE, '23: ']],
  24: [
    [HERE, '24, 25: '],
    [
      'test/unit/readme.inbound.test.ts',
      'every kind and every attachment that has a reader stands in the table',
    ],
  ],
  25: [
    [HERE, '24, 25: '],
    [INBOUND, 'that is only an image creates a conversation as well'],
  ],
  26: [[HERE, '26: ']],
  27: [
    'of sending: Messenger fetches what leaves, and what it says of a link that it cannot fetch is the reason of the failed message',
    ['test/e2e/graph-errors.test.ts', 'each error ends in the documented state'],
  ],
  28: [
    [HERE, '28: '],
    [
      'test/service/inbound.changes.test.ts',
      'an unsent message is erased with all of its parts, from the log too',
    ],
    [MEDIA, 'a message that was taken back takes them along, also while they come'],
  ],
  29: [
    [HERE, '29: '],
    ['test/e2e/callbacks.test.ts', 'what has no generic form comes as it was, to those who ask for it'],
  ],
};

test('every reported failure of ingestion is answered, by a test that there is or by a reason', () => {
  expect(missing(LESSONS, 1, 29)).toEqual([]);
});

describe('reported failures of ingestion', () => {
  let app: TestApp;
  let graph: TestGraph;
  let cdn: TestCdn;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    graph = await startTestGraph();
    app = await startTestApp({ GRAPH_API_URL: graph.url });
    cdn = await startTestCdn();
    sending = new Sending(app);
    page = await connectTo(app);
  });
  afterAll(async () => {
    await app.stop();
    await Promise.all([graph.stop(), cdn.stop()]);
  });

  async function post(...items: unknown[]): Promise<void> {
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  }

  /** What a person does. */
  function item(psid: string, what: Record<string, unknown>, timestamp = Date.now()): unknown {
    return { sender: { id: psid }, recipient: { id: page.pageId }, timestamp, ...what };
  }

  function messageItem(psid: string, message: Record<string, unknown>): unknown {
    return item(psid, { message: { mid: `m_${randomUUID()}`, ...message } });
  }

  function said(psid: string): Promise<TalkMessage[]> {
    return saidTo(app, page, psid);
  }

  async function mediaOf(psid: string, state: string): Promise<TalkMessage> {
    return eventually(async () => (await said(psid)).find(({ media }) => media[0]?.state === state), state);
  }

  test('3: the same webhook many times at once makes one contact, one conversation, one message', async () => {
    const people = Array.from({ length: 5 }, () => newPsid());
    const items = people.map((psid) => textItem(page.pageId, psid, 'Hello'));
    // With its neighbours or without, as two subscriptions would.
    await Promise.all(
      items.flatMap((one) => [post(one), post(...items), post(one), post(...items.toReversed())]),
    );
    for (const psid of people) {
      expect(await contactsOf(app, psid)).toHaveLength(1);
      expect(await talksOf(app, page, psid)).toMatchObject([
        { unreadCount: 1, messages: [{ content: { text: 'Hello' } }] },
      ]);
    }
  });

  test.each([
    ['the id of the Page inbox', { app_id: 263902037430900 }, 'PAGE_INBOX'],
    ['the id that the page of echoes prints', { app_id: 26390203743090 }, 'PAGE_INBOX'],
    ['no id, as from the business suite', {}, 'PAGE_INBOX'],
    ['the id of another app', { app_id: 1517776481860111 }, 'OTHER_APP'],
  ])('9: a reply with %s is shown, once and as whose it is', async (_what, fields, sentBy) => {
    const psid = newPsid();
    await post(textItem(page.pageId, psid, 'Anybody there?'));
    const message = { mid: `m_${psid}`, is_echo: true, text: 'Ann here', ...fields };
    const echo = { sender: { id: page.pageId }, recipient: { id: psid }, timestamp: Date.now(), message };
    await post(echo, echo);
    await post(echo);
    expect(await said(psid)).toMatchObject([
      { sentBy: 'CONTACT', direction: 'TO_APP' },
      { sentBy, direction: 'TO_CONTACT', content: { text: 'Ann here' }, status: 'QUEUED_ON_CHANNEL' },
    ]);
  });

  test('11: a webhook has its 200 once it is stored, whatever work follows, and changes nothing when it comes again', async () => {
    const psid = newPsid();
    const hanging = Promise.withResolvers<GraphReply>();
    graph.answer = (call) => (call.psid === psid ? hanging.promise : taken(call));
    const id = await sending.send(page, psid, 'an answer that Graph sits on');
    await eventually(() => graph.sends.some((call) => call.psid === psid), 'the call');
    const one = textItem(page.pageId, psid, 'meanwhile');
    for (let time = 0; time < 3; time += 1) {
      await post(one);
      // At once: there is nothing to wait for after the 200.
      expect((await said(psid)).filter(({ content }) => content.text === 'meanwhile')).toHaveLength(1);
    }
    expect((await sending.message(id)).status).toBe('QUEUED');
    hanging.resolve('drop');
    graph.answer = taken;
  });

  test('12: the same mid with another timestamp, text or neighbour is the same message', async () => {
    const [psid, mid] = [newPsid(), `m_${randomUUID()}`];
    const at = Date.now();
    await post(textItem(page.pageId, psid, 'Hello', mid, at));
    await post(
      textItem(page.pageId, psid, 'Hello', mid, at - 1000),
      textItem(page.pageId, psid, 'Hello', mid, at + 1),
    );
    await post(
      textItem(page.pageId, psid, 'Hello again', mid, at + 60_000),
      textItem(page.pageId, psid, 'next'),
    );
    expect((await said(psid)).map(({ content }) => content.text)).toEqual(['Hello', 'next']);
    expect(await talksOf(app, page, psid)).toMatchObject([{ unreadCount: 2 }]);
  });

  test('13: many conversations at once keep the order in which each was told, over webhooks and within one', async () => {
    const people = Array.from({ length: 6 }, () => newPsid());
    const texts = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const talk = async (psid: string): Promise<void> => {
      for (let start = 0; start < texts.length; start += 4)
        await post(...texts.slice(start, start + 4).map((text) => textItem(page.pageId, psid, text)));
    };
    await Promise.all(people.map(talk));
    for (const psid of people) expect((await said(psid)).map(({ content }) => content.text)).toEqual(texts);
  });

  test('15: a late delivery takes nothing back from what was read', async () => {
    const psid = newPsid();
    const id = await sending.send(page, psid, 'for you');
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    const call = graph.sends.find((send) => send.psid === psid);
    if (!call) throw new Error('no call');
    await post(readItem(call));
    await post(deliveryItem(call), deliveryItem(call, call.at, []), readItem(call, call.at - 1));
    expect((await sending.message(id)).status).toBe('READ');
    expect(await sending.told(id)).toEqual(['QUEUED', 'QUEUED_ON_CHANNEL', 'READ']);
  });

  test('18, 19: kinds that nobody knew cost nothing of the batch, and are shown as what they are', async () => {
    const psid = newPsid();
    const kinds = {
      sticker: { url: `${cdn.url}/sticker.png`, sticker_id: '1111' },
      post: { url: 'https://www.facebook.com/p/1', title: 'News', id: '1' },
      of_tomorrow: { depth: 3 },
    };
    const attached = Object.entries(kinds).map(([type, payload]) =>
      messageItem(psid, { attachments: [{ type, payload }] }),
    );
    await post(
      textItem(page.pageId, psid, 'before'),
      ...attached,
      item(psid, { telepathy: { strength: 7 } }),
      null,
      textItem(page.pageId, psid, 'after'),
    );
    const messages = await said(psid);
    expect(messages.map(({ content }) => content.__typename)).toEqual([
      'TextMessage',
      'MediaMessage',
      'MediaMessage',
      'FallbackMessage',
      'TextMessage',
    ]);
    expect(messages.map(({ content }) => content.text)).toMatchObject({ 0: 'before', 4: 'after' });
    expect(messages[2]?.content.url).toBe('https://www.facebook.com/p/1');
    expect(messages[3]?.content.rawMessage).toContain('of_tomorrow');
  });

  test('20: a download that fails costs the media only: the message is there before and after, and says why', async () => {
    const psid = newPsid();
    const url = cdn.serve('/gone.png', { status: 404 });
    await post(messageItem(psid, { text: 'look', attachments: [{ type: 'image', payload: { url } }] }));
    expect(await said(psid)).toHaveLength(1);
    const { media } = await mediaOf(psid, 'FAILED');
    expect(media).toMatchObject([
      { url, originalUrl: url, reason: expect.stringContaining('404') as string },
    ]);
    expect(await said(psid)).toHaveLength(1);
  });

  test.each([
    ['in the payload', { payload: { url: 'https://shop.example/shoes', title: 'Shoes' } }],
    ['beside the payload', { payload: null, title: 'Shoes', url: 'https://shop.example/shoes' }],
    ['in capitals', { payload: null, title: 'Shoes', URL: 'https://shop.example/shoes' }],
  ])('21: a shared link can be used when its address stands %s', async (_where, attachment) => {
    const psid = newPsid();
    await post(messageItem(psid, { attachments: [{ type: 'fallback', ...attachment }] }));
    expect(await said(psid)).toMatchObject([
      {
        content: {
          __typename: 'TextMessage',
          text: expect.stringContaining('https://shop.example/shoes') as string,
        },
      },
    ]);
  });

  test('22: a conversation that begins with Get Started is there, with its payload and where it came from', async () => {
    const psid = newPsid();
    const referral = { ref: 'summer', source: 'SHORTLINK', type: 'OPEN_THREAD' };
    await post(
      item(psid, { postback: { title: 'Get started', payload: 'GET_STARTED', mid: `m_${psid}`, referral } }),
    );
    expect(await talksOf(app, page, psid)).toMatchObject([
      {
        unreadCount: 1,
        messages: [{ content: { __typename: 'ChoiceResponseMessage', postbackData: 'GET_STARTED' } }],
      },
    ]);
    const events = await sending.query(
      `SELECT e.content::text AS content FROM conversation_events e JOIN channel_identities i ON i.contact_id = e.contact_id
       WHERE i.identity = $1`,
      [psid],
    );
    expect(events).toEqual([{ content: expect.stringContaining('summer') as string }]);
  });

  test.each([
    ['with its picture', true],
    ['without', false],
  ])('23: the thumb is shown, %s', async (_how, pictured) => {
    const psid = newPsid();
    const url = cdn.serve('/thumb.png', { headers: { 'content-type': 'image/png' }, body: PNG });
    const payload = { sticker_id: '369239263222822', ...(pictured ? { url } : {}) };
    await post(
      messageItem(psid, { sticker_id: '369239263222822', attachments: [{ type: 'sticker', payload }] }),
    );
    const [message, ...others] = await said(psid);
    expect(others).toEqual([]);
    expect(message?.content.__typename).toBe(pictured ? 'MediaMessage' : 'TextMessage');
    if (!pictured) expect(message?.content.text).toBe('👍');
  });

  test.each(['image', 'video', 'audio', 'file'])(
    '24, 25: a first message that is only one %s reaches the agents',
    async (type) => {
      const psid = newPsid();
      const url = cdn.serve(`/first.${type}`, { headers: { 'content-type': 'image/png' }, body: PNG });
      await post(messageItem(psid, { attachments: [{ type, payload: { url } }] }));
      expect(await talksOf(app, page, psid)).toMatchObject([
        { unreadCount: 1, messages: [{ content: { __typename: 'MediaMessage' } }] },
      ]);
      const stored = await mediaOf(psid, 'STORED');
      expect(await (await fetch(stored.media[0]?.url ?? '')).bytes()).toEqual(new Uint8Array(PNG));
    },
  );

  test('26: what was sent can still be seen when the address at Messenger has expired', async () => {
    const psid = newPsid();
    const url = cdn.serve(
      '/signed.png',
      { headers: { 'content-type': 'image/png' }, body: PNG },
      { status: 403, body: 'URL signature expired' },
    );
    await post(messageItem(psid, { attachments: [{ type: 'image', payload: { url } }] }));
    await mediaOf(psid, 'STORED');
    expect((await fetch(url)).status).toBe(403);
    const message = await eventually(
      async () => (await said(psid)).find(({ content }) => content.url !== url),
      'our link in the message',
    );
    const answer = await fetch(message.content.url ?? '');
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(await answer.bytes()).toEqual(new Uint8Array(PNG));
  });

  test.each([
    ['after it was read', false],
    ['before it came', true],
  ])(
    '28: what a person takes back %s is nowhere any more, and that they did is shown',
    async (_when, first) => {
      const [psid, mid, secret] = [newPsid(), `m_${randomUUID()}`, `secret-${randomUUID()}`];
      const message = textItem(page.pageId, psid, secret, mid);
      const unsend = item(psid, { message: { mid, is_deleted: true } });
      for (const one of first ? [unsend, message] : [message, unsend]) await post(one);
      await post(message, unsend);
      const messages = await said(psid);
      expect(messages).toMatchObject([{ content: { __typename: 'FallbackMessage' } }]);
      expect(messages[0]?.deletedAt).not.toBeNull();
      const kept = `SELECT FROM messages m WHERE m::text LIKE $1 UNION ALL SELECT FROM events e WHERE e::text LIKE $1
      UNION ALL SELECT FROM webhook_deliveries d WHERE d::text LIKE $1`;
      expect(await sending.query(kept, [`%${secret}%`])).toEqual([]);
    },
  );

  test('29: who wants everything gets also what nobody understands, as it came, and once', async () => {
    const receiver = await startReceiver();
    try {
      const own = await connectTo(app);
      await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
        input: { appId: own.appId, target: receiver.url, triggers: ['UNSUPPORTED'] },
      });
      const feed = { field: 'feed', value: { item: 'like', verb: 'add', post_id: '1_2', from: { id: '9' } } };
      const likes = { object: 'page', entry: [{ id: own.pageId, time: Date.now(), changes: [feed] }] };
      const strange = {
        sender: { id: newPsid() },
        recipient: { id: own.pageId },
        timestamp: 1,
        telepathy: { to: 7 },
      };
      for (const body of [likes, likes, envelope(own.pageId, strange), envelope(own.pageId, strange)])
        expect((await postWebhook(app, own, body)).status).toBe(200);
      await receiver.waitFor((requests) => requests.length >= 2);
      const payloads = receiver.requests.map(({ json }) => {
        const { payload } = json?.unsupported_callback as { payload: string };
        return JSON.parse(payload) as unknown;
      });
      expect(payloads).toHaveLength(2);
      expect(payloads).toEqual(expect.arrayContaining([strange, feed]));
    } finally {
      await receiver.close();
    }
  });
});
