// Where the answer to each reported failure stands: in tests, by file and title, or in a reason why there is none.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** File and the beginning of a title, as many as it takes; a plain text is the reason for what nothing shows. */
export type Answered = readonly (readonly [file: string, title: string] | string)[];

/** The titles that their file does not have, and numbers that nothing stands for. */
export function missing(lessons: Readonly<Record<number, Answered>>, from: number, to: number): string[] {
  const lacking: string[] = [];
  for (let number = from; number <= to; number += 1)
    if (!lessons[number]?.length) lacking.push(`${number}: nothing`);
  for (const [number, answered] of Object.entries(lessons))
    for (const answer of answered) {
      if (typeof answer === 'string') continue;
      const [file, title] = answer;
      if (!hasTest(join(ROOT, file), title)) lacking.push(`${number}: ${file}: ${title}`);
    }
  return lacking;
}

/** Only as the first argument of a call: a list of titles is no test. */
function hasTest(path: string, title: string): boolean {
  if (!existsSync(path)) return false;
  const source = readFileSync(path, 'utf8').replaceAll(/\(\s+/g, '(');
  return ["'", '"', '`'].some((quote) => source.includes(`(${quote}${title}`));
}
