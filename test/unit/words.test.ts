import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, indexedWords, soughtWords } from '../../src/words/fold.js';

/** As the index judges it. */
function finds(text: string, said: string): boolean {
  const words = indexedWords([said]);
  return soughtWords(text).every(({ word, prefix }) =>
    words.some((known) => (prefix ? known.startsWith(word) : known === word)),
  );
}

describe('folding', () => {
  test('folding twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(fold(fold(text))).toBe(fold(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('composed and decomposed, upper and lower case are the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(fold(text.normalize('NFD'))).toBe(fold(text.normalize('NFC')));
        expect(fold(text.normalize('NFKC'))).toBe(fold(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['Grüße aus MÜNCHEN', 'grusse aus munchen'],
    ['Écoutez à Noël', 'ecoutez a noel'],
    ['ISPARTA Işık İstanbul', 'isparta isik istanbul'],
    ['Łódź', 'lodz'],
    ['Καλημέρα ΦΊΛΟΣ', 'καλημερα φιλος'],
    ['Ёлка', 'елка'],
    ['مُحَمَّد', 'محمد'],
    ['أحمد', 'احمد'],
    ['שָׁלוֹם', 'שלום'],
    ['ＡＢＣ　ﾗｰﾒﾝ', 'abc ラーメン'],
    ['soft\u00adhyphen', 'softhyphen'],
  ])('%s is found by %s', (said, text) => {
    expect(finds(text, said)).toBe(true);
    expect(finds(said, text)).toBe(true);
  });

  test.each([
    ['कि', 'की'],
    ['が', 'か'],
    ['ไม้', 'ไหม'],
  ])('signs that make another word stay: %s is not %s', (one, other) => {
    expect(finds(one, other)).toBe(false);
  });
});

describe('words', () => {
  test('whatever part of a text is looked for, the text is found', () => {
    const alphabet = fc.constantFrom(..."abcÄßçİı ΣςдЁ0½ﬁ٣אَّمहकिกี่ນ漢字かガー한글-.,'🍕❤️🇩🇪\u200d  ");
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 60 }), fc.nat(60), fc.nat(30), (letters, from, length) => {
        const said = letters.join('');
        // From the beginning of a word on, or anywhere in scripts without spaces.
        const starts = [...said.matchAll(/(?<=^|\s)\S/gu)].map(({ index }) => index);
        const start = starts[from % Math.max(1, starts.length)] ?? 0;
        const spaced = said.slice(start).split(/\s+/);
        const text = spaced.slice(0, 1 + (length % 4)).join(' ');
        expect(finds(text, said), `${text} in ${said}`).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test('the beginning of a word will do, but a single letter stands for itself', () => {
    expect(finds('avail', 'still available?')).toBe(true);
    expect(finds('vailable', 'still available?')).toBe(false);
    expect(finds('plan b', 'Is there a plan B?')).toBe(true);
    expect(finds('plan a', 'No plan, only apples')).toBe(false);
  });

  test.each([
    ['京都', '東京都に行きます'],
    ['行', '東京都に行きます'],
    ['東京都', '東京都に行きます'],
    ['手机', '我的iPhone手机坏了'],
    ['iphone', '我的iPhone手机坏了'],
    ['ครับ', 'สวัสดีครับ'],
    ['안녕', '안녕하세요'],
    ['နေကောင်း', 'မင်္ဂလာပါ နေကောင်းလား'],
    ['🍕', 'I ❤️ 🍕👍🏽'],
    ['👍', 'I ❤️ 🍕👍🏽'],
    ['🇩🇪', 'aus 🇩🇪🇫🇷'],
  ])('%s is found in %s', (text, said) => {
    expect(finds(text, said)).toBe(true);
  });

  test('a part that is not there is not found in a script without spaces', () => {
    expect(finds('京東', '東京都に行きます')).toBe(false);
    expect(finds('猫', '東京都に行きます')).toBe(false);
  });

  test('what one text costs is bounded', () => {
    const many = Array.from({ length: 30_000 }, (_, index) => `w${index}`).join(' ');
    expect(indexedWords([many])).toHaveLength(2_000);
    for (const text of [
      'x'.repeat(10_000),
      '😀'.repeat(9_000),
      `ก${'\u0e49'.repeat(9_000)}`,
      'é'.repeat(9_000),
    ])
      for (const word of indexedWords([text])) expect(word.length).toBeLessThanOrEqual(40);
    expect(finds(`${'x'.repeat(60)}`, `${'x'.repeat(80)}`)).toBe(true);
  });

  test('words have nothing that the syntax of a query could take for its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        for (const { word } of soughtWords(text)) expect(word).toMatch(/^[^\s'\\:&|!()<>*\0]+$/u);
        for (const word of indexedWords([text])) expect(word.isWellFormed()).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
