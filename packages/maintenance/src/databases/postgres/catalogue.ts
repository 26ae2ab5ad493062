import { sql, type Kysely } from 'kysely';
import { columnsByIndex } from '../rows/columns-by-index.js';
import type { Column, Reference, TableFacts, TableInTime, TableName } from '../rows/selection.js';

/** The registered table, in the given schema or the connection's search path, exactly by name: a regclass would fold and cut names. */
export const tableOid = (table: string, schema?: string) => sql<number>`(
  select c.oid from pg_catalog.pg_class c
  where c.relname = ${table} and c.relkind in ('r', 'p')
    and ${schema === undefined ? sql`pg_catalog.pg_table_is_visible(c.oid)` : sql`c.relnamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = ${schema})`}
    and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
)`;

/** The columns of a table; none when it is not there. */
export async function columnsOf(db: Kysely<unknown>, { schema, table }: TableName): Promise<Column[]> {
  const { rows } = await sql<{ name: string; type: string; generated: boolean }>`
    select a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type, a.attgenerated <> '' as generated
    from pg_catalog.pg_attribute a
    where a.attrelid = ${tableOid(table, schema)}::oid and a.attnum > 0 and not a.attisdropped
    order by a.attnum`.execute(db);
  return rows;
}

/** Reads keys, columns, indexes and references of a table from the catalogue. */
export async function describeTable(db: Kysely<unknown>, selection: TableInTime): Promise<TableFacts | undefined> {
  const { schema, table, timeColumn } = selection;
  const { rows: found } = await sql<{ oid: number | null }>`
    select ${tableOid(table, schema)}::bigint as oid`.execute(db);
  const oid = found[0]?.oid;
  if (oid === null || oid === undefined) return undefined;
  const { rows: key } = await sql<Column>`
    select a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = ${oid}::oid and i.indisprimary and k.place <= i.indnkeyatts
    order by k.place`.execute(db);
  // Of an expression there is no column.
  const { rows: indexed } = await sql<{ idx: string; name: string | null }>`
    select c.relname as idx, a.attname as name from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
    left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum > 0
    join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_am m on m.oid = c.relam
    where i.indrelid = ${oid}::oid and i.indisvalid and i.indpred is null and m.amname = 'btree'
      and k.place <= i.indnkeyatts order by 1, k.place`.execute(db);
  const { rows: time } = await sql<{ type: string; byTime: boolean; estimate: number }>`
    select pg_catalog.format_type(a.atttypid, null) as type, c.reltuples::bigint as estimate,
      exists (
        select 1 from pg_catalog.pg_partitioned_table p
        where p.partrelid = a.attrelid and p.partstrat = 'r' and p.partnatts = 1 and p.partattrs[0] = a.attnum
      ) as "byTime"
    from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
    where a.attrelid = ${oid}::oid and a.attname = ${timeColumn} and a.attnum > 0 and not a.attisdropped`.execute(db);
  const partitionedByTime = time[0]?.byTime ?? false;
  return {
    key,
    columns: await columnsOf(db, selection),
    timeType: time[0]?.type,
    indexes: columnsByIndex(indexed),
    references: await referencesTo(db, oid),
    partitionedByTime,
    deleteTrigger: partitionedByTime ? await deleteTrigger(db, oid) : undefined,
    // -1: never counted.
    estimatedRows: time[0] && Number(time[0].estimate) >= 0 ? Number(time[0].estimate) : null,
  };
}

/** One that is on, of the table or of a partition of it. */
async function deleteTrigger(db: Kysely<unknown>, oid: number): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    select t.tgname as name from pg_catalog.pg_trigger t
    where t.tgrelid in (select relid from pg_catalog.pg_partition_tree(${oid}::oid::regclass))
      and not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 8 <> 0
    order by t.tgrelid <> ${oid}::oid, 1 limit 1`.execute(db);
  return rows[0]?.name;
}

const actions: Record<string, Reference['onDelete']> = { c: 'cascade', n: 'set null', d: 'set default' };

/** Those to its partitions, or to what it is a partition of, are to rows of it, too. */
async function referencesTo(db: Kysely<unknown>, oid: number): Promise<Reference[]> {
  const names = (numbers: string, of: string) => sql`array(
    select a.attname::text from unnest(con.${sql.raw(numbers)}) with ordinality k(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = con.${sql.raw(of)} and a.attnum = k.attnum order by k.place)`;
  const { rows } = await sql<{
    schema: string;
    table: string;
    visible: boolean;
    action: string;
    childColumns: string[];
    columns: string[];
    indexed: boolean;
  }>`
    select n.nspname as schema, c.relname as table, pg_catalog.pg_table_is_visible(c.oid) as visible,
      con.confdeltype as action, ${names('conkey', 'conrelid')} as "childColumns", ${names('confkey', 'confrelid')} as columns,
      exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisvalid and i.indkey[0] = con.conkey[1]) as indexed
    from pg_catalog.pg_constraint con
    join pg_catalog.pg_class c on c.oid = con.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where con.contype = 'f' and con.conparentid = 0 and con.confrelid in (
      select ${oid}::oid union select relid from pg_catalog.pg_partition_tree(${oid}::oid::regclass)
      union select relid from pg_catalog.pg_partition_ancestors(${oid}::oid::regclass) as relid)
    order by 1, 2, con.conname`.execute(db);
  return rows.map(({ schema, table, visible, action, childColumns, columns, indexed }) => ({
    child: { table, ...(!visible && { schema }) },
    childColumns,
    columns,
    onDelete: actions[action] ?? 'restrict',
    indexed,
  }));
}
