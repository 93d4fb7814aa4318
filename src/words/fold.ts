/** Words longer than this are told apart by their beginning only. In UTF-16 code units. */
const MAX_WORD = 40;
/** Far more than a person says at once; bounds what one message costs. */
const MAX_WORDS = 2_000;
const ASCII = /^[ -~\s]*$/;

/**
 * Marks that people leave out when they search: accents, the points of Hebrew and Arabic. The signs of Indic and Thai vowels and the
 * voicing of kana make other words, so they stay. What only joins, stretches or hides goes, too.
 */
const MARKS = /[[\p{Mn}&&[\p{sc=Zinh}\p{sc=Hebr}\p{sc=Arab}\p{sc=Cyrl}]]--[\u3099\u309a]]|\u0640|\p{Cf}/gv;

/** Letters that Unicode does not take apart into a plain one and a mark. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ŋ: 'n',
  ς: 'σ',
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'g');

/** Scripts that are written without spaces between words. */
const UNSPACED = String.raw`[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmr}\p{scx=Mymr}]`;
const SIGN = new RegExp(String.raw`[[\p{L}\p{N}]&&${UNSPACED}]\p{M}*`, 'gv');
const EMOJI = String.raw`\p{RI}{2}|\p{Extended_Pictographic}`;
const PIECES = new RegExp(
  String.raw`(?<unspaced>(?:${SIGN.source})+)|${EMOJI}|[[\p{L}\p{N}\p{M}]--${UNSPACED}]+`,
  'gv',
);

/** Without case, accents and the differences between forms of one letter. Folding twice changes nothing. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replace(MARKS, '')
    .replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter)
    .normalize('NFC');
}

/**
 * The words of a text, folded, each once, in order. Where a script has no spaces, every two signs that follow each other are one, and
 * the last sign is one by itself: then whatever part of the text is looked for, its beginnings of words are there. An emoji is a word.
 */
export function indexedWords(texts: Iterable<string>): string[] {
  const words = new Set<string>();
  for (const text of texts) {
    for (const { word, signs } of piecesOf(text)) {
      if (signs === null) words.add(word);
      else for (let at = 0; at < signs.length; at += 1) words.add(signs.slice(at, at + 2).join(''));
      if (words.size >= MAX_WORDS) return [...words].slice(0, MAX_WORDS);
    }
  }
  return [...words];
}

/** What has to be there for a text to be found, each once: `prefix` says that the beginning of a word will do. */
export interface Sought {
  word: string;
  prefix: boolean;
}

/** A single letter stands for itself, or half of all words would begin with it; a sign of a script without spaces is a word already. */
export function soughtWords(text: string): Sought[] {
  const sought = new Map<string, Sought>();
  const add = (word: string, prefix: boolean): void => void sought.set(word, { word, prefix });
  for (const { word, signs } of piecesOf(text)) {
    if (signs === null) add(word, [...word].length > 1);
    else if (signs.length === 1) add(word, true);
    else for (let at = 0; at < signs.length - 1; at += 1) add(signs.slice(at, at + 2).join(''), true);
  }
  return [...sought.values()];
}

/** `signs` of a run in a script without spaces, each with its marks; null for a word. */
function* piecesOf(text: string): Generator<{ word: string; signs: string[] | null }> {
  for (const { 0: piece, groups } of fold(text).matchAll(PIECES)) {
    const signs = groups?.unspaced === undefined ? null : (piece.match(SIGN) ?? []).map(cut);
    yield { word: cut(piece), signs };
  }
}

/** Between code points: half of one is no text. */
function cut(word: string): string {
  return word.length > MAX_WORD ? word.slice(0, MAX_WORD).replace(/[\ud800-\udbff]$/, '') : word;
}
