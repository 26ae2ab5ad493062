import { sql, type Kysely } from 'kysely';
import { boundInTime } from './partitions.js';
import type { Column, Reference, Sql, TableFacts, TableInTime, TableName } from '../rows/selection.js';

const schemaOf = ({ schema }: TableName): Sql => (schema === undefined ? sql`database()` : sql`${schema}`);

/** The columns of a table; none when it is not there. */
export async function columnsOf(db: Kysely<unknown>, name: TableName): Promise<Column[]> {
  const { rows } = await sql<{ name: string; type: string; full: string; extra: string }>`
    select column_name as name, data_type as type, column_type as full, extra from information_schema.columns
    where table_schema = ${schemaOf(name)} and binary table_name = ${name.table} order by ordinal_position`.execute(db);
  return rows.map(({ name, type, full, extra }) => ({
    name,
    type: `${type}${full.includes('unsigned') ? ' unsigned' : ''}`,
    generated: /GENERATED/.test(extra) && !/DEFAULT_GENERATED/.test(extra),
  }));
}

/** Reads keys, columns, indexes and references of a base table, exactly by name. */
export async function describeTable(db: Kysely<unknown>, selection: TableInTime): Promise<TableFacts | undefined> {
  const schema = schemaOf(selection);
  const { rows: found } = await sql<{ estimate: number | null }>`
    select table_rows as estimate from information_schema.tables
    where table_schema = ${schema} and binary table_name = ${selection.table} and table_type = 'BASE TABLE'`.execute(
    db,
  );
  if (!found[0]) return undefined;
  const columns = await columnsOf(db, selection);
  const { rows: keys } = await sql<{ idx: string; name: string | null; place: number }>`
    select index_name as idx, column_name as name, seq_in_index as place from information_schema.statistics
    where table_schema = ${schema} and binary table_name = ${selection.table} and index_type = 'BTREE'
    order by seq_in_index, index_name`.execute(db);
  const { rows: parts } = await sql<{ method: string | null; expression: string | null }>`
    select distinct partition_method as method, partition_expression as expression from information_schema.partitions
    where table_schema = ${schema} and binary table_name = ${selection.table}`.execute(db);
  const [{ method, expression } = { method: null, expression: null }] = parts;
  const column = (name: string): Column => columns.find((it) => it.name === name) ?? { name, type: '' };
  return {
    key: keys.flatMap(({ idx, name }) => (idx === 'PRIMARY' && name !== null ? [column(name)] : [])),
    columns,
    timeType: columns.find(({ name }) => name === selection.timeColumn)?.type,
    indexed: keys.flatMap(({ name, place }) => (Number(place) === 1 && name !== null ? [name] : [])),
    references: await referencesTo(db, selection, schema),
    partitionedByTime:
      (method === 'RANGE' || method === 'RANGE COLUMNS') &&
      boundInTime(expression ?? '', selection.timeColumn) !== undefined,
    estimatedRows: found[0].estimate === null ? null : Number(found[0].estimate),
  };
}

async function referencesTo(db: Kysely<unknown>, { table }: TableName, schema: Sql): Promise<Reference[]> {
  const { rows } = await sql<{
    name: string;
    schema: string;
    table: string;
    own: number;
    childColumn: string;
    column: string;
    rule: string;
    indexed: number;
  }>`
    select k.constraint_name as name, k.table_schema as \`schema\`, k.table_name as \`table\`, k.table_schema = database() as own,
      k.column_name as childColumn, k.referenced_column_name as \`column\`, r.delete_rule as rule,
      exists (select 1 from information_schema.statistics s where s.table_schema = k.table_schema
        and s.table_name = k.table_name and s.column_name = k.column_name and s.seq_in_index = 1) as indexed
    from information_schema.key_column_usage k
    join information_schema.referential_constraints r
      on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name and r.table_name = k.table_name
    where k.referenced_table_schema = ${schema} and binary k.referenced_table_name = ${table}
    order by k.table_schema, k.table_name, k.constraint_name, k.ordinal_position`.execute(db);
  const byName = new Map<string, Reference & { childColumns: string[]; columns: string[] }>();
  for (const { name, schema: at, table: child, own, childColumn, column, rule, indexed } of rows) {
    const id = `${at}.${child}.${name}`;
    const onDelete = rule.toLowerCase();
    const known = byName.get(id) ?? {
      child: { table: child, ...(!Number(own) && { schema: at }) },
      childColumns: [],
      columns: [],
      onDelete: onDelete === 'cascade' || onDelete === 'set null' ? onDelete : ('restrict' as const),
      indexed: Number(indexed) === 1,
    };
    known.childColumns.push(childColumn);
    known.columns.push(column);
    byName.set(id, known);
  }
  return [...byName.values()];
}
