import { Agent, type Dispatcher } from 'undici';
import {
  ChannelConnectError,
  type ChannelAccount,
  type ChannelCredentials,
  type ChannelPayload,
  type Refusal,
  type SendOutcome,
  type SlowDown,
} from '../../channels/channel.js';
import { reason } from '../../content/reason.js';
import { parseJson } from '../json.js';
import { metadataOf } from '../reference.js';
import { classify } from './errors.js';
import { exchange, GraphUnreachable, type GraphAnswer } from './exchange.js';
import { SUBSCRIBED_FIELDS } from './subscribed-fields.js';

export interface GraphOptions {
  /** Called for every request: the sandbox's address is known only once the service listens. */
  baseUrl: () => string;
  /** Such as `v26.0`. */
  version: string;
  /** Set when the sandbox plays Meta: it has no dashboard, so that `subscribe` tells it what a person enters there. */
  sandbox?: { verifyToken: () => string };
  /** In ms; 3 and 15 seconds. */
  connectTimeout?: number;
  callTimeout?: number;
}

/** One call of the Send API. */
export interface GraphSend {
  credentials: ChannelCredentials;
  /** The person's page-scoped id. */
  identity: string;
  /** Its `recipient` counts only where it is a notification token. */
  payload: ChannelPayload;
  /** Comes back in the echo. */
  reference: string;
  signal: AbortSignal;
}

/** One call that makes something on the page. */
export interface GraphCreate {
  credentials: ChannelCredentials;
  edge: 'message_attachments' | 'personas';
  body: Record<string, unknown>;
  /** The key of the new id in the answer. */
  id: string;
  /** In ms. */
  timeout: number;
  signal: AbortSignal;
}

/** The new id, or why there is none; a failure is never uncertain, since no person has seen anything. */
export type Created = { kind: 'created'; id: string } | Exclude<SendOutcome, { kind: 'accepted' }>;

/** One call that reads. */
export interface GraphRead {
  token: string;
  /** Below the version; its parts are already encoded. */
  path: string;
  query: Record<string, string>;
  signal: AbortSignal;
  /** Longest answer, in bytes. */
  maxAnswer?: number;
}

export type Read = { kind: 'read'; body: Record<string, unknown>; slowDown?: SlowDown } | Refusal;

interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the version; its parts are already encoded. */
  path: string;
  query?: Record<string, string>;
  body?: Record<string, unknown>;
  token: string;
  signal?: AbortSignal;
  /** Longest answer, in bytes; 64 KiB where it is left out. */
  maxAnswer?: number | undefined;
  /** In ms; `callTimeout` where it is left out. */
  timeout?: number;
}

/** The one place that calls the Graph API. Source: graph-api/overview and messenger-platform/reference/send-api. */
export class GraphClient {
  private readonly agent: Agent;

  constructor(private readonly options: GraphOptions) {
    this.agent = new Agent({
      connect: { timeout: options.connectTimeout ?? 3_000 },
      connections: 128,
      // One call, one connection: a reset then speaks of one message only.
      allowH2: false,
    });
  }

  /** Says one payload to a person. Every failure is an outcome, none is thrown. */
  async send({ credentials, identity, payload, reference, signal }: GraphSend): Promise<SendOutcome> {
    const { message, recipient } = payload;
    const body = {
      ...payload,
      ...(isObject(message) ? { message: { ...message, metadata: metadataOf(reference) } } : {}),
      recipient: isNotificationToken(recipient) ? recipient : { id: identity },
    };
    const path = `${pathOf(credentials)}/messages`;
    const { outcome } = await this.attempt({
      method: 'POST',
      path,
      body,
      token: credentials.token,
      signal,
    });
    return outcome;
  }

  /** Makes an attachment or a persona. Every failure is an outcome, none is thrown. */
  async create({ credentials, edge, body, id, timeout, signal }: GraphCreate): Promise<Created> {
    const { outcome, answer } = await this.attempt({
      method: 'POST',
      path: `${pathOf(credentials)}/${edge}`,
      body,
      token: credentials.token,
      signal,
      timeout,
    });
    if (outcome.kind === 'transient') {
      const { uncertain: _nothingWasSent, ...later } = outcome;
      return later;
    }
    if (outcome.kind !== 'accepted') return outcome;
    const made = (parseJson(answer?.text ?? '{}') as Record<string, unknown>)[id];
    return typeof made === 'string' || typeof made === 'number'
      ? { kind: 'created', id: String(made) }
      : { kind: 'transient', reason: reason('CHANNEL_FAILURE', `Messenger: no ${id} in the answer`) };
  }

  /** Every failure is an outcome, none is thrown. */
  async read(call: GraphRead): Promise<Read> {
    const { outcome, answer } = await this.attempt({ method: 'GET', ...call });
    if (outcome.kind !== 'accepted') return outcome;
    const body = parseJson(answer?.text ?? '{}') as Record<string, unknown>;
    return { kind: 'read', body, ...(outcome.slowDown ? { slowDown: outcome.slowDown } : {}) };
  }

  private async attempt(call: Call): Promise<{ outcome: SendOutcome; answer?: GraphAnswer }> {
    try {
      const answer = await this.call(call);
      return { outcome: classify(answer, call.token), answer };
    } catch (error) {
      if (!(error instanceof GraphUnreachable)) throw error;
      const why = reason('CHANNEL_FAILURE', `Messenger: ${error.message}`);
      return { outcome: { kind: 'transient', reason: why, ...(error.sent ? { uncertain: true } : {}) } };
    }
  }

  /** @throws ChannelConnectError */
  async lookUp(credentials: ChannelCredentials): Promise<ChannelAccount> {
    const { id, name } = await this.ask({
      method: 'GET',
      path: pathOf(credentials),
      query: { fields: 'id,name' },
      token: credentials.token,
    });
    if (typeof id !== 'string' && typeof id !== 'number') {
      throw new ChannelConnectError('Messenger did not say which page the token belongs to', false);
    }
    return { accountId: String(id), displayName: typeof name === 'string' ? name : null };
  }

  /** Subscribes this app to the page's webhooks. @throws ChannelConnectError */
  async subscribe(credentials: ChannelCredentials, callbackUrl: string): Promise<void> {
    const { sandbox } = this.options;
    await this.ask({
      method: 'POST',
      path: `${pathOf(credentials)}/subscribed_apps`,
      query: { subscribed_fields: SUBSCRIBED_FIELDS.join(',') },
      body: sandbox && {
        sandbox_callback_url: callbackUrl,
        // Without one the sandbox signs with its own, which nobody checks.
        ...(credentials.callbackSecret === '' ? {} : { sandbox_app_secret: credentials.callbackSecret }),
        sandbox_verify_token: sandbox.verifyToken(),
      },
      token: credentials.token,
    });
  }

  /** @throws ChannelConnectError */
  async unsubscribe(credentials: ChannelCredentials): Promise<void> {
    const path = `${pathOf(credentials)}/subscribed_apps`;
    await this.ask({ method: 'DELETE', path, token: credentials.token });
  }

  /** Lets running calls end, then closes their connections. */
  async close(): Promise<void> {
    await this.agent.close();
  }

  /** A call that has to succeed; its answer as an object. */
  private async ask(call: Call): Promise<Record<string, unknown>> {
    let answer: GraphAnswer;
    try {
      answer = await this.call(call);
    } catch (error) {
      if (!(error instanceof GraphUnreachable)) throw error;
      throw new ChannelConnectError(error.message, false);
    }
    const outcome = classify(answer, call.token);
    if (outcome.kind !== 'accepted') {
      throw new ChannelConnectError(outcome.reason.description, outcome.kind === 'unauthorized');
    }
    return JSON.parse(answer.text ?? '{}') as Record<string, unknown>;
  }

  private call({ method, path, query, body, token, signal, timeout, maxAnswer }: Call): Promise<GraphAnswer> {
    const base = new URL(this.options.baseUrl());
    const prefix = base.pathname.replace(/\/$/, '');
    const options: Dispatcher.DispatchOptions = {
      origin: base.origin,
      path: `${prefix}/${this.options.version}/${path}`,
      query,
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    };
    const limit = AbortSignal.timeout(timeout ?? this.options.callTimeout ?? 15_000);
    return exchange(this.agent, options, signal ? AbortSignal.any([signal, limit]) : limit, maxAnswer);
  }
}

/** The node of the page. */
export function pathOf({ accountId }: ChannelCredentials): string {
  return encodeURIComponent(accountId ?? 'me');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNotificationToken(recipient: unknown): boolean {
  return (
    isObject(recipient) &&
    typeof recipient.notification_messages_token === 'string' &&
    Object.keys(recipient).length === 1
  );
}
