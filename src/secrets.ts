import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Encrypts channel tokens and secrets at rest with AES-256-GCM.
 * Stored form: `v1.<key fingerprint>.<base64url of nonce, tag and text>`; the fingerprint picks the key again after a rotation.
 */
export class SecretBox {
  private readonly keys: { id: string; key: Buffer }[];

  /** @param keys base64, 32 bytes each, newest first. */
  constructor(keys: string[]) {
    this.keys = keys.map((text) => {
      const key = Buffer.from(text, 'base64');
      return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key };
    });
  }

  encrypt(text: string): string {
    const newest = this.keys[0];
    if (!newest) throw new Error('no encryption key is set');
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', newest.key, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `v1.${newest.id}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
  }

  decrypt(stored: string): string {
    const [version, id, body] = stored.split('.');
    const found = this.keys.find((entry) => entry.id === id);
    if (version !== 'v1' || !found || !body) {
      throw new Error('a stored secret was encrypted with a key that PARLEY_ENCRYPTION_KEY no longer holds');
    }
    const bytes = Buffer.from(body, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', found.key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  }
}

/** Stands for a secret that is stored: secrets are never given back. Whoever writes it back keeps what is stored. */
export const SECRET_MASK = '********';

/** Compares two texts in a time that does not depend on where they differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
