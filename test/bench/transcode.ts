import { transcode as toMessenger } from '../../src/messenger/transcode/transcode.js';
import type { Machine } from './machine.js';
import { inTurn, resultOf, type Result } from './measure.js';
import { MIX } from './transcode.mix.js';

const SECONDS = 1.5;
const CONTEXT = { messageId: '01JD0000000000000000000000', properties: {} };

/** Generic messages of every kind to Send API bodies, on one core; beside it the cost of copying them by JSON. */
export async function transcode(_machine: Machine): Promise<Result[]> {
  const figures = await inTurn({
    parley: () => rate((message) => toMessenger(message, CONTEXT).payloads.length),
    baseline: () => rate((message) => Object.keys(JSON.parse(JSON.stringify(message)) as object).length),
  });
  return [resultOf('transcode', 'msg/s', figures)];
}

/** Messages per second; `work` gives something to count, so that it cannot be optimised away. */
async function rate(work: (message: (typeof MIX)[number]) => number): Promise<number> {
  const began = performance.now();
  let rounds = 0;
  let counted = 0;
  while (performance.now() - began < SECONDS * 1000) {
    for (const message of MIX) counted += work(message);
    rounds += 1;
    // Interrupts are heard between rounds.
    if (rounds % 1000 === 0) await new Promise(setImmediate);
  }
  if (counted < rounds * MIX.length) throw new Error('transcode: a message gave nothing');
  return (rounds * MIX.length) / ((performance.now() - began) / 1000);
}
