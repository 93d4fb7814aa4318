import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from './measure.js';

const HEADER = `
Medians of interleaved rounds; in brackets the least and the most of them. The ratio is parley / baseline:
req/s and msg/s are throughput, more is better; ms is the median time of a request, bytes are memory, less is better.
`;

export function printTable(results: readonly Result[]): void {
  const rows = [
    ['name', 'parley', 'baseline', 'ratio'],
    ...results.map(({ name, unit, rounds, ...result }) => [
      name,
      figures(
        result.parley,
        rounds.map((round) => round.parley),
        unit,
      ),
      result.baseline === null
        ? ''
        : figures(
            result.baseline,
            rounds.flatMap((round) => round.baseline ?? []),
            unit,
          ),
      result.ratio?.toFixed(2) ?? '',
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log(HEADER);
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(' | ')
        .trimEnd(),
    );
}

/** Writes `bench.json` into `folder`; lines that were not measured this time are left out. */
export async function writeResults(folder: string, results: readonly Result[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'bench.json');
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}

function figures(middle: number, rounds: readonly number[], unit: Result['unit']): string {
  const text = (value: number): string => value.toFixed(unit === 'ms' ? 2 : 0);
  return `${text(middle)} ${unit} (${text(Math.min(...rounds))} to ${text(Math.max(...rounds))})`;
}
