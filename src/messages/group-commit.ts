import { DomainError } from '../errors.js';

export interface GroupCommitOptions {
  /** Most items that share a transaction. */
  batch: number;
  /** Transactions at the same time. */
  inFlight: number;
  /** Most items that may wait; past it they are refused at once. */
  waiting: number;
}

interface Waiting<T, R> {
  item: T;
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
  private readonly queue: Waiting<T, R>[] = [];
  private running = 0;

  constructor(
    /** Commits a batch, all or nothing; one result an item, in order. */
    private readonly commit: (items: T[]) => Promise<R[]>,
    /** Whether an error says that the database is away, so that trying halves would be in vain. */
    private readonly unavailable: (error: unknown) => boolean,
    private readonly options: GroupCommitOptions,
  ) {}

  /** @throws DomainError UNAVAILABLE when too much waits, or the database is away; otherwise what the item's own commit threw. */
  submit(item: T): Promise<R> {
    if (this.queue.length >= this.options.waiting) {
      return Promise.reject(
        new DomainError('UNAVAILABLE', 'too many requests are waiting to be stored, try again in a moment'),
      );
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.pump();
    });
  }

  private pump(): void {
    while (this.running < this.options.inFlight && this.queue.length > 0) {
      const batch = this.queue.splice(0, this.options.batch);
      this.running += 1;
      void this.run(batch).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
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
