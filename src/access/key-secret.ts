import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits: nobody guesses it, so a fast hash is enough to store it. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The stored form: SHA-256, hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
