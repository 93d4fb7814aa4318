// What an app does beside speaking: typing, seen, reactions; on the person's screen, in the inbox and in the customer's callbacks.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { Events } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import {
  connectPage,
  envelope,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
} from '../support/messenger.js';
import { Records } from '../support/records.js';
import { startReceiver } from '../support/receiver.js';

interface Call {
  params: { recipient: { id: string }; sender_action?: string; message?: { text: string } };
  status: number;
}

interface Screen {
  typing: boolean;
  messages: { mid: string; from: string; read: boolean; reactions: { page?: string } }[];
}

const HOUR = 3_600_000;
const TRANSIENT = { kind: 'graph_error', error: { code: 2, is_transient: true } };

let app: TestApp;
let events: Events;
let records: Records;
let page: TestPage;
let psid: string;

beforeAll(async () => {
  app = await startTestApp();
  events = new Events(app);
  records = await Records.of(app.databaseUrl);
  page = await connectPage(app);
});
beforeEach(async () => {
  psid = newPsid();
  await app.sandbox('people', { psid, page_id: page.pageId, window: 'open' });
});
afterEach(async () => {
  await fetch(`${app.url}/sandbox/faults`, { method: 'DELETE' });
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

function screen(): Promise<Screen> {
  return app.sandbox(`people/${psid}/messages?page_id=${page.pageId}`);
}

/** What Meta was asked for this person, oldest first: the action, or the text of a message. */
async function calls(): Promise<(string | undefined)[]> {
  const { data } = await app.sandbox<{ data: Call[] }>('calls?path=messages');
  return data
    .filter(({ params }) => params.recipient?.id === psid)
    .map(({ params }) => params.sender_action ?? params.message?.text);
}

/** The person writes; gives our id of the message. */
async function hear(text: string, at = Date.now()): Promise<{ id: string; mid: string }> {
  const mid = `m_${randomUUID()}`;
  if (at > Date.now() - HOUR) {
    await app.sandbox(`people/${psid}/messages`, { page_id: page.pageId, text, mid });
  } else {
    await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, text, mid, at)));
  }
  const found = (await records.messages(page.appId)).find((message) => message.channelMessageId === mid);
  if (!found) throw new Error('what the person wrote was not stored');
  return { id: found.id, mid };
}

async function say(text: string): Promise<string> {
  const { sendMessage } = await app.graphql<{ sendMessage: { messageId: string } }>(
    `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }`,
    {
      input: {
        appId: page.appId,
        recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } },
        message: { textMessage: { text } },
      },
    },
  );
  return sendMessage.messageId;
}

describe('the person', () => {
  test('sees that somebody types, and that they ceased', async () => {
    const on = await events.send(page, psid, { composingEvent: {} });
    expect(await events.ended(page, psid, on)).toMatchObject({ status: 'QUEUED_ON_CHANNEL', reason: null });
    expect(await screen()).toMatchObject({ typing: true });
    const off = await events.send(page, psid, { composingEndEvent: {} });
    await events.ended(page, psid, off);
    expect(await screen()).toMatchObject({ typing: false });
    expect(await calls()).toEqual(['typing_on', 'typing_off']);
  });

  test('sees that what they wrote was read', async () => {
    const { mid } = await hear('Anybody there?');
    const id = await events.send(page, psid, { readMessageEvent: {} });
    await events.ended(page, psid, id);
    expect((await screen()).messages).toMatchObject([{ mid, from: 'person', read: true }]);
  });

  test('sees a reaction to their message, another in its place, and none again', async () => {
    const { id: messageId, mid } = await hear('I passed!');
    const react = async (change: object): Promise<string | undefined> => {
      const id = await events.send(page, psid, { reactionEvent: { messageId, ...change } });
      expect(await events.ended(page, psid, id)).toMatchObject({ status: 'QUEUED_ON_CHANNEL' });
      return (await screen()).messages.find((message) => message.mid === mid)?.reactions.page;
    };
    expect(await react({ emoji: '🎉', action: 'REACTION_ACTION_REACT' })).toBe('🎉');
    expect(await react({ emoji: '❤️', action: 'REACTION_ACTION_REACT' })).toBe('❤️');
    expect(await react({ action: 'REACTION_ACTION_UNREACT' })).toBeUndefined();
  });

  test('sees a reaction to what the business itself wrote, on the last part of it', async () => {
    const messageId = await say(`${'one '.repeat(400)}\n\n${'two '.repeat(400)}`);
    await eventually(async () => (await calls()).length === 2, 'both parts of the message');
    const [row] = await eventually(
      () =>
        records
          .query<{ status: string }>(`SELECT FROM sends WHERE message_id = $1`, [messageId])
          .then((left) => left.length === 0 && [messageId]),
      'the end of the send',
    );
    expect(row).toBe(messageId);
    const id = await events.send(page, psid, {
      reactionEvent: { messageId, emoji: '👍', action: 'REACTION_ACTION_REACT' },
    });
    await events.ended(page, psid, id);
    expect((await screen()).messages.map(({ reactions }) => reactions.page)).toEqual([undefined, '👍']);
  });

  test('sees events in the order in which they were sent', async () => {
    const sent: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      sent.push(
        await events.send(page, psid, i % 2 === 0 ? { composingEvent: {} } : { composingEndEvent: {} }),
      );
    }
    await events.ended(page, psid, sent.at(-1) ?? '');
    expect(await calls()).toEqual(['typing_on', 'typing_off', 'typing_on', 'typing_off']);
    expect((await events.of(page, psid)).map(({ id }) => id)).toEqual(sent);
  });
});

describe('typing and messages', () => {
  test('typing that could not be shown before a message is not shown after it', async () => {
    await app.sandbox('faults', { ...TRANSIENT, page_id: page.pageId, path: 'messages' });
    const id = await events.send(page, psid, { composingEvent: {} });
    await eventually(async () => (await calls()).includes('typing_on'), 'the first try');
    await say('Here it is');
    expect(await events.ended(page, psid, id)).toMatchObject({
      status: 'FAILED',
      reason: { code: 'MESSAGE_EXPIRED', description: expect.stringContaining('message') as string },
    });
    await eventually(async () => (await screen()).messages.length === 1, 'the message');
    expect(await calls()).toEqual(['typing_on', 'Here it is']);
    expect(await screen()).toMatchObject({ typing: false });
  });

  test('typing that was overtaken on its way is taken back', async () => {
    await app.sandbox('faults', { kind: 'slow', delay_ms: 1_500, page_id: page.pageId, path: 'messages' });
    const id = await events.send(page, psid, { composingEvent: {} });
    await eventually(async () => (await calls()).includes('typing_on'), 'the call');
    await say('Quick');
    await events.ended(page, psid, id);
    expect(await calls()).toEqual(['typing_on', 'Quick', 'typing_off']);
    expect(await screen()).toMatchObject({ typing: false });
  });
});

describe('an event that cannot be shown', () => {
  test.each<[what: string, event: object, stored: object]>([
    [
      'an agent who joins',
      { agentJoinedEvent: { agent: { type: 'HUMAN', displayName: 'Ann' } } },
      { agent_joined_event: { agent: { type: 'HUMAN', display_name: 'Ann' } } },
    ],
    [
      'an agent who leaves',
      { agentLeftEvent: { agent: { type: 'BOT' } } },
      { agent_left_event: { agent: { type: 'BOT' } } },
    ],
    [
      'a generic event',
      { genericEvent: { payload: { order_id: 7, deepItems: [null] } } },
      { generic_event: { payload: { order_id: 7, deepItems: [null] } } },
    ],
    ['a reply to a comment', { commentReplyEvent: { text: 'Hi' } }, { comment_reply_event: { text: 'Hi' } }],
  ])('%s fails as unsupported without a call, and stays in the inbox', async (_what, event, stored) => {
    const id = await events.send(page, psid, event, { eventMetadata: 'desk 4' });
    await events.ended(page, psid, id);
    expect(await events.of(page, psid)).toEqual([
      {
        id,
        direction: 'TO_CONTACT',
        event: stored,
        status: 'FAILED',
        reason: { code: 'UNSUPPORTED_OPERATION', description: expect.any(String) as string },
        metadata: 'desk 4',
      },
    ]);
    expect(await calls()).toEqual([]);
  });

  test('outside the window it fails before any call', async () => {
    await hear('Long ago', Date.now() - 25 * HOUR);
    const id = await events.send(page, psid, { composingEvent: {} });
    expect(await events.ended(page, psid, id)).toMatchObject({
      status: 'FAILED',
      reason: { code: 'OUTSIDE_ALLOWED_SENDING_WINDOW' },
    });
    expect(await calls()).toEqual([]);
  });

  test('an error that passes is tried again', async () => {
    await app.sandbox('faults', { ...TRANSIENT, page_id: page.pageId, path: 'messages' });
    const id = await events.send(page, psid, { readMessageEvent: {} });
    expect(await events.ended(page, psid, id)).toMatchObject({ status: 'QUEUED_ON_CHANNEL' });
    expect(await calls()).toEqual(['mark_seen', 'mark_seen']);
  });

  test('an event that nobody took in its time expires', async () => {
    await app.sandbox('faults', { ...TRANSIENT, count: 100, page_id: page.pageId, path: 'messages' });
    const id = await events.send(page, psid, { composingEvent: {} });
    await eventually(async () => (await calls()).length > 0, 'the first try');
    await records.query(`UPDATE event_sends SET expires_at = now() WHERE event_id = $1`, [id]);
    expect(await events.ended(page, psid, id)).toMatchObject({
      status: 'FAILED',
      reason: { code: 'MESSAGE_EXPIRED' },
    });
  });

  test('a refusal of Meta is the reason, and the lane goes on', async () => {
    await app.sandbox('people', { psid, page_id: page.pageId, blocked: true });
    const refused = await events.send(page, psid, { composingEvent: {} });
    expect(await events.ended(page, psid, refused)).toMatchObject({
      status: 'FAILED',
      reason: { code: 'RECIPIENT_NOT_REACHABLE' },
    });
    await app.sandbox('people', { psid, page_id: page.pageId, blocked: false });
    const next = await events.send(page, psid, { composingEndEvent: {} });
    expect(await events.ended(page, psid, next)).toMatchObject({ status: 'QUEUED_ON_CHANNEL' });
  });

  test('a dead token marks the channel, and further events fail without a call', async () => {
    const other = await connectPage(app);
    await app.sandbox('people', { psid, page_id: other.pageId, window: 'open' });
    await app.sandbox('faults', {
      kind: 'graph_error',
      error: { code: 190, error_subcode: 460 },
      page_id: other.pageId,
    });
    const first = await events.send(other, psid, { composingEvent: {} });
    expect(await events.ended(other, psid, first)).toMatchObject({ status: 'FAILED' });
    const { app: shown } = await app.graphql<{ app: { channels: { state: string }[] } }>(
      `query ($id: ID!) { app(id: $id) { channels { state } } }`,
      { id: other.appId },
    );
    expect(shown.channels).toEqual([{ state: 'NEEDS_REAUTH' }]);
    const second = await events.send(other, psid, { composingEvent: {} });
    expect(await events.ended(other, psid, second)).toMatchObject({
      reason: { code: 'INACTIVE_CREDENTIAL' },
    });
    expect(await calls()).toEqual(['typing_on']);
  });

  test('what a process left behind when it died is taken up', async () => {
    await app.sandbox('faults', { ...TRANSIENT, page_id: page.pageId, path: 'messages' });
    const id = await events.send(page, psid, { readMessageEvent: {} });
    await eventually(async () => (await calls()).length > 0, 'the first try');
    // As if its job were gone and its lease run out.
    await records.query(
      `SELECT graphile_worker.remove_job(key) FROM graphile_worker.jobs WHERE key LIKE 'send-events:%'`,
    );
    expect(await events.ended(page, psid, id)).toMatchObject({ status: 'QUEUED_ON_CHANNEL' });
  });
});

test('the customer is told what became of an event, with its metadata', async () => {
  const receiver = await startReceiver();
  try {
    await app.graphql(`mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }`, {
      input: { appId: page.appId, target: `${receiver.url}/events`, triggers: ['EVENT_DELIVERY'] },
    });
    const shown = await events.send(page, psid, { composingEvent: {} }, { eventMetadata: '{"desk":4}' });
    const unsupported = await events.send(page, psid, { genericEvent: { payload: {} } });
    const requests = await receiver.waitFor((seen) => seen.length >= 2);
    const contactId = expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/) as string;
    const body = (report: object): object => ({
      app_id: page.appId,
      accepted_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      project_id: app.projectId,
      message_metadata: '',
      correlation_id: '',
      event_delivery_report: {
        channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
        contact_id: contactId,
        processing_mode: 'CONVERSATION',
        ...report,
      },
    });
    expect(requests.map(({ json }) => json)).toEqual([
      body({ event_id: shown, status: 'QUEUED_ON_CHANNEL', metadata: '{"desk":4}' }),
      body({
        event_id: unsupported,
        status: 'FAILED',
        reason: {
          code: 'UNSUPPORTED_OPERATION',
          description: expect.any(String) as string,
          sub_code: 'UNSPECIFIED_SUB_CODE',
        },
        metadata: '',
      }),
    ]);
  } finally {
    await receiver.close();
  }
});

test('other agents see who types, and what else was done, live and in order', async () => {
  const client = app.socket();
  const seen: Record<string, unknown>[] = [];
  const query = `subscription ($id: ID!) { inbox(appId: $id) { __typename
    ... on TypingChanged { cursor at conversation { contact { channelIdentities { identity } } } typing by }
    ... on EventAdded { cursor event { id event status } } ... on EventUpdated { event { id status } } } }`;
  client.subscribe<{ inbox: Record<string, unknown> }>(
    { query, variables: { id: page.appId } },
    {
      next: ({ data }) => void (data && seen.push(data.inbox)),
      error: (error) => void seen.push({ error }),
      complete: () => undefined,
    },
  );
  try {
    // The stream has begun when it tells of something.
    await eventually(async () => {
      await events.send(page, psid, { composingEvent: {} });
      return seen.some(({ typing }) => typing === true);
    }, 'the first typing');
    const from = seen.length;
    const off = await events.send(page, psid, { composingEndEvent: {} });
    const joined = await events.send(page, psid, { agentJoinedEvent: { agent: { type: 'HUMAN' } } });
    await events.ended(page, psid, joined);
    const later = (): Record<string, unknown>[] =>
      seen
        .slice(from)
        .filter(({ __typename, typing }) => String(__typename).match(/^(Typing|Event)/) && typing !== true);
    await eventually(() => later().length >= 3, 'what followed');
    const cursor = expect.any(String) as string;
    expect(off).not.toBe(joined);
    expect(later()).toEqual([
      {
        __typename: 'TypingChanged',
        cursor,
        at: cursor,
        conversation: { contact: { channelIdentities: [{ identity: psid }] } },
        typing: false,
        by: 'API',
      },
      {
        __typename: 'EventAdded',
        cursor,
        event: { id: joined, event: { agent_joined_event: { agent: { type: 'HUMAN' } } }, status: 'QUEUED' },
      },
      { __typename: 'EventUpdated', event: { id: joined, status: 'FAILED' } },
    ]);
  } finally {
    await client.dispose();
  }
});

test('erasing a person erases their events', async () => {
  const id = await events.send(page, psid, { genericEvent: { payload: { secret: 1 } } });
  await events.ended(page, psid, id);
  const [row] = await records.query<{ contact_id: string }>(
    `SELECT contact_id FROM conversation_events WHERE id = $1`,
    [id],
  );
  await app.graphql(`mutation ($id: ID!) { deleteContact(id: $id) }`, { id: row?.contact_id });
  expect(await records.query(`SELECT FROM conversation_events WHERE id = $1`, [id])).toEqual([]);
  expect(await records.query(`SELECT FROM event_sends WHERE event_id = $1`, [id])).toEqual([]);
});
