import { randomUUID } from 'node:crypto';
import type { TestApp } from './app.js';
import { eventually } from './eventually.js';
import { connectPage, envelope, newPsid, postWebhook, type TestPage, textItem } from './messenger.js';
import type { Ids } from './operations.js';
import type { Records } from './records.js';

export interface World {
  ids: Ids;
  page: TestPage;
  psid: string;
}

/** Value of the `Authorization` header by which the agent Eve reaches these apps. */
export async function inboxToken(
  app: TestApp,
  role: 'VIEWER' | 'AGENT',
  ...appIds: string[]
): Promise<string> {
  const { createInboxToken } = await app.graphql<{ createInboxToken: { token: string } }>(
    `mutation ($input: CreateInboxTokenInput!) { createInboxToken(input: $input) { token } }`,
    { input: { appIds, role, agentId: 'eve' } },
  );
  return `Bearer ${createInboxToken.token}`;
}

/** One of everything in the test project: an app with its page, a person who has written to it, and a note of Eve's. */
export async function makeWorld(app: TestApp, records: Records): Promise<World> {
  const page = await connectPage(app);
  const psid = newPsid();
  await postWebhook(app, page, envelope(page.pageId, textItem(page.pageId, psid, 'Hello')));
  const [message] = await records.messages(page.appId);
  if (!message) throw new Error('a message did not come in');
  const { createWebhook } = await app.graphql<{ createWebhook: { id: string } }>(
    `mutation ($appId: ID!) { createWebhook(input: { appId: $appId, target: "http://127.0.0.1:8099/${randomUUID()}", targetType: DISMISS }) { id } }`,
    { appId: page.appId },
  );
  const { createTemplate } = await app.graphql<{ createTemplate: { id: string } }>(
    `mutation { createTemplate(input: { defaultTranslation: "en", translations: [{ languageCode: "en", message: { text_message: { text: "Hi" } } }] }) { id } }`,
  );
  const { createCannedReply } = await app.graphql<{ createCannedReply: { id: string } }>(
    `mutation ($appId: ID!) { createCannedReply(input: { appId: $appId, shortcut: "hi", title: "Hi", message: { textMessage: { text: "Hi" } } }) { id } }`,
    { appId: page.appId },
  );
  const noted = await app.ask<{ addNote: { id: string } }>(
    `mutation ($id: ID!) { addNote(conversationId: $id, text: "Be kind") { id } }`,
    { id: message.conversationId },
    await inboxToken(app, 'AGENT', page.appId),
  );
  // The page is asked who wrote; what it tells changes the contact.
  await eventually(
    async () =>
      (
        await records.query(
          'SELECT FROM channel_profiles WHERE identity = $1 AND (profile IS NOT NULL OR error IS NOT NULL)',
          [psid],
        )
      ).length > 0,
    'the profile of a person',
  );
  const ids = {
    app: page.appId,
    channel: page.channelId,
    contact: message.contactId,
    conversation: message.conversationId,
    message: message.id,
    webhook: createWebhook.id,
    template: createTemplate.id,
    note: noted.data?.addNote.id ?? '',
    cannedReply: createCannedReply.id,
  };
  return { ids, page, psid };
}
