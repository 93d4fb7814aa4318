import { DomainError } from '../errors.js';

export interface GroupCommitOptions<T> {
  /** Most weight that shares a transaction; an item above it goes alone. */
  batch: number;
  /** Transactions at the same time. */
  inFlight: number;
  /** Most weight that may wait; past it items are refused at once. */
  waiting: number;
  /** 1 when absent. */
  weigh?: (item: T) => number;
  /** Items of one lane are not in two transactions at the same time, so that they commit in the order they came. */
  laneOf?: (item: T) => string;
}

/** Below it a batch is not divided. */
const LEAST_SHARE = 24;

interface Waiting<T, R> {
  item: T;
  weight: number;
  lane: string | undefined;
  abandoned: () => boolean;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Lets concurrent requests share transactions: whatever waits while a batch commits forms the next batch. There is no timer, so a
 * lone request is not delayed; under load the batches grow by themselves.
 *
 * An item that breaks its batch is found by halving, so that it fails alone.
 */
export class GroupCommit<T, R> {
  private queue: Waiting<T, R>[] = [];
  /** Of what is in the queue. */
  private weight = 0;
  /** The batches that are being committed, and what they weigh. */
  private readonly running = new Map<symbol, number>();
  private readonly busyLanes = new Set<string>();
  private pumpIsDue = false;

  constructor(
    /** Commits a batch, all or nothing; one result an item, in order. */
    private readonly commit: (items: T[]) => Promise<R[]>,
    /** Whether an error says that the database is away, so that trying halves would be in vain. */
    private readonly unavailable: (error: unknown) => boolean,
    private readonly options: GroupCommitOptions<T>,
  ) {}

  /** Whether so much waits that those who can wait with more should. */
  get crowded(): boolean {
    return this.weight > this.options.waiting / 2;
  }

  /**
   * @param abandoned whether nobody waits for the result any more: such an item is not committed unless its batch has begun.
   * @throws DomainError UNAVAILABLE when too much waits, or the database is away; CANCELLED when abandoned; otherwise what the item's own
   *   commit threw.
   */
  submit(item: T, abandoned: () => boolean = never): Promise<R> {
    const weight = this.options.weigh?.(item) ?? 1;
    if (this.isFullFor(weight)) this.dropAbandoned();
    if (this.isFullFor(weight)) {
      return Promise.reject(
        new DomainError('UNAVAILABLE', 'too many requests are waiting to be stored, try again in a moment'),
      );
    }
    const lane = this.options.laneOf?.(item);
    return new Promise((resolve, reject) => {
      this.queue.push({ item, weight, lane, abandoned, resolve, reject });
      this.weight += weight;
      if (lane === undefined || !this.busyLanes.has(lane)) this.pumpSoon();
    });
  }

  private isFullFor(weight: number): boolean {
    return this.weight > 0 && this.weight + weight > this.options.waiting;
  }

  private dropAbandoned(): void {
    this.queue = this.queue.filter((waiting) => !this.isDropped(waiting));
  }

  /** Whether the item was abandoned; then it does not wait any longer. */
  private isDropped({ abandoned, weight, reject }: Waiting<T, R>): boolean {
    if (!abandoned()) return false;
    this.weight -= weight;
    reject(new DomainError('CANCELLED', 'the request was given up before it was stored'));
    return true;
  }

  /** Once all that arrived together is in the queue, so that it shares a batch from the start. */
  private pumpSoon(): void {
    if (this.pumpIsDue) return;
    this.pumpIsDue = true;
    setImmediate(() => {
      this.pumpIsDue = false;
      this.pump();
    });
  }

  /**
   * A batch starts beside a running one only when at least as much waits as the running one took. Otherwise a large batch is
   * accompanied by a stream of single ones, each at the price of a whole transaction.
   */
  private pump(): void {
    while (
      this.running.size < this.options.inFlight &&
      this.weight >= Math.max(0, ...this.running.values())
    ) {
      const batch = this.take();
      if (batch.length === 0) return;
      const lanes = batch.flatMap(({ lane }) => lane ?? []);
      for (const lane of lanes) this.busyLanes.add(lane);
      const run = Symbol();
      this.running.set(
        run,
        batch.reduce((sum, { weight }) => sum + weight, 0),
      );
      void this.run(batch).finally(() => {
        for (const lane of lanes) this.busyLanes.delete(lane);
        this.running.delete(run);
        this.pump();
      });
    }
  }

  /**
   * The most that the next batch takes. What does not fill one is shared between those in flight, so that one is computed here while
   * another is in the database; of little a batch takes all, for each costs a round of statements.
   */
  private get limit(): number {
    const { batch, inFlight } = this.options;
    const all = [...this.running.values()].reduce((sum, weight) => sum + weight, this.weight);
    return all >= batch ? batch : Math.max(LEAST_SHARE, Math.ceil(all / inFlight));
  }

  /** The next batch: the oldest items whose lanes are free. */
  private take(): Waiting<T, R>[] {
    const { limit } = this;
    const batch: Waiting<T, R>[] = [];
    const left: Waiting<T, R>[] = [];
    let weight = 0;
    let looked = 0;
    for (const waiting of this.queue) {
      if (this.isDropped(waiting)) {
        looked += 1;
        continue;
      }
      const blocked = waiting.lane !== undefined && this.busyLanes.has(waiting.lane);
      if (!blocked && weight > 0 && weight + waiting.weight > limit) break;
      looked += 1;
      if (blocked) left.push(waiting);
      else {
        batch.push(waiting);
        weight += waiting.weight;
      }
    }
    this.queue = left.concat(this.queue.slice(looked));
    this.weight -= weight;
    return batch;
  }

  private async run(batch: Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.commit(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => waiting.resolve(results[index] as R));
    } catch (error) {
      if (this.unavailable(error)) {
        const away = new DomainError('UNAVAILABLE', 'the database cannot be reached, try again in a moment');
        batch.forEach((waiting) => waiting.reject(away));
      } else if (batch.length === 1) {
        batch[0]?.reject(error);
      } else {
        const middle = batch.length >> 1;
        await this.run(batch.slice(0, middle));
        await this.run(batch.slice(middle));
      }
    }
  }
}

function never(): boolean {
  return false;
}
