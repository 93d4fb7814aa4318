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

/** A connection that prepares the statements marked so. */
export class PreparingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const query: Query = (...args) => (pg.Client.prototype.query as Query).apply(this, args);
    /** Part of the names: what is outdated is prepared again under another. */
    let generation = 0;
    const preparing = async (text: unknown, values: unknown, ...rest: unknown[]): Promise<unknown> => {
      const name = names.get(text as string);
      // With a callback it is the pool that asks, and that has nothing of ours.
      if (name === undefined || rest.length > 0) return query(text, values, ...rest);
      try {
        return await query({ name: `${name}_${generation}`, text, values });
      } catch (error) {
        if (isOutdatedPlan(error)) generation += 1;
        throw error;
      }
    };
    this.query = preparing as pg.Client['query'];
  }
}
