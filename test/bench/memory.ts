import { readFileSync } from 'node:fs';

/** How many samples a run takes. */
export const SAMPLES = 20;
/** What caches and the heap's own slack may add after the first fifths. */
const MOST_GROWTH = 128 * 1024 * 1024;

/** Bytes that the service's process holds, by Linux's own books; NaN elsewhere. */
export function residentOfService(): number {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
      .trim()
      .split(' ');
    const service = children.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/src/main.js'),
    );
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return NaN;
  }
}

/** Whether a process grows with what it has read. */
export class Memory {
  private readonly samples: number[] = [];

  constructor(
    private readonly of: string,
    private readonly resident: () => number,
  ) {}

  sample(): void {
    this.samples.push(this.resident());
    console.log(
      `${this.of}: ${this.samples.length * (100 / SAMPLES)}%, ${megabytes(this.samples.at(-1))} MB`,
    );
  }

  /** @throws Error when the last fifth held much more than the second, by when everything is warm. */
  check(): void {
    const fifth = Math.floor(this.samples.length / 5);
    const early = Math.max(...this.samples.slice(fifth, 2 * fifth));
    const late = Math.min(...this.samples.slice(-fifth));
    if (late > early + MOST_GROWTH)
      throw new Error(`${this.of}: grew from ${megabytes(early)} to ${megabytes(late)} MB`);
  }
}

function megabytes(bytes = NaN): number {
  return Math.round(bytes / 1024 / 1024);
}
