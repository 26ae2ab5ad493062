import { sql, type Kysely } from 'kysely';
import { columnsByIndex } from '../rows/columns-by-index.js';
import type { Column, Reference, TableFacts, TableInTime, TableName } from '../rows/selection.js';

const aliases = ['rowid', '_rowid_', 'oid'];

/** The columns of a table; none when it is not there. */
export async function columnsOf(db: Kysely<unknown>, { schema = 'main', table }: TableName): Promise<Column[]> {
  const { rows } = await sql<{ name: string; type: string; hidden: number }>`
    select name, upper(type) as type, hidden from pragma_table_xinfo(${table}, ${schema}) where hidden <> 1`.execute(
    db,
  );
  return rows.map(({ name, type, hidden }) => ({ name, type, generated: hidden > 1 }));
}

/** Reads keys, columns, indexes and references. A table with a rowid is walked by it: other keys may hold nulls in SQLite. */
export async function describeTable(db: Kysely<unknown>, selection: TableInTime): Promise<TableFacts | undefined> {
  const { schema = 'main', table, timeColumn } = selection;
  const { rows: found } = await sql<{ rowids: number }>`
    select not wr as rowids from pragma_table_list
    where schema = ${schema} and type = 'table' and name = ${table} and substr(name, 1, 7) <> 'sqlite_'`.execute(db);
  if (!found[0]) return undefined;
  const columns = await columnsOf(db, selection);
  const { rows: declared } = await sql<{ name: string; type: string }>`
    select name, upper(type) as type from pragma_table_info(${table}, ${schema}) where pk > 0 order by pk`.execute(db);
  const rowid = aliases.find((alias) => !columns.some(({ name }) => name.toLowerCase() === alias));
  const { rows: indexed } = await sql<{ idx: string; name: string | null; coll: string }>`
    select l.name as idx, i.name as name, i.coll as coll
    from pragma_index_list(${table}, ${schema}) as l, pragma_index_xinfo(l.name, ${schema}) as i
    where i.key = 1 and l.partial = 0 order by l.name, i.seqno`.execute(db);
  const byRowid = declared.length > 0 && found[0].rowids === 1 && rowid !== undefined;
  return {
    key: byRowid ? [{ name: rowid, type: 'ROWID' }] : declared,
    columns,
    timeType: columns.find(({ name }) => name === timeColumn)?.type,
    indexes: [
      ...columnsByIndex(indexed.map(({ coll, name, ...it }) => ({ ...it, name: coll === 'BINARY' ? name : null }))),
      declared.map(({ name }) => name),
    ],
    references: await referencesTo(db, { schema, table }),
    partitionedByTime: false,
    estimatedRows: null,
  };
}

async function referencesTo(db: Kysely<unknown>, { schema = 'main', table }: TableName): Promise<Reference[]> {
  const { rows } = await sql<{
    child: string;
    id: number;
    childColumn: string;
    column: string | null;
    rule: string;
    indexed: number;
  }>`
    select t.name as child, f.id as id, f."from" as childColumn, f."to" as "column", f.on_delete as rule,
      exists (select 1 from pragma_index_list(t.name, ${schema}) l, pragma_index_info(l.name, ${schema}) i
        where i.seqno = 0 and i.name = f."from") as indexed
    from pragma_table_list as t, pragma_foreign_key_list(t.name, ${schema}) as f
    where t.schema = ${schema} and t.type = 'table' and lower(f."table") = lower(${table}) order by t.name, f.id, f.seq`.execute(
    db,
  );
  const { rows: key } = await sql<{ name: string }>`
    select name from pragma_table_info(${table}, ${schema}) where pk > 0 order by pk`.execute(db);
  const byId = new Map<string, Reference & { childColumns: string[]; columns: string[] }>();
  for (const { child, id, childColumn, column, rule, indexed } of rows) {
    const onDelete = rule.toLowerCase();
    const known = byId.get(`${child}.${id}`) ?? {
      child: { table: child, ...(schema !== 'main' && { schema }) },
      childColumns: [],
      columns: [],
      onDelete:
        onDelete === 'cascade' || onDelete === 'set null' || onDelete === 'set default'
          ? onDelete
          : ('restrict' as const),
      indexed: indexed === 1,
    };
    // A reference that names no columns is to the primary key.
    known.columns.push(column ?? key[known.columns.length]?.name ?? '');
    known.childColumns.push(childColumn);
    byId.set(`${child}.${id}`, known);
  }
  return [...byId.values()];
}
