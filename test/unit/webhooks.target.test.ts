import type { LookupAddress } from 'node:dns';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPrivateHost, isPublicAddress } from '../../src/outbound/address.js';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';
import { guardedLookup } from '../../src/outbound/lookup.js';
import { OutboundError } from '../../src/outbound/outbound-error.js';
import type { Resolve } from '../../src/outbound/resolver.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const CALL = { method: 'POST' as const, body: '{}', timeout: 5_000, limit: 1_024 };

describe('addresses', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.0.1',
    '172.32.0.1',
    '192.167.255.255',
    '169.253.0.1',
    '223.255.255.254',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82a::200e',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1', 'fec0::1']],
    ['link-local and cloud metadata', ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fd00:ec2::254']],
    ['carrier-grade NAT', ['100.64.0.1', '100.127.255.254', '100.100.100.200']],
    ['multicast and broadcast', ['224.0.0.1', '239.255.255.250', '255.255.255.255', 'ff02::1']],
    [
      'reserved and documentation',
      ['192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '240.0.0.1'],
    ],
    ['reserved IPv6', ['2001:db8::1', '100::1', '3fff::1', '5f00::1', '4000::1']],
    ['IPv4-mapped', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8']],
    ['IPv4-compatible', ['::127.0.0.1', '::7f00:1', '::10.0.0.1']],
    ['NAT64', ['64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b:1::7f00:1']],
    ['6to4', ['2002:7f00:1::', '2002:a00:1::1']],
    ['Teredo', ['2001:0:4136:e378:8000:63bf:80ff:fffe']],
    ['IPv4-translated', ['::ffff:0:7f00:1']],
    ['no address at all', ['', 'localhost', '1.2.3', '010.8.8.8', '0x7f000001', '2130706433', '[::1]']],
  ])('%s is not public', (_kind, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });

  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://①②⑦.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:1]/',
    'http://[::]/',
    'http://[fd00:ec2::254]/',
    'http://169.254.169.254/latest/meta-data',
    'http://0xa9fea9fe/',
    'http://localhost/',
    'http://LOCALHOST/',
    'http://localhost./',
    'http://printer.localhost:8080/',
  ])('%s leads to this machine or its network', (url) => {
    expect(isPrivateHost(new URL(url))).toBe(true);
  });

  test.each([
    'http://8.8.8.8/',
    'https://example.com/',
    'https://localhost.example.com/',
    'http://[2606:4700::1]/',
  ])('%s may lead anywhere', (url) => {
    expect(isPrivateHost(new URL(url))).toBe(false);
  });
});

describe('the look-up of a socket', () => {
  const lookup = (resolve: Resolve, allowPrivate = false): Promise<LookupAddress[]> =>
    new Promise((done, fail) => {
      guardedLookup(resolve, allowPrivate)('hooks.example', { all: true }, (error, found) =>
        error ? fail(error) : done(found as LookupAddress[]),
      );
    });

  test('gives only the addresses that may be called', async () => {
    const mixed: Resolve = async () => ['127.0.0.1', '8.8.8.8', '::1', '2606:4700::1', '169.254.169.254'];
    expect(await lookup(mixed)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
  });

  test('fails when none is left, or none was found', async () => {
    await expect(lookup(async () => ['10.0.0.1', '::1'])).rejects.toThrow(OutboundError);
    await expect(lookup(async () => [])).rejects.toThrow(OutboundError);
    await expect(lookup(() => Promise.reject(new Error('queryA ENOTFOUND')))).rejects.toThrow('ENOTFOUND');
  });

  test('gives everything where private targets are allowed', async () => {
    expect(await lookup(async () => ['127.0.0.1'], true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });
});

describe('calls', () => {
  let receiver: Receiver;
  let port: string;
  let silent: Server;
  let guarded: GuardedAgent;
  let open: GuardedAgent;

  beforeAll(async () => {
    receiver = await startReceiver();
    ({ port } = new URL(receiver.url));
    silent = createServer((socket) => void socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    guarded = new GuardedAgent({ allowPrivate: false, resolve: async () => ['127.0.0.1'] });
    open = new GuardedAgent({ allowPrivate: true });
  });
  afterAll(async () => {
    await guarded.onApplicationShutdown();
    await open.onApplicationShutdown();
    await receiver.close();
    await new Promise((resolve) => silent.close(resolve));
  });

  test.each([
    ['a literal address', (at: string) => `http://127.0.0.1:${at}/`],
    ['a decimal address', (at: string) => `http://2130706433:${at}/`],
    ['a mapped address', (at: string) => `http://[::ffff:127.0.0.1]:${at}/`],
    ['a name that resolves to a private address', (at: string) => `http://hooks.example:${at}/`],
    ['https to such a name', (at: string) => `https://hooks.example:${at}/`],
  ])('%s on this machine is refused before anything is sent', async (_what, url) => {
    const before = receiver.requests.length;
    await expect(guarded.call({ ...CALL, url: url(port) })).rejects.toThrow(/may not be called/);
    expect(receiver.requests).toHaveLength(before);
  });

  test('a name that turns private after the first call is refused then', async () => {
    let answers = 0;
    const turning = new GuardedAgent({
      allowPrivate: false,
      resolve: async () => (answers++ === 0 ? Promise.reject(new Error('not yet')) : ['127.0.0.1']),
    });
    await expect(turning.call({ ...CALL, url: `http://hooks.example:${port}/` })).rejects.toThrow('not yet');
    await expect(turning.call({ ...CALL, url: `http://hooks.example:${port}/` })).rejects.toThrow(
      /may not be called/,
    );
    await turning.onApplicationShutdown();
  });

  test('a name is asked for once a connection: what was checked is what is called', async () => {
    let asked = 0;
    const counting = new GuardedAgent({
      allowPrivate: true,
      resolve: async () => {
        asked += 1;
        return ['127.0.0.1'];
      },
    });
    const answer = await counting.call({ ...CALL, url: `http://hooks.example:${port}/` });
    expect([answer.status, asked]).toEqual([200, 1]);
    await counting.onApplicationShutdown();
  });

  test.each(['ftp://example.com/', 'file:///etc/passwd', 'gopher://127.0.0.1/'])(
    '%s is not called',
    async (url) => {
      await expect(open.call({ ...CALL, url })).rejects.toThrow(/not http or https/);
    },
  );

  test('the answer comes with its body, and our name goes with the call', async () => {
    receiver.answer(() => ({ status: 201, headers: { 'x-test': 'yes' }, body: 'thanks' }));
    const answer = await open.call({ ...CALL, url: `${receiver.url}/a?b=1`, headers: { 'x-mine': '1' } });
    expect(answer).toMatchObject({ status: 201, complete: true, headers: { 'x-test': 'yes' } });
    expect(answer.body.toString()).toBe('thanks');
    expect(receiver.requests.at(-1)).toMatchObject({ method: 'POST', path: '/a?b=1', body: '{}' });
    expect(receiver.requests.at(-1)?.headers).toMatchObject({
      'user-agent': expect.stringMatching(/^Parley\/\d+\.\d+\.\d+$/),
      'x-mine': '1',
    });
  });

  test('a redirect is an answer, and is not followed', async () => {
    receiver.answer(() => ({ status: 302, headers: { location: `${receiver.url}/elsewhere` } }));
    const before = receiver.requests.length;
    expect((await open.call({ ...CALL, url: receiver.url })).status).toBe(302);
    expect(receiver.requests).toHaveLength(before + 1);
  });

  test('an endless answer is cut at the limit and its socket closed', async () => {
    const closed = new Promise<void>((resolve) => {
      receiver.answer((_request, response) => {
        response.writeHead(200);
        const drop = setInterval(() => response.write(Buffer.alloc(4_096, 'x')), 1);
        response.on('close', () => {
          clearInterval(drop);
          resolve();
        });
      });
    });
    const answer = await open.call({ ...CALL, url: receiver.url });
    expect([answer.status, answer.body.length, answer.complete]).toEqual([200, CALL.limit, false]);
    await closed;
  });

  test('an answer that drips ends with the time, and its status counts', async () => {
    receiver.answer((_request, response) => {
      response.writeHead(204 + 1);
      response.write('a');
    });
    const answer = await open.call({ ...CALL, url: receiver.url, timeout: 400 });
    expect([answer.status, answer.body.toString(), answer.complete]).toEqual([205, 'a', false]);
  });

  test('no answer in time is an error that says so', async () => {
    receiver.answer(() => undefined);
    await expect(open.call({ ...CALL, url: receiver.url, timeout: 300 })).rejects.toThrow(
      'no answer within 0.3 s',
    );
  });

  test('a connection that is not made in 3 seconds is given up, with all of the call still to go', async () => {
    const { port: deaf } = silent.address() as AddressInfo;
    const started = Date.now();
    await expect(open.call({ ...CALL, url: `https://127.0.0.1:${deaf}/`, timeout: 15_000 })).rejects.toThrow(
      'no connection within 3 s',
    );
    expect(Date.now() - started).toBeGreaterThan(2_900);
    expect(Date.now() - started).toBeLessThan(12_000);
  });

  test('a refused connection and a reset are errors', async () => {
    receiver.answer((_request, response) => void response.destroy());
    await expect(open.call({ ...CALL, url: receiver.url })).rejects.toThrow(OutboundError);
    await expect(open.call({ ...CALL, url: 'http://127.0.0.1:2/' })).rejects.toThrow(/ECONNREFUSED/);
  });

  test('the caller can end a call, and gets its own reason', async () => {
    receiver.answer(() => undefined);
    const stop = new AbortController();
    const before = receiver.requests.length;
    const call = open.call({ ...CALL, url: receiver.url, signal: stop.signal });
    await receiver.waitFor((requests) => requests.length > before);
    stop.abort(new Error('closing'));
    await expect(call).rejects.toThrow('closing');
  });
});
