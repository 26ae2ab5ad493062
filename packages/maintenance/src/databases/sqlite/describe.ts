import type { Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import type { TableFacts, TableName } from '../database.js';

interface Column {
  name: string;
  type: string;
  pk: number;
}

/** The names SQLite gives to a row's own number; a column may take one away. */
const rowidNames = ['rowid', '_rowid_', 'oid'];

/** Reads a table from the catalogue: `sqlite_schema` and the pragma functions. */
export async function describe(database: Database, { table }: TableName): Promise<TableFacts | undefined> {
  const found = await sql<{ wr: number }>`
    select wr from pragma_table_list where schema = 'main' and type = 'table' and name = ${table} collate binary
  `.execute(database.kysely);
  const [listed] = found.rows;
  if (!listed) return undefined;
  const columns = await sql<Column>`select name, type, pk from pragma_table_info(${table})`.execute(database.kysely);
  const indexes = await sql<{ column: string | null }>`
    select info.name as "column" from pragma_index_list(${table}) as list, pragma_index_info(list.name) as info
    where info.seqno = 0 and list.partial = 0
  `.execute(database.kysely);
  const keyed = columns.rows.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const primaryKey = keyed.map(({ name }) => name);
  const taken = new Set(columns.rows.map(({ name }) => name.toLowerCase()));
  const leading = indexes.rows.flatMap(({ column }) => (column === null ? [] : [column]));
  const [single] = keyed;
  if (keyed.length === 1 && single && /^integer$/i.test(single.type)) leading.push(single.name);
  return {
    schema: '',
    table,
    columns: new Map(columns.rows.map(({ name, type }) => [name, type.toLowerCase()])),
    primaryKey,
    leadingIndexColumns: new Set(leading),
    rows: await estimateRows(database, table),
    // Empty: only the primary key tells rows apart.
    rowIdentity: Number(listed.wr) === 1 ? '' : (rowidNames.find((name) => !taken.has(name)) ?? ''),
  };
}

/** SQLite keeps no count; the greatest rowid is an upper bound that costs one seek. */
async function estimateRows(database: Database, table: string): Promise<number> {
  try {
    const { rows } = await sql<{ most: number | null }>`select max(rowid) as most from ${sql.id(table)}`.execute(
      database.kysely,
    );
    return Math.max(0, Number(rows[0]?.most ?? 0));
  } catch {
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.id(table)}`.execute(
      database.kysely,
    );
    return Number(rows[0]?.count ?? 0);
  }
}
