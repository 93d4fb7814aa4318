import { randomBytes } from 'node:crypto';
import type { MediaKey } from './media-row.js';

/**
 * Of a link that we hand out. Who has the message can read its media, as an `<img>` or a customer's server does, without an access key;
 * nobody can guess it. It is kept with the media rather than derived from PARLEY_ENCRYPTION_KEY: links outlive the rotation of that key
 * and end with their media.
 */
export function newSecret(): string {
  return randomBytes(18).toString('base64url');
}

/** @param base of the URLs that we hand out, without a trailing slash. */
export function linkOf(
  base: string,
  { projectId, id, name, secret }: MediaKey & { name: string; secret: string },
): string {
  return `${base}/media/${id}/${encodeURIComponent(name)}?s=${projectId}.${secret}`;
}

/** What a link's `s` says: media are found by their project. Null when it is none. */
export function signatureIn(s: unknown): { projectId: string; secret: string } | null {
  const match = typeof s === 'string' ? /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})$/.exec(s) : null;
  return match?.[1] && match[2] ? { projectId: match[1], secret: match[2] } : null;
}
