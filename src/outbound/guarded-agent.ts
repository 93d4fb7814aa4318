import { isIP } from 'node:net';
import { Agent, buildConnector, errors, request } from 'undici';
import { isPublicAddress } from './address.js';
import { guardedLookup, refused } from './lookup.js';
import { OutboundError } from './outbound-error.js';
import { isCallablePort } from './ports.js';
import { nameResolver, type Resolve } from './resolver.js';
import { USER_AGENT } from './user-agent.js';

const CONNECT_MS = 3_000;
/** Sockets to one origin. Callers bound themselves per target, and many targets may share an origin. */
const SOCKETS_PER_ORIGIN = 256;

export interface OutboundCall {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** For everything: waiting, connecting, sending, and reading the answer; in ms. */
  timeout: number;
  /** Bytes of the answer's body to read; what comes after them is not waited for. */
  limit: number;
  /** Ends the call before its time. */
  signal?: AbortSignal;
}

export interface OutboundAnswer {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** False when the body went on past the limit, or broke off, or time was up. */
  complete: boolean;
}

export interface OutboundDownload {
  url: string;
  headers?: Record<string, string>;
  /** For the head of the answer, and for each pause in its body; in ms. */
  idle: number;
  /** Ends the download, e.g. when it takes too long as a whole. */
  signal: AbortSignal;
}

export interface OutboundStream {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string | string[] | undefined>;
  /** Fails with an OutboundError, or with what `signal` was aborted with. */
  body: AsyncIterable<Buffer>;
  /** Closes the socket when the body is not wanted, or no more of it. */
  close(): void;
}

export interface GuardOptions {
  /** Lets calls go to private and loopback addresses: development, or receivers on the operator's own network. */
  allowPrivate: boolean;
  resolve?: Resolve;
}

/**
 * The only way out to addresses that customers choose. The address is checked when the socket connects, after DNS has answered, and
 * the socket goes to the address that was checked: DNS cannot change its mind in between. Redirects are not followed.
 */
export class GuardedAgent {
  private readonly agent: Agent;

  constructor({ allowPrivate, resolve = nameResolver() }: GuardOptions) {
    const connect = buildConnector({
      // Of undici's coarse timer: it fires up to half a second late, never early.
      timeout: CONNECT_MS,
      lookup: guardedLookup(resolve, allowPrivate),
      allowH2: false,
    });
    this.agent = new Agent({
      connect: (options, callback) => {
        // A host that is an address is not looked up.
        const host = options.hostname.replace(/^\[|\]$/g, '');
        if (!allowPrivate && isIP(host) && !isPublicAddress(host)) callback(refused(host), null);
        else connect(options, callback);
      },
      connections: SOCKETS_PER_ORIGIN,
      // An answer is cut off by closing its socket, so a socket must not carry others.
      allowH2: false,
      pipelining: 1,
    });
  }

  /** @throws OutboundError when there is no answer; whatever `signal` was aborted with when it was. */
  async call({ method, url, headers, body, timeout, limit, signal }: OutboundCall): Promise<OutboundAnswer> {
    const time = AbortSignal.timeout(timeout);
    try {
      const answer = await request(assertHttp(url), {
        dispatcher: this.agent,
        method,
        headers: { 'user-agent': USER_AGENT, ...headers },
        body,
        signal: signal ? AbortSignal.any([signal, time]) : time,
        headersTimeout: timeout,
        bodyTimeout: timeout,
      });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        ...(await readHead(answer.body, limit, signal)),
      };
    } catch (error) {
      signal?.throwIfAborted();
      throw asOutboundError(error, timeout);
    }
  }

  /**
   * An answer whose body is read as it comes; the caller reads it to its end or closes it.
   * @throws OutboundError when there is no answer; whatever `signal` was aborted with when it was.
   */
  async open({ url, headers, idle, signal }: OutboundDownload): Promise<OutboundStream> {
    try {
      const {
        statusCode,
        headers: given,
        body,
      } = await request(assertHttp(url), {
        dispatcher: this.agent,
        method: 'GET',
        headers: { 'user-agent': USER_AGENT, ...headers },
        signal,
        headersTimeout: idle,
        bodyTimeout: idle,
      });
      // One that is closed before it was read fails, and nobody listens then.
      body.on('error', () => undefined);
      return {
        status: statusCode,
        headers: given,
        body: chunksOf(body, idle, signal),
        close: () => void body.destroy(),
      };
    } catch (error) {
      signal.throwIfAborted();
      throw asOutboundError(error, idle);
    }
  }

  /** Cuts what is still open. */
  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }
}

function assertHttp(url: string): URL {
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new OutboundError(`${parsed.protocol.slice(0, -1)} is not http or https`);
  }
  if (!isCallablePort(parsed))
    throw new OutboundError(`port ${parsed.port} belongs to another service, and is not called`);
  return parsed;
}

/** Once an answer has begun its status stands: a body that breaks off or drips takes nothing of that back. */
async function readHead(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Pick<OutboundAnswer, 'body' | 'complete'>> {
  const chunks: Buffer[] = [];
  let size = 0;
  let complete = false;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) break;
    }
    complete = size <= limit;
  } catch {
    signal?.throwIfAborted();
  } finally {
    body.destroy();
  }
  return { body: Buffer.concat(chunks).subarray(0, limit), complete };
}

async function* chunksOf(
  body: AsyncIterable<Buffer>,
  idle: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  try {
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw asOutboundError(error, idle);
  }
}

function asOutboundError(error: unknown, timeout: number): OutboundError {
  if (error instanceof OutboundError) return error;
  if (error instanceof errors.ConnectTimeoutError)
    return new OutboundError(`no connection within ${CONNECT_MS / 1000} s`);
  if (!(error instanceof Error)) return new OutboundError('the call failed');
  if (
    error.name === 'TimeoutError' ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError
  ) {
    return new OutboundError(`no answer within ${timeout / 1000} s`);
  }
  // Several addresses were tried: the first failure speaks for all.
  const [cause = error] = error instanceof AggregateError ? (error.errors as Error[]) : [error];
  return new OutboundError(cause.message === '' ? 'the call failed' : cause.message, { cause: error });
}
