import { createHash } from 'node:crypto';
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

/** Bearer tokens of targets that ask for one, by the client credentials grant. Kept in memory for as long as they live. */
export class TargetTokens {
  private readonly tokens = new LRUCache<string, Promise<string>>({ max: MAX_TOKENS });

  constructor(private readonly agent: GuardedAgent) {}

  /** @throws OutboundError when the endpoint gives none. */
  get(credentials: ClientCredentials): Promise<string> {
    const key = keyOf(credentials);
    const known = this.tokens.get(key);
    if (known) return known;
    // Deliveries that start together ask once.
    const asked = this.ask(credentials, key);
    this.tokens.set(key, asked);
    asked.catch(() => this.tokens.delete(key));
    return asked;
  }

  /** The target did not take the token. */
  forget(credentials: ClientCredentials): void {
    this.tokens.delete(keyOf(credentials));
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
