import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TableSize } from '../database.js';
import { tableOid } from './catalogue.js';

/** VACUUM and REINDEX CONCURRENTLY refuse to run in a transaction, and take longer than an application's statements may. */
export async function unhurried(db: Kysely<unknown>, statement: RawBuilder<unknown>): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`set statement_timeout = 0`.execute(connection);
    await sql`set lock_timeout = '2s'`.execute(connection);
    try {
      await statement.execute(connection);
    } finally {
      await sql`reset statement_timeout`.execute(connection);
      await sql`reset lock_timeout`.execute(connection);
    }
  });
}

/** Plain VACUUM: takes no lock that readers or writers would notice. */
export function vacuum(db: Kysely<unknown>, table: string): Promise<void> {
  return unhurried(db, sql`vacuum (analyze) ${sql.id(table)}`);
}

/** Brings the planner's statistics up to date. */
export async function analyze(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`analyze ${sql.id(table)}`.execute(db);
}

/**
 * The size is measured by the server, with indexes and TOAST. What is free inside is estimated: the main file less the
 * rows of the statistics at their average width (28 bytes of header and pointer each).
 */
export async function tableSize(db: Kysely<unknown>, table: string, schema?: string): Promise<TableSize> {
  const { rows } = await sql<{ bytes: number; free: number | null }>`
    select pg_total_relation_size(c.oid) as bytes, cast(pg_relation_size(c.oid) - c.reltuples * (
      28 + coalesce((select sum(s.avg_width) from pg_catalog.pg_stats s
        where s.schemaname = c.relnamespace::regnamespace::text and s.tablename = c.relname), 0)) as bigint) as free
    from pg_catalog.pg_class c where c.oid = ${tableOid(table, schema)}::oid and c.relkind = 'r'`.execute(db);
  const { bytes = 0, free = 0 } = rows[0] ?? {};
  return { bytes: Number(bytes), reusableBytes: Math.max(0, Number(free)), approximate: true };
}
