import type { EntityManager } from 'typeorm';

/** Runs a statement and gives its rows with camelCase keys, i.e. in the shape of the entities. */
export async function queryRows<T>(
  tx: Pick<EntityManager, 'query'>,
  sql: string,
  parameters: unknown[] = [],
): Promise<T[]> {
  const result: unknown = await tx.query(sql, parameters);
  // TypeORM answers UPDATE and DELETE with [rows, count], everything else with rows.
  const rows =
    Array.isArray(result) && result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number'
      ? (result[0] as unknown[])
      : result;
  return (rows as Record<string, unknown>[]).map((row) => camelCaseKeys(row) as T);
}

function camelCaseKeys(row: Record<string, unknown>): Record<string, unknown> {
  const renamed: Record<string, unknown> = {};
  for (const key in row) renamed[camelCase(key)] = row[key];
  return renamed;
}

const names = new Map<string, string>();

/** Column names are few and come again with each row. */
function camelCase(name: string): string {
  let renamed = names.get(name);
  if (renamed === undefined) {
    renamed = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    names.set(name, renamed);
  }
  return renamed;
}
