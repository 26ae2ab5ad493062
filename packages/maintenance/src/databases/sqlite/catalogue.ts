import { sql, type Kysely } from 'kysely';
import type { TableFacts } from '../database.js';

interface Column {
  name: string;
  type: string;
  pk: number;
}

const aliases = ['rowid', '_rowid_', 'oid'];

/** Reads the key and the time column. A table with a rowid is walked by it: other keys may hold nulls in SQLite. */
export async function describeTable(
  db: Kysely<unknown>,
  { table, timeColumn }: { table: string; timeColumn: string },
): Promise<TableFacts | undefined> {
  const { rows: found } = await sql<{ rowids: number }>`
    select not wr as rowids from pragma_table_list
    where schema = 'main' and type = 'table' and name = ${table} and substr(name, 1, 7) <> 'sqlite_'`.execute(db);
  if (!found[0]) return undefined;
  const { rows: columns } = await sql<Column>`
    select name, type, pk from pragma_table_info(${table}) order by pk`.execute(db);
  const declared = columns.filter(({ pk }) => pk > 0);
  const rowid = aliases.find((alias) => !columns.some(({ name }) => name.toLowerCase() === alias));
  const { rows: indexed } = await sql`
    select 1 from pragma_index_list(${table}) as l, pragma_index_info(l.name) as i
    where i.seqno = 0 and i.name = ${timeColumn} and l.partial = 0 limit 1`.execute(db);
  return {
    key: declared.length > 0 && found[0].rowids && rowid !== undefined ? [{ name: rowid, type: 'INTEGER' }] : declared,
    timeType: columns.find(({ name }) => name === timeColumn)?.type.toUpperCase(),
    timeIndexed: indexed.length > 0 || (declared.length > 0 && declared[0]?.name === timeColumn),
  };
}
