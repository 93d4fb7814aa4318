import { setTimeout as delay } from 'node:timers/promises';
import { stopChildren } from './child.js';
import { Crowd } from './crowd.js';
import type { Machine } from './machine.js';
import { figureOf, type Result, ROUNDS } from './measure.js';
import { residentOfService } from './memory.js';

const SUBSCRIPTIONS = 1_000;
const SAMPLE_MS = 500;
/** Samples in a row that differ by no more than this are rest. */
const CALM = 6;
const SLACK = 1024 * 1024;
const MOST_SAMPLES = 60;

/** What the service holds when nothing happens, and by how much each subscription that waits adds to it. */
export async function memory(machine: Machine): Promise<Result[]> {
  const [rest, each]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    // A process of its own each time: what one has taken from the system it does not give back at once.
    const parley = await machine.parley(`memory_${round}`);
    const appId = await parley.createApp();
    const before = await settled();
    const crowd = await Crowd.ofInbox(parley, appId, SUBSCRIPTIONS);
    const after = await settled();
    crowd.disperse();
    await stopChildren();
    rest.push(before);
    each.push((after - before) / SUBSCRIPTIONS);
  }
  return [figureOf('memory-subscription', 'bytes', each), figureOf('memory-rest', 'bytes', rest)];
}

/** Resident bytes once they have been much the same for some seconds. */
async function settled(): Promise<number> {
  let recent: number[] = [];
  for (let sample = 0; sample < MOST_SAMPLES; sample++) {
    recent = [...recent.slice(1 - CALM), residentOfService()];
    if (recent.length === CALM && Math.max(...recent) - Math.min(...recent) <= SLACK) break;
    await delay(SAMPLE_MS);
  }
  return recent.at(-1) ?? NaN;
}
