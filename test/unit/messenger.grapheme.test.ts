import { describe, expect, test } from 'vitest';
import { cutText, splitTail, splitText } from '../../src/messenger/transcode/grapheme.js';

describe('splitText', () => {
  test.each<[sentence: string, text: string, limit: number, pieces: string[]]>([
    ['a text that fits stays as it is, white space too', '  a b  ', 7, ['  a b  ']],
    ['a paragraph ends a piece rather than a line', 'aaaaaa\n\nbb\ncc dd', 12, ['aaaaaa', 'bb\ncc dd']],
    ['a line ends a piece rather than a sentence', 'aaaaaa\nb. cc dd', 12, ['aaaaaa', 'b. cc dd']],
    ['a sentence ends a piece rather than a word', 'aaa bb! cc dd ee', 12, ['aaa bb!', 'cc dd ee']],
    ['a closing quote belongs to its sentence', '"aaaa bb." cc dd ee', 14, ['"aaaa bb."', 'cc dd ee']],
    [
      'a paragraph that would leave less than half does not',
      'a\n\nbbbb cccc dddd',
      12,
      ['a\n\nbbbb cccc', 'dddd'],
    ],
    ['words stay whole', 'aaaa bbbb cccc', 10, ['aaaa bbbb', 'cccc']],
    ['a word of the whole limit fits', 'aaaa bbbb', 4, ['aaaa', 'bbbb']],
    ['white space at a break goes, however much', 'aaaa \n  \t bbbb', 6, ['aaaa', 'bbbb']],
    ['white space around goes when the text is split', '  aaaa bbbb  ', 6, ['aaaa', 'bbbb']],
    ['a long word is cut', 'aaaaaaaaaa', 4, ['aaaa', 'aaaa', 'aa']],
    ['a sentence without spaces ends at its full stop', '一二三四五。六七八', 8, ['一二三四五。', '六七八']],
    ['a family of emoji stays together', 'ab👨‍👩‍👧cd', 9, ['ab', '👨‍👩‍👧c', 'd']],
    ['an accent stays on its letter', 'abce\u0301f', 4, ['abc', 'e\u0301f']],
    ['a space that bears an accent stays with it', 'aaaa      \u0301bb', 5, ['aaaa', ' \u0301bb']],
    ['a Windows line end is one', 'aaaa\r\nbbbb', 5, ['aaaa', 'bbbb']],
    ['a link moves as a whole', '看https://a.example/b', 19, ['看', 'https://a.example/b']],
    ['a link longer than a piece is cut', 'https://a.example/bcd', 12, ['https://a.ex', 'ample/bcd']],
    [
      'a character longer than a piece is cut',
      `a${'\u0301'.repeat(6)}`,
      4,
      ['a\u0301\u0301\u0301', '\u0301\u0301\u0301'],
    ],
    ['nothing but white space leaves nothing', ' '.repeat(9), 4, []],
  ])('%s', (_sentence, text, limit, pieces) => {
    expect(splitText(text, limit)).toEqual(pieces);
  });

  test('a tail has its own limit, what is before it the other', () => {
    expect(splitTail('aaaa bbbb', 20, 9)).toEqual({ head: [], last: 'aaaa bbbb' });
    expect(splitTail('aaaa bbbb cccc dddd', 20, 9)).toEqual({ head: ['aaaa bbbb'], last: 'cccc dddd' });
    expect(splitTail('aaaa bbbb cccc dddd eeee', 9, 4)).toEqual({
      head: ['aaaa bbbb', 'cccc dddd'],
      last: 'eeee',
    });
  });

  test.each([
    ['fits', 'aaaa', 4, 'aaaa'],
    ['does not fit', 'aaaaa', 4, 'aaa…'],
    ['ends in a space', 'aa aaa', 4, 'aa…'],
    ['has an emoji at the cut', 'aa🙂a', 4, 'aa…'],
    ['is one long character', `a${'\u0301'.repeat(6)}`, 4, 'a\u0301\u0301…'],
  ])('a text that %s is cut right', (_how, text, limit, expected) => {
    expect(cutText(text, limit)).toBe(expected);
  });
});
