import { createHmac, timingSafeEqual } from 'node:crypto';

/** The two headers in which Meta signs a webhook. */
export interface SignatureHeaders {
  /** `X-Hub-Signature-256`: `sha256=` and 64 hex digits. */
  sha256?: string;
  /** `X-Hub-Signature`, its forerunner: `sha1=` and 40 hex digits. Counts only where the other is missing. */
  sha1?: string;
}

/**
 * Whether a webhook was signed with the app secret, over its bytes as they came: Meta escapes its JSON in a way of its own,
 * so that parsed and written again it has another signature. Source: graph-api/webhooks/getting-started, validating payloads.
 */
export function isSigned(body: Buffer, headers: SignatureHeaders, secret: string): boolean {
  if (headers.sha256 !== undefined) return matches('sha256', headers.sha256, body, secret);
  return headers.sha1 !== undefined && matches('sha1', headers.sha1, body, secret);
}

function matches(algorithm: 'sha256' | 'sha1', header: string, body: Buffer, secret: string): boolean {
  const expected = createHmac(algorithm, secret).update(body).digest();
  const hex = new RegExp(`^${algorithm}=([0-9a-f]{${expected.length * 2}})$`, 'i').exec(header)?.[1];
  return hex !== undefined && timingSafeEqual(Buffer.from(hex, 'hex'), expected);
}
