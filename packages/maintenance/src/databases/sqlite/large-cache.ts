import { sql, type Kysely } from 'kysely';
import type { TableName } from '../rows/selection.js';
import { pragma } from './upkeep.js';

const largeKiB = 65_536;

/**
 * Does `work` on a connection that may keep 64 MB of pages, where SQLite's default is 2 and better-sqlite3's 16: rows that go
 * have each an entry in another page of most indexes, and one batch after the other comes back to the same pages. The memory is
 * taken as it is needed, and given back in the end. The connection is the application's own: whoever made its cache larger
 * makes it as it was, and what is large already is left alone, so that runs beside each other do not keep it large.
 */
export async function withLargeCache<Result>(
  db: Kysely<unknown>,
  { schema = 'main' }: Pick<TableName, 'schema'>,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = await pragma(db, 'cache_size', schema);
  // A number below zero is of KiB, one above of pages.
  const kiB = before < 0 ? -before : (before * (await pragma(db, 'page_size', schema))) / 1_024;
  if (kiB >= largeKiB) return work();
  await setCacheSize(db, schema, -largeKiB);
  try {
    return await work();
  } finally {
    await setCacheSize(db, schema, before);
  }
}

async function setCacheSize(db: Kysely<unknown>, schema: string, size: number): Promise<void> {
  await sql`pragma ${sql.id(schema)}.cache_size = ${sql.lit(size)}`.execute(db);
}
