import pg from 'pg';

const names = new Map<string, string>();

/**
 * Marks a statement of a hot path: Postgres reads and plans it once a connection instead of each time. For constant texts only, because a
 * connection keeps what it has prepared.
 */
export function prepared(sql: string): string {
  names.set(sql, `parley_${names.size}`);
  return sql;
}

/** Whether a statement failed only because a migration has changed its tables since it was prepared; it works when it is run again. */
export function isOutdatedPlan(error: unknown): boolean {
  return error instanceof Error && error.message.includes('cached plan must not change result type');
}

type Query = (...args: unknown[]) => Promise<unknown>;

/** A connection that prepares the statements marked so, and makes few packets of what a transaction asks without waiting. */
export class PreparingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const query: Query = (...args) => {
      this.gather();
      return (pg.Client.prototype.query as Query).apply(this, args);
    };
    /** Part of the names: what is outdated is prepared again under another. */
    let generation = 0;
    /** The first error since the transaction began: whoever asks next, at the latest the commit, tells of what nobody waited for. */
    let failure: Error | null = null;
    const preparing = async (text: unknown, values: unknown, ...rest: unknown[]): Promise<unknown> => {
      // With a callback it is the pool that asks, and that has nothing of ours.
      if (rest.length > 0) return query(text, values, ...rest);
      if (text === 'START TRANSACTION') failure = null;
      const name = names.get(text as string);
      try {
        const asked = name === undefined ? [text, values] : [{ name: `${name}_${generation}`, text, values }];
        const result = await query(...asked);
        // Where a statement has failed, Postgres answers COMMIT without an error.
        if (text === 'COMMIT' && (result as pg.QueryResult).command === 'ROLLBACK')
          throw failure ?? rolledBack();
        return result;
      } catch (error) {
        if (name !== undefined && isOutdatedPlan(error)) generation += 1;
        failure ??= error as Error;
        throw isConsequence(error) ? failure : error;
      }
    };
    this.query = preparing as pg.Client['query'];
  }

  /** What is asked in one turn leaves in one packet: each costs Postgres a wake-up, and us the turn of the processor that it takes. */
  private gather(): void {
    const { stream } = this.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }
}

/** After a statement has failed, Postgres refuses the others of its transaction with `in_failed_sql_transaction`: that says nothing of why. */
function isConsequence(error: unknown): boolean {
  return (error as { code?: unknown }).code === '25P02';
}

function rolledBack(): Error {
  return new Error('the transaction was rolled back, because a statement in it failed');
}
