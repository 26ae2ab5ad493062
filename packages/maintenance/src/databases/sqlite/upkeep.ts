import { sql, type Kysely } from 'kysely';
import type { TableSize } from '../database.js';

async function pragma(
  db: Kysely<unknown>,
  name: 'page_count' | 'page_size' | 'freelist_count' | 'auto_vacuum',
): Promise<number> {
  const { rows } = await sql<Record<string, number>>`pragma ${sql.raw(name)}`.execute(db);
  return Number(Object.values(rows[0] ?? {})[0] ?? 0);
}

const incremental = 2;
/** Pages between two looks at what is left. */
const pagesAStep = 100;

/**
 * ANALYZE, and free pages given back in small steps where the file was made with `auto_vacuum = incremental`.
 * Never VACUUM: it blocks every writer and needs the file's size twice.
 */
export async function vacuum(db: Kysely<unknown>, table: string): Promise<void> {
  await analyze(db, table);
  if ((await pragma(db, 'auto_vacuum')) !== incremental) return;
  for (let free = await pragma(db, 'freelist_count'), before = Infinity; free > 0 && free < before;) {
    // The driver steps a statement without result columns once, and one step frees one page, whatever is asked for.
    for (let page = 0; page < pagesAStep; page++) await sql`pragma incremental_vacuum(1)`.execute(db);
    [before, free] = [free, await pragma(db, 'freelist_count')];
  }
}

/** Brings the planner's statistics up to date; samples at most 1,000 rows of an index. */
export async function analyze(db: Kysely<unknown>, table: string): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`pragma analysis_limit = 1000`.execute(connection);
    await sql`analyze ${sql.id(table)}`.execute(connection);
  });
}

/** Of the whole file: SQLite keeps no size per table (save with the dbstat extension). */
export async function fileSize(db: Kysely<unknown>): Promise<TableSize> {
  const [pages, pageSize, free] = [
    await pragma(db, 'page_count'),
    await pragma(db, 'page_size'),
    await pragma(db, 'freelist_count'),
  ];
  return { bytes: pages * pageSize, reusableBytes: free * pageSize, approximate: false };
}

/** Builds the indexes of a table anew; writers wait meanwhile. */
export async function rebuildIndexes(db: Kysely<unknown>, table: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from pragma_index_list(${table})`.execute(db);
  await sql`reindex ${sql.id(table)}`.execute(db);
  return Number(rows[0]?.n);
}
