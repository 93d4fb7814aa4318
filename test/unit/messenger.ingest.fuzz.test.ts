// Damaged webhooks at the level of the parser: 20,000 in a normal run. `npm run fuzz` reads a million.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faultIn } from '../support/damaged-callbacks.js';
import { pick, seeded } from '../support/mutate.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 4_130_007);
const FIXTURES = join(import.meta.dirname, '../fixtures/messenger');
const fixtures = readdirSync(FIXTURES).map((file) => readFileSync(join(FIXTURES, file), 'utf8'));

describe(`damaged callbacks (seed ${SEED})`, () => {
  test(
    `${RUNS} of them give whole events and cost their neighbours nothing`,
    { timeout: 60_000 + RUNS },
    () => {
      const faults: string[] = [];
      for (let run = 0; run < RUNS && faults.length < 5; run++) {
        const random = seeded(SEED + run);
        const fault = faultIn(random, pick(random, fixtures));
        if (fault !== null) faults.push(`FUZZ_SEED=${SEED + run} FUZZ_RUNS=1: ${fault}`);
      }
      expect(faults).toEqual([]);
    },
  );
});
