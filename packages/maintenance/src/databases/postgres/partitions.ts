import { sql, type Kysely, type Transaction } from 'kysely';
import type { BatchLimits } from '../rows/dialect.js';
import { tableId } from '../rows/due.js';
import type { Partition, RowSelection, Sql, TableFacts, TableName } from '../rows/selection.js';
import { tableOid } from './catalogue.js';
import { instantLiteral } from './instant.js';

/** The default partition, and one up to MAXVALUE. */
export async function endlessPartitions(
  db: Kysely<unknown>,
  { table, schema }: TableName,
): Promise<Pick<Partition, 'name' | 'schema'>[]> {
  const { rows } = await sql<{ name: string; schema: string }>`
    select c.relname as name, n.nspname as schema
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where i.inhparent = ${tableOid(table, schema)}::oid and not i.inhdetachpending
      and pg_catalog.pg_get_expr(c.relpartbound, c.oid) ~ '^DEFAULT$| TO \\(MAXVALUE\\)$'`.execute(db);
  return rows;
}

/** Partitions whose upper bound, which none of their rows reaches, is not after the cutoff; what ended first comes first. */
export async function oldPartitions(
  db: Kysely<unknown>,
  selection: RowSelection,
  { timeType = '' }: TableFacts,
): Promise<Partition[]> {
  const { rows } = await sql<{ name: string; schema: string; bound: string; bytes: number }>`
    select c.relname as name, n.nspname as schema, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
      (select sum(pg_catalog.pg_total_relation_size(of.relid)) from pg_catalog.pg_partition_tree(c.oid) as of) as bytes
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where i.inhparent = ${tableOid(selection.table, selection.schema)}::oid and not i.inhdetachpending`.execute(db);
  const old: (Partition & { ends: number })[] = [];
  for (const { name, schema, bound, bytes } of rows) {
    // The default partition and MAXVALUE have no such literal.
    const upTo = / TO \('?([^')]+)'?\)$/.exec(bound)?.[1];
    if (upTo === undefined || upTo === 'MAXVALUE') continue;
    const type = sql.raw(selection.timeUnit === 'timestamp' ? timeType : 'numeric');
    const end = sql`${upTo}::text::${type}`;
    const ends = selection.timeUnit === 'timestamp' ? sql`extract(epoch from ${end})` : end;
    const { rows: compared } = await sql<{ past: boolean; ends: number }>`
      select ${end} <= ${instantLiteral(selection.timeUnit, timeType, selection.cutoff)} as past,
        ${ends}::double precision as ends`.execute(db);
    const [found] = compared;
    const isFirst = /FROM \((MINVALUE|'-infinity')/i.test(bound);
    if (found?.past) old.push({ name, schema, upTo, isFirst, bytes: Number(bytes), ends: Number(found.ends) });
  }
  return old.sort((a, b) => a.ends - b.ends).map(({ ends: _, ...partition }) => partition);
}

/** Detaches it, and drops it. */
export function dropping(table: TableName, { name, schema }: Partition): Sql[] {
  const partition = tableId({ schema, table: name });
  return [sql`alter table ${tableId(table)} detach partition ${partition}`, sql`drop table ${partition}`];
}

/** Detaches and drops in one transaction: the lock on the parent is asked for briefly, and held for no longer than the catalogue's writing takes. */
export async function dropPartition(
  db: Kysely<unknown>,
  selection: RowSelection,
  partition: Partition,
  { lockTimeoutMs }: BatchLimits,
  confirm: (trx: Transaction<unknown>) => Promise<void>,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`select set_config('lock_timeout', ${String(lockTimeoutMs)}, true)`.execute(trx);
    for (const statement of dropping(selection, partition)) await statement.execute(trx);
    await confirm(trx);
  });
}
