// Failures of other projects, by their number in the list of reported failures: each shown not to happen here.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import {
  connectPage,
  newPsid,
  postWebhook,
  type TestPage,
  textItem,
  envelope,
} from '../support/messenger.js';
import { Sending } from '../support/sending.js';

interface Call {
  page_id?: string;
  method: string;
  path: string;
  params?: { messaging_type?: string; tag?: string };
}

const HOUR = 60 * 60 * 1000;

describe('reported failures of sending', () => {
  let app: TestApp;
  let sending: Sending;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
    sending = new Sending(app);
  });
  beforeEach(async () => {
    page = await connectPage(app);
  });
  afterEach(() => sending.clearFaults());
  afterAll(() => app.stop());

  /** Everything that Graph was asked about the page since it was connected. */
  async function asked(): Promise<Call[]> {
    const { data } = await app.sandbox<{ data: Call[] }>('calls');
    const calls = data.filter((call) => call.path.includes(page.pageId) || call.page_id === page.pageId);
    const connected = calls.findLastIndex(({ path }) => path.includes('subscribed_apps'));
    return calls.slice(connected + 1);
  }

  /** Somebody who last wrote so many hours ago. */
  async function silentFor(hours: number): Promise<string> {
    const psid = newPsid();
    const item = textItem(page.pageId, psid, 'Hello', undefined, Date.now() - hours * HOUR);
    expect((await postWebhook(app, page, envelope(page.pageId, item))).status).toBe(200);
    return psid;
  }

  async function outcome(
    psid: string,
    more: Record<string, unknown> = {},
  ): Promise<{ code: string; description: string }> {
    const id = await sending.send(page, psid, 'Hi', more);
    return (await sending.reaches(id, 'FAILED')).reason ?? { code: '', description: '' };
  }

  const tagged = (tag: string): Record<string, unknown> => ({
    channelProperties: [{ key: 'MESSENGER_MESSAGE_TAG', value: tag }],
  });

  test('38: no tag is wired in, so that the end of one stops nothing: inside the window a plain RESPONSE leaves', async () => {
    const psid = await sending.person(page);
    await sending.reaches(await sending.send(page, psid, 'answer'), 'READ');
    const [call] = await asked();
    expect(call?.params).toMatchObject({ messaging_type: 'RESPONSE' });
    expect(call?.params).not.toHaveProperty('tag');
  });

  test('38: when Meta refuses a tag of the past, the reason says since when and what to use instead', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, { kind: 'graph_error', error: { code: 100 } });
    const { code, description } = await outcome(psid, tagged('ACCOUNT_UPDATE'));
    expect(code).toBe('BAD_REQUEST');
    expect(description).toContain('2026-04-27');
    expect(description).toContain('HUMAN_AGENT');
  });

  test('39: HUMAN_AGENT is never added by ourselves, and refused to a bot before any call', async () => {
    const silent = await silentFor(30);
    expect((await outcome(silent)).code).toBe('OUTSIDE_ALLOWED_SENDING_WINDOW');
    const bot = { message: { textMessage: { text: 'Hi' }, agent: { displayName: 'Robo', type: 'BOT' } } };
    expect((await outcome(silent, { ...bot, ...tagged('HUMAN_AGENT') })).code).toBe('BAD_REQUEST');
    expect(await asked()).toEqual([]);
  });

  test('40: the end of the window can be read, and a send past it fails with its reason before any call', async () => {
    const psid = await silentFor(25);
    expect(await outcome(psid)).toMatchObject({
      code: 'OUTSIDE_ALLOWED_SENDING_WINDOW',
      description: expect.stringContaining('24 hours') as string,
    });
    expect(await asked()).toEqual([]);
    const { inbox } = await app.graphql<{
      inbox: { edges: { node: { messagingWindow: { open: boolean; expiresAt: string } } }[] };
    }>(
      `query ($appId: ID!) { inbox(appId: $appId) { edges { node { messagingWindow { open expiresAt humanAgentExpiresAt } } } } }`,
      { appId: page.appId },
    );
    const window = inbox.edges[0]?.node.messagingWindow;
    expect(window?.open).toBe(false);
    expect(Math.abs(Date.parse(window?.expiresAt ?? '') - (Date.now() - HOUR))).toBeLessThan(HOUR / 2);
  });

  test.each([
    [{}],
    [{ MESSENGER_MESSAGING_TYPE: 'RESPONSE' }],
    [{ MESSENGER_MESSAGING_TYPE: 'MESSAGE_TAG' }],
  ])('41: a tag always leaves with the messaging type MESSAGE_TAG, also with %j', async (properties) => {
    const psid = await sending.person(page);
    const channelProperties = Object.entries({ ...properties, MESSENGER_MESSAGE_TAG: 'HUMAN_AGENT' }).map(
      ([key, value]) => ({ key, value }),
    );
    const id = await sending.send(page, psid, 'by a person', { channelProperties });
    await eventually(async () => (await asked()).length > 0, 'the call');
    expect((await asked())[0]?.params).toMatchObject({ messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' });
    expect(await sending.message(id)).toBeDefined();
  });

  test('42: a send can say that a person wrote it, and that is kept', async () => {
    const psid = await sending.person(page);
    const agent = { displayName: 'Ann', type: 'HUMAN' };
    const message = { textMessage: { text: 'Hi' }, agent };
    const id = await sending.send(page, psid, 'Hi', { message, ...tagged('HUMAN_AGENT') });
    await eventually(async () => (await asked()).length > 0, 'the call');
    const stored = await sending.query(`SELECT content -> 'agent' AS agent FROM messages WHERE id = $1`, [
      id,
    ]);
    expect(stored).toEqual([{ agent: { display_name: 'Ann', type: 'HUMAN' } }]);
  });

  test('43: a burst that meets the limit loses nothing, and the whole page slows down instead of trying on', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => sending.person(page)));
    await sending.fault(page, { kind: 'graph_error', error: { code: 613 }, count: 3 });
    const ids = await Promise.all(people.map((psid) => sending.send(page, psid, 'burst')));
    for (const id of ids) await sending.reaches(id, 'READ', 60_000);
    for (const psid of people) expect(await sending.seen(page, psid)).toEqual(['burst']);
    expect((await sending.calls(page)).length).toBeLessThanOrEqual(23);
  });

  test("44: talking with people spends none of the page's calls on looking them up", async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => sending.person(page)));
    for (const psid of people) await sending.reaches(await sending.send(page, psid, 'Hi'), 'READ');
    const paths = (await asked()).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);
    expect(paths).toEqual(people.map(() => 'POST messages'));
  });

  test('45: (#-1) keeps code and trace, is tried again, and tells why when it never passes', async () => {
    const psid = await sending.person(page);
    await sending.fault(page, {
      kind: 'graph_error',
      status: 500,
      error: { code: -1, message: '(#-1) Unexpected internal error' },
      count: 2,
    });
    await sending.reaches(await sending.send(page, psid, 'passes'), 'READ');
    expect(await sending.calls(page)).toHaveLength(3);
    await sending.fault(page, {
      kind: 'graph_error',
      error: { code: -1, error_subcode: 2534023, message: '(#-1) private reply used' },
    });
    const { reason } = await sending.reaches(await sending.send(page, psid, 'final'), 'FAILED');
    expect(reason?.channelCode).toBe('-1/2534023');
    expect(reason?.description).toMatch(/private reply used \(fbtrace_id \S+\)/);
  });

  test('46: somebody whose name the channel does not tell is unknown, not John Doe, and why is kept', async () => {
    const psid = newPsid();
    const error = { message: '(#100) No profile available', code: 100, error_subcode: 2018218 };
    await app.sandbox('faults', { path: psid, kind: 'graph_error', error, count: 5 });
    const { status } = await postWebhook(
      app,
      page,
      envelope(page.pageId, textItem(page.pageId, psid, 'Hello')),
    );
    expect(status).toBe(200);
    const known = (): Promise<unknown[]> =>
      sending.query(
        `SELECT c.display_name, p.error FROM channel_profiles p
         JOIN channel_identities i ON (i.project_id, i.channel, i.app_id, i.identity) = (p.project_id, p.channel, p.app_id, p.identity)
         JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
         WHERE i.identity = $1 AND p.error IS NOT NULL`,
        [psid],
      );
    const [person] = await eventually(async () => {
      const rows = await known();
      return rows.length > 0 && rows;
    }, 'the refusal');
    expect(person).toEqual({ display_name: '', error: expect.stringMatching(/profile/i) as string });
  });
});
