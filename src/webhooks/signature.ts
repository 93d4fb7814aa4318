import { createHmac } from 'node:crypto';

/** One attempt at one callback. */
export interface Signable {
  /** The event's id: the same over retries and replays, so that receivers can drop doubles. */
  eventId: string;
  /** The bytes that are sent. */
  body: string;
  /** New for every attempt: receivers refuse one that they have seen. */
  nonce: string;
  at: Date;
}

/**
 * Headers by which a receiver knows that a callback is ours: the Conversation API's own, and those of Standard Webhooks. Both are keyed
 * with the secret's own UTF-8 bytes. Without a secret there are only the event's id and the time.
 * While a secret is rotated, `webhook-signature` lists a signature by each; the API's own header has room for one, that of the newest.
 * Source: Conversation API, webhook signature; https://www.standardwebhooks.com.
 * @param secrets the newest first.
 */
export function signatureHeaders(
  secrets: readonly string[],
  { eventId, body, nonce, at }: Signable,
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const unsigned = { 'webhook-id': eventId, 'webhook-timestamp': timestamp };
  const [newest] = secrets;
  if (newest === undefined) return unsigned;
  const standard = secrets.map((secret) => `v1,${hmac(secret, `${eventId}.${timestamp}.${body}`)}`);
  return {
    ...unsigned,
    'webhook-signature': standard.join(' '),
    'x-sinch-webhook-signature': hmac(newest, `${body}.${nonce}.${timestamp}`),
    'x-sinch-webhook-signature-timestamp': timestamp,
    'x-sinch-webhook-signature-nonce': nonce,
    'x-sinch-webhook-signature-algorithm': 'HmacSHA256',
  };
}

function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text, 'utf8').digest('base64');
}
