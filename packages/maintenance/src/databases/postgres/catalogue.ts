import { sql, type Kysely } from 'kysely';
import type { TableFacts } from '../database.js';

/** The registered table in the connection's search path, exactly by name: a regclass would fold and cut names. */
export const tableOid = (table: string) => sql<number>`(
  select c.oid from pg_catalog.pg_class c
  where c.relname = ${table} and c.relkind in ('r', 'p') and pg_catalog.pg_table_is_visible(c.oid)
    and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
)`;

/** Reads the primary key and the time column from the catalogue. */
export async function describeTable(
  db: Kysely<unknown>,
  { table, timeColumn }: { table: string; timeColumn: string },
): Promise<TableFacts | undefined> {
  const { rows: found } = await sql<{ oid: number | null }>`select ${tableOid(table)}::bigint as oid`.execute(db);
  const oid = found[0]?.oid;
  if (oid === null || oid === undefined) return undefined;
  const { rows: key } = await sql<{ name: string; type: string }>`
    select a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = ${oid}::oid and i.indisprimary and k.place <= i.indnkeyatts
    order by k.place`.execute(db);
  const { rows: time } = await sql<{ type: string; indexed: boolean }>`
    select pg_catalog.format_type(a.atttypid, null) as type,
      exists (
        select 1 from pg_catalog.pg_index i
        where i.indrelid = a.attrelid and i.indisvalid and i.indpred is null and i.indkey[0] = a.attnum
      ) as indexed
    from pg_catalog.pg_attribute a
    where a.attrelid = ${oid}::oid and a.attname = ${timeColumn} and a.attnum > 0 and not a.attisdropped`.execute(db);
  return { key, timeType: time[0]?.type, timeIndexed: time[0]?.indexed ?? false };
}
