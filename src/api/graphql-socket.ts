import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { CloseCode, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { AccessService, CALLER_CACHE_MS } from '../access/access.service.js';
import { Config } from '../config.js';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import { PresentableError, presentError } from './error.graphql.js';
import { explain } from './explain.js';
import { GRAPHQL_PATH } from './graphql.js';
import type { GraphqlContext } from './graphql-context.js';
import { KnownOperations } from './graphql-operations.js';
import { prepareOperation } from './graphql-prepare.js';

/** Largest message of a client; queries are small, and inputs are those of one request. */
const MAX_FRAME_BYTES = 1024 * 1024;
const MAX_OPERATIONS = 100;
/** How often a socket must answer a ping. */
const PING_MS = 15_000;
/** The longest that a timer can wait; no token lives longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const CLOSE_GRACE_MS = 1_000;
const TRY_AGAIN_LATER = 1013;

interface Connection {
  socket: WebSocket;
  address: string;
  authorization: string | undefined;
  alive: boolean;
  /** Resolves once the socket is closed. */
  gone: Promise<void>;
  /** Runs out with the token. */
  expiry: NodeJS.Timeout | undefined;
}

/**
 * GraphQL over WebSocket (graphql-transport-ws). Not the one of @nestjs/graphql: that one takes frames of any size, leaves
 * upgrades to other paths open without an error handler, so that a reset ends the process, and knows no limits on queries.
 */
@Injectable()
export class GraphqlSocket implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(GraphqlSocket.name);
  private readonly wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has('graphql-transport-ws') ? 'graphql-transport-ws' : false),
  });
  private readonly connections = new Set<Connection>();
  private readonly protocol: Server<Connection>;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly http: HttpAdapterHost,
    private readonly schemaHost: GraphQLSchemaHost,
    private readonly access: AccessService,
    private readonly config: Config,
    private readonly operations: KnownOperations,
  ) {
    this.protocol = makeServer<Record<string, unknown>, Connection>({
      onConnect: async ({ connectionParams, extra }) => {
        const given = connectionParams?.authorization ?? connectionParams?.Authorization;
        extra.authorization = typeof given === 'string' ? given : undefined;
        return this.admit(extra);
      },
      onSubscribe: (context, _id, payload) => this.prepare(context, payload),
      onOperation: (_context, _id, _payload, args, result) =>
        Symbol.asyncIterator in result ? abortable(result, args.contextValue as OperationContext) : undefined,
      onNext: (_context, _id, _payload, args, result) => {
        // A subscription lives for hours: its loaders must neither grow nor remember what has changed since.
        (args.contextValue as GraphqlContext).loaders.clear();
        return result.errors ? { ...result, errors: result.errors.map(presentError) } : undefined;
      },
      onError: (_context, _id, _payload, errors) => errors.map(presentError),
    });
  }

  onApplicationBootstrap(): void {
    const server = this.http.httpAdapter?.getHttpServer() as HttpServer | null | undefined;
    if (!server) return;
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    this.timers.push(
      setInterval(() => this.recheckAll(), CALLER_CACHE_MS).unref(),
      setInterval(() => this.ping(), PING_MS).unref(),
    );
  }

  /** Before Apollo stops: it cuts every connection of the HTTP server, without a word. */
  async onModuleDestroy(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    const closed = [...this.connections].map(
      ({ socket }) => new Promise((resolve) => socket.once('close', resolve)),
    );
    for (const { socket } of this.connections) socket.close(1001, 'Going away');
    const impatience = setTimeout(() => {
      for (const { socket } of this.connections) socket.terminate();
    }, CLOSE_GRACE_MS);
    await Promise.all(closed);
    clearTimeout(impatience);
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?')[0] !== GRAPHQL_PATH) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.wss.handleUpgrade(request, socket, head, (ws) => this.open(ws, request));
  }

  private open(socket: WebSocket, request: IncomingMessage): void {
    const connection: Connection = {
      socket,
      address: request.socket.remoteAddress ?? '',
      authorization: undefined,
      alive: true,
      gone: new Promise((resolve) => socket.once('close', () => resolve())),
      expiry: undefined,
    };
    const fail = (error: unknown): void => {
      this.logger.error({ msg: 'a WebSocket failed', error: error instanceof Error ? error.stack : error });
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    };
    this.connections.add(connection);
    // Frames that are malformed or too large end here; `ws` has closed the socket by itself.
    socket.on('error', (error) => this.logger.debug(`a WebSocket ended with ${error.message}`));
    socket.on('pong', () => (connection.alive = true));
    const closed = this.protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) => this.send(connection, data),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => {
          socket.on('message', (data: Buffer) => void handle(data.toString('utf8')).catch(fail));
        },
      },
      connection,
    );
    socket.once('close', (code, reason) => {
      this.connections.delete(connection);
      clearTimeout(connection.expiry);
      void closed(code, reason.toString('utf8')).catch(fail);
    });
  }

  /** Resolves when the bytes have left, so that a subscription is read no faster than its client reads. */
  private send({ socket, gone }: Connection, data: string): Promise<void> {
    // Nothing is read for a socket that is being closed.
    if (socket.readyState !== WebSocket.OPEN) return gone;
    const seconds = this.config.GRAPHQL_SLOW_CONSUMER_SECONDS;
    return new Promise((resolve) => {
      const slow = setTimeout(() => {
        // By this code clients know that they may come again.
        socket.close(
          TRY_AGAIN_LATER,
          `Slow consumer: read nothing for ${seconds} s. Go on after the last cursor`,
        );
      }, seconds * 1_000).unref();
      socket.send(data, () => {
        clearTimeout(slow);
        resolve();
      });
    });
  }

  /** Answers whether the credentials are good; closes the socket with the reason when they are not. */
  private async admit(connection: Connection): Promise<boolean> {
    const { socket, authorization, address } = connection;
    try {
      const { expiresAt } = await this.access.authenticate(authorization, address);
      if (expiresAt && this.connections.has(connection)) this.endAt(expiresAt, connection);
      return true;
    } catch (thrown) {
      const { error } = explain(thrown);
      const refused = error.code === 'UNAUTHENTICATED' || error.code === 'RESOURCE_EXHAUSTED';
      socket.close(refused ? CloseCode.Forbidden : CloseCode.InternalServerError, closeReason(error));
      return false;
    }
  }

  private prepare(
    { extra, subscriptions }: { extra: Connection; subscriptions: Record<string, unknown> },
    payload: SubscribePayload,
  ): ExecutionArgs | GraphQLError[] {
    if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
      const message = `a socket runs at most ${MAX_OPERATIONS} operations at a time`;
      return [new PresentableError(explain(new DomainError('RESOURCE_EXHAUSTED', message)))];
    }
    const { schema } = this.schemaHost;
    const prepared = prepareOperation(schema, payload, this.operations, this.config);
    return Array.isArray(prepared)
      ? prepared
      : { ...prepared, schema, contextValue: new OperationContext(extra) };
  }

  private ping(): void {
    for (const connection of this.connections) {
      const { socket } = connection;
      if (!connection.alive) {
        // Behind what it has not read yet, a slow client has not seen the ping either: it is dropped for that, with the reason.
        if (socket.bufferedAmount === 0) socket.terminate();
        continue;
      }
      connection.alive = false;
      socket.ping();
    }
  }

  /** What subscribes by a token ends with it: nothing asks for credentials again while a subscription runs. */
  private endAt(expiresAt: Date, connection: Connection): void {
    const left = Math.min(expiresAt.getTime() - Date.now(), MAX_TIMER_MS);
    connection.expiry = setTimeout(() => {
      connection.socket.close(CloseCode.Forbidden, 'Forbidden: the token expired');
    }, left).unref();
  }

  private recheckAll(): void {
    for (const connection of this.connections) {
      if (connection.authorization !== undefined) void this.recheck(connection);
    }
  }

  /** Ends the socket of a key that was revoked meanwhile; a database that is away for a moment ends nothing. */
  private async recheck({ socket, authorization, address }: Connection): Promise<void> {
    try {
      await this.access.authenticate(authorization, address);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'UNAUTHENTICATED') {
        socket.close(CloseCode.Forbidden, closeReason(error));
      }
    }
  }
}

class OperationContext implements GraphqlContext {
  readonly authorization: string | undefined;
  readonly address: string;
  readonly requestId = newId();
  readonly loaders = new Map<string, unknown>();
  readonly abort = new AbortController();
  readonly signal = this.abort.signal;

  constructor(connection: Connection) {
    this.authorization = connection.authorization;
    this.address = connection.address;
  }
}

/** A generator that waits for the next event cannot be ended from outside: so the signal is given first. */
function abortable<T>(results: AsyncIterable<T>, context: OperationContext): AsyncGenerator<T, void> {
  const source = results[Symbol.asyncIterator]();
  const ended = async (): Promise<IteratorResult<T, void>> => {
    context.abort.abort();
    await source.return?.();
    return { done: true, value: undefined };
  };
  return {
    next: () => source.next() as Promise<IteratorResult<T, void>>,
    return: ended,
    throw: ended,
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => void (await ended()),
  };
}

/** A close frame has room for 123 bytes. */
function closeReason(error: DomainError): string {
  const code = error.code === 'UNAUTHENTICATED' ? 'Forbidden' : error.code;
  return Buffer.from(`${code}: ${error.message}`).subarray(0, 123).toString('utf8');
}
