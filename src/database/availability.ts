/** Classes and codes of SQLSTATE that mean the server is away or going: connection (08), operator intervention (57P), resources (53). */
const AWAY = /^(08|53|57P)/;
const SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

/** Whether an error of a query says that the database cannot be reached, rather than that the query is wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return AWAY.test(code) || SOCKET.has(code);
  // TypeORM releases the runner of a connection that was cut, and then only says so.
  return /connection terminated|timeout exceeded when trying to connect|connection timeout|not queryable|already released/i.test(
    error.message,
  );
}
