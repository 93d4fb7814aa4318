import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { signatureHeaders } from '../../src/webhooks/signature.js';

describe('signatureHeaders', () => {
  test.each<[string, string, string, string, number, string]>([
    [
      "the reference's vector",
      's3cret',
      '{"app_id":"01HAPP","event":"é"}',
      '01NONCE',
      1_700_000_000,
      'R/eKjuyDTspXcGBQRtwHhEQghXFRCd3OqBxDmNGMP2s=',
    ],
    [
      "the vendor's published vector",
      'foo_secret1234',
      '{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}',
      '01FJA8B4A7BM43YGWSG9GBV067',
      1_634_579_353,
      '6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE=',
    ],
  ])('%s', (_name, secret, body, nonce, seconds, signature) => {
    const headers = signatureHeaders([secret], {
      eventId: '01EVENT',
      body,
      nonce,
      at: new Date(seconds * 1000),
    });
    expect(headers).toMatchObject({
      'x-sinch-webhook-signature': signature,
      'x-sinch-webhook-signature-timestamp': String(seconds),
      'x-sinch-webhook-signature-nonce': nonce,
      'x-sinch-webhook-signature-algorithm': 'HmacSHA256',
    });
  });

  const body = '{"message":{"text":"é 🎈"}}';
  const signed = signatureHeaders(['pa55 word'], { eventId: '01EVENT', body, nonce: '01N', at: new Date() });

  test('a public library verifies a delivery with the secret as it is', () => {
    const receiver = new Webhook('pa55 word', { format: 'raw' });
    expect(receiver.verify(body, signed)).toEqual(JSON.parse(body));
    expect(signed['webhook-id']).toBe('01EVENT');
  });

  test('the library refuses another body, another id and another secret', () => {
    const receiver = new Webhook('pa55 word', { format: 'raw' });
    expect(() => receiver.verify(`${body} `, signed)).toThrow();
    expect(() => receiver.verify(body, { ...signed, 'webhook-id': '01OTHER' })).toThrow();
    expect(() => new Webhook('password', { format: 'raw' }).verify(body, signed)).toThrow();
  });

  test('a secret beyond ASCII counts by its UTF-8 bytes', () => {
    const headers = signatureHeaders(['wörd 🎈'], { eventId: '01EVENT', body, nonce: '01N', at: new Date() });
    const receiver = new Webhook(new TextEncoder().encode('wörd 🎈'), { format: 'raw' });
    expect(receiver.verify(body, headers)).toEqual(JSON.parse(body));
  });

  test('without a secret nothing is signed, and the id is there all the same', () => {
    const headers = signatureHeaders([], { eventId: '01EVENT', body, nonce: '01N', at: new Date(5_000) });
    expect(headers).toEqual({ 'webhook-id': '01EVENT', 'webhook-timestamp': '5' });
  });
});
