// No way in by a customer's URL: every trick with addresses ends before a socket opens, with names asked of a real DNS server.
import type { LookupAddress } from 'node:dns';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';
import { guardedLookup } from '../../src/outbound/lookup.js';
import { nameResolver } from '../../src/outbound/resolver.js';
import { assertTargetUrl } from '../../src/outbound/target-url.js';
import { type NameServer, startNameServer } from '../support/name-server.js';

/** What the customer's DNS says, by name; a list is gone through, one query after the other, its last entry for ever. */
const zone = new Map<string, string[][]>();
let names: NameServer;
let guarded: GuardedAgent;
/** Something of ours that only answers whoever is on this machine. */
let inside: Server;
let insidePort: number;
let knocks = 0;

beforeAll(async () => {
  names = await startNameServer((name) => {
    const answers = zone.get(name);
    if (!answers) return null;
    return (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
  });
  guarded = new GuardedAgent({ allowPrivate: false, resolve: nameResolver([names.address]) });
  inside = createServer((socket) => {
    knocks += 1;
    socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret');
  });
  await new Promise<void>((resolve) => inside.listen(0, '::', resolve));
  insidePort = (inside.address() as AddressInfo).port;
});
beforeEach(() => {
  zone.clear();
  knocks = 0;
});
afterAll(async () => {
  await guarded.onApplicationShutdown();
  await names.close();
  await new Promise((resolve) => inside.close(resolve));
});

const call = (host: string, scheme = 'http'): Promise<unknown> =>
  guarded.call({
    method: 'POST',
    url: `${scheme}://${host}:${insidePort}/`,
    body: '{}',
    timeout: 4_000,
    limit: 64,
  });

/** What a socket to this name would connect to. */
const lookedUp = (name: string): Promise<LookupAddress[]> =>
  new Promise((done, fail) => {
    const lookup = guardedLookup(nameResolver([names.address]), false);
    lookup(name, { all: true }, (error, found) => (error ? fail(error) : done(found as LookupAddress[])));
  });

const LITERALS: [string, string][] = [
  ['loopback', '127.0.0.1'],
  ['another loopback', '127.8.9.10'],
  ['short', '127.1'],
  ['decimal', '2130706433'],
  ['octal', '0177.0.0.1'],
  ['one octal number', '017700000001'],
  ['hex', '0x7f.0x0.0x0.0x1'],
  ['one hex number', '0x7f000001'],
  ['hex of mixed case', '0X7F000001'],
  ['full-width digits', '１２７.０.０.１'],
  ['circled digits', '①②⑦.⓪.⓪.①'],
  ['ideographic dots', '127。0。0。1'],
  ['percent-encoded', '%31%32%37.0.0.1'],
  ['with a final dot', '127.0.0.1.'],
  ['unspecified', '0.0.0.0'],
  ['nothing but zero', '0'],
  ['the metadata service', '169.254.169.254'],
  ['the metadata service in decimal', '2852039166'],
  ["another cloud's metadata", '100.100.100.200'],
  ['private', '10.0.0.1'],
  ['IPv6 loopback', '[::1]'],
  ['IPv6 loopback in full', '[0:0:0:0:0:0:0:1]'],
  ['IPv6 unspecified', '[::]'],
  ['IPv4-mapped', '[::ffff:127.0.0.1]'],
  ['IPv4-mapped in hex', '[::ffff:7f00:1]'],
  ['IPv4-mapped metadata', '[::ffff:a9fe:a9fe]'],
  ['IPv4-compatible', '[::127.0.0.1]'],
  ['NAT64', '[64:ff9b::7f00:1]'],
  ['NAT64 of metadata', '[64:ff9b::169.254.169.254]'],
  ['local NAT64', '[64:ff9b:1::7f00:1]'],
  ['6to4', '[2002:7f00:1::]'],
  ['6to4 of metadata', '[2002:a9fe:a9fe::1]'],
  ['Teredo', '[2001:0:7f00:1::]'],
  ['unique local', '[fd00::1]'],
  ['IPv6 metadata', '[fd00:ec2::254]'],
  ['link-local', '[fe80::1]'],
  ['localhost', 'localhost'],
  ['LOCALHOST.', 'LOCALHOST.'],
  ['a name below localhost', 'hooks.localhost'],
];

describe.each(LITERALS)('an address that is %s: %s', (_what, host) => {
  test('is refused when it is set, and when it is called all the same', async () => {
    expect(() => assertTargetUrl('target', `http://${host}/`, { allowPrivate: false })).toThrow(
      'must not be a private or loopback address',
    );
    // Below localhost there may be nothing at all.
    await expect(call(host)).rejects.toThrow(/may not be called|ENOTFOUND/);
    expect(knocks).toBe(0);
  });
});

describe('a name', () => {
  test.each([
    ['this machine', '127.0.0.1'],
    ['the metadata service', '169.254.169.254'],
    ['a private network', '192.168.1.10'],
    ['IPv6 loopback', '::1'],
    ['a mapped address', '::ffff:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['a unique local address', 'fd00:ec2::254'],
  ])('that leads to %s is refused, whatever the scheme', async (_where, address) => {
    zone.set('hooks.example', [[address]]);
    await expect(call('hooks.example')).rejects.toThrow(/may not be called/);
    await expect(call('hooks.example', 'https')).rejects.toThrow(/may not be called/);
    expect(names.asked).toContain('hooks.example A');
    expect(knocks).toBe(0);
  });

  test('is looked up anew for each connection, and refused once it leads inside', async () => {
    // Each look-up is two queries, A and AAAA.
    zone.set('rebinding.example', [['8.8.8.8'], ['8.8.8.8'], ['127.0.0.1']]);
    assertTargetUrl('target', 'http://rebinding.example/', { allowPrivate: false });
    expect(await lookedUp('rebinding.example')).toEqual([{ address: '8.8.8.8', family: 4 }]);
    await expect(lookedUp('rebinding.example')).rejects.toThrow(/may not be called/);
    await expect(call('rebinding.example')).rejects.toThrow(/may not be called/);
    expect(knocks).toBe(0);
  });

  test('that leads to a public and to private addresses is called at the public one only', async () => {
    zone.set('mixed.example', [['127.0.0.1', '8.8.8.8', '::1', '2606:4700::1', '::ffff:127.0.0.1']]);
    expect(await lookedUp('mixed.example')).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
  });

  test('that nobody knows is an error that says so', async () => {
    await expect(call('nowhere.example')).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  });
});

test('with private targets allowed the same address is called: the test above would notice', async () => {
  const open = new GuardedAgent({ allowPrivate: true, resolve: nameResolver([names.address]) });
  zone.set('hooks.example', [['127.0.0.1']]);
  const answer = await open.call({
    method: 'POST',
    url: `http://hooks.example:${insidePort}/`,
    body: '{}',
    timeout: 4_000,
    limit: 64,
  });
  expect([answer.body.toString(), knocks]).toEqual(['secret', 1]);
  await open.onApplicationShutdown();
});

describe('a target URL', () => {
  test.each<[string, string]>([
    ['ftp://example.com/', 'isUrl'],
    ['file:///etc/passwd', 'isUrl'],
    ['gopher://example.com/', 'isUrl'],
    ['javascript:alert(1)', 'isUrl'],
    ['//example.com/', 'isUrl'],
    ['http://', 'isUrl'],
    ['http://user:pass@example.com/', 'credentials'],
    ['http://user@example.com/', 'credentials'],
    ['http://example.com:25/', 'port'],
    ['http://example.com:22/', 'port'],
    ['https://example.com:6667/', 'port'],
    ['http://example.com:0/', 'port'],
    [`https://example.com/${'x'.repeat(723)}`, 'maxLength'],
  ])('%s is refused by %s', (url, rule) => {
    expect(() => assertTargetUrl('target', url, { allowPrivate: true })).toThrow(
      expect.objectContaining({ fields: [expect.objectContaining({ path: 'target', rule })] }),
    );
  });

  test.each(['https://example.com', 'http://example.com:8080/a/b?c=d', 'https://example.com:8443/'])(
    '%s is taken',
    (url) => {
      expect(assertTargetUrl('target', url, { allowPrivate: false }).href).toContain('example.com');
    },
  );

  test('of another service is not called, even when it was stored before', async () => {
    await expect(
      guarded.call({ method: 'POST', url: 'http://example.com:25/', body: '{}', timeout: 1_000, limit: 1 }),
    ).rejects.toThrow('port 25 belongs to another service');
  });
});
