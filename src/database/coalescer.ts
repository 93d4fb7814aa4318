/**
 * Does together what many ask for one by one: while a round runs, what is asked gathers for the next. There is no timer, so a lone
 * request is not delayed. Of two with the same key the later counts.
 */
export class Coalescer<T> {
  private gathered = new Map<string, T>();
  private running: Promise<void> | null = null;

  constructor(
    private readonly work: (gathered: ReadonlyMap<string, T>) => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  add(key: string, value: T): void {
    this.gathered.set(key, value);
    this.running ??= this.run();
  }

  get(key: string): T | undefined {
    return this.gathered.get(key);
  }

  /** When everything asked for so far has been done. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    // The rest of this turn joins the first round.
    await Promise.resolve();
    while (this.gathered.size > 0) {
      const round = this.gathered;
      this.gathered = new Map();
      await this.work(round).catch(this.failed);
    }
    this.running = null;
  }
}
