import { ParleyContestant } from './ingest.js';
import type { Machine } from './machine.js';
import { inTurn, type Result, resultOf } from './measure.js';

/** Somebody who never wrote before, so that Graph is asked who they are. */
const strangerAt = (turn: number): string => String(7_500_000_000_000_000 + turn);

/** Webhooks of new people only, while Graph takes 80 ms to tell who they are, or does not answer. The baseline is Parley itself with a fast one. */
export async function ingestGraph(machine: Machine): Promise<Result[]> {
  const start = (graph: 'ok' | 'slow' | 'down'): Promise<ParleyContestant> =>
    ParleyContestant.start(machine, `ingest_graph_${graph}`, 'api,worker', { graph, personAt: strangerAt });
  const [ok, slow, down] = [await start('ok'), await start('slow'), await start('down')];
  const figures = await inTurn({ ok: () => ok.run(), slow: () => slow.run(), down: () => down.run() }, () =>
    machine.analyze([ok, slow, down].map(({ parley }) => parley.databaseUrl)),
  );
  return [
    resultOf('ingest-graph-80ms', 'req/s', { parley: figures.slow, baseline: figures.ok }),
    resultOf('ingest-graph-down', 'req/s', { parley: figures.down, baseline: figures.ok }),
  ];
}
