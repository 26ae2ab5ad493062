import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TableSize } from '../database.js';
import type { Pauses } from '../rows/dialect.js';
import { tableOid } from './catalogue.js';
import { unhurried } from './unhurried.js';

/** Of VACUUM and ANALYZE: who holds the table for longer is at it, and the next run will come. */
const lockTimeoutMs = 2_000;

/** Plain VACUUM and ANALYZE take no lock that readers or writers would notice. They may take long, and are cancelled by the signal. */
export async function vacuum(db: Kysely<unknown>, statement: RawBuilder<unknown>, pauses: Pauses): Promise<void> {
  await unhurried(db, { ...pauses, lockTimeoutMs }, (connection) => statement.execute(connection));
}

/** The size is measured by the server, with indexes and TOAST, of all partitions where it has such; not what is free inside. */
export async function tableSize(db: Kysely<unknown>, table: string, schema?: string): Promise<TableSize> {
  const oid = sql`${tableOid(table, schema)}::oid`;
  // A parent has no file of its own; a table that is neither that nor a partition is no tree.
  const { rows } = await sql<{ bytes: string }>`
    select coalesce(sum(pg_catalog.pg_total_relation_size(of.oid)), 0) as bytes
    from (select ${oid} as oid union select relid from pg_catalog.pg_partition_tree(${oid})) as of`.execute(db);
  return { bytes: Number(rows[0]?.bytes), reusableBytes: 0, approximate: true };
}
