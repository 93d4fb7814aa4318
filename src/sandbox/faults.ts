import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { badParam, GraphError } from './graph.error.js';
import { anyText, boolean, integer, shape, oneOf, text } from './judge/rules.js';
import type { Accepted } from './judge/rules.js';

export const fault = shape(
  { kind: oneOf('graph_error', 'http', 'slow', 'drop', 'drop_after_accept') },
  {
    count: integer(1, 1_000_000),
    error: shape(
      { code: integer(-1, 10_000_000) },
      { error_subcode: integer(0, 10_000_000), message: anyText, is_transient: boolean },
    ),
    status: integer(200, 599),
    body: text(10_000, 0),
    delay_ms: integer(0, 120_000),
    path: anyText,
    page_id: anyText,
  },
);

type NewFault = Accepted<typeof fault>;
export type Fault = NewFault & { count: number };

/** Faults that wait for the next Graph calls. */
@Injectable()
export class Faults implements OnModuleDestroy {
  private waiting: Fault[] = [];
  private readonly stopped = new AbortController();

  /** Slow answers must not hold up a shutdown. */
  onModuleDestroy(): void {
    this.stopped.abort();
  }

  async pause(delay: number): Promise<void> {
    await sleep(delay, undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }

  list(): Fault[] {
    return this.waiting;
  }

  add(next: NewFault): Fault {
    if (next.kind === 'graph_error' && !next.error)
      throw new GraphError(badParam('The parameter error is required'));
    if (this.waiting.length >= 1_000) throw new GraphError(badParam('Too many faults are waiting'));
    const added = { ...next, count: next.count ?? 1 };
    this.waiting.push(added);
    return added;
  }

  /** Takes one use of the oldest fault meant for this call. */
  take(path: string[], pageId: string | undefined): Fault | undefined {
    const found = this.waiting.find(
      (each) =>
        (each.path === undefined || aboutPath(path, each.path)) &&
        (each.page_id === undefined || each.page_id === pageId),
    );
    if (found && --found.count === 0) this.waiting = this.waiting.filter((each) => each !== found);
    return found;
  }

  clear(): void {
    this.waiting = [];
  }
}

/** Whether a Graph path such as `["123", "messages"]` begins with `prefix`, taken whole or from its edge on. */
export function aboutPath(path: string[], prefix: string): boolean {
  const wanted = prefix.replace(/^\//, '');
  return path.join('/').startsWith(wanted) || path.slice(1).join('/').startsWith(wanted);
}
