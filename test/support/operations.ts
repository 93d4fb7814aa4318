import { getNamedType, type GraphQLSchema, isInputObjectType } from 'graphql';
import type { GraphqlError, TestApp } from './app.js';

/** An id that nothing has. */
export const NOBODYS = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** One of everything that a project has. */
export interface Ids {
  app: string;
  channel: string;
  contact: string;
  conversation: string;
  message: string;
  webhook: string;
  template: string;
  note: string;
  cannedReply: string;
}

/** Operations that take ids: how to ask each, given one of everything. A new operation that takes an id has to be added. */
export const OPERATIONS: Record<string, (ids: Ids) => string> = {
  'Query.app': ({ app }) => `{ app(id: "${app}") { id } }`,
  'Query.contact': ({ contact }) => `{ contact(id: "${contact}") { id } }`,
  'Query.exportContact': ({ contact }) => `{ exportContact(id: "${contact}") { url } }`,
  'Query.conversation': ({ conversation }) => `{ conversation(id: "${conversation}") { id } }`,
  'Query.message': ({ message }) => `{ message(id: "${message}") { id } }`,
  'Query.searchMessages': ({ app }) =>
    `{ searchMessages(appId: "${app}", text: "hello") { edges { node { id } } } }`,
  'Query.inbox': ({ app }) => `{ inbox(appId: "${app}") { edges { node { id } } } }`,
  'Query.events': ({ app }) => `{ events(appId: "${app}") { edges { cursor } } }`,
  'Query.template': ({ template }) => `{ template(id: "${template}") { id } }`,
  'Query.transcodeMessage': ({ app }) =>
    `{ transcodeMessage(appId: "${app}", message: { textMessage: { text: "Hi" } }, channels: [MESSENGER]) { payloads } }`,
  'Query.callbackOrigins': ({ app }) => `{ callbackOrigins(appId: "${app}") { id } }`,
  'Query.webhooks': ({ app }) => `{ webhooks(appId: "${app}") { id } }`,
  'Query.webhookDeliveries': ({ webhook }) =>
    `{ webhookDeliveries(webhookId: "${webhook}") { edges { node { id } } } }`,
  'Mutation.updateApp': ({ app }) =>
    `mutation { updateApp(id: "${app}", input: { displayName: "Mine now" }) { id } }`,
  'Mutation.createInboxToken': ({ app }) =>
    `mutation { createInboxToken(input: { appIds: ["${app}"], agentId: "eve", role: AGENT }) { token } }`,
  'Mutation.deleteApp': ({ app }) => `mutation { deleteApp(id: "${app}") }`,
  'Mutation.connectChannel': ({ app }) =>
    `mutation { connectChannel(input: { appId: "${app}", channel: MESSENGER, token: "mine", pageId: "12345678" }) { id } }`,
  'Mutation.disconnectChannel': ({ channel }) => `mutation { disconnectChannel(id: "${channel}") }`,
  'Mutation.testWebhook': ({ webhook }) =>
    `mutation { testWebhook(id: "${webhook}", trigger: MESSAGE_INBOUND) { __typename } }`,
  'Mutation.retryWebhookDelivery': ({ webhook }) =>
    `mutation { retryWebhookDelivery(webhookId: "${webhook}", id: "${NOBODYS}") { __typename } }`,
  'Mutation.createContact': ({ app }) =>
    `mutation { createContact(input: { displayName: "Eve", channelIdentities: [{ channel: MESSENGER, identity: "12345678", appId: "${app}" }] }) { id } }`,
  'Mutation.updateContact': ({ contact }) =>
    `mutation { updateContact(id: "${contact}", input: { displayName: "Eve" }) { id } }`,
  'Mutation.deleteContact': ({ contact }) => `mutation { deleteContact(id: "${contact}") }`,
  'Mutation.mergeContacts': ({ contact }) =>
    `mutation { mergeContacts(sourceId: "${contact}", destinationId: "${contact.replace(/.$/, (last) => (last === 'X' ? 'Y' : 'X'))}") { id } }`,
  'Mutation.deleteConversation': ({ conversation }) =>
    `mutation { deleteConversation(id: "${conversation}") }`,
  'Mutation.importHistory': ({ channel }) =>
    `mutation { importHistory(channelId: "${channel}") { __typename } }`,
  'Mutation.sendMessage': ({ app, contact }) =>
    `mutation { sendMessage(input: { appId: "${app}", recipient: { contactId: "${contact}" }, message: { textMessage: { text: "Hi" } } }) { messageId } }`,
  'Mutation.sendMessages': ({ app, contact }) =>
    `mutation { sendMessages(input: [{ appId: "${app}", recipient: { contactId: "${contact}" }, message: { textMessage: { text: "Hi" } } }]) { messageId error { code } } }`,
  'Mutation.sendEvent': ({ app, contact }) =>
    `mutation { sendEvent(input: { appId: "${app}", recipient: { contactId: "${contact}" }, event: { composingEvent: {} } }) { eventId } }`,
  'Mutation.updateTemplate': ({ template }) =>
    `mutation { updateTemplate(id: "${template}", input: { version: 1, description: "Mine now" }) { id } }`,
  'Mutation.deleteTemplate': ({ template }) => `mutation { deleteTemplate(id: "${template}") }`,
  'Mutation.markConversationRead': ({ conversation }) =>
    `mutation { markConversationRead(id: "${conversation}") { id } }`,
  'Mutation.updateConversation': ({ conversation }) =>
    `mutation { updateConversation(id: "${conversation}", input: { status: CLOSED }) { id } }`,
  'Mutation.stopConversation': ({ conversation }) =>
    `mutation { stopConversation(id: "${conversation}") { id } }`,
  'Query.cannedReplies': ({ app }) => `{ cannedReplies(appId: "${app}") { edges { node { id } } } }`,
  'Mutation.createCannedReply': ({ app }) =>
    `mutation { createCannedReply(input: { appId: "${app}", shortcut: "mine", title: "Mine", message: { textMessage: { text: "Hi" } } }) { id } }`,
  'Mutation.updateCannedReply': ({ cannedReply }) =>
    `mutation { updateCannedReply(id: "${cannedReply}", input: { title: "Mine now" }) { id } }`,
  'Mutation.deleteCannedReply': ({ cannedReply }) => `mutation { deleteCannedReply(id: "${cannedReply}") }`,
  'Mutation.addNote': ({ conversation }) =>
    `mutation { addNote(conversationId: "${conversation}", text: "Mine") { id } }`,
  'Mutation.updateNote': ({ note }) => `mutation { updateNote(id: "${note}", text: "Mine now") { id } }`,
  'Mutation.deleteNote': ({ note }) => `mutation { deleteNote(id: "${note}") }`,
  'Mutation.createWebhook': ({ app }) =>
    `mutation { createWebhook(input: { appId: "${app}", target: "http://127.0.0.1:8099/mine" }) { id } }`,
  'Mutation.updateWebhook': ({ webhook }) =>
    `mutation { updateWebhook(id: "${webhook}", input: { targetType: DISMISS }) { id } }`,
  'Mutation.deleteWebhook': ({ webhook }) => `mutation { deleteWebhook(id: "${webhook}") }`,
  'Mutation.replayWebhook': ({ webhook }) => `mutation { replayWebhook(id: "${webhook}") }`,
  'Subscription.inbox': ({ app }) => `subscription { inbox(appId: "${app}") { __typename } }`,
  'Subscription.conversation': ({ conversation }) =>
    `subscription { conversation(id: "${conversation}") { __typename } }`,
};

/** Where the id is a field of what is to be made, the input is at fault. */
export const REFUSALS: Record<string, string> = { 'Mutation.createContact': 'BAD_USER_INPUT' };

export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: GraphqlError[];
}

/** What an operation answers, by the codes of its errors; a subscription by what it says first, or by the code that closed its socket. */
export async function answerTo(
  app: TestApp,
  name: string,
  query: string,
  authorization: string,
): Promise<Answer & { codes: string[] }> {
  const answer = name.startsWith('Subscription')
    ? await firstAnswer(app, query, authorization)
    : await app.ask<Record<string, unknown>>(query, {}, authorization);
  const codes = (answer.errors ?? []).map(({ extensions }) => extensions.code);
  return { ...answer, codes: [...codes, ...itemCodes(answer.data)] };
}

/** A batch answers each item for itself. */
function itemCodes(data: Answer['data']): string[] {
  const results = (data?.sendMessages ?? []) as { error: { code: string } | null }[];
  return results.flatMap(({ error }) => (error ? [error.code] : []));
}

function firstAnswer(app: TestApp, query: string, authorization: string): Promise<Answer> {
  const client = app.socket(authorization);
  return new Promise((resolve) => {
    let answered = false;
    const answer = (value: Answer): void => {
      if (answered) return;
      answered = true;
      void client.dispose();
      resolve(value);
    };
    client.subscribe<Record<string, unknown>>(
      { query },
      {
        next: (value) => answer(value as Answer),
        error: (errors) =>
          answer(
            Array.isArray(errors)
              ? { errors: errors as GraphqlError[] }
              : { data: { closed: (errors as CloseEvent).code } },
          ),
        complete: () => answer({ data: { completed: true } }),
      },
    );
  });
}

/** Every field of the roots, as `Query.app`. */
export function rootFields(schema: GraphQLSchema): string[] {
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((root) =>
    Object.keys(root?.getFields() ?? {}).map((name) => `${root?.name}.${name}`),
  );
}

/** Every field of the roots that has an id among its arguments or in their inputs. */
export function operationsWithIds(schema: GraphQLSchema): string[] {
  const hasId = (type: ReturnType<typeof getNamedType>, seen: Set<unknown>): boolean => {
    if (type === undefined || seen.has(type)) return false;
    if (type.name === 'ID') return true;
    if (!isInputObjectType(type)) return false;
    const fields = Object.values(type.getFields());
    return fields.some((field) => hasId(getNamedType(field.type), new Set([...seen, type])));
  };
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((root) =>
    Object.values(root?.getFields() ?? {})
      .filter(({ args }) => args.some(({ type }) => hasId(getNamedType(type), new Set())))
      .map(({ name }) => `${root?.name}.${name}`),
  );
}
