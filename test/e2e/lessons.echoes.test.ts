// Failures of other projects with echoes, by their number in the list of reported failures: whatever the order of send, answer and
// echo, the conversation has the message once.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type GraphReply, type GraphSend, startTestGraph, taken, type TestGraph } from '../support/graph.js';
import { envelope, newPsid, postWebhook, type TestPage, textItem } from '../support/messenger.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { connectTo, Sending } from '../support/sending.js';
import { contactsOf, saidTo, talksOf } from '../support/talks.js';

const OUR_APP = 190_000_000_000_042;
const PAGE_INBOX = 263_902_037_430_900;

/** A message as it is sent, and as its echo shows it. */
interface Shape {
  name: string;
  message: object;
  echo: (call: GraphSend) => Record<string, unknown>;
  /** The channel's time of the echo. */
  at?: (call: GraphSend) => number;
}

type Step = 'answer' | 'echo' | 'answer and echo';

const TEXT = { textMessage: { text: 'once' } };
const CHOICE = {
  choiceMessage: { textMessage: { text: 'Which?' }, choices: [{ textMessage: { text: 'A' } }] },
};
const CAROUSEL = {
  carouselMessage: { cards: [1, 2].map((n) => ({ title: `Card ${n}`, description: 'as sent' })) },
};
const PICTURE = { mediaMessage: { url: 'https://media.example/as-sent.png' } };
const HOUR = 3_600_000;

const template = (payload: object): object => ({
  attachments: [{ type: 'template', title: '', url: null, payload }],
});
const SHAPES: Shape[] = [
  { name: 'a text', message: TEXT, echo: () => ({ text: 'once', app_id: OUR_APP }) },
  { name: 'a text without app id', message: TEXT, echo: () => ({ text: 'once' }) },
  {
    name: 'a text that comes back as another one',
    message: TEXT,
    echo: () => ({ text: ' Once.', app_id: OUR_APP }),
  },
  {
    name: 'a text an hour ago by the clock of Messenger',
    message: TEXT,
    echo: () => ({ text: 'once', app_id: OUR_APP }),
    at: ({ at }) => at - HOUR,
  },
  {
    name: 'a text an hour ahead by the clock of Messenger',
    message: TEXT,
    echo: () => ({ text: 'once', app_id: OUR_APP }),
    at: ({ at }) => at + HOUR,
  },
  {
    name: 'quick replies that come back as a text',
    message: CHOICE,
    echo: () => ({ text: 'Which?', app_id: OUR_APP }),
  },
  {
    name: 'cards that come back as another template',
    message: CAROUSEL,
    echo: () => ({ app_id: OUR_APP, ...template({ template_type: 'button', text: 'Card 1', buttons: [] }) }),
  },
  {
    name: 'cards that come back as a fallback',
    message: CAROUSEL,
    echo: () => ({
      attachments: [{ type: 'fallback', title: 'Card 1', url: 'https://l.example/1', payload: null }],
    }),
  },
  {
    name: 'a picture that comes back under the address of a CDN',
    message: PICTURE,
    echo: () => ({
      app_id: OUR_APP,
      attachments: [{ type: 'image', payload: { url: 'https://cdn.example/x.png' } }],
    }),
  },
  { name: 'a picture that comes back empty', message: PICTURE, echo: () => ({ app_id: OUR_APP }) },
];

const ORDERS: Step[][] = [
  ['answer'],
  ['answer', 'echo'],
  ['echo', 'answer'],
  ['answer and echo'],
  ['answer', 'echo', 'echo'],
  ['echo', 'answer', 'echo'],
  ['echo', 'echo', 'answer'],
  ['echo', 'answer and echo'],
];
const ECHOED = ORDERS.filter((order) => order.some((step) => step !== 'answer'));

describe('reported failures with echoes', () => {
  let app: TestApp;
  let graph: TestGraph;
  let sending: Sending;
  let page: TestPage;
  let receiver: Receiver;
  const held = new Map<string, PromiseWithResolvers<GraphReply>>();

  beforeAll(async () => {
    graph = await startTestGraph();
    graph.answer = (call) => held.get(call.psid)?.promise ?? taken(call);
    // So long that nothing here can be due to it.
    app = await startTestApp({ GRAPH_API_URL: graph.url, ECHO_GRACE_SECONDS: '300' });
    sending = new Sending(app);
    receiver = await startReceiver();
  });
  beforeEach(async () => {
    page = await connectTo(app);
    graph.sends.length = 0;
    receiver.requests.length = 0;
  });
  afterAll(async () => {
    await app.stop();
    await Promise.all([graph.stop(), receiver.close()]);
  });

  async function post(...items: unknown[]): Promise<void> {
    expect((await postWebhook(app, page, envelope(page.pageId, ...items))).status).toBe(200);
  }

  function echoOf(call: GraphSend, { echo, at }: Shape, metadata: boolean): unknown {
    return {
      sender: { id: page.pageId },
      recipient: { id: call.psid },
      timestamp: at?.(call) ?? call.at,
      message: {
        mid: call.mid,
        is_echo: true,
        ...echo(call),
        ...(metadata ? { metadata: call.metadata } : {}),
      },
    };
  }

  /** Sends to somebody new, and stops at the moment when Messenger has it and has not answered. */
  async function sendHeld(
    shape: Shape,
  ): Promise<{ id: string; call: GraphSend; answer: (reply: GraphReply) => void }> {
    const psid = newPsid();
    const answer = Promise.withResolvers<GraphReply>();
    held.set(psid, answer);
    const id = await sending.send(page, psid, '', { message: shape.message });
    const call = await eventually(() => graph.sends.find((send) => send.psid === psid), 'the call');
    held.delete(psid);
    return { id, call, answer: answer.resolve };
  }

  /** Everything that was to come of it has come once another message has gone through the lane. */
  async function laneIsClear(psid: string): Promise<void> {
    await sending.reaches(await sending.send(page, psid, 'flush'), 'QUEUED_ON_CHANNEL');
  }

  /** The jobs of echoes that cannot be told from those of others yet. */
  async function waiting(): Promise<unknown[]> {
    const jobs = await sending.query(
      `SELECT id FROM graphile_worker.jobs WHERE key LIKE 'echo:%' ORDER BY id`,
    );
    return (jobs as { id: string }[]).map(({ id }) => id);
  }

  async function nothingWaits(): Promise<void> {
    await eventually(async () => (await waiting()).length === 0, 'the end of what waited');
  }

  async function expectOnce(id: string, { psid }: GraphSend): Promise<void> {
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    await laneIsClear(psid);
    await nothingWaits();
    const [talk, ...others] = await talksOf(app, page, psid);
    expect(others).toEqual([]);
    expect(talk?.unreadCount).toBe(0);
    expect(talk?.messages).toMatchObject([
      { id, sentBy: 'API', direction: 'TO_CONTACT', status: 'QUEUED_ON_CHANNEL' },
      { sentBy: 'API', content: { text: 'flush' } },
    ]);
    expect(graph.sends.filter((send) => send.psid === psid)).toHaveLength(2);
    expect(await sending.told(id)).toEqual(['QUEUED', 'QUEUED_ON_CHANNEL']);
  }

  async function runs(
    order: Step[],
    reply: (call: GraphSend) => GraphReply,
    shape: Shape,
    metadata: boolean,
  ) {
    const { id, call, answer } = await sendHeld(shape);
    for (const step of order) {
      if (step !== 'echo') answer(reply(call));
      // Only then has the answer come before what follows it.
      if (step === 'answer')
        await eventually(
          async () =>
            (await sending.query('SELECT FROM sends WHERE message_id = $1 AND attempt_by IS NOT NULL', [id]))
              .length === 0,
          'the record of the answer',
        );
      if (step !== 'answer') await post(echoOf(call, shape, metadata));
    }
    await expectOnce(id, call);
  }

  const named = (orders: Step[][]): [string, Step[]][] => orders.map((order) => [order.join(', '), order]);

  test.each(named(ORDERS))(
    '1, 4, 5, 6, 7: %s: one message whatever shape comes back',
    async (_order, order) => {
      await Promise.all(SHAPES.map((shape) => runs(order, taken, shape, true)));
    },
  );

  test.each(named(ECHOED))(
    '1, 2, 5, 7: %s, and the answer is lost: one message, one call, never FAILED',
    async (_order, order) => {
      await Promise.all(SHAPES.map((shape) => runs(order, () => 'drop', shape, true)));
    },
  );

  test.each(named(ORDERS))(
    '6, 7: %s without metadata: one message by its id alone',
    async (_order, order) => {
      await Promise.all(SHAPES.map((shape) => runs(order, taken, shape, false)));
    },
  );

  test.each([
    ['an error of Messenger', { status: 500, body: { error: { code: 2, message: 'temporary' } } }],
    ['an error that looks final', { status: 400, body: { error: { code: 100, message: 'no' } } }],
    ['an answer that nobody can read', { status: 200, body: 'gone' }],
  ])('2: an echo, then %s: the message stays sent, and nothing is sent again', async (_what, reply) => {
    const [shape] = SHAPES as [Shape];
    await runs(['echo', 'answer', 'echo'], () => reply, shape, true);
  });

  test('6: what another tool writes while we send is neither taken for ours nor lost', async () => {
    const [shape] = SHAPES as [Shape];
    const { id, call, answer } = await sendHeld(shape);
    const theirs = { ...call, mid: `${call.mid}-theirs` };
    const typed = { ...call, mid: `${call.mid}-typed` };
    await post(echoOf(theirs, { ...shape, echo: () => ({ text: 'by a bot', app_id: 7 }) }, false));
    await post(echoOf(typed, { ...shape, echo: () => ({ text: 'by hand', app_id: PAGE_INBOX }) }, false));
    const [first] = await waiting();
    await eventually(async () => (await waiting()).every((job) => job !== first), 'another look at them');
    expect(await saidTo(app, page, call.psid)).toHaveLength(1);
    answer(taken(call));
    await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    await nothingWaits();
    const said = await saidTo(app, page, call.psid);
    const sentBy = said.map((message) => `${message.sentBy} ${message.content.text ?? ''}`).sort();
    expect(sentBy).toEqual(['API once', 'OTHER_APP by a bot', 'PAGE_INBOX by hand']);
  });

  test('6: an echo without metadata and no answer ever: what Messenger has taken twice is there twice, no more', async () => {
    const [shape] = SHAPES as [Shape];
    const impatient = await startTestApp({ GRAPH_API_URL: graph.url, ECHO_GRACE_SECONDS: '1' });
    try {
      const itsPage = await connectTo(impatient);
      const psid = newPsid();
      graph.sends.length = 0;
      const lost = Promise.withResolvers<GraphReply>();
      held.set(psid, lost);
      const its = new Sending(impatient);
      const id = await its.send(itsPage, psid, 'once');
      const call = await eventually(() => graph.sends.find((send) => send.psid === psid), 'the call');
      held.delete(psid);
      const item = { ...(echoOf(call, shape, false) as object), sender: { id: itsPage.pageId } };
      await postWebhook(impatient, itsPage, envelope(itsPage.pageId, item));
      lost.resolve('drop');
      await its.reaches(id, 'QUEUED_ON_CHANNEL');
      const said = await eventually(async () => {
        const all = await saidTo(impatient, itsPage, psid);
        return all.length > 1 && all;
      }, 'what was taken');
      expect(said.map(({ sentBy }) => sentBy).sort()).toEqual(['API', 'OTHER_APP']);
      expect(graph.sends.filter((send) => send.psid === psid)).toHaveLength(2);
    } finally {
      await impatient.stop();
    }
  });

  test.each([
    ['as documented', false],
    ['with its sides swapped', true],
  ])(
    '8: an echo %s starts the conversation of who it went to, never one of the page',
    async (_how, swapped) => {
      const psid = newPsid();
      const [from, to] = swapped ? [psid, page.pageId] : [page.pageId, psid];
      const message = { mid: `m_${psid}`, is_echo: true, text: 'Hello from us' };
      const item = { sender: { id: from }, recipient: { id: to }, timestamp: Date.now(), message };
      await post(item, item);
      await post(item);
      expect(await contactsOf(app, page.pageId)).toEqual([]);
      expect(await talksOf(app, page, psid)).toMatchObject([
        {
          unreadCount: 0,
          messages: [{ direction: 'TO_CONTACT', sentBy: 'PAGE_INBOX', content: { text: 'Hello from us' } }],
        },
      ]);
    },
  );

  test('10: an echo triggers nothing that answers people: no MESSAGE_INBOUND, nothing unread', async () => {
    await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
      input: { appId: page.appId, target: receiver.url, triggers: ['MESSAGE_INBOUND', 'EVENT_INBOUND'] },
    });
    const [shape] = SHAPES as [Shape];
    const { id, call, answer } = await sendHeld(shape);
    await post(echoOf(call, shape, true), echoOf(call, shape, false));
    answer(taken(call));
    await expectOnce(id, call);
    const typed = { ...call, mid: `${call.mid}-typed` };
    await post(echoOf(typed, { ...shape, echo: () => ({ text: 'typed', app_id: PAGE_INBOX }) }, false));
    // A conversation is told in order: what the person says comes after all that the echoes could have caused.
    await post(textItem(page.pageId, call.psid, 'a question'));
    await receiver.waitFor((requests) => requests.length > 0);
    expect(receiver.requests.map(({ body }) => body)).toEqual([expect.stringContaining('a question')]);
    expect(await talksOf(app, page, call.psid)).toMatchObject([{ unreadCount: 1 }]);
  });
});
