const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Letters and signs of which two, one after the other, are always two characters: no marks, joiners, flags or jamo. */
const PLAIN =
  /[\u0400-\u0481\u05d0-\u05ea\u0621-\u064a\u0e01-\u0e30\u2010-\u2027\u3000-\u3020\u3041-\u3094\u30a1-\u30fa\u3400-\u9fff\uac00-\ud7a3\uff01-\uff5e]/;
const SPACE = /\s/;
const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/g;
const SENTENCE_END = /[.!?…。！？]["'”’»)\]]*$/;
/** Ends of sentences in scripts that write no space after them. */
const FULL_STOP = /[。！？]/;
const LINK_AT_END = /(?:https?:\/\/|www\.)[^\s。！？、，」』）】》]*$/i;
/** The beginning of a text in at most `limit` UTF-16 units, ending in `…` when something was cut. */
export function cutText(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, lastEnd(text, 0, limit - 1)).trimEnd()}…`;
}

/**
 * Splits a text into pieces of at most `limit` UTF-16 units: after a paragraph, a line or a sentence where that leaves a
 * piece at least half full, else after a word, and where there are no words between two characters as people see them, not
 * inside a link. White space at the breaks is dropped, nothing else. A link or character longer than a piece is cut.
 */
export function splitText(text: string, limit: number): string[] {
  return text.length <= limit ? [text] : split(text, limit).map(({ start, end }) => text.slice(start, end));
}

/** Like `splitText`, but the last piece has at most `tail` units. */
export function splitTail(text: string, limit: number, tail: number): { head: string[]; last: string } {
  if (text.length <= tail) return { head: [], last: text };
  const spans = split(text, tail);
  const last = spans.pop() ?? { start: 0, end: 0 };
  const head = text.slice(0, spans.at(-1)?.end ?? 0);
  return { head: head === '' ? [] : splitText(head, limit), last: text.slice(last.start, last.end) };
}

interface Span {
  start: number;
  end: number;
}

/** Where a text may end: `at` and `next` bound the white space that a break there drops. */
interface Break {
  at: number;
  next: number;
}

function split(text: string, limit: number): Span[] {
  const trimmed = text.trimEnd().length;
  const end = isEnd(text, trimmed) ? trimmed : text.length;
  const spans: Span[] = [];
  let start = dropped(text, 0, spaceEnd(text, 0));
  while (end - start > limit) {
    const place = softBreak(text, start, limit) ?? hardBreak(text, start, limit);
    spans.push({ start, end: place.at });
    start = place.next;
  }
  if (start < end) spans.push({ start, end });
  return spans;
}

/** Backwards from the limit: the best break of the second half, else the last of all. */
function softBreak(text: string, start: number, limit: number): Break | undefined {
  const half = start + limit / 2;
  let best: Break | undefined;
  let bestRank = -1;
  for (let at = start + limit; at > start; at--) {
    if (at < half && best) return best;
    const space = isSpace(text, at);
    if (space ? isSpace(text, at - 1) : !FULL_STOP.test(text[at - 1] ?? '')) continue;
    const end = spaceEnd(text, at);
    const rank = rankOf(text, at, end);
    if (rank <= bestRank || !isEnd(text, at)) continue;
    best = { at, next: dropped(text, at, end) };
    bestRank = rank;
    if (rank === 3) return best;
  }
  return best;
}

function hardBreak(text: string, start: number, limit: number): Break {
  const last = lastEnd(text, start, start + limit);
  const [link] = LINK_AT_END.exec(text.slice(start, last)) ?? [''];
  const before = last - link.length;
  const at = link !== '' && before > start && isEnd(text, before) ? before : last;
  return { at, next: at };
}

function spaceEnd(text: string, at: number): number {
  let end = at;
  while (isSpace(text, end)) end++;
  return end;
}

/** Where the text goes on after white space; a last space that bears an accent stays with it. */
function dropped(text: string, at: number, end: number): number {
  return end === at || isEnd(text, end) ? end : end - 1;
}

/** 3 ends a paragraph, 2 a line, 1 a sentence, 0 a word. */
function rankOf(text: string, at: number, next: number): number {
  if (next > at + 1 || text.charCodeAt(at) !== 32) {
    const lines = text.slice(at, next).match(LINE_ENDS)?.length ?? 0;
    if (lines > 0) return Math.min(lines, 2) + 1;
  }
  const before = text.charCodeAt(at - 1) | 32;
  // Most words end in a letter.
  if (before >= 97 && before <= 122) return 0;
  return SENTENCE_END.test(text.slice(Math.max(0, at - 4), at)) ? 1 : 0;
}

/**
 * The last end of a character, as people see it, after `from` and up to `to`. One that is longer than that (stacked accents) is
 * opened between two code points.
 */
function lastEnd(text: string, from: number, to: number): number {
  const end = endUpTo(text, from, to);
  if (end > from) return end;
  const halves = to - 1 > from && /[\ud800-\udbff]/.test(text[to - 1] ?? '');
  return halves ? to - 1 : to;
}

function isEnd(text: string, place: number): boolean {
  return endUpTo(text, 0, place) === place;
}

/** Segments no more of the text than it takes: from a plain letter that ends before the place. At most `from` when there is no end. */
function endUpTo(text: string, from: number, to: number): number {
  if (to <= from || to >= text.length) return to;
  if (isPlain(text, to - 1) && isPlain(text, to) && !(text[to - 1] === '\r' && text[to] === '\n')) return to;
  let anchor = to - 1;
  let last = 0;
  while (last === 0 && anchor > from) {
    do anchor--;
    while (anchor > from && !isPlain(text, anchor));
    for (const { index } of segmenter.segment(text.slice(anchor, to + 2))) {
      if (anchor + index > to) break;
      last = index;
    }
  }
  return anchor + last;
}

function isPlain(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 0x300 || PLAIN.test(text[at] ?? '');
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || (code < 128 ? code >= 9 && code <= 13 : SPACE.test(text[at] ?? ''));
}
