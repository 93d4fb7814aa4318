import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { createHash } from 'node:crypto';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import type { Caller, InboxAccess } from './caller.js';
import { SIGNING_ALGORITHM, SigningKeys } from './signing-keys.js';

/** Life of a token by which a program speaks for its access key. */
export const ACCESS_TOKEN_SECONDS = 3_600;

const ISSUER = 'parley';
/** Longer than any of ours: 100 apps and an agent's id of 255 characters. */
const MAX_TOKEN_LENGTH = 8_192;
/** How far the clock of the process that made a token may be ahead. */
const CLOCK_SKEW_SECONDS = 60;
const MAX_REMEMBERED = 10_000;
/** Bounds their memory: an inbox token weighs as much as it has apps. */
const MAX_REMEMBERED_APPS = 100_000;
/** Not for as long as they live, so that a signing key that was taken away ends its tokens. */
const REMEMBERED_MS = 60_000;

/** The two kinds of token, which never pass for each other: each has a type and an audience of its own. */
interface Kind {
  name: string;
  typ: string;
  audience: string;
}

const ACCESS: Kind = { name: 'access', typ: 'at+jwt', audience: 'parley' };
const INBOX: Kind = { name: 'inbox', typ: 'inbox+jwt', audience: 'parley-inbox' };

/** A signed token, JWT. */
export interface IssuedToken {
  token: string;
  expiresAt: Date;
}

/** Makes and checks the tokens that stand for an access key. */
@Injectable()
export class TokensService {
  /** By hash, so that a call costs no signature check. */
  private readonly verified = new LRUCache<string, Caller>({
    max: MAX_REMEMBERED,
    maxSize: MAX_REMEMBERED_APPS,
    sizeCalculation: ({ inbox }) => 1 + (inbox?.appIds.length ?? 0),
    ttl: REMEMBERED_MS,
  });

  constructor(private readonly keys: SigningKeys) {}

  /** For a program: all that the access key may do. */
  issueAccessToken(caller: Caller): Promise<IssuedToken> {
    return this.sign(ACCESS, caller, {}, ACCESS_TOKEN_SECONDS);
  }

  /**
   * For a person's browser: some apps, and what the role allows.
   * @param ttlSeconds at most MAX_TOKEN_SECONDS.
   */
  issueInboxToken(caller: Caller, inbox: InboxAccess, ttlSeconds: number): Promise<IssuedToken> {
    const claims = { agent: inbox.agentId, role: inbox.role, apps: [...inbox.appIds] };
    return this.sign(INBOX, caller, claims, ttlSeconds);
  }

  /**
   * Whom a token stands for; whether its access key still works is not asked here.
   * @throws DomainError UNAUTHENTICATED
   */
  async verify(token: string): Promise<Caller> {
    const hash = createHash('sha256').update(token).digest('base64url');
    const known = this.verified.get(hash);
    if (known) {
      if (known.expiresAt && known.expiresAt.getTime() <= Date.now())
        throw expired(known.inbox ? INBOX : ACCESS);
      return known;
    }
    const caller = await this.check(token);
    this.verified.set(hash, caller);
    return caller;
  }

  private async sign(
    { typ, audience }: Kind,
    { projectId, keyId }: Caller,
    claims: JWTPayload,
    ttlSeconds: number,
  ): Promise<IssuedToken> {
    const key = await this.keys.signer();
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + ttlSeconds;
    const token = await new SignJWT({ ...claims, project: projectId })
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ, kid: key.keyId })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setSubject(keyId)
      .setJti(newId())
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(key.privateKey);
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  private async check(token: string): Promise<Caller> {
    if (token.length > MAX_TOKEN_LENGTH) throw invalidToken();
    const { kind, keyId } = headerOf(token);
    const key = await this.keys.verifier(keyId);
    if (!key) throw invalidToken();
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [SIGNING_ALGORITHM],
        typ: kind.typ,
        issuer: ISSUER,
        audience: kind.audience,
        requiredClaims: ['sub', 'project', 'iat', 'exp'],
      });
      return callerOf(payload, kind);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw expired(kind);
      if (error instanceof errors.JOSEError) throw invalidToken();
      throw error;
    }
  }
}

/** What it says of itself, as yet unchecked. */
function headerOf(token: string): { kind: Kind; keyId: string } {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw invalidToken();
  }
  const kind = [ACCESS, INBOX].find(({ typ }) => typ === header.typ);
  if (!kind || typeof header.kid !== 'string') throw invalidToken();
  return { kind, keyId: header.kid };
}

/** Only we sign, but an older or newer version of us may have meant something else. */
function callerOf({ sub, project, iat, exp, agent, role, apps }: JWTPayload, kind: Kind): Caller {
  const ours =
    typeof sub === 'string' && typeof project === 'string' && iat !== undefined && exp !== undefined;
  if (!ours || iat > Date.now() / 1000 + CLOCK_SKEW_SECONDS) throw invalidToken();
  const caller: Caller = { projectId: project, keyId: sub, expiresAt: new Date(exp * 1000) };
  if (kind === ACCESS) return caller;
  const isInbox =
    typeof agent === 'string' &&
    (role === 'AGENT' || role === 'VIEWER') &&
    Array.isArray(apps) &&
    apps.every((id) => typeof id === 'string');
  if (!isInbox) throw invalidToken();
  return { ...caller, inbox: { agentId: agent, role, appIds: apps } };
}

/** Clients get a new token when they read this word, and only then. */
function expired({ name }: Kind): DomainError {
  return new DomainError('UNAUTHENTICATED', `the ${name} token expired`);
}

function invalidToken(): DomainError {
  return new DomainError('UNAUTHENTICATED', 'the token is not valid: not one of this service, or damaged');
}
