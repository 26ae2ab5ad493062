import { sql, type Kysely } from 'kysely';
import type { TableFacts } from '../database.js';

/** Reads the primary key and the time column, of a base table of the connection's own database, exactly by name. */
export async function describeTable(
  db: Kysely<unknown>,
  { table, timeColumn }: { table: string; timeColumn: string },
): Promise<TableFacts | undefined> {
  const { rows: found } = await sql`
    select 1 from information_schema.tables
    where table_schema = database() and binary table_name = ${table} and table_type = 'BASE TABLE'`.execute(db);
  if (found.length === 0) return undefined;
  const { rows: columns } = await sql<{ name: string; type: string; full: string }>`
    select column_name as name, data_type as type, column_type as full from information_schema.columns
    where table_schema = database() and binary table_name = ${table}`.execute(db);
  const { rows: keys } = await sql<{ idx: string; name: string; place: number; isPrefix: number }>`
    select index_name as idx, column_name as name, seq_in_index as place, sub_part is not null as isPrefix
    from information_schema.statistics
    where table_schema = database() and binary table_name = ${table} order by seq_in_index`.execute(db);
  const typeOf = (name: string): string => {
    const column = columns.find((it) => it.name === name);
    return column ? `${column.type}${column.full.includes('unsigned') ? ' unsigned' : ''}` : '';
  };
  return {
    key: keys.filter(({ idx }) => idx === 'PRIMARY').map(({ name }) => ({ name, type: typeOf(name) })),
    timeType: columns.find(({ name }) => name === timeColumn)?.type,
    timeIndexed: keys.some(({ name, place }) => name === timeColumn && Number(place) === 1),
  };
}
