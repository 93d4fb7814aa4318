// An agent's front end, written from src/schema.graphql and the README alone: a page of the inbox, the events after it, and what an
// agent does about them.
import { type Client, createClient } from 'graphql-ws';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';

export interface ConversationView {
  id: string;
  status: string;
  unreadCount: number;
  assignee: string | null;
  labels: string[];
  snoozedUntil: string | null;
  lastActivity: string;
  contact: { id: string; displayName: string };
  lastMessage: { id: string; content: { text?: string } } | null;
}

export interface InboxEventView {
  __typename: string;
  cursor: string;
  message?: { id: string; direction: string; status: string | null; content: { text?: string } };
  conversation?: ConversationView;
  changes?: { field: string; from: unknown; to: unknown }[];
  agentId?: string | null;
  conversationId?: string;
  contact?: ConversationView['contact'];
  note?: { id: string; author: string | null; text: string };
  typing?: boolean;
}

/** An answer with errors, by the codes of them. */
export class Refused extends Error {
  constructor(readonly errors: readonly { message: string; extensions: { code: string } }[]) {
    super(errors.map(({ message, extensions }) => `${extensions.code}: ${message}`).join('; '));
  }

  get codes(): string[] {
    return this.errors.map(({ extensions }) => extensions.code);
  }
}

const CONVERSATION = `id status unreadCount assignee labels snoozedUntil lastActivity contact { id displayName }
  lastMessage { id content { ... on TextMessage { text } } }`;
const MESSAGE = `id direction status content { ... on TextMessage { text } }`;
const NOTE = `note { id author text } conversation { ${CONVERSATION} }`;
const PAGE = `query ($appId: ID!, $filter: InboxFilter, $first: Int, $after: String) {
  inbox(appId: $appId, filter: $filter, first: $first, after: $after) {
    eventCursor edges { node { ${CONVERSATION} } } pageInfo { hasNextPage endCursor } } }`;
const EVENTS = `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) { __typename
  ... on MessageAdded { cursor message { ${MESSAGE} } conversation { ${CONVERSATION} } }
  ... on MessageUpdated { cursor message { ${MESSAGE} } conversation { ${CONVERSATION} } }
  ... on ConversationUpdated { cursor conversation { ${CONVERSATION} } changes { field from to } agentId }
  ... on ConversationRemoved { cursor conversationId }
  ... on ContactUpdated { cursor contact { id displayName } }
  ... on TypingChanged { cursor typing conversation { ${CONVERSATION} } }
  ... on EventAdded { cursor } ... on EventUpdated { cursor }
  ... on NoteAdded { cursor ${NOTE} } ... on NoteUpdated { cursor ${NOTE} } ... on NoteDeleted { cursor ${NOTE} }
  ... on ChannelUpdated { cursor } } }`;

const RECONNECT_MS = 50;

interface Page {
  inbox: {
    eventCursor: string;
    edges: { node: ConversationView }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
}

/** One app's inbox in one browser. It follows until it is closed, and comes back by itself after a cut or with a new token. */
export class InboxClient {
  /** As the first page and the events since have told. */
  readonly conversations = new Map<string, ConversationView>();
  /** Every event since the page, in order of arrival. */
  readonly events: InboxEventView[] = [];
  /** Why connections ended, by close code or codes of errors. */
  readonly endings: string[] = [];
  private token: string | null = null;
  private cursor: string | null = null;
  private socket: WebSocket | null = null;
  private client: Client | null = null;
  private closed = false;
  private following: Promise<void> = Promise.resolve();

  /** @param renew asks our own server for an inbox token. */
  constructor(
    private readonly url: string,
    private readonly appId: string,
    private readonly renew: () => Promise<string>,
  ) {}

  /** Reads the first page, and follows from it on. */
  async open(): Promise<void> {
    await this.load();
    this.following = this.follow();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.client?.dispose();
    await this.following;
  }

  /** The connection is gone without a word, as when a lid is closed. */
  cut(): void {
    this.socket?.terminate();
  }

  /** What an agent sees: latest activity first. */
  get list(): ConversationView[] {
    return [...this.conversations.values()].sort(
      (a, b) => b.lastActivity.localeCompare(a.lastActivity) || b.id.localeCompare(a.id),
    );
  }

  eventsOf(kind: string): InboxEventView[] {
    return this.events.filter(({ __typename }) => __typename === kind);
  }

  /** Every page of the inbox by a filter. */
  async walk(filter: Record<string, unknown> = {}, first = 25): Promise<ConversationView[]> {
    const found: ConversationView[] = [];
    for (let after: string | null = null; ;) {
      const { inbox }: Page = await this.ask<Page>(PAGE, { appId: this.appId, filter, first, after });
      found.push(...inbox.edges.map(({ node }) => node));
      if (!inbox.pageInfo.hasNextPage) return found;
      after = inbox.pageInfo.endCursor;
    }
  }

  /** The whole answer of an operation, which `$appId` may name. @throws Refused */
  async ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    try {
      return await this.post<T>(query, variables);
    } catch (error) {
      if (!(error instanceof Refused) || !error.codes.includes('UNAUTHENTICATED')) throw error;
      this.token = null;
      return this.post<T>(query, variables);
    }
  }

  private async post<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: await this.authorization() },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(30_000),
    });
    const { data, errors } = (await response.json()) as { data?: T | null; errors?: Refused['errors'] };
    if (errors || !data) throw new Refused(errors ?? []);
    return data;
  }

  private async authorization(): Promise<string> {
    this.token ??= await this.renew();
    return `Bearer ${this.token}`;
  }

  private async load(): Promise<void> {
    const { inbox } = await this.ask<Page>(PAGE, { appId: this.appId, first: 100 });
    this.conversations.clear();
    for (const { node } of inbox.edges) this.conversations.set(node.id, node);
    this.cursor = inbox.eventCursor;
  }

  private async follow(): Promise<void> {
    while (!this.closed) {
      try {
        await this.listen();
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  /** One connection, until it ends. */
  private async listen(): Promise<void> {
    const client = createClient({
      url: `${this.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization: await this.authorization() }),
      retryAttempts: 0,
      on: { opened: (socket) => void (this.socket = socket as WebSocket) },
    });
    this.client = client;
    const variables = { appId: this.appId, after: this.cursor };
    for await (const { data, errors } of client.iterate<{ inbox: InboxEventView }>({
      query: EVENTS,
      variables,
    })) {
      if (errors || !data) throw new Refused((errors ?? []) as unknown as Refused['errors']);
      this.apply(data.inbox);
    }
  }

  private apply(event: InboxEventView): void {
    this.events.push(event);
    this.cursor = event.cursor;
    const { conversation, conversationId, contact } = event;
    if (conversationId) this.conversations.delete(conversationId);
    if (conversation) this.conversations.set(conversation.id, conversation);
    if (!contact) return;
    for (const [id, shown] of this.conversations)
      if (shown.contact.id === contact.id) this.conversations.set(id, { ...shown, contact });
  }

  private async recover(ended: unknown): Promise<void> {
    if (this.closed) return;
    if (Array.isArray(ended) || ended instanceof Refused) {
      const { codes } = ended instanceof Refused ? ended : new Refused(ended as Refused['errors']);
      this.endings.push(codes.join());
      if (codes.includes('CURSOR_EXPIRED')) await this.load();
    } else {
      const { code } = ended as { code?: number };
      this.endings.push(String(code ?? ended));
      // The token is no longer good.
      if (code === 4403) this.token = null;
    }
    await pause(RECONNECT_MS);
  }
}
