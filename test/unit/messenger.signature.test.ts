import { describe, expect, test } from 'vitest';
import { isSigned } from '../../src/messenger/signature.js';

/** Test case 2 of RFC 4231 and RFC 2202. */
const SECRET = 'Jefe';
const BODY = Buffer.from('what do ya want for nothing?');
const SHA256 = 'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
const SHA1 = 'sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79';

describe('isSigned', () => {
  test.each<[string, { sha256?: string; sha1?: string }, boolean]>([
    ['a SHA-256 signature is enough', { sha256: SHA256 }, true],
    [
      'upper-case hex is the same',
      { sha256: SHA256.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase()) },
      true,
    ],
    ['a SHA-1 signature counts where the newer one is missing', { sha1: SHA1 }, true],
    ['both together are fine', { sha256: SHA256, sha1: SHA1 }, true],
    [
      'a wrong SHA-256 signature is not saved by SHA-1',
      { sha256: SHA256.replace('5b', '5c'), sha1: SHA1 },
      false,
    ],
    ['a wrong SHA-256 signature is refused', { sha256: SHA256.replace(/3$/, '4') }, false],
    ['a wrong SHA-1 signature is refused', { sha1: SHA1.replace(/9$/, '8') }, false],
    ['no signature is refused', {}, false],
    ['an empty header is refused', { sha256: '' }, false],
    ['hex without its prefix is refused', { sha256: SHA256.slice('sha256='.length) }, false],
    ['a signature cut short is refused', { sha256: SHA256.slice(0, -2) }, false],
    ['a signature with a tail is refused', { sha256: `${SHA256}00` }, false],
    ['letters that are not hex are refused', { sha256: SHA256.replace('5b', 'zz') }, false],
    ['one algorithm does not stand in for the other', { sha256: SHA1 }, false],
  ])('%s', (_sentence, headers, expected) => {
    expect(isSigned(BODY, headers, SECRET)).toBe(expected);
  });

  test('another body or another secret is refused', () => {
    expect(isSigned(Buffer.from('what do ya want for nothing!'), { sha256: SHA256 }, SECRET)).toBe(false);
    expect(isSigned(BODY, { sha256: SHA256 }, 'jefe')).toBe(false);
  });

  test('bytes that are not UTF-8 are signed as they are', () => {
    const header = { sha256: 'sha256=e6ad9c0c1131666c769e3bf38fe31e9afc54427252980239c45ec9c5a7290731' };
    expect(isSigned(Buffer.from([0xff, 0xfe, 0x00]), header, 'k')).toBe(true);
  });
});
