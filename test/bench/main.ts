// npm run bench [-- names…]: measures Parley beside bare baselines, on a Postgres of this run's own.
import { resolve } from 'node:path';
import { childDied, lastOutput } from './child.js';
import { fanOut } from './fan-out.js';
import { grpcStream, grpcStreamMillion } from './grpc-stream.js';
import { grpcUnary } from './grpc-unary.js';
import { inboxPage } from './inbox-page.js';
import { ingest } from './ingest.js';
import { ingestGraph } from './ingest-graph.js';
import { Machine } from './machine.js';
import type { Result } from './measure.js';
import { printTable, writeResults } from './report.js';
import { memory } from './resident.js';
import { sendE2e } from './send-e2e.js';
import { transcode } from './transcode.js';
import { webhooks } from './webhooks.js';

const BENCHMARKS: Readonly<Record<string, (machine: Machine) => Promise<Result[]>>> = {
  ingest,
  'ingest-graph': ingestGraph,
  'grpc-unary': grpcUnary,
  'grpc-stream': grpcStream,
  'grpc-stream-million': grpcStreamMillion,
  'send-e2e': sendE2e,
  'inbox-page': inboxPage,
  'fan-out': fanOut,
  memory,
  transcode,
  webhooks,
};

const known = Object.keys(BENCHMARKS);
/** By name only: it takes the better part of an hour. */
const ON_DEMAND = 'grpc-stream-million';
const names = process.argv.slice(2);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exit(2);
}

const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => reject(new Error(`stopped by ${signal}`)));
});

let machine: Machine | undefined;
let status = 0;
try {
  await Promise.race([
    run(names.length > 0 ? names : known.filter((name) => name !== ON_DEMAND)),
    interrupted,
    childDied,
  ]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(lastOutput());
  status = 1;
}
await machine?.stop();
process.exit(status);

async function run(chosen: readonly string[]): Promise<void> {
  const results: Result[] = [];
  for (const name of chosen) {
    console.log(`${name} …`);
    // Each on a Postgres of its own, so that none finds another's dirt.
    machine = await Machine.start();
    results.push(...((await BENCHMARKS[name]?.(machine)) ?? []));
    await machine.stop();
  }
  printTable(results);
  const file = await writeResults(resolve(process.env.PARLEY_DATA_DIR ?? '.data'), results);
  console.log(`\nWritten to ${file}`);
}
