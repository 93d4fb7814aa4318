// What the baselines' servers share: the pool, as large as Parley's.
import pg from 'pg';

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
