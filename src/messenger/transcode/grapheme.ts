const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Where a text may end: `at` and `next` bound the white space that a break there drops. */
interface Break {
  at: number;
  next: number;
  /** 3 ends a paragraph, 2 a line, 1 a sentence, 0 a word. */
  rank: number;
}

interface Span {
  start: number;
  end: number;
}

/** The beginning of a text in at most `limit` UTF-16 units, ending in `…` when something was cut. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const kept = boundaries(text, limit - 1).findLast((offset) => offset < limit) ?? 0;
  return `${text.slice(0, kept).trimEnd()}…`;
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

function split(text: string, limit: number): Span[] {
  const offsets = boundaries(text, limit);
  const breaks = breaksOf(text, new Set(offsets));
  const links = [...text.matchAll(/(?:https?:\/\/|www\.)\S+/gi)].map(({ index, 0: link }) => ({
    start: index,
    end: index + link.length,
  }));
  const last = breaks.at(-1);
  const end = last?.next === text.length ? last.at : text.length;
  const spans: Span[] = [];
  let start = breaks[0]?.at === 0 ? breaks[0].next : 0;
  while (end - start > limit) {
    const place = softBreak(breaks, start, limit) ?? hardBreak(offsets, links, start, limit);
    spans.push({ start, end: place.at });
    start = place.next;
  }
  if (start < end) spans.push({ start, end });
  return spans;
}

function softBreak(breaks: Break[], start: number, limit: number): Break | undefined {
  const at = (place: Break): number => place.at;
  const fitting = breaks.slice(countUpTo(breaks, start, at), countUpTo(breaks, start + limit, at));
  for (const rank of [3, 2, 1]) {
    const found = fitting.findLast((place) => place.rank >= rank && place.at >= start + limit / 2);
    if (found) return found;
  }
  return fitting.at(-1);
}

function hardBreak(
  offsets: number[],
  links: Span[],
  start: number,
  limit: number,
): Pick<Break, 'at' | 'next'> {
  const lastUpTo = (place: number): number => offsets[countUpTo(offsets, place, Number) - 1] ?? place;
  const last = lastUpTo(start + limit);
  const link = links[countUpTo(links, last - 1, (span) => span.start) - 1];
  const splits = link !== undefined && last < link.end && link.start > start;
  const at = splits && lastUpTo(link.start) === link.start ? link.start : last;
  return { at, next: at };
}

/** How many of the items, which stand in order, lie at or before a place. */
function countUpTo<T>(items: T[], place: number, at: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(items[middle] as T) <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Runs of white space, and the ends of sentences in scripts that write none. */
function breaksOf(text: string, offsets: Set<number>): Break[] {
  return [...text.matchAll(/\s+|(?<=[。！？])(?!\s)/g)]
    .map(({ index: at, 0: space }) => {
      const end = at + space.length;
      // The last space may bear an accent, and stays with it.
      return { at, next: offsets.has(end) ? end : end - 1, rank: rankOf(text, at, space) };
    })
    .filter(({ at, next }) => at <= next && offsets.has(at) && offsets.has(next));
}

function rankOf(text: string, index: number, space: string): number {
  const lines = space.split(/\r\n|[\n\r\u2028\u2029]/).length - 1;
  if (lines > 0) return Math.min(lines, 2) + 1;
  return /[.!?…。！？]["'”’»)\]]*$/.test(text.slice(Math.max(0, index - 4), index)) ? 1 : 0;
}

/** Offsets between two characters as people see them; one longer than `limit` (stacked accents) is opened. */
function boundaries(text: string, limit: number): number[] {
  const offsets: number[] = [];
  for (const { segment, index } of segmenter.segment(text)) {
    offsets.push(index);
    if (segment.length <= limit) continue;
    let offset = index;
    for (const point of segment) {
      if (offset > index) offsets.push(offset);
      offset += point.length;
    }
  }
  offsets.push(text.length);
  return offsets;
}
