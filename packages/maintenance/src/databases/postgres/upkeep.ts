import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TableSize } from '../database.js';
import type { Pauses } from '../rows/dialect.js';
import { tableOid } from './catalogue.js';
import { unhurried } from './unhurried.js';

/** Of VACUUM and ANALYZE: who holds the table for longer is at it, and the next run will come. */
const lockTimeoutMs = 2_000;

/** Plain VACUUM takes no lock that readers or writers would notice. It may take long, and is cancelled by the signal. */
export async function vacuum(db: Kysely<unknown>, statement: RawBuilder<unknown>, pauses: Pauses): Promise<void> {
  await unhurried(db, { ...pauses, lockTimeoutMs }, (connection) => statement.execute(connection));
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
