import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TableSize } from '../database.js';
import type { Pauses } from '../rows/dialect.js';
import { maintenanceErrors } from '../../errors.js';
import { tableId, tableLabel } from '../rows/due.js';
import type { TableName } from '../rows/selection.js';
import { tableOid } from './catalogue.js';
import { unhurried } from './unhurried.js';

/** Of VACUUM and ANALYZE: who holds the table for longer is at it, and the next run will come. */
const lockTimeoutMs = 2_000;

/**
 * Does a plain VACUUM or ANALYZE of a table, which take no lock that readers or writers would notice. They may take long, and are
 * cancelled by the signal.
 * @param how `vacuum`, `analyze` and the like, before the name of the table
 * @throws TABLE_REFUSED where the role may not: PostgreSQL itself would pass over the table, and say that it was done
 */
export async function vacuum(
  db: Kysely<unknown>,
  how: RawBuilder<unknown>,
  table: TableName,
  pauses: Pauses,
): Promise<void> {
  if (!(await mayMaintain(db, table)))
    throw maintenanceErrors.TABLE_REFUSED({
      table: tableLabel(table),
      reason: 'its user has not the permission (missing: to own it, or from PostgreSQL 17 on GRANT MAINTAIN)',
    });
  await unhurried(db, { ...pauses, lockTimeoutMs }, (connection) => sql`${how} ${tableId(table)}`.execute(connection));
}

/** Before 17 to ask for MAINTAIN is an error. */
async function mayMaintain(db: Kysely<unknown>, { schema, table }: TableName): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select pg_catalog.pg_has_role(c.relowner, 'USAGE') or pg_catalog.pg_has_role(d.datdba, 'USAGE')
      or case when current_setting('server_version_num')::int >= 170000
        then pg_catalog.has_table_privilege(c.oid, 'MAINTAIN') else false end as may
    from pg_catalog.pg_class c join pg_catalog.pg_database d on d.datname = current_database()
    where c.oid = ${tableOid(table, schema)}::oid`.execute(db);
  // What is not there, the statement itself tells.
  return rows[0]?.may ?? true;
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
