// Apps over REST, with their channels as the Conversation API's credentials.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { newPsid } from '../support/messenger.js';
import { type Rest, type RestAnswer, restOf } from '../support/rest.js';
import { connectTestChannel, registerTestChannel, type TestChannel } from '../support/test-channel.js';
import { eventually } from '../support/eventually.js';

type Json = Record<string, unknown>;
interface App extends Json {
  id: string;
  channel_credentials: (Json & { state: { status: string; description: string } })[];
}

const MASK = '********';
const SMS = { channel: 'SMS', static_bearer: { claimed_identity: 'Shop', token: 'sms-secret' } };

let app: TestApp;
let rest: Rest;
let viber: TestChannel;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  viber = registerTestChannel(app, 'VIBER');
});
afterAll(() => app.stop());

let pages = 0;
async function newPage(): Promise<{ pageId: string; token: string }> {
  const pageId = `7100${Date.now()}${pages++}`;
  await app.sandbox(`pages/${pageId}`, { name: 'Page', settings: {} });
  return { pageId, ...(await app.sandbox<{ token: string }>(`pages`, { id: pageId })) };
}

/** A token that the channel no longer takes. */
async function deadToken(): Promise<string> {
  const { pageId, token } = await newPage();
  await app.sandbox(`pages/${pageId}/revoke`, { error_subcode: 460 });
  return token;
}

const messenger = (token: string, more: Json = {}): Json => ({
  channel: 'MESSENGER',
  static_token: { token },
  ...more,
});

async function created(channel_credentials: unknown[], more: Json = {}): Promise<App> {
  const { status, body } = await rest<App>('POST', 'apps', {
    display_name: 'Shop',
    channel_credentials,
    ...more,
  });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}

async function changed(id: string, body: unknown, query = ''): Promise<App> {
  const answer = await rest<App>('PATCH', `apps/${id}${query}`, body);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

function fieldsOf({ status, body }: RestAnswer): string[] {
  expect(status).toBe(400);
  const { details } = (
    body as { error: { details: { fieldViolations?: { field: string; reason: string }[] }[] } }
  ).error;
  return details.flatMap(({ fieldViolations = [] }) =>
    fieldViolations.map(({ field, reason }) => `${field}: ${reason}`),
  );
}

async function send(appId: string, more: Json): Promise<RestAnswer> {
  return rest('POST', 'messages:send', { app_id: appId, message: { text_message: { text: 'Hi' } }, ...more });
}

const to = (channel: string, identity: string): Json => ({
  recipient: { identified_by: { channel_identities: [{ channel, identity }] } },
});

test('a new app comes back whole, with every default of the reference and nothing of its secrets', async () => {
  const made = await created([SMS], {
    callback_settings: { secret_for_overridden_callback_urls: 'hidden' },
    id: 'mine',
  });
  expect(made).toEqual({
    id: expect.stringMatching(/^[0-9A-Z]{26}$/),
    display_name: 'Shop',
    channel_credentials: [
      {
        channel: 'SMS',
        static_bearer: { claimed_identity: 'Shop', token: MASK },
        callback_secret: '',
        state: { status: 'PENDING', description: expect.stringContaining('no connector for SMS') },
        channel_known_id: '',
        credential_ordinal_number: 0,
      },
    ],
    conversation_metadata_report_view: 'NONE',
    retention_policy: { retention_type: 'MESSAGE_EXPIRE_POLICY', ttl_days: 180 },
    dispatch_retention_policy: { retention_type: 'MESSAGE_EXPIRE_POLICY', ttl_days: 0 },
    processing_mode: 'CONVERSATION',
    smart_conversation: { enabled: false },
    callback_settings: { secret_for_overridden_callback_urls: MASK },
    message_retry_settings: { retry_duration: 3600 },
    delivery_report_based_fallback: { enabled: false, delivery_report_waiting_time: 0 },
    rate_limits: { inbound: 25, outbound: 25, webhooks: 25 },
    queue_stats: { outbound_size: 0, outbound_limit: 500_000 },
    persist_message_status: { enabled: false },
    message_search: { enabled: false },
  });
  expect((await rest('GET', `apps/${made.id}`)).body).toEqual(made);
  expect((await rest<{ apps: App[] }>('GET', 'apps')).body.apps).toContainEqual(made);
  // What was read can be written back, and changes nothing.
  expect(await changed(made.id, made)).toEqual(made);
  expect((await rest('DELETE', `apps/${made.id}`)).body).toEqual({});
  expect((await rest('GET', `apps/${made.id}`)).status).toBe(404);
});

test('a mask writes what it lists and nothing else, and resets what the body lacks', async () => {
  const made = await created([SMS], { conversation_metadata_report_view: 'FULL' });
  const renamed = await changed(
    made.id,
    { display_name: 'Hats', processing_mode: 'DISPATCH' },
    '?update_mask=display_name',
  );
  expect(renamed).toEqual({ ...made, display_name: 'Hats' });
  const reset = await changed(
    made.id,
    {},
    '?update_mask=conversation_metadata_report_view,channel_credentials',
  );
  expect(reset).toMatchObject({ conversation_metadata_report_view: 'NONE', channel_credentials: [] });
});

test('a mask may list single settings of an object: the others stay', async () => {
  const made = await created([], {
    retention_policy: { retention_type: 'CONVERSATION_EXPIRE_POLICY', ttl_days: 30 },
    smart_conversation: { enabled: true },
    delivery_report_based_fallback: { enabled: true, delivery_report_waiting_time: 60 },
  });
  const shorter = await changed(
    made.id,
    { retention_policy: { retention_type: 'PERSIST_RETENTION_POLICY', ttl_days: 7 } },
    '?update_mask=retention_policy.ttl_days',
  );
  expect(shorter).toEqual({
    ...made,
    retention_policy: { retention_type: 'CONVERSATION_EXPIRE_POLICY', ttl_days: 7 },
  });
  const reset = await changed(
    made.id,
    {},
    '?update_mask=retention_policy.retentionType,smart_conversation.enabled,delivery_report_based_fallback.enabled',
  );
  expect(reset).toEqual({
    ...made,
    retention_policy: { retention_type: 'MESSAGE_EXPIRE_POLICY', ttl_days: 7 },
    smart_conversation: { enabled: false },
    delivery_report_based_fallback: { enabled: false, delivery_report_waiting_time: 60 },
  });
  for (const path of ['retention_policy.days', 'rate_limits.inbound', 'channel_credentials.channel']) {
    const refused = await rest('PATCH', `apps/${made.id}?update_mask=${path}`, {});
    expect(fieldsOf(refused)).toEqual(['update_mask: fieldPath']);
    expect(JSON.stringify(refused.body)).toContain(path);
  }
});

test('lists of channels that are written all at once to an app are written one after the other', async () => {
  const made = await created([SMS]);
  // More than the service has connections to Postgres.
  const written = await Promise.all(
    Array.from({ length: 24 }, () => rest('PATCH', `apps/${made.id}`, { channel_credentials: [SMS] })),
  );
  expect(new Set(written.map(({ status }) => status))).toEqual(new Set([200]));
});

test('a Messenger page is connected by its token, with its id and its state', async () => {
  const { pageId, token } = await newPage();
  const made = await created([SMS, messenger(token, { callback_secret: 'app secret' })]);
  expect(made.channel_credentials).toMatchObject([
    { channel: 'SMS' },
    {
      channel: 'MESSENGER',
      static_token: { token: MASK },
      callback_secret: MASK,
      state: { status: 'ACTIVE', description: '' },
      channel_known_id: pageId,
      credential_ordinal_number: 0,
    },
  ]);
  const psid = newPsid();
  await app.sandbox('people', { psid, page_id: pageId, window: 'open' });
  expect((await send(made.id, to('MESSENGER', psid))).status).toBe(200);
});

test('nothing is sent by credentials that Parley has no connector for', async () => {
  const { token } = await newPage();
  const made = await created([SMS, messenger(token)]);
  expect(made.channel_credentials).toMatchObject([{}, { callback_secret: '', state: { status: 'ACTIVE' } }]);
  const answer = await send(made.id, {
    ...to('MESSENGER', '1'),
    channel_priority_order: ['SMS', 'MESSENGER'],
  });
  expect(answer).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } });
  expect(await send(made.id, to('SMS', '+4670'))).toMatchObject({
    body: { error: { status: 'FAILED_PRECONDITION' } },
  });
});

test('a token that the channel refuses does not undo the app: it shows in the state, until a better one comes', async () => {
  const made = await created([messenger(await deadToken())]);
  expect(made.channel_credentials).toMatchObject([
    {
      channel: 'MESSENGER',
      static_token: { token: MASK },
      state: { status: 'FAILING', description: expect.stringMatching(/refused the token/) },
      channel_known_id: '',
    },
  ]);
  // The mask stands for the refused token: it is tried again, and refused again.
  expect((await changed(made.id, made)).channel_credentials).toMatchObject([
    { state: { status: 'FAILING', description: expect.stringMatching(/refused the token/) } },
  ]);
  const { pageId, token } = await newPage();
  const mended = await changed(made.id, { channel_credentials: [messenger(token)] });
  expect(mended.channel_credentials).toMatchObject([
    { state: { status: 'ACTIVE' }, channel_known_id: pageId },
  ]);
});

test('masks keep what is stored, a bad token shows on the page that had a good one, and what the list lacks is disconnected', async () => {
  const { pageId, token } = await newPage();
  const made = await created([messenger(token, { callback_secret: 's' })]);
  const kept = await changed(made.id, { channel_credentials: [messenger(MASK)] });
  expect(kept.channel_credentials).toEqual(made.channel_credentials);
  const unchecked = await changed(made.id, {
    channel_credentials: [messenger(MASK, { callback_secret: '' })],
  });
  expect(unchecked.channel_credentials).toMatchObject([{ callback_secret: '', state: { status: 'ACTIVE' } }]);
  const refused = await changed(made.id, { channel_credentials: [messenger(await deadToken())] });
  expect(refused.channel_credentials).toMatchObject([
    { channel_known_id: pageId, state: { status: 'FAILING', description: expect.stringMatching(/./) } },
  ]);
  const gone = await changed(made.id, { channel_credentials: [SMS] });
  expect(gone.channel_credentials.map(({ channel }) => channel)).toEqual(['SMS']);
  const { app: seen } = await app.graphql<{ app: { channels: unknown[] } }>(
    `query ($id: ID!) { app(id: $id) { channels { id } } }`,
    { id: made.id },
  );
  expect(seen.channels).toEqual([]);
});

test('a channel that was connected otherwise is listed too, and goes when a list without it is written', async () => {
  const made = await created([SMS]);
  await connectTestChannel(app, made.id, 'VIBER');
  const { body } = await rest<App>('GET', `apps/${made.id}`);
  expect(body.channel_credentials).toMatchObject([
    { channel: 'SMS' },
    { channel: 'VIBER', static_token: { token: MASK }, state: { status: 'ACTIVE' } },
  ]);
  expect((await changed(made.id, { channel_credentials: [SMS] })).channel_credentials).toHaveLength(1);
});

test("the order of the list is the app's channel priority", async () => {
  const { token } = await newPage();
  const made = await created([messenger(token), { channel: 'VIBER', static_token: { token: 'v' } }]);
  const { body: contact } = await rest('POST', 'contacts', {
    language: 'EN',
    channel_identities: [
      { channel: 'MESSENGER', identity: newPsid(), app_id: made.id },
      { channel: 'VIBER', identity: 'v-1', app_id: made.id },
    ],
  });
  const turned = await changed(made.id, {
    channel_credentials: [{ channel: 'VIBER', static_token: { token: MASK } }, messenger(MASK)],
  });
  expect(turned.channel_credentials.map(({ channel }) => channel)).toEqual(['VIBER', 'MESSENGER']);
  const { body } = await send(made.id, { recipient: { contact_id: contact.id } });
  expect((await rest('GET', `messages/${String(body.message_id)}`)).body).toMatchObject({
    channel_identity: { channel: 'VIBER', identity: 'v-1' },
  });
  await eventually(() => viber.sends.length > 0, 'the send by the first channel');
});

describe('are refused by name:', () => {
  test.each<[what: string, body: Json, fields: string[]]>([
    ['no name', { display_name: undefined }, ['display_name: isLength', 'display_name: isString']],
    [
      'no credentials',
      { channel_credentials: undefined },
      expect.arrayContaining(['channel_credentials: isArray']) as never,
    ],
    ['credentials that are none', { channel_credentials: ['SMS'] }, ['channel_credentials: isObject']],
    [
      'an unknown channel',
      { channel_credentials: [{ channel: 'PIGEON' }] },
      ['channel_credentials[0].channel: isEnum'],
    ],
    [
      'no credential object',
      { channel_credentials: [{ channel: 'SMS' }] },
      ['channel_credentials[0].channel: exactlyOne'],
    ],
    [
      'the credential object of another channel',
      { channel_credentials: [{ channel: 'MESSENGER', static_bearer: SMS.static_bearer }] },
      ['channel_credentials[0].static_token: isNotEmpty'],
    ],
    [
      'a credential without its token',
      { channel_credentials: [{ channel: 'WHATSAPP', static_bearer: { claimed_identity: 'a' } }] },
      ['channel_credentials[0].static_bearer.token: isNotEmpty'],
    ],
    [
      'a token with a line break',
      { channel_credentials: [messenger('a\nb')] },
      ['channel_credentials[0].static_token.token: matches'],
    ],
    ['a channel twice', { channel_credentials: [SMS, SMS] }, ['channel_credentials[1]: unique']],
    [
      'an ordinal where a channel has one account',
      { channel_credentials: [{ ...SMS, credential_ordinal_number: 1 }] },
      ['channel_credentials[0].credential_ordinal_number: range'],
    ],
    [
      'a callback secret that is too long',
      { channel_credentials: [{ ...SMS, callback_secret: 'x'.repeat(257) }] },
      ['channel_credentials[0].callback_secret: maxLength'],
    ],
    [
      'a mask that nothing stands behind',
      { channel_credentials: [messenger(MASK)] },
      ['channel_credentials[0].static_token.token: masked'],
    ],
    ['an unknown mode', { processing_mode: 'BOTH' }, ['processing_mode: isEnum']],
    [
      'a retention that is too long',
      { retention_policy: { ttl_days: 3651 } },
      ['retention_policy.ttl_days: max'],
    ],
  ])('%s', async (_what, more, fields) => {
    const before = (await rest<{ apps: App[] }>('GET', 'apps')).body.apps.length;
    const answer = await rest('POST', 'apps', { display_name: 'Shop', channel_credentials: [], ...more });
    expect(fieldsOf(answer).sort()).toEqual(fields);
    expect((await rest<{ apps: App[] }>('GET', 'apps')).body.apps).toHaveLength(before);
  });

  test('two accounts of LINE are not, when their numbers differ', async () => {
    const line = { channel: 'LINE', line_credentials: { token: 't', secret: 's' } };
    const thai = { line_thailand: { token: 't', secret: 's' }, is_default: true };
    const made = await created([
      line,
      { channel: 'LINE', line_enterprise_credentials: thai, credential_ordinal_number: 1 },
    ]);
    expect(made.channel_credentials).toMatchObject([
      { line_credentials: { token: MASK, secret: MASK }, credential_ordinal_number: 0 },
      { line_enterprise_credentials: { line_thailand: { token: MASK, secret: MASK }, is_default: true } },
    ]);
  });
});
