import { Injectable } from '@nestjs/common';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { isId, newId } from '../ids.js';
import { SecretBox } from '../secrets.js';

export const SIGNING_ALGORITHM = 'EdDSA';
/** No token lives longer, so that a key can be forgotten this long after it signed its last. */
export const MAX_TOKEN_SECONDS = 86_400;
/** How long a key signs before the next one takes over. */
const SIGNS_SECONDS = 86_400;
/** Beyond the last token's end, for clocks that differ. */
const SPARE_SECONDS = 3_600;
/** Keys are read again after this time: one that an operator deleted is worth nothing from then on, in every process. */
const REFRESH_MS = 60_000;
/** Tokens that name an unknown key cost at most one query in this time, however many come. */
const RELOAD_MS = 1_000;
/** Any number: of processes that need a new key at the same time one makes it. */
const ROTATION_LOCK = 0x5041_5254;

const READ_KEYS = `
  SELECT key_id, public_key, private_key,
    extract(epoch FROM signs_until - clock_timestamp())::float8 * 1000 AS signs_ms,
    extract(epoch FROM verifies_until - clock_timestamp())::float8 * 1000 AS verifies_ms
  FROM signing_keys WHERE verifies_until > clock_timestamp() ORDER BY created_at DESC, key_id DESC`;

interface KeyRow {
  keyId: string;
  publicKey: JWK;
  privateKey: string;
  signsMs: number;
  verifiesMs: number;
}

interface KnownKey {
  keyId: string;
  publicKey: CryptoKey;
  /** Null when it was encrypted with a key that this process does not have. */
  privateKey: CryptoKey | null;
  /** By this process's own clock, which is never set back. */
  signsUntil: number;
  verifiesUntil: number;
}

/** A key that signs now. */
export interface SigningKey {
  keyId: string;
  privateKey: CryptoKey;
}

/**
 * The keys that sign tokens. A new one is made each day and stored encrypted, so that every process signs with the same and knows
 * the others' too; the old ones go once nothing that they signed can still be valid.
 */
@Injectable()
export class SigningKeys {
  private known: readonly KnownKey[] = [];
  private loadedAt = -Infinity;
  /** Also of a load that failed. */
  private triedAt = -Infinity;
  private reads = 0;
  private adopted = 0;
  private nextLoad: Promise<void> | undefined;
  private rotation: Promise<void> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: SecretBox,
  ) {}

  async signer(): Promise<SigningKey> {
    await this.refresh();
    let key = current(this.known);
    if (!key) {
      this.rotation ??= this.rotate().finally(() => (this.rotation = undefined));
      await this.rotation;
      key = current(this.known);
    }
    if (!key) throw new Error('no key signs tokens');
    return key;
  }

  /** Null for a key that was never ours, or is no more. */
  async verifier(keyId: string): Promise<CryptoKey | null> {
    if (!isId(keyId)) return null;
    // Another process may have made it a moment ago.
    if (!(await this.refresh()) && !this.find(keyId)) await this.load();
    return this.find(keyId)?.publicKey ?? null;
  }

  private find(keyId: string): KnownKey | undefined {
    return this.known.find((key) => key.keyId === keyId && key.verifiesUntil > performance.now());
  }

  /** Answers whether they were just read. */
  private async refresh(): Promise<boolean> {
    if (performance.now() - this.loadedAt <= REFRESH_MS) return false;
    await this.load();
    return true;
  }

  /** Reads them at once or, when that was just done, a moment later; whoever asks until then shares it. */
  private load(): Promise<void> {
    this.nextLoad ??= (async () => {
      await delay(Math.max(0, this.triedAt + RELOAD_MS - performance.now()), undefined, { ref: false });
      this.nextLoad = undefined;
      this.triedAt = performance.now();
      await this.read(this.dataSource.manager);
    })();
    return this.nextLoad;
  }

  private async read(tx: EntityManager): Promise<void> {
    const [turn, startedAt] = [++this.reads, performance.now()];
    const known = await Promise.all((await queryRows<KeyRow>(tx, READ_KEYS)).map((row) => this.opened(row)));
    // One that began earlier may end later, and knows less.
    if (turn < this.adopted) return;
    this.adopted = turn;
    this.known = known;
    this.loadedAt = startedAt;
  }

  private async opened({ keyId, publicKey, privateKey, signsMs, verifiesMs }: KeyRow): Promise<KnownKey> {
    const now = performance.now();
    return {
      keyId,
      publicKey: (await importJWK(publicKey, SIGNING_ALGORITHM)) as CryptoKey,
      privateKey: await this.unsealed(privateKey),
      signsUntil: now + signsMs,
      verifiesUntil: now + verifiesMs,
    };
  }

  private async unsealed(stored: string): Promise<CryptoKey | null> {
    let text: string;
    try {
      text = this.secrets.decrypt(stored);
    } catch {
      return null;
    }
    return (await importJWK(JSON.parse(text) as JWK, SIGNING_ALGORITHM)) as CryptoKey;
  }

  private async rotate(): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [ROTATION_LOCK]);
      // Whoever held the lock before may have made it.
      await this.read(tx);
      if (current(this.known)) return;
      await tx.query('DELETE FROM signing_keys WHERE verifies_until <= clock_timestamp()');
      const pair = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
      const privateKey = JSON.stringify(await exportJWK(pair.privateKey));
      await tx.query(
        `INSERT INTO signing_keys (key_id, public_key, private_key, created_at, signs_until, verifies_until)
         SELECT $1, $2, $3, t, t + make_interval(secs => $4), t + make_interval(secs => $5) FROM clock_timestamp() AS t`,
        [
          newId(),
          JSON.stringify(await exportJWK(pair.publicKey)),
          this.secrets.encrypt(privateKey),
          SIGNS_SECONDS,
          SIGNS_SECONDS + MAX_TOKEN_SECONDS + SPARE_SECONDS,
        ],
      );
    });
    // Not before it is committed: nothing may be signed with a key that nobody else will ever know.
    await this.read(this.dataSource.manager);
  }
}

function current(keys: readonly KnownKey[]): SigningKey | null {
  for (const { keyId, privateKey, signsUntil } of keys) {
    if (privateKey && signsUntil > performance.now()) return { keyId, privateKey };
  }
  return null;
}
