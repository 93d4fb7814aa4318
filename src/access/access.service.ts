import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError } from '../errors.js';
import { sameText } from '../secrets.js';
import type { Caller } from './caller.js';
import { FailedLogins } from './failed-logins.js';
import { hashSecret } from './key-secret.js';
import { TokensService } from './tokens.service.js';

/** A revoked key, with its tokens, or a changed secret stops working within this time, in every process. */
export const CALLER_CACHE_MS = 5_000;
/** How long credentials that worked from an address are spared the limits on failed logins. */
const PROVEN_MS = 3_600_000;
const MAX_CALLERS = 10_000;

const FIND_KEY = `
  SELECT k.project_id, k.secret_hash
  FROM access_key_routes r JOIN access_keys k ON k.project_id = r.project_id AND k.key_id = r.key_id
  WHERE r.key_id = $1 AND k.revoked_at IS NULL`;

const HOW = 'send "Authorization: Basic base64(keyId:keySecret)" or "Authorization: Bearer <token>"';

interface Attempt {
  basic: string;
  address: string;
  fingerprint: string;
}

/** Answers who is calling. */
@Injectable()
export class AccessService {
  private readonly failures = new FailedLogins();
  /** Callers who work must not be locked out by somebody else who guesses at their key. */
  private readonly proven = new LRUCache<string, true>({ max: MAX_CALLERS, ttl: PROVEN_MS });
  /** So that a call costs no query; many first calls at once share one. */
  private readonly callers = new LRUCache<string, Caller, Attempt>({
    max: MAX_CALLERS,
    ttl: CALLER_CACHE_MS,
    ignoreFetchAbort: true,
    fetchMethod: (_key, _stale, { context }) => this.verify(context),
  });

  /** The projects of the keys that tokens stand for, of keys that work. A key's tokens share one query. */
  private readonly workingKeys = new LRUCache<string, string>({
    max: MAX_CALLERS,
    ttl: CALLER_CACHE_MS,
    ignoreFetchAbort: true,
    fetchMethod: async (keyId) => (await this.find(keyId))?.projectId,
  });

  constructor(
    private readonly dataSource: DataSource,
    private readonly tokens: TokensService,
  ) {}

  /**
   * @param authorization value of the `Authorization` header, or what stands for it.
   * @param address where the call comes from; failures are counted by it.
   * @throws DomainError UNAUTHENTICATED; RESOURCE_EXHAUSTED after too many failures.
   */
  async authenticate(authorization: string | undefined, address = ''): Promise<Caller> {
    if (!authorization) throw unauthenticated(`credentials are missing; ${HOW}`);
    const [, scheme, value = ''] = /^(\S+) +(\S+)$/.exec(authorization.trim()) ?? [];
    if (scheme?.toLowerCase() === 'basic') return this.byKey(value, address);
    if (scheme?.toLowerCase() === 'bearer') return this.byToken(value);
    throw unauthenticated(`the credentials are malformed; ${HOW}`);
  }

  /**
   * @param basic base64 of `keyId:keySecret`.
   * @throws DomainError as `authenticate`.
   */
  byKey(basic: string, address = ''): Promise<Caller> {
    const fingerprint = hash('sha256', `${address}\n${basic}`, 'base64url');
    return this.callers.forceFetch(fingerprint, { context: { basic, address, fingerprint } });
  }

  /** Nobody guesses a signature, so failures are not counted: a browser that comes back with an old token locks nobody out. */
  private async byToken(token: string): Promise<Caller> {
    const caller = await this.tokens.verify(token);
    if ((await this.workingKeys.fetch(caller.keyId)) !== caller.projectId)
      throw unauthenticated('the access key that the token stands for was revoked');
    return caller;
  }

  private async verify({ basic, address, fingerprint }: Attempt): Promise<Caller> {
    const { keyId, secret } = parseBasic(basic);
    const proven = this.proven.has(fingerprint);
    if (!proven) this.failures.assertFew(keyId, address);
    const key = await this.find(keyId);
    // Once more, now that no other guess can come between: a burst of guesses is not faster than one after the other.
    if (!proven) this.failures.assertFew(keyId, address);
    if (!key || !sameText(hashSecret(secret), key.secretHash)) {
      this.proven.delete(fingerprint);
      this.failures.add(keyId, address);
      throw unauthenticated('the key id or the secret is wrong, or the key was revoked');
    }
    this.proven.set(fingerprint, true);
    return { projectId: key.projectId, keyId };
  }

  private async find(keyId: string): Promise<{ projectId: string; secretHash: string } | undefined> {
    const [key] = await queryRows<{ projectId: string; secretHash: string }>(
      this.dataSource.manager,
      FIND_KEY,
      [keyId],
    );
    return key;
  }
}

function parseBasic(basic: string): { keyId: string; secret: string } {
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const keyId = text.slice(0, colon);
  if (colon < 0 || !/^[\x21-\x7e]{1,64}$/.test(keyId))
    throw unauthenticated(`the credentials are malformed; ${HOW}`);
  return { keyId, secret: text.slice(colon + 1) };
}

function unauthenticated(message: string): DomainError {
  return new DomainError('UNAUTHENTICATED', message);
}
