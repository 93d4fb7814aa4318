import { once } from 'node:events';
import WebSocket from 'ws';
import type { Parley } from './parley.js';

/** So many connect at a time. */
const AT_ONCE = 50;
const PATIENCE_MS = 60_000;

const EVENTS = `subscription ($appId: ID!, $after: String) { inbox(appId: $appId, after: $after) { __typename ... on MessageAdded { cursor at
  message { id direction acceptTime content { ... on TextMessage { text } } } conversation { id status unreadCount lastActivity } } } }`;

/** Many clients of one WebSocket server, who wait for the same. */
export class Crowd {
  private mark = '';
  private told = 0;
  private all: ((frame: string) => void) | null = null;

  private constructor(private readonly sockets: readonly WebSocket[]) {
    for (const socket of sockets) socket.on('message', (data: Buffer) => this.hear(data));
  }

  static async gather(size: number, join: () => Promise<WebSocket>): Promise<Crowd> {
    const sockets: WebSocket[] = [];
    while (sockets.length < size)
      sockets.push(
        ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, size - sockets.length) }, join))),
      );
    return new Crowd(sockets);
  }

  /** Subscribers of an app's inbox, from now on. */
  static async ofInbox(parley: Parley, appId: string, size: number): Promise<Crowd> {
    const { inbox } = await parley.graphql<{ inbox: { eventCursor: string } }>(
      'query ($appId: ID!) { inbox(appId: $appId) { eventCursor } }',
      { appId },
    );
    const init = { type: 'connection_init', payload: { authorization: parley.authorization } };
    const variables = { appId, after: inbox.eventCursor };
    const subscribe = { id: '1', type: 'subscribe', payload: { query: EVENTS, variables } };
    return Crowd.gather(size, async () => {
      const socket = new WebSocket(`${parley.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      const acknowledged = once(socket, 'message');
      socket.send(JSON.stringify(init));
      await acknowledged;
      socket.send(JSON.stringify(subscribe));
      return socket;
    });
  }

  /** Resolves with the frame once each of them has got one that contains `mark`. @throws Error when one does not. */
  async hears(mark: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const patience = setTimeout(
      () => reject(new Error(`only ${this.told} of ${this.sockets.length} were told of ${mark}`)),
      PATIENCE_MS,
    );
    [this.mark, this.told, this.all] = [mark, 0, resolve];
    return promise.finally(() => clearTimeout(patience));
  }

  disperse(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  private hear(data: Buffer): void {
    if (!data.includes(this.mark)) return;
    this.told += 1;
    if (this.told === this.sockets.length) this.all?.(data.toString());
  }
}
