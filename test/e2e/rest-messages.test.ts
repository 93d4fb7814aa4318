// Messages of the Conversation API over REST, as its clients speak to it.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { SAID } from '../support/content-said.js';
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
import { type Rest, type RestAnswer, restOf } from '../support/rest.js';

type Json = Record<string, unknown>;
interface List extends Json {
  messages: Json[];
  next_page_token: string;
}

const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

let app: TestApp;
let rest: Rest;
let records: Records;
let page: TestPage;

beforeAll(async () => {
  app = await startTestApp();
  rest = restOf(app);
  records = await Records.of(app.databaseUrl);
  page = await connectPage(app);
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

function sending(
  psid: string,
  message: unknown = { text_message: { text: 'Hello' } },
  more: Json = {},
): Json {
  const channel_identities = [{ channel: 'MESSENGER', identity: psid }];
  return { app_id: page.appId, recipient: { identified_by: { channel_identities } }, message, ...more };
}

async function sent(psid: string, text: string, more: Json = {}): Promise<string> {
  const answer = await rest('POST', 'messages:send', sending(psid, { text_message: { text } }, more));
  expect(answer).toMatchObject({ status: 200 });
  return answer.body.message_id as string;
}

async function received(psid: string, text: string): Promise<void> {
  const answer = await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, text)));
  expect(answer.status).toBe(200);
}

async function listed(query: string): Promise<List> {
  const { status, body } = await rest<List>('GET', `messages?${query}`);
  expect({ status, query }).toEqual({ status: 200, query });
  return body;
}

const textsOf = ({ messages }: List): unknown[] =>
  messages.map(({ app_message: ours, contact_message: theirs }) => {
    return ((ours ?? theirs) as { text_message?: { text: string } }).text_message?.text;
  });

function fieldsOf({ body }: RestAnswer): string[] {
  const { details } = (body as { error: { details: { fieldViolations?: { field: string }[] }[] } }).error;
  return details.flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field }) => field)).sort();
}

describe('sending', () => {
  test('answers with the id and the time, and the message is given back as the API has it', async () => {
    const psid = newPsid();
    const { status, body } = await rest(
      'POST',
      'messages:send',
      sending(psid, undefined, { message_metadata: 'order 7', queue: 'HIGH_PRIORITY', ttl: '86400s' }),
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      message_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      accepted_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    const { body: message } = await rest('GET', `messages/${String(body.message_id)}`);
    expect(message).toEqual({
      id: body.message_id,
      direction: 'TO_CONTACT',
      app_message: { text_message: { text: 'Hello' } },
      channel_identity: { channel: 'MESSENGER', identity: psid, app_id: page.appId },
      conversation_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      contact_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      metadata: 'order 7',
      accept_time: body.accepted_time,
      sender_id: '',
      processing_mode: 'CONVERSATION',
      injected: false,
    });
  });

  test.each(SAID)('$what is stored as it is said', async ({ stored }) => {
    const { status, body } = await rest('POST', 'messages:send', sending(newPsid(), stored));
    expect({ status, body }).toMatchObject({ status: 200 });
    const message = await rest('GET', `messages/${String(body.message_id)}`);
    expect(message.body.app_message).toEqual(stored);
  });

  test('takes the maps of the API: properties, payloads, overrides, templates and their parameters', async () => {
    const message = {
      explicit_channel_message: { MESSENGER: '{"text":"raw"}' },
      explicit_channel_omni_message: {
        WHATSAPP: { template_reference: { template_id: 't', version: '1', parameters: { a_b: 'c' } } },
      },
      channel_specific_message: { KAKAOTALK: { message_type: 'COMMERCE', message: { push_alarm: true } } },
      template_message: {
        omni_template: { template_id: 'o', version: 'latest', parameters: { first_name: 'Ann' } },
        channel_template: { WHATSAPP: { template_id: 'w', parameters: { 'body[1]text': 'x' } } },
      },
    };
    const channel_properties = { MESSENGER_NOTIFICATION_TYPE: 'NO_PUSH' };
    const { body } = await rest('POST', 'messages:send', sending(newPsid(), message, { channel_properties }));
    const stored = await records.query<Json>(
      'SELECT content, channel_properties FROM messages WHERE id = $1',
      [body.message_id],
    );
    expect(stored).toEqual([{ content: message, channel_properties }]);
  });

  test('gives the first answer again for a repeated key, and refuses it for another message', async () => {
    const [psid, headers] = [newPsid(), { 'Idempotency-Key': `k-${Date.now()}` }];
    const first = await rest('POST', 'messages:send', sending(psid), headers);
    expect(first.status).toBe(200);
    expect((await rest('POST', 'messages:send', sending(psid), headers)).body).toEqual(first.body);
    const other = await rest('POST', 'messages:send', sending(newPsid()), headers);
    expect(other).toMatchObject({ status: 409, body: { error: { status: 'ALREADY_EXISTS' } } });
    const long = await rest('POST', 'messages:send', sending(psid), { 'Idempotency-Key': 'k'.repeat(256) });
    expect(long.status).toBe(400);
  });

  test("replaces the conversation's metadata, or merges into it", async () => {
    const psid = newPsid();
    const metadataAfter = async (conversation_metadata: Json, strategy?: string): Promise<unknown> => {
      const id = await sent(psid, 'Hi', {
        conversation_metadata,
        ...(strategy ? { conversation_metadata_update_strategy: strategy } : {}),
      });
      const [row] = await records.query<{ metadata: unknown }>(
        `SELECT c.metadata_json AS metadata FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = $1`,
        [id],
      );
      return row?.metadata;
    };
    await metadataAfter({ a: { b: 1, c: 2 }, d: 3 });
    expect(await metadataAfter({ a: { b: null, e: 4 } }, 'MERGE_PATCH')).toEqual({ a: { c: 2, e: 4 }, d: 3 });
    expect(await metadataAfter({ x: 1 }, 'REPLACE')).toEqual({ x: 1 });
    await metadataAfter({ long: 'x'.repeat(1_500) });
    const grown = await rest(
      'POST',
      'messages:send',
      sending(psid, undefined, {
        conversation_metadata: { longer: 'x'.repeat(1_500) },
        conversation_metadata_update_strategy: 'MERGE_PATCH',
      }),
    );
    expect({ status: grown.status, fields: fieldsOf(grown) }).toEqual({
      status: 400,
      fields: ['conversation_metadata'],
    });
  });

  test('sends that come together each leave their metadata', async () => {
    const psid = newPsid();
    await sent(psid, 'first');
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        sent(psid, name, {
          conversation_metadata: { [name]: 1 },
          conversation_metadata_update_strategy: 'MERGE_PATCH',
        }),
      ),
    );
    const [row] = await records.query<Json>(
      `SELECT c.metadata_json FROM conversations c JOIN channel_identities i ON i.contact_id = c.contact_id WHERE i.identity = $1`,
      [psid],
    );
    expect(row?.metadata_json).toEqual({ a: 1, b: 1, c: 1, d: 1 });
  });

  test('names the broken fields as the wire spells them', async () => {
    const refusals: [body: Json, fields: string[]][] = [
      [{}, ['app_id', 'message', 'recipient']],
      [sending('1', { text_message: { text: 7 } }), ['message.text_message.text']],
      [sending('1', { text_message: [{ text: 'a' }] }), ['message.text_message']],
      [sending('1', [{ text_message: { text: 'a' } }]), ['message']],
      [
        sending('1', { choice_message: { choices: [[{ text_message: { text: 'a' } }]] } }),
        ['message.choice_message.choices[0]'],
      ],
      [sending('1', { explicit_channel_message: ['{}'] }), ['message.explicit_channel_message']],
      [
        sending('1', { explicit_channel_message: { MESSENGER: {} } }),
        ['message.explicit_channel_message[0].payload'],
      ],
      [
        sending('1', { channel_specific_message: { MESSENGER: 'x' } }),
        ['message.channel_specific_message.MESSENGER'],
      ],
      [sending('1', { text_message: { text: 'a' }, reply_to: 'x' }), ['message.reply_to']],
      [sending('1', undefined, { channel_properties: [] }), ['channel_properties']],
      [sending('1', undefined, { ttl: 10 }), ['ttl']],
      [sending('1', undefined, { conversation_metadata: 'x' }), ['conversation_metadata']],
      [sending('1', undefined, { processing_strategy: 'MAYBE' }), ['processing_strategy']],
      [sending('1', undefined, { message_content_type: 'SPAM' }), ['message_content_type']],
      [sending('1', undefined, { channel_priority_order: 'MESSENGER' }), ['channel_priority_order']],
    ];
    for (const [body, fields] of refusals) {
      const answer = await rest('POST', 'messages:send', body);
      expect({ body, status: answer.status }).toEqual({ body, status: 400 });
      expect([...new Set(fieldsOf(answer))]).toEqual(fields);
    }
    const lacking = await rest(
      'POST',
      'messages:send',
      sending('1', undefined, { channel_priority_order: ['SMS'] }),
    );
    expect(lacking).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } });
    const unknown = await rest('POST', 'messages:send', { ...sending('1'), app_id: NOBODYS });
    expect(unknown).toMatchObject({ status: 404, body: { error: { status: 'NOT_FOUND' } } });
  });

  test('never fails over the shape of a request', async () => {
    const junk = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(null, [], [[]], {}, [null], 0, '', 'x', true, { __proto__x: 1 }),
    );
    const paths = [
      ['recipient'],
      ['recipient', 'identified_by'],
      ['recipient', 'identified_by', 'channel_identities'],
      ['recipient', 'identified_by', 'channel_identities', '0'],
      ['message'],
      ...Object.keys(CONTENTS).map((name) => ['message', name]),
      ...['explicit_channel_message', 'explicit_channel_omni_message', 'channel_specific_message'].flatMap(
        (name) => [
          ['message', name],
          ['message', name, 'MESSENGER'],
        ],
      ),
      ['message', 'agent'],
      ['message', 'reply_to'],
      ...[
        'channel_properties',
        'conversation_metadata',
        'ttl',
        'queue',
        'correlation_id',
        'callback_url',
      ].map((n) => [n]),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        junk,
        fc.constantFrom(...Object.entries(CONTENTS)),
        async (path, value, [name, content]) => {
          const body = withAt(sending('1', { [name]: content }), path, value);
          const { status } = await rest('POST', 'messages:send', body);
          expect([200, 400]).toContain(status);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('refuses a body that is nested to exhaust the stack', async () => {
    const deep = `${'['.repeat(300_000)}${']'.repeat(300_000)}`;
    for (const body of [`{"message":${deep}}`, `{"conversation_metadata":{"a":${deep}}}`]) {
      const response = await fetch(`${app.url}/v1/projects/${app.projectId}/messages:send`, {
        method: 'POST',
        headers: { authorization: app.authorization, 'content-type': 'application/json' },
        body,
      });
      expect(response.status).toBe(400);
    }
  });
});

/** A valid content of each kind. */
const CONTENTS: Record<string, Json> = {
  text_message: { text: 'a' },
  media_message: { url: 'https://example.com/a.png' },
  card_message: { title: 'a', choices: [{ text_message: { text: 'b' } }] },
  carousel_message: { cards: [{ title: 'a' }] },
  choice_message: { choices: [{ text_message: { text: 'b' } }] },
  list_message: { title: 'a', sections: [{ items: [{ choice: { title: 'b' } }] }] },
  location_message: { title: 'a', coordinates: { latitude: 1, longitude: 2 } },
  template_message: { omni_template: { template_id: 'a', version: '1', parameters: { a: 'b' } } },
  contact_info_message: { name: { full_name: 'a' }, phone_numbers: [{ phone_number: '+46732000000' }] },
};

function withAt(body: Json, [key = '', ...path]: string[], value: unknown): Json {
  const inner = (typeof body[key] === 'object' && body[key] !== null ? body[key] : {}) as Json;
  const changed = path.length === 0 ? value : withAt(inner, path, value);
  if (Array.isArray(body)) return Object.assign([...(body as unknown[])], { [key]: changed });
  return { ...body, [key]: changed };
}

describe('stored messages', () => {
  let psid: string;
  let conversationId: string;
  let contactId: string;

  beforeAll(async () => {
    psid = newPsid();
    await received(psid, 'one');
    await sent(psid, 'two', { message_metadata: 'meta' });
    await received(psid, 'three');
    const { messages } = await listed(`channel_identity=${psid}`);
    ({ conversation_id: conversationId, contact_id: contactId } = messages[0] as {
      conversation_id: string;
      contact_id: string;
    });
  });

  test('are listed by every filter, the latest accepted first', async () => {
    const { messages } = await listed(`conversation_id=${conversationId}`);
    const [, second] = messages;
    const at = String(second?.accept_time);
    const everybody = `contact_id=${contactId}`;
    expect(textsOf(await listed(everybody))).toEqual(['three', 'two', 'one']);
    expect(textsOf(await listed(`app_id=${page.appId}&channel_identity=${psid}`))).toEqual([
      'three',
      'two',
      'one',
    ]);
    expect(textsOf(await listed(`${everybody}&direction=TO_APP`))).toEqual(['three', 'one']);
    expect(textsOf(await listed(`${everybody}&channel=MESSENGER&direction=TO_CONTACT`))).toEqual(['two']);
    expect(textsOf(await listed(`${everybody}&channel=SMS`))).toEqual([]);
    expect(textsOf(await listed(`${everybody}&start_time=${at}`))).toEqual(['three', 'two']);
    expect(textsOf(await listed(`${everybody}&end_time=${at}`))).toEqual(['one']);
    expect(textsOf(await listed(`channel_identity=${psid}&messages_source=DISPATCH_SOURCE`))).toEqual([]);
    expect((await listed(`${everybody}&view=WITHOUT_METADATA`)).messages[1]).not.toHaveProperty('metadata');
    expect((await listed(`${everybody}&view=WITH_METADATA`)).messages[1]).toMatchObject({ metadata: 'meta' });
  });

  test('are listed page by page', async () => {
    const first = await listed(`contact_id=${contactId}&page_size=2`);
    expect(textsOf(first)).toEqual(['three', 'two']);
    expect(first.next_page_token).toMatch(/^[\w-]+$/);
    const second = await listed(`contact_id=${contactId}&page_size=2&page_token=${first.next_page_token}`);
    expect([textsOf(second), second.next_page_token]).toEqual([['one'], '']);
  });

  test('are found by a phone number whose plus was not escaped', async () => {
    const [row] = await records.query<{ id: string }>(
      `UPDATE messages SET identity = '4670000001', channel = 'SMS' WHERE id = $1 RETURNING id`,
      [await sent(newPsid(), 'by text')],
    );
    for (const written of ['+4670000001', '%2B4670000001', '4670000001']) {
      const { messages } = await listed(`channel_identity=${written}`);
      expect(messages.map(({ id }) => id)).toEqual([row?.id]);
    }
  });

  test('refuse filters that cannot be', async () => {
    const refusals: [query: string, field: string][] = [
      ['start_time=2026-02-31T00:00:00Z', 'start_time'],
      ['start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z', 'end_time'],
      ['page_size=many', 'page_size'],
      ['page_token=x', 'page_token'],
      ['direction=SIDEWAYS', 'direction'],
      ['channel=PIGEON', 'channel'],
      ['view=SIDE', 'view'],
      [`messages_source=DISPATCH_SOURCE&contact_id=${contactId}`, 'contact_id'],
      ['only_recipient_originated=true', 'only_recipient_originated'],
    ];
    for (const [query, field] of refusals) {
      const answer = await rest('GET', `messages?${query}`);
      expect({ query, status: answer.status }).toEqual({ query, status: 400 });
      expect(fieldsOf(answer)).toContain(field);
    }
  });

  test('take other metadata, and nothing else', async () => {
    const id = await sent(psid, 'four', { message_metadata: 'old' });
    const changed = await rest('PATCH', `messages/${id}?messages_source=CONVERSATION_SOURCE`, {
      metadata: 'new',
      app_message: { text_message: { text: 'forged' } },
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { metadata: 'new', app_message: { text_message: { text: 'four' } } },
    });
    expect((await rest('GET', `messages/${id}`)).body).toMatchObject({ metadata: 'new' });
    expect((await rest('PATCH', `messages/${id}`, { metadata: 'x'.repeat(1_025) })).status).toBe(400);
    expect((await rest('PATCH', `messages/${id}`, {})).status).toBe(400);
    expect((await rest('PATCH', `messages/${NOBODYS}`, { metadata: 'x' })).status).toBe(404);
    expect((await rest('GET', `messages/${id}?messages_source=DISPATCH_SOURCE`)).status).toBe(404);
  });

  test('once deleted are nowhere, and the conversation counts without them', async () => {
    const someone = newPsid();
    await received(someone, 'kept');
    await received(someone, 'a secret of mine');
    const [secret, kept] = (await listed(`channel_identity=${someone}`)).messages as {
      id: string;
      conversation_id: string;
    }[];
    expect((await rest('DELETE', `messages/${secret?.id}`)).body).toEqual({});
    expect((await rest('DELETE', `messages/${secret?.id}`)).status).toBe(404);
    expect((await rest('GET', `messages/${secret?.id}`)).status).toBe(404);
    expect(textsOf(await listed(`channel_identity=${someone}`))).toEqual(['kept']);
    expect(textsOf(await listed(`conversation_id=${kept?.conversation_id}`))).toEqual(['kept']);
    const { conversation } = await app.graphql<{ conversation: Json }>(
      `query ($id: ID!) { conversation(id: $id) { unreadCount lastMessage { id } messages { edges { node { id } } } } }`,
      { id: kept?.conversation_id },
    );
    expect(conversation).toEqual({
      unreadCount: 1,
      lastMessage: { id: kept?.id },
      messages: { edges: [{ node: { id: kept?.id } }] },
    });
    const copies = await records.query(
      `SELECT 1 FROM events WHERE payload::text LIKE '%a secret of mine%'
       UNION ALL SELECT 1 FROM messages WHERE content::text LIKE '%a secret of mine%'`,
    );
    expect(copies).toEqual([]);
    const [told] = await records.query<{ payload: { message: Json } }>(
      `SELECT payload FROM events WHERE kind = 'message.updated' AND payload -> 'message' ->> 'id' = $1 ORDER BY seq DESC LIMIT 1`,
      [secret?.id],
    );
    expect(told?.payload.message).toMatchObject({ deletedAt: expect.any(String), erased: true });
  });

  test('once deleted do not come back when the channel delivers them again', async () => {
    const someone = newPsid();
    const body = envelope(page.pageId, textItem(page.pageId, someone, 'gone', `m_${someone}`));
    await postWebhook(app, page, body);
    const [message] = (await listed(`channel_identity=${someone}`)).messages;
    await rest('DELETE', `messages/${String(message?.id)}`);
    await postWebhook(app, page, body);
    expect(textsOf(await listed(`channel_identity=${someone}`))).toEqual([]);
  });

  test('of ours that are deleted are not told of by their own submission either', async () => {
    const id = await sent(psid, 'whispered');
    await eventually(
      async () =>
        (
          await records.query(
            `SELECT 1 FROM events WHERE kind = 'message.submitted' AND payload::text LIKE $1`,
            [`%${id}%`],
          )
        ).length > 0,
      'its submission',
    );
    await rest('DELETE', `messages/${id}`);
    expect(await records.query(`SELECT kind FROM events WHERE payload::text LIKE '%whispered%'`)).toEqual([]);
  });

  test('the last one of each identity or contact is found, the latest first', async () => {
    const [ann, bo, cy] = [newPsid(), newPsid(), newPsid()];
    for (const [person, text] of [
      [ann, 'a1'],
      [bo, 'b1'],
      [cy, 'c1'],
      [ann, 'a2'],
    ] as const)
      await received(person, text);
    await sent(bo, 'b2');
    const asked = { channel_identities: [ann, bo, cy, newPsid()], app_id: page.appId };
    const fetchLast = async (body: Json): Promise<List> => {
      const answer = await rest<List>('POST', 'messages:fetch-last-message', body);
      expect(answer).toMatchObject({ status: 200 });
      return answer.body;
    };
    const first = await fetchLast({ ...asked, page_size: 2 });
    expect(textsOf(first)).toEqual(['b2', 'a2']);
    const second = await fetchLast({ ...asked, page_size: 2, page_token: first.next_page_token });
    expect([textsOf(second), second.next_page_token]).toEqual([['c1'], '']);
    expect(textsOf(await fetchLast({ ...asked, direction: 'TO_APP' }))).toEqual(['a2', 'c1', 'b1']);
    const contacts = [...first.messages, ...second.messages].map(({ contact_id: id }) => id);
    expect(textsOf(await fetchLast({ contact_ids: contacts, view: 'WITHOUT_METADATA' }))).toEqual([
      'b2',
      'a2',
      'c1',
    ]);
    expect(textsOf(await fetchLast({ ...asked, messages_source: 'DISPATCH_SOURCE' }))).toEqual([]);
    for (const wrong of [
      {},
      { ...asked, contact_ids: contacts },
      { contact_ids: contacts, messages_source: 'DISPATCH_SOURCE' },
      { channel_identities: 'x' },
      { channel_identities: [] },
      { ...asked, page_size: 'x' },
    ]) {
      expect({ wrong, status: (await rest('POST', 'messages:fetch-last-message', wrong)).status }).toEqual({
        wrong,
        status: 400,
      });
    }
  });
});

describe('a preview', () => {
  const place = { location_message: { title: 'Here', coordinates: { latitude: 1.5, longitude: 2.5 } } };
  const preview = (app_message: unknown, channels: unknown, more: Json = {}): Promise<RestAnswer> =>
    rest('POST', 'messages:transcode', { app_id: page.appId, app_message, channels, ...more });

  test('is the payload of the channel as JSON text, to whom it may concern', async () => {
    const { status, body } = await preview({ text_message: { text: 'Hi' } }, ['MESSENGER']);
    expect(status).toBe(200);
    const { MESSENGER } = body.transcoded_message as Record<string, string>;
    expect(JSON.parse(MESSENGER ?? '')).toMatchObject({
      recipient: { id: '{{to}}' },
      message: { text: 'Hi' },
    });
    const named = await preview({ text_message: { text: 'Hi' } }, ['MESSENGER'], { to: '42', from: 'us' });
    const text = (named.body.transcoded_message as Record<string, string>).MESSENGER ?? '';
    expect(JSON.parse(text)).toMatchObject({ recipient: { id: '42' } });
  });

  test('of what takes several payloads is the list of them', async () => {
    const { body } = await preview({ text_message: { text: 'word '.repeat(800) } }, ['MESSENGER']);
    const payloads: unknown = JSON.parse((body.transcoded_message as Record<string, string>).MESSENGER ?? '');
    expect(payloads).toEqual([expect.objectContaining({ recipient: { id: '{{to}}' } }), expect.anything()]);
  });

  test('for a channel that nothing serves is not implemented', async () => {
    const refusal = await preview(place, ['MESSENGER', 'WHATSAPP']);
    expect(refusal).toMatchObject({ status: 501, body: { error: { status: 'UNIMPLEMENTED' } } });
  });

  test('refuses what is wrong as the wire spells it', async () => {
    expect(fieldsOf(await preview({ text_message: { text: ' ' } }, ['MESSENGER']))).toEqual([
      'app_message.text_message.text',
    ]);
    expect(fieldsOf(await preview(undefined, ['MESSENGER']))).toContain('app_message');
    expect(fieldsOf(await preview({ explicit_channel_message: [] }, ['MESSENGER']))).toEqual([
      'app_message.explicit_channel_message',
    ]);
    expect(fieldsOf(await preview(place, []))).toEqual(['channels']);
  });
});
