import { sql, type Kysely } from 'kysely';
import { boundInTime } from './partitions.js';
import { withFreshStatistics } from './fresh-statistics.js';
import { isUsed, type Use } from './index-use.js';
import { named, schemaOf } from './named.js';
import { referencesTo } from './references.js';
import { columnsByIndex } from '../rows/columns-by-index.js';
import type { Column, TableFacts, TableInTime, TableName } from '../rows/selection.js';

/** The columns of a table; none when it is not there. */
export async function columnsOf(db: Kysely<unknown>, name: TableName): Promise<Column[]> {
  const { rows } = await sql<{ name: string; type: string; full: string; extra: string; charset: string | null }>`
    select column_name as name, data_type as type, column_type as full, extra,
      character_set_name as charset from information_schema.columns
    where ${named(name)} order by ordinal_position`.execute(db);
  return rows.map(({ name, type, full, extra, charset }) => ({
    name,
    type: `${type}${full.includes('unsigned') ? ' unsigned' : ''}`,
    declared: full,
    ...(charset !== null && { charset }),
    generated: /GENERATED/.test(extra) && !/DEFAULT_GENERATED/.test(extra),
  }));
}

/** Reads keys, columns, indexes and references of a base table, exactly by name. */
export async function describeTable(db: Kysely<unknown>, selection: TableInTime): Promise<TableFacts | undefined> {
  const base = sql<{ estimate: number | null }>`
    select table_rows as estimate from information_schema.tables
    where ${named(selection)} and table_type = 'BASE TABLE'`;
  const { rows: found } = await withFreshStatistics(db, (connection) => base.execute(connection));
  if (!found[0]) return undefined;
  const columns = await columnsOf(db, selection);
  const { rows: all } = await sql<{ idx: string; name: string | null; place: number } & Use>`
    select s.*, index_name as idx, column_name as name, seq_in_index as place from information_schema.statistics as s
    where ${named(selection)} and index_type = 'BTREE'
    order by seq_in_index, index_name`.execute(db);
  const keys = all.filter(isUsed);
  const { rows: parts } = await sql<{ method: string | null; expression: string | null }>`
    select distinct partition_method as method, partition_expression as expression from information_schema.partitions
    where ${named(selection)}`.execute(db);
  const [{ method, expression } = { method: null, expression: null }] = parts;
  const partitionedByTime =
    (method === 'RANGE' || method === 'RANGE COLUMNS') &&
    boundInTime(expression ?? '', selection.timeColumn) !== undefined;
  const column = (name: string): Column => columns.find((it) => it.name === name) ?? { name, type: '' };
  return {
    key: keys.flatMap(({ idx, name }) => (idx === 'PRIMARY' && name !== null ? [column(name)] : [])),
    columns,
    timeType: columns.find(({ name }) => name === selection.timeColumn)?.type,
    indexes: columnsByIndex(keys),
    references: await referencesTo(db, selection),
    partitionedByTime,
    deleteTrigger: partitionedByTime ? await deleteTrigger(db, selection) : undefined,
    estimatedRows: found[0].estimate === null ? null : Number(found[0].estimate),
  };
}

/** Who has not the privilege TRIGGER on a table is shown none. */
async function deleteTrigger(db: Kysely<unknown>, { schema, table }: TableName): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    select trigger_name as name from information_schema.triggers
    where event_object_schema = ${schemaOf({ schema })} and event_object_table = ${table}
      and binary event_object_table = ${table} and event_manipulation = 'DELETE' order by 1 limit 1`.execute(db);
  return rows[0]?.name;
}
