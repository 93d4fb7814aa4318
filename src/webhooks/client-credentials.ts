import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { LRUCache } from 'lru-cache';
import type { GuardedAgent } from '../outbound/guarded-agent.js';
import { OutboundError } from '../outbound/outbound-error.js';

/** Where and how a target's bearer tokens are got. Source: Conversation API, webhook client_credentials. */
export interface ClientCredentials {
  endpoint: string;
  clientId: string;
  clientSecret: string;
  scope: string;
  /** Passed on as it is. */
  responseType: string;
  /** The client's id and secret go in a Basic header, or in the form. */
  tokenRequestType: 'BASIC' | 'FORM';
}

const TIMEOUT_MS = 10_000;
const ANSWER_LIMIT = 16 * 1024;
/** Bounds of a token's life in seconds, whatever its issuer says. */
const SHORTEST_LIFE = 30;
const LONGEST_LIFE = 3_600;
/** A token is not used in its last seconds. */
const MARGIN = 10;
const MAX_TOKENS = 10_000;
/** Between two calls for a token that failed, or that the target did not take: longer each time, less than the first retry of a delivery. */
const SHORTEST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;

/** What is known of somebody's tokens beside the token. */
interface Trouble {
  /** In ms of the process: until then none is asked for. */
  until: number;
  waitMs: number;
  error: OutboundError | null;
}

/** Bearer tokens of targets that ask for one, by the client credentials grant. Kept in memory for as long as they live. */
export class TargetTokens {
  private readonly tokens = new LRUCache<string, Promise<string>>({ max: MAX_TOKENS });
  private readonly troubles = new LRUCache<string, Trouble>({ max: MAX_TOKENS });

  constructor(private readonly agent: GuardedAgent) {}

  /** @throws OutboundError when the endpoint gives none. */
  get(credentials: ClientCredentials): Promise<string> {
    const key = keyOf(credentials);
    const known = this.tokens.get(key);
    if (known) return known;
    const trouble = this.troubles.get(key);
    if (trouble?.error && performance.now() < trouble.until) return Promise.reject(trouble.error);
    // Deliveries that start together ask once.
    const asked = this.ask(credentials, key);
    this.tokens.set(key, asked);
    asked.then(
      () => this.troubles.get(key)?.error && this.troubles.delete(key),
      (error: unknown) => {
        this.tokens.delete(key);
        if (error instanceof OutboundError) this.wait(key, error);
      },
    );
    return asked;
  }

  /** The target did not take the token: false when it refuses every new one, too, and the next is not worth asking for yet. */
  renew(credentials: ClientCredentials): boolean {
    const key = keyOf(credentials);
    const trouble = this.troubles.get(key);
    if (trouble && performance.now() < trouble.until) return false;
    this.wait(key, null);
    this.tokens.delete(key);
    return true;
  }

  private wait(key: string, error: OutboundError | null): void {
    const last = this.troubles.get(key)?.waitMs ?? SHORTEST_WAIT_MS / 2;
    const waitMs = Math.min(last * 2, LONGEST_WAIT_MS);
    const until = performance.now() + waitMs;
    // Trouble that is long past does not count.
    this.troubles.set(key, { until, waitMs, error }, { ttl: 2 * LONGEST_WAIT_MS });
  }

  private async ask(credentials: ClientCredentials, key: string): Promise<string> {
    const { endpoint, clientId, clientSecret, scope, responseType, tokenRequestType } = credentials;
    const form = tokenRequestType === 'FORM';
    const answer = await this.agent.call({
      method: 'POST',
      url: endpoint,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...(form ? {} : { authorization: basic(clientId, clientSecret) }),
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...(scope === '' ? {} : { scope }),
        ...(responseType === '' ? {} : { response_type: responseType }),
        ...(form ? { client_id: clientId, client_secret: clientSecret } : {}),
      }).toString(),
      timeout: TIMEOUT_MS,
      limit: ANSWER_LIMIT,
    });
    if (answer.status !== 200) throw new OutboundError(`the token endpoint answered ${answer.status}`);
    const { token, life } = parseToken(answer.body.toString());
    const living = Promise.resolve(token);
    this.tokens.set(key, living, { ttl: (life - MARGIN) * 1_000 });
    return living;
  }
}

/** Source: RFC 6749, section 5.1. */
function parseToken(body: string): { token: string; life: number } {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    answer = null;
  }
  const { access_token: token, expires_in: life } = (answer ?? {}) as Record<string, unknown>;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new OutboundError('the token endpoint gave no access_token');
  }
  return { token, life: Math.min(Math.max(Number(life) || SHORTEST_LIFE, SHORTEST_LIFE), LONGEST_LIFE) };
}

/** Source: RFC 6749, section 2.3.1: both are form-encoded first. */
function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
}

/** Secrets do not stay in memory as keys. */
function keyOf(credentials: ClientCredentials): string {
  return createHash('sha256').update(JSON.stringify(credentials)).digest('base64url');
}
