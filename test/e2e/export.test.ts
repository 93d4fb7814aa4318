// A person's data, all of it, for the person.
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ProjectsService } from '../../src/access/projects.service.js';
import { Contact } from '../../src/contacts/contact.entity.js';
import { idAt, newId } from '../../src/ids.js';
import { MediaService } from '../../src/media/media.service.js';
import { exportOf } from '../../src/people/export.js';
import { tokenOf } from '../../src/people/export-link.js';
import { SecretBox } from '../../src/secrets.js';
import { basic } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
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

interface Exported {
  contact: Record<string, unknown>;
  profiles: { channel_identity: Record<string, unknown>; profile: unknown }[];
  consents: Record<string, unknown>[];
  consent_records: Record<string, unknown>[];
  conversations: (Record<string, unknown> & {
    messages: (Record<string, unknown> & { id: string; media: unknown[] })[];
    events: Record<string, unknown>[];
    notes: Record<string, unknown>[];
  })[];
}

const LINK = `query ($id: ID!) { exportContact(id: $id) { url expiresAt } }`;
const MANY = 2_500;

let app: TestApp;
let records: Records;
let page: TestPage;
let contactId: string;
let conversationId: string;
let psid: string;

beforeAll(async () => {
  app = await startTestApp();
  records = await Records.of(app.databaseUrl);
  page = await connectPage(app);
  psid = newPsid();
  await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'Hello, "you" \u{1f600}')));
  await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, newPsid(), 'Somebody else')));
  const [message] = (await records.messages(page.appId)).filter(({ identity }) => identity === psid);
  contactId = message?.contactId ?? '';
  conversationId = message?.conversationId ?? '';
});
afterAll(async () => {
  await records.close();
  await app.stop();
});

function urlOf(id: string, projectId = app.projectId): string {
  return `${app.url}/v1/projects/${projectId}/contacts/${id}:export`;
}

async function exported(url: string, authorization?: string): Promise<Exported> {
  const response = await fetch(url, { headers: authorization ? { authorization } : {} });
  expect(response.status).toBe(200);
  return (await response.json()) as Exported;
}

async function refused(url: string, authorization?: string): Promise<number> {
  const response = await fetch(url, { headers: authorization ? { authorization } : {} });
  const { error } = (await response.json()) as { error: { code: number; message: string } };
  expect(error.message).not.toBe('');
  return response.status;
}

test('an export holds all that is kept of a person, in the names of the Conversation API', async () => {
  const sending = new Sending(app);
  const sent = await sending.send(page, psid, 'Good day');
  const [first = ''] = (await records.messages(page.appId))
    .filter(({ identity, direction }) => identity === psid && direction === 'TO_APP')
    .map(({ id }) => id);
  const mediaId = newId();
  await records.query(
    `INSERT INTO media (project_id, id, message_id, path, original_url, state, next_attempt_at, content_type, size, name, sha256, secret)
     VALUES ($1, $2, $3, '{url}', 'https://x.example/a', 'STORED', NULL, 'image/png', 7, 'a.png', 'abc', 's3cret')`,
    [app.projectId, mediaId, first],
  );
  await records.query(
    `INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, accept_time)
     VALUES ($1, $2, $3, $4, $5, 'TO_APP', 'MESSENGER', $6, '{"contact_event": {"composing_event": {}}}', now())`,
    [app.projectId, newId(), page.appId, conversationId, contactId, psid],
  );
  await records.query(
    `INSERT INTO notes (project_id, id, conversation_id, author, text) VALUES ($1, $2, $3, 'ann', 'A kind person')`,
    [app.projectId, newId(), conversationId],
  );
  for (const operation of ['INSERT', 'DELETE', 'INSERT'])
    await records.query(
      `INSERT INTO consent_records (project_id, app_id, identity, id, channel, list_type, operation, origin)
       VALUES ($1, $2, $3, $4, 'MESSENGER', 'OPT_OUT_MARKETING', $5, 'ORIGIN_MO')`,
      [app.projectId, page.appId, psid, newId(), `OPERATION_${operation}`],
    );
  await records.query(
    `INSERT INTO consents (project_id, app_id, list_type, channel, identity) SELECT $1, $2, 'OPT_OUT_MARKETING', 'MESSENGER', unnest($3::text[])`,
    [app.projectId, page.appId, [psid, newPsid()]],
  );
  const { contact, profiles, conversations, ...rest } = await exported(urlOf(contactId), app.authorization);
  const identity = { channel: 'MESSENGER', identity: psid, app_id: page.appId };
  expect(contact).toMatchObject({ id: contactId, channel_identities: [identity] });
  expect(profiles).toMatchObject([{ channel_identity: identity }]);
  const consent = { channel_identity: identity, list_type: 'OPT_OUT_MARKETING' };
  expect(rest.consents).toEqual([consent]);
  expect(rest.consent_records).toEqual(
    ['OPERATION_INSERT', 'OPERATION_DELETE', 'OPERATION_INSERT'].map((operation) => ({
      ...{ ...consent, operation, origin: 'ORIGIN_MO' },
      datetime: expect.any(String),
    })),
  );
  expect(conversations).toMatchObject([
    {
      id: conversationId,
      app_id: page.appId,
      contact_id: contactId,
      status: 'OPEN',
      messages: [
        {
          id: first,
          direction: 'TO_APP',
          contact_message: { text_message: { text: 'Hello, "you" \u{1f600}' } },
          sent_by: 'CONTACT',
          media: [{ id: mediaId, state: 'STORED', size: 7, original_url: 'https://x.example/a' }],
        },
        { id: sent, app_message: { text_message: { text: 'Good day' } }, sent_by: 'API', media: [] },
      ],
      events: [{ direction: 'TO_APP', contact_event: { composing_event: {} }, channel_identity: identity }],
      notes: [{ author: 'ann', text: 'A kind person' }],
    },
  ]);
  expect(JSON.stringify(conversations)).not.toContain('Somebody else');
});

test('somebody of whom nothing was said has an export, too', async () => {
  const { createContact } = await app.graphql<{ createContact: { id: string } }>(
    `mutation { createContact(input: { displayName: "Ann" }) { id } }`,
  );
  const answer = await exported(urlOf(createContact.id), app.authorization);
  const nothing = { profiles: [], consents: [], consent_records: [], conversations: [] };
  expect(answer).toMatchObject({ contact: { display_name: 'Ann' }, ...nothing });
});

describe('a link', () => {
  test('opens without credentials, for a while', async () => {
    const { exportContact } = await app.graphql<{ exportContact: { url: string; expiresAt: string } }>(LINK, {
      id: contactId,
    });
    expect(new URL(exportContact.url).origin).toBe(new URL(app.url).origin);
    const left = Date.parse(exportContact.expiresAt) - Date.now();
    expect(left).toBeGreaterThan(10 * 60_000);
    expect(left).toBeLessThanOrEqual(15 * 60_000);
    expect((await exported(exportContact.url)).contact.id).toBe(contactId);
  });

  test('opens nothing once it has expired, for another person, or changed', async () => {
    const secrets = app.parley.app.get(SecretBox, { strict: false });
    const link = { projectId: app.projectId, contactId, expiresAt: new Date(Date.now() + 60_000) };
    const good = tokenOf(secrets, link);
    const expired = tokenOf(secrets, { ...link, expiresAt: new Date(Date.now() - 1) });
    const others = tokenOf(secrets, { ...link, contactId: newId() });
    const foreign = tokenOf(secrets, { ...link, projectId: 'another' });
    const last = good.at(-3) === 'A' ? 'B' : 'A';
    const forged = `${good.slice(0, -3)}${last}${good.slice(-2)}`;
    expect((await exported(`${urlOf(contactId)}?token=${good}`)).contact.id).toBe(contactId);
    for (const token of [expired, others, foreign, forged, secrets.encrypt('a channel token'), '', 'x'])
      expect(await refused(`${urlOf(contactId)}?token=${token}`), token).toBe(401);
  });
});

test('nobody else gets it', async () => {
  const projects = app.parley.app.get(ProjectsService, { strict: false });
  const { projectId } = await projects.createProject('Another');
  const { keyId, secret } = await projects.createKey(projectId);
  expect(await refused(urlOf(contactId))).toBe(401);
  expect(await refused(urlOf(contactId), basic(keyId, 'wrong'))).toBe(401);
  expect(await refused(urlOf(contactId), basic(keyId, secret))).toBe(403);
  expect(await refused(urlOf(contactId, projectId), basic(keyId, secret))).toBe(404);
  expect(await refused(urlOf(newId()), app.authorization)).toBe(404);
  const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
    `mutation ($appId: ID!) { createInboxToken(input: { appIds: [$appId], agentId: "ann", role: AGENT, ttlSeconds: 60 }) { token } }`,
    { appId: page.appId },
  );
  const agent = `Bearer ${createInboxToken.token}`;
  expect(await refused(urlOf(contactId), agent)).toBe(403);
  const { errors } = await app.ask(LINK, { id: contactId }, agent);
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
});

describe('a long history', () => {
  let ids: string[];

  beforeAll(async () => {
    ids = Array.from({ length: MANY }, (_, n) => idAt(new Date(Date.UTC(2020, 0, 1) + n * 1_000)));
    await records.query(
      `INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, sent_by, accept_time)
       SELECT $1, id, $2, $3, $4, 'TO_APP', 'MESSENGER', $5, '{"text_message": {"text": "once"}}', 'CONTACT', '2020-01-01' FROM unnest($6::text[]) AS id`,
      [app.projectId, page.appId, conversationId, contactId, psid, ids],
    );
  });

  test('arrives whole and in order', async () => {
    const { conversations } = await exported(urlOf(contactId), app.authorization);
    expect(conversations.flatMap(({ messages }) => messages.map(({ id }) => id)).slice(0, MANY)).toEqual(ids);
  });

  test('is read no faster than it is taken', async () => {
    const dataSource = app.parley.app.get(DataSource, { strict: false });
    const contact = await dataSource.manager.findOneByOrFail(Contact, {
      projectId: app.projectId,
      id: contactId,
    });
    const asked = vi.spyOn(dataSource.manager, 'query');
    try {
      const pieces = exportOf(dataSource, app.parley.app.get(MediaService, { strict: false }), contact);
      const reads = (): number => asked.mock.calls.filter(([sql]) => sql.includes('FROM messages')).length;
      let taken = '';
      while (!taken.includes(ids[0] ?? '')) taken += (await pieces.next()).value ?? '';
      expect(reads()).toBe(1);
      expect(taken).not.toContain(ids[500]);
      await pieces.next();
      expect(reads()).toBe(2);
      await pieces.return();
    } finally {
      asked.mockRestore();
    }
  });

  test('whose reader goes away harms nobody', async () => {
    const leaving = new AbortController();
    const response = await fetch(urlOf(contactId), {
      headers: { authorization: app.authorization },
      signal: leaving.signal,
    });
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="contact-${contactId}.json"`,
    );
    leaving.abort();
    expect((await exported(urlOf(contactId), app.authorization)).contact.id).toBe(contactId);
  });
});
