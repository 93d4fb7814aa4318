// Tokens: who signs them, who believes them, and when they end.
import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AccessService, CALLER_CACHE_MS } from '../../src/access/access.service.js';
import type { Caller, InboxAccess } from '../../src/access/caller.js';
import { ProjectsService } from '../../src/access/projects.service.js';
import { type SigningKey, SigningKeys } from '../../src/access/signing-keys.js';
import { TokenBucket } from '../../src/access/token-bucket.js';
import { TokensService } from '../../src/access/tokens.service.js';
import { createDataSource } from '../../src/database/data-source.js';
import { newId } from '../../src/ids.js';
import { SecretBox } from '../../src/secrets.js';
import { accessTo, tokensOf } from '../support/access.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const INBOX: InboxAccess = { agentId: 'ann', role: 'AGENT', appIds: [newId(), newId()] };
const HOUR_MS = 3_600_000;
const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');

let database: TestDatabase;
let dataSource: DataSource;
let projects: ProjectsService;
let keys: SigningKeys;
let tokens: TokensService;
let access: AccessService;
let caller: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url, 4).initialize();
  projects = new ProjectsService(dataSource);
});
beforeEach(async () => {
  await dataSource.query('DELETE FROM signing_keys');
  keys = new SigningKeys(dataSource, new SecretBox([ENCRYPTION_KEY]));
  tokens = new TokensService(keys);
  access = accessTo(dataSource, tokens);
  const { projectId } = await projects.createProject('Acme');
  caller = { projectId, keyId: (await projects.createKey(projectId)).keyId };
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const bearer = (token: string): Promise<Caller> => access.authenticate(`Bearer ${token}`);

const refusal = (token: string): Promise<{ code: string; message: string }> =>
  bearer(token).then(
    () => Promise.reject(new Error('the token was taken')),
    (error: unknown) => error as { code: string; message: string },
  );

describe('a token', () => {
  test('of an access key stands for that key, for an hour', async () => {
    const { token, expiresAt } = await tokens.issueAccessToken(caller);
    expect(await bearer(token)).toEqual({ ...caller, expiresAt });
    expect(Math.abs(expiresAt.getTime() - Date.now() - HOUR_MS)).toBeLessThan(5_000);
    expect(await access.authenticate(`bEaReR ${token}`)).toMatchObject(caller);
  });

  test('of an inbox also says for whom it is and what it opens', async () => {
    const { token, expiresAt } = await tokens.issueInboxToken(caller, INBOX, 60);
    expect(await bearer(token)).toEqual({ ...caller, expiresAt, inbox: INBOX });
  });

  test('is a JWT with the claims that are promised, and no two are the same', async () => {
    const { token, expiresAt } = await tokens.issueAccessToken(caller);
    const claims = decodeJwt(token);
    expect(claims).toEqual({
      iss: 'parley',
      aud: 'parley',
      sub: caller.keyId,
      project: caller.projectId,
      jti: expect.any(String) as unknown,
      iat: expiresAt.getTime() / 1000 - 3600,
      exp: expiresAt.getTime() / 1000,
    });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' });
    const other = await tokens.issueInboxToken(caller, INBOX, 60);
    expect(decodeJwt(other.token).jti).not.toBe(claims.jti);
    expect(decodeJwt(other.token).aud).toBe('parley-inbox');
  });

  test('of a hundred apps and the longest agent id is not too long', async () => {
    const inbox: InboxAccess = {
      agentId: '漢'.repeat(255),
      role: 'VIEWER',
      appIds: Array.from({ length: 100 }, () => newId()),
    };
    const { token } = await tokens.issueInboxToken(caller, inbox, 86_400);
    expect(await bearer(token)).toMatchObject({ inbox });
  });

  test('that was checked a moment ago costs no query and no signature check', async () => {
    const { token } = await tokens.issueAccessToken(caller);
    const query = vi.spyOn(dataSource.manager, 'query');
    await Promise.all(Array.from({ length: 50 }, () => bearer(token)));
    const atFirst = query.mock.calls.length;
    expect(atFirst).toBeLessThanOrEqual(2);
    const verifier = vi.spyOn(keys, 'verifier');
    await bearer(token);
    expect(query).toHaveBeenCalledTimes(atFirst);
    expect(verifier).not.toHaveBeenCalled();
  });

  test.each([
    ['an access', () => tokens.issueAccessToken(caller), 'the access token expired', HOUR_MS],
    ['an inbox', () => tokens.issueInboxToken(caller, INBOX, 60), 'the inbox token expired', 60_000],
  ])('that expired says so, remembered or not: %s token', async (_kind, issue, message, life) => {
    const { token } = await issue();
    const never = accessTo(dataSource);
    await bearer(token);
    laterBy(life - 2_000);
    expect(await bearer(token)).toMatchObject(caller);
    laterBy(life);
    expect(await refusal(token)).toMatchObject({ code: 'UNAUTHENTICATED', message });
    await expect(never.authenticate(`Bearer ${token}`)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message,
    });
  });

  test('ends with its access key, within the time that callers are remembered, as all of that key do', async () => {
    const [program, person] = [
      await tokens.issueAccessToken(caller),
      await tokens.issueInboxToken(caller, INBOX, 3600),
    ];
    await Promise.all([bearer(program.token), bearer(person.token)]);
    await projects.revokeKey(caller.keyId);
    passTime(CALLER_CACHE_MS);
    await vi.waitFor(async () => {
      for (const { token } of [program, person]) {
        const { code, message } = await refusal(token);
        expect(code).toBe('UNAUTHENTICATED');
        expect(message).toContain('revoked');
        expect(message).not.toContain('expired');
      }
    }, 20_000);
  });

  test('of a project that is gone is worth nothing', async () => {
    const { token } = await tokens.issueAccessToken(caller);
    await dataSource.query('DELETE FROM projects WHERE project_id = $1', [caller.projectId]);
    expect(await refusal(token)).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('that is old counts as no failed login: it locks nobody out', async () => {
    const secret = await projects.createKey(caller.projectId);
    const { token } = await tokens.issueAccessToken({ projectId: caller.projectId, keyId: secret.keyId });
    laterBy(HOUR_MS);
    for (let i = 0; i < 150; i++) await refusal(token);
    const basic = `Basic ${Buffer.from(`${secret.keyId}:${secret.secret}`).toString('base64')}`;
    expect(await access.authenticate(basic)).toMatchObject({ keyId: secret.keyId });
  });
});

describe('a token is not believed', () => {
  /** As ours is but for what is told; signed by our own key unless told. */
  async function forged(
    change: { header?: object; claims?: JWTPayload; key?: SigningKey['privateKey'] | Uint8Array } = {},
  ): Promise<string> {
    const { keyId, privateKey } = await keys.signer();
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'parley',
      aud: 'parley',
      sub: caller.keyId,
      project: caller.projectId,
      iat: now,
      exp: now + 60,
      ...change.claims,
    };
    return new SignJWT(JSON.parse(JSON.stringify(claims)) as JWTPayload)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: keyId, ...change.header })
      .sign(change.key ?? privateKey);
  }

  async function publicKey(): Promise<Uint8Array> {
    await keys.signer();
    const [row]: { public_key: object }[] = await dataSource.query('SELECT public_key FROM signing_keys');
    return new TextEncoder().encode(JSON.stringify(row?.public_key));
  }

  const now = Math.floor(Date.now() / 1000);
  const FORGERIES: [what: string, forge: () => Promise<string>][] = [
    ['without a signature', async () => (await forged()).replace(/[^.]+$/, '')],
    [
      'that says it needs none',
      async () => {
        const { keyId } = await keys.signer();
        const plain = new UnsecuredJWT({ project: caller.projectId, sub: caller.keyId }).encode();
        const header = { alg: 'none', typ: 'at+jwt', kid: keyId };
        return plain.replace(/^[^.]+/, Buffer.from(JSON.stringify(header)).toString('base64url'));
      },
    ],
    [
      "signed by somebody else's key",
      async () => forged({ key: (await generateKeyPair('EdDSA')).privateKey }),
    ],
    [
      'signed with our public key as a secret',
      async () => forged({ header: { alg: 'HS256' }, key: await publicKey() }),
    ],
    [
      'signed by another algorithm',
      async () => forged({ header: { alg: 'ES256' }, key: (await generateKeyPair('ES256')).privateKey }),
    ],
    [
      'whose claims were changed afterwards',
      async () => {
        const [header, payload, signature] = (await forged()).split('.');
        const claims = { ...decodeJwt(`${header}.${payload}.${signature}`), project: 'another' };
        return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
      },
    ],
    ['for another audience', () => forged({ claims: { aud: 'somebody' } })],
    ['of another issuer', () => forged({ claims: { iss: 'somebody' } })],
    ['of an inbox that calls itself an access token', () => forged({ claims: { aud: 'parley-inbox' } })],
    ['of access that calls itself an inbox token', () => forged({ header: { typ: 'inbox+jwt' } })],
    [
      'of access that calls itself an inbox token, with its claims',
      () =>
        forged({ header: { typ: 'inbox+jwt' }, claims: { agent: 'eve', role: 'AGENT', apps: [newId()] } }),
    ],
    ['of no type', () => forged({ header: { typ: undefined } })],
    ['of any other type', () => forged({ header: { typ: 'JWT' } })],
    ['made in the future', () => forged({ claims: { iat: now + 600, exp: now + 700 } })],
    ['without an end', () => forged({ claims: { exp: undefined } })],
    ['without a beginning', () => forged({ claims: { iat: undefined } })],
    ['without a project', () => forged({ claims: { project: undefined } })],
    ['of a project that is not its key’s', () => forged({ claims: { project: randomUUID() } })],
    ['of a key that does not exist', () => forged({ claims: { sub: randomUUID() } })],
    [
      'of an inbox with a role that there is not',
      () =>
        forged({
          header: { typ: 'inbox+jwt' },
          claims: { aud: 'parley-inbox', agent: 'eve', role: 'OWNER', apps: [newId()] },
        }),
    ],
    [
      'of an inbox without apps',
      () =>
        forged({
          header: { typ: 'inbox+jwt' },
          claims: { aud: 'parley-inbox', agent: 'eve', role: 'AGENT' },
        }),
    ],
    ['that names no key', () => forged({ header: { kid: undefined } })],
    ['that names a key that never was', () => forged({ header: { kid: newId() } })],
    ['that names something else', () => forged({ header: { kid: "' OR 1=1" } })],
    ['that is too long', () => forged({ claims: { more: 'x'.repeat(10_000) } })],
    ['that is no token', async () => 'made-up'],
    ['of dots alone', async () => '..'],
  ];

  test.each(FORGERIES)('%s', async (_what, forge) => {
    const { code, message } = await refusal(await forge());
    expect(code).toBe('UNAUTHENTICATED');
    // The word that makes clients ask for a new one.
    expect(message).not.toMatch(/expired/i);
  });

  test('but as made here it is: the forgeries above fail for the reason they tell', async () => {
    expect(await bearer(await forged())).toMatchObject(caller);
    const claims = { aud: 'parley-inbox', agent: 'ann', role: 'VIEWER', apps: INBOX.appIds };
    expect(await bearer(await forged({ header: { typ: 'inbox+jwt' }, claims }))).toMatchObject({
      inbox: { agentId: 'ann', role: 'VIEWER', appIds: INBOX.appIds },
    });
    expect(await bearer(await forged({ claims: { iat: Math.floor(Date.now() / 1000) + 30 } }))).toMatchObject(
      caller,
    );
  });
});

describe('the signing keys', () => {
  interface Row {
    key_id: string;
    public_key: Record<string, unknown>;
    private_key: string;
    signs: number;
    verifies: number;
  }

  const rows = (): Promise<Row[]> =>
    dataSource.query(
      `SELECT *, extract(epoch FROM signs_until - created_at)::float8 AS signs,
         extract(epoch FROM verifies_until - signs_until)::float8 AS verifies
       FROM signing_keys ORDER BY created_at`,
    );

  const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid;

  test('are stored encrypted, sign for a day, and are kept for as long as what they signed lives', async () => {
    await tokens.issueAccessToken(caller);
    const [row, ...more] = await rows();
    expect(more).toEqual([]);
    expect(row).toMatchObject({ signs: 86_400, verifies: 86_400 + 3_600 });
    expect(row?.public_key).not.toHaveProperty('d');
    expect(row?.private_key).toMatch(/^v1\./);
    const opened = JSON.parse(new SecretBox([ENCRYPTION_KEY]).decrypt(row?.private_key ?? '')) as {
      d?: string;
      x?: string;
    };
    expect(opened.x).toBe(row?.public_key.x);
    expect(JSON.stringify(row)).not.toContain(opened.d);
  });

  test('are made once however many processes and calls need one at the same time', async () => {
    const processes = Array.from({ length: 4 }, () => tokensOf(dataSource));
    // Connections are there already, so that nobody comes first by connecting first.
    await Promise.all(processes.map(() => dataSource.query('SELECT pg_sleep(0.1)')));
    const issued = await Promise.all(
      processes.flatMap((process) => [process.issueAccessToken(caller), process.issueAccessToken(caller)]),
    );
    expect(new Set(issued.map(({ token }) => kidOf(token))).size).toBe(1);
    expect(await rows()).toHaveLength(1);
    for (const { token } of issued) expect(await bearer(token)).toMatchObject(caller);
  });

  test('change after a day, in every process, and tokens of the old one stay good', async () => {
    const other = tokensOf(dataSource);
    const before = await tokens.issueAccessToken(caller);
    await other.verify(before.token);
    await dataSource.query('UPDATE signing_keys SET signs_until = now()');
    passTime(61_000);
    const after = await vi.waitFor(async () => {
      const issued = await tokens.issueAccessToken(caller);
      expect(kidOf(issued.token)).not.toBe(kidOf(before.token));
      return issued;
    }, 20_000);
    expect(await rows()).toHaveLength(2);
    // The other process read the keys before this one was made.
    for (const { token } of [before, after]) {
      expect(await other.verify(token)).toMatchObject(caller);
      expect(await bearer(token)).toMatchObject(caller);
    }
    expect(kidOf((await other.issueAccessToken(caller)).token)).toBe(kidOf(after.token));
  });

  test('that nothing valid can name any more are removed with the next change', async () => {
    const { token } = await tokens.issueAccessToken(caller);
    await dataSource.query('UPDATE signing_keys SET signs_until = now(), verifies_until = now()');
    const later = tokensOf(dataSource);
    await expect(later.verify(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const fresh = await later.issueAccessToken(caller);
    expect((await rows()).map(({ key_id }) => key_id)).toEqual([kidOf(fresh.token)]);
  });

  test('that an operator deleted end their tokens within two minutes', async () => {
    const { token } = await tokens.issueAccessToken(caller);
    await bearer(token);
    await dataSource.query('DELETE FROM signing_keys');
    passTime(120_000);
    await vi.waitFor(
      async () => expect(await refusal(token)).toMatchObject({ code: 'UNAUTHENTICATED' }),
      20_000,
    );
    expect(await bearer((await tokens.issueAccessToken(caller)).token)).toMatchObject(caller);
  });

  test('are known at once to a process that has just looked for another', async () => {
    const other = tokensOf(dataSource);
    await expect(other.verify(await strangers())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const { token } = await tokens.issueAccessToken(caller);
    expect(await other.verify(token)).toMatchObject(caller);
  });

  test('are not looked for once a forged token: a flood of them costs a query a second', async () => {
    await tokens.issueAccessToken(caller);
    const forgeries = await Promise.all(Array.from({ length: 200 }, strangers));
    const query = vi.spyOn(dataSource.manager, 'query');
    const checks: Promise<string>[] = [];
    for (const token of forgeries) {
      checks.push(
        tokens.verify(token).then(
          () => 'taken',
          () => 'refused',
        ),
      );
      // One after the other, as they would come in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(new Set(await Promise.all(checks))).toEqual(new Set(['refused']));
    expect(query.mock.calls.length).toBeLessThanOrEqual(3);
  });

  test('of a process whose encryption key is another do not stop this one, and both believe each other', async () => {
    const other = tokensOf(dataSource, [Buffer.alloc(32, 8).toString('base64')]);
    const theirs = await other.issueAccessToken(caller);
    const ours = await tokens.issueAccessToken(caller);
    expect(kidOf(ours.token)).not.toBe(kidOf(theirs.token));
    expect(await tokens.verify(theirs.token)).toMatchObject(caller);
    expect(await other.verify(ours.token)).toMatchObject(caller);
    expect(kidOf((await other.issueAccessToken(caller)).token)).toBe(kidOf(theirs.token));
  });

  test('are asked for again after the database was away', async () => {
    vi.spyOn(dataSource.manager, 'query').mockRejectedValueOnce(new Error('away'));
    await expect(tokens.issueAccessToken(caller)).rejects.toThrow('away');
    expect(await bearer((await tokens.issueAccessToken(caller)).token)).toMatchObject(caller);
  });

  /** A token in our form, by a key that we never had. */
  async function strangers(): Promise<string> {
    const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    expect(await exportJWK(privateKey)).toHaveProperty('d');
    return new SignJWT({ project: caller.projectId })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: newId() })
      .sign(privateKey);
  }
});

test('a bucket gives its burst at once, then as much as flows in, and each key has its own', () => {
  let now = 1_000_000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const bucket = new TokenBucket(30, 10);
  const taken = (key: string): number =>
    Array.from({ length: 50 }, () => bucket.take(key)).filter(Boolean).length;
  expect(taken('one')).toBe(30);
  expect(taken('one')).toBe(0);
  now += 100;
  expect(taken('one')).toBe(1);
  now += 1_000;
  expect(taken('one')).toBe(10);
  expect(taken('another')).toBe(30);
  now += 60_000;
  expect(taken('one')).toBe(30);
});

/** Lets the calendar jump. */
function laterBy(ms: number): void {
  vi.useRealTimers();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

/** Lets the clock of the caches jump. They read it once a millisecond, so wait for what comes of it. */
function passTime(ms: number): void {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
}
