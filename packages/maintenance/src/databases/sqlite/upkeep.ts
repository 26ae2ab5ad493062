import { sql, type Kysely } from 'kysely';
import type { TableSize } from '../database.js';

/** A number that SQLite keeps about a file: that of the connection, or one that is attached to it. */
export async function pragma(
  db: Kysely<unknown>,
  name: 'page_count' | 'page_size' | 'freelist_count' | 'auto_vacuum' | 'cache_size' | 'data_version',
  schema = 'main',
): Promise<number> {
  const { rows } = await sql<Record<string, number>>`pragma ${sql.id(schema)}.${sql.raw(name)}`.execute(db);
  return Number(Object.values(rows[0] ?? {})[0] ?? 0);
}

/** Writes the write-ahead log into the file and cuts it to nothing, as far as readers let it. */
export async function writeBackLog(db: Kysely<unknown>): Promise<void> {
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
}

/** Brings the planner's statistics up to date; samples at most 1,000 rows of an index. */
export async function analyze(db: Kysely<unknown>, table: string): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`pragma analysis_limit = 1000`.execute(connection);
    await sql`analyze ${sql.id(table)}`.execute(connection);
  });
}

/** Of the whole file: SQLite keeps no size per table (save with the dbstat extension). */
export async function fileSize(db: Kysely<unknown>, schema?: string): Promise<TableSize> {
  const [pages, pageSize, free] = [
    await pragma(db, 'page_count', schema),
    await pragma(db, 'page_size', schema),
    await pragma(db, 'freelist_count', schema),
  ];
  return { bytes: pages * pageSize, reusableBytes: free * pageSize, approximate: false };
}

/** Builds one index of the table anew; writers wait meanwhile. */
export async function rebuildIndex(db: Kysely<unknown>, index: string): Promise<void> {
  await sql`reindex ${sql.id('main', index)}`.execute(db);
}

/** Also those that stand for a constraint. */
export async function indexNames(db: Kysely<unknown>, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from pragma_index_list(${table}) order by 1`.execute(db);
  return rows.map(({ name }) => name);
}
