// What a front end sees of one person: who they are, their conversations, and what is said there.
import type { TestApp } from './app.js';
import type { TestPage } from './messenger.js';

export interface TalkMessage {
  id: string;
  direction: 'TO_APP' | 'TO_CONTACT';
  sentBy: 'API' | 'CONTACT' | 'OTHER_APP' | 'PAGE_INBOX';
  status: string | null;
  deletedAt: string | null;
  channelData: Record<string, unknown> | null;
  content: {
    __typename: string;
    text?: string;
    url?: string;
    rawMessage?: string | null;
    postbackData?: string;
    messageId?: string;
  };
  media: { state: string; url: string; originalUrl: string; reason: string | null }[];
}

export interface Talk {
  id: string;
  unreadCount: number;
  messages: TalkMessage[];
}

const CONTACTS = `query ($identity: String!) { contacts(filter: { channel: MESSENGER, identity: $identity }) { edges { node { id } } } }`;
const TALKS = `query ($appId: ID!, $contactId: ID!) { inbox(appId: $appId, filter: { contactId: $contactId }) { edges { node {
  id unreadCount messages(first: 100) { edges { node { id direction sentBy status deletedAt channelData
    content { __typename ... on TextMessage { text } ... on MediaMessage { url } ... on FallbackMessage { rawMessage }
      ... on ChoiceResponseMessage { postbackData messageId } }
    media { state url originalUrl reason } } } } } } } }`;

/** The ids of the contacts whom the identity names. */
export async function contactsOf(app: TestApp, identity: string): Promise<string[]> {
  const { contacts } = await app.graphql<{ contacts: { edges: { node: { id: string } }[] } }>(CONTACTS, {
    identity,
  });
  return contacts.edges.map(({ node }) => node.id);
}

/** Every conversation of everybody whom the identity names; messages as the API lists them. */
export async function talksOf(app: TestApp, page: TestPage, identity: string): Promise<Talk[]> {
  const talks: Talk[] = [];
  for (const contactId of await contactsOf(app, identity)) {
    const { inbox } = await app.graphql<{
      inbox: { edges: { node: Omit<Talk, 'messages'> & { messages: { edges: { node: TalkMessage }[] } } }[] };
    }>(TALKS, { appId: page.appId, contactId });
    talks.push(
      ...inbox.edges.map(({ node }) => ({ ...node, messages: node.messages.edges.map((edge) => edge.node) })),
    );
  }
  return talks;
}

/** Everything that is said in the person's conversations. */
export async function saidTo(app: TestApp, page: TestPage, identity: string): Promise<TalkMessage[]> {
  return (await talksOf(app, page, identity)).flatMap(({ messages }) => messages);
}
