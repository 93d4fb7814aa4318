/** Figures of one line of the table. */
export interface Result {
  name: string;
  unit: 'req/s' | 'msg/s' | 'ms' | 'bytes';
  /** Medians over the rounds; null where there is nothing to compare with. */
  parley: number;
  baseline: number | null;
  /** parley / baseline. */
  ratio: number | null;
  /** What each round gave, in order. */
  rounds: { parley: number; baseline: number | null }[];
}

export const ROUNDS = 3;

/**
 * Measures the contestants in turn, so that what disturbs the machine for a while disturbs them alike. A first turn warms them up
 * and does not count; `warmedUp` runs after it.
 */
export async function inTurn<Name extends string>(
  contestants: Record<Name, () => Promise<number>>,
  warmedUp?: () => Promise<void>,
): Promise<Record<Name, number[]>> {
  const entries = Object.entries(contestants) as [Name, () => Promise<number>][];
  const figures = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of entries) {
      const figure = await run();
      if (round > 0) figures[name].push(figure);
    }
    if (round === 0) await warmedUp?.();
  }
  return figures;
}

export function resultOf(
  name: string,
  unit: Result['unit'],
  figures: { parley: number[]; baseline: number[] },
): Result & { baseline: number; ratio: number } {
  const parley = median(figures.parley);
  const baseline = median(figures.baseline);
  return {
    name,
    unit,
    parley,
    baseline,
    ratio: parley / baseline,
    rounds: figures.parley.map((figure, round) => ({
      parley: figure,
      baseline: figures.baseline[round] ?? NaN,
    })),
  };
}

/** Of what has no baseline. */
export function figureOf(name: string, unit: Result['unit'], figures: readonly number[]): Result {
  const rounds = figures.map((parley) => ({ parley, baseline: null }));
  return { name, unit, parley: median(figures), baseline: null, ratio: null, rounds };
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Makes calls over and over in each of `lanes`, one after the other, for `seconds`, then lets what is in flight end. Calls per second. */
export async function throughput<Lane>(
  lanes: readonly Lane[],
  seconds: number,
  call: (lane: Lane) => Promise<void>,
): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let calls = 0;
  await Promise.all(
    lanes.map(async (lane) => {
      while (performance.now() < until) {
        await call(lane);
        calls += 1;
      }
    }),
  );
  return calls / ((performance.now() - began) / 1000);
}

/** Median time of `call`, in ms, when it is made over and over for `seconds`, one after the other. */
export async function latency(seconds: number, call: () => Promise<unknown>): Promise<number> {
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  for (let began = performance.now(); began < until; began = performance.now()) {
    await call();
    times.push(performance.now() - began);
  }
  return median(times);
}
