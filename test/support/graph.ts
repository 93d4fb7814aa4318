// A Graph API whose answers the test gives itself; the sandbox plays Meta by its rules, this one plays whatever is asked.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';

/** A call of the Send API. */
export interface GraphSend {
  pageId: string;
  psid: string;
  text: string;
  metadata: string;
  /** Id and time that the message has if it is taken. */
  mid: string;
  at: number;
}

/** Status and body; `drop` closes the connection without a word. */
export type GraphReply = { status: number; body: unknown; headers?: Record<string, string> } | 'drop';

export interface TestGraph {
  url: string;
  /** Every call of the Send API, in order of arrival. */
  sends: GraphSend[];
  /** Decides the answer; takes every message until set. */
  answer: (send: GraphSend) => Promise<GraphReply> | GraphReply;
  stop(): Promise<void>;
}

export function taken(send: GraphSend): GraphReply {
  return { status: 200, body: { recipient_id: send.psid, message_id: send.mid } };
}

export async function startTestGraph(): Promise<TestGraph> {
  const server = createServer((request, response) => {
    void (async () => {
      const [, , pageId = '', edge] = (request.url ?? '').split(/[/?]/);
      const body = await bodyOf(request);
      let reply: GraphReply = { status: 200, body: { success: true } };
      if (request.method === 'GET') reply = { status: 200, body: { id: pageId, name: `Page ${pageId}` } };
      else if (edge === 'messages') reply = await send(pageId, body);
      if (reply === 'drop') return void request.socket.destroy();
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      response.end(JSON.stringify(reply.body));
    })();
  });
  const graph: TestGraph = {
    url: '',
    sends: [],
    answer: taken,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const send = async (pageId: string, body: string): Promise<GraphReply> => {
    const { recipient, message } = JSON.parse(body) as {
      recipient: { id: string };
      message: { text: string; metadata: string };
    };
    const call = {
      pageId,
      psid: recipient.id,
      text: message.text,
      metadata: message.metadata,
      mid: `m_${randomUUID()}`,
      at: Date.now(),
    };
    graph.sends.push(call);
    return graph.answer(call);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  graph.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return graph;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The echo of a call that was taken, as an item of Meta's envelope. */
export function echoItem(send: GraphSend, timestamp = send.at): unknown {
  return {
    sender: { id: send.pageId },
    recipient: { id: send.psid },
    timestamp,
    message: {
      mid: send.mid,
      is_echo: true,
      app_id: 190_000_000_000_042,
      text: send.text,
      metadata: send.metadata,
    },
  };
}

export function deliveryItem(send: GraphSend, watermark = send.at, mids: string[] = [send.mid]): unknown {
  return {
    sender: { id: send.psid },
    recipient: { id: send.pageId },
    delivery: { ...(mids.length > 0 ? { mids } : {}), watermark },
  };
}

export function readItem(send: GraphSend, watermark = send.at): unknown {
  return {
    sender: { id: send.psid },
    recipient: { id: send.pageId },
    timestamp: Date.now(),
    read: { watermark },
  };
}
