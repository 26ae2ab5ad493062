import type { Database } from '@dotmac/core/kysely';
import { expressionBuilder, sql } from 'kysely';
import type { RowDialect } from './dialect.js';
import type { KeepNewest, Reference, RowMatch, RowSelection, Sql, TableFacts, TableName } from './selection.js';

/** The table, to be read from or written to. */
export function tableId({ schema, table }: TableName): Sql {
  return schema === undefined ? sql.id(table) : sql.id(schema, table);
}

/** A table as people read it. */
export function tableLabel({ schema, table }: TableName): string {
  return schema === undefined ? table : `${schema}.${table}`;
}

/** References that keep a row from being deleted as long as they are there. */
export function restricting({ references }: TableFacts): Reference[] {
  return references.filter(({ onDelete }) => onDelete === 'restrict');
}

/** All of them hold. */
export const all = (conditions: readonly Sql[]): Sql => sql.join(conditions, sql` and `);

/**
 * All that must hold for a row to go: it is old, the policy's predicate holds (in parentheses, so that it narrows and
 * never widens), it is none of the newest, and nothing refers to it that would refuse. Stands in every statement that
 * deletes. The table itself must be read without an alias.
 */
export function due(dialect: RowDialect, selection: RowSelection, facts: TableFacts): Sql {
  const { timeType = '' } = facts;
  const conditions = [dialect.compareTime(selection, timeType, '<', selection.cutoff), ...narrowing(selection)];
  if (selection.keepNewest) conditions.push(notNewest(dialect, selection, facts, selection.keepNewest));
  for (const reference of restricting(facts)) conditions.push(sql`not ${hasChild(selection, reference)}`);
  return all(conditions);
}

/** What must hold for a row besides its age, as the policy says it. */
export function narrowing({ match = {}, where }: RowSelection): Sql[] {
  return [...matching(match, Object.keys(match)), ...(where ? [predicate(where)] : [])];
}

/** Have these columns the values that they must have? */
export function matching(match: RowMatch = {}, columns: readonly string[]): Sql[] {
  return columns.map((column) => sql`${sql.id(column)} = ${match[column]}`);
}

/** The policy's own condition. What is neither true nor false (null) is not true, and keeps the row. */
function predicate(where: NonNullable<RowSelection['where']>): Sql {
  return sql`(${where(expressionBuilder())})`;
}

/**
 * What the policy's own condition says at this moment, so that it can be told whether another one says the same. Instants
 * are left out: one that is taken from the clock is another each time, and means the same.
 */
export function predicateText(where: NonNullable<RowSelection['where']>, { kysely }: Pick<Database, 'kysely'>): string {
  const compiled = predicate(where).compile(kysely);
  const values = compiled.parameters.map((it) =>
    it instanceof Date ? 'an instant' : typeof it === 'bigint' ? String(it) : it,
  );
  return `${compiled.sql} ${JSON.stringify(values)}`;
}

function hasChild(parent: TableName, { child, childColumns, columns }: Reference): Sql {
  const pairs = childColumns.map(
    (column, index) => sql`${sql.id('dm_child', column)} = ${sql.id(parent.table, columns[index] as string)}`,
  );
  return sql`exists (select 1 from ${tableId(child)} as dm_child where ${all(pairs)})`;
}

/** In the order of time, and of the key where times are equal: all but the last `count` of it. What has no instant is none of these. */
function notNewest(
  dialect: RowDialect,
  from: RowSelection,
  { key, timeType = '' }: TableFacts,
  { count, per }: KeepNewest,
): Sql {
  const { timeColumn, timeUnit, table } = from;
  const place = (alias: string): Sql[] => [
    dialect.instant(sql.id(alias, timeColumn), timeUnit),
    ...key.map(({ name }) => sql.id(alias, name)),
  ];
  const newer = place('dm_newer');
  const inTime = dialect.hasInstant(sql.id('dm_newer', timeColumn), timeUnit, timeType);
  if (per !== undefined)
    return sql`(select 1 from ${tableId(from)} as dm_newer
      where ${sql.id('dm_newer', per)} = ${sql.id(table, per)} and ${inTime} and (${sql.join(newer)}) > (${sql.join(place(table))})
      limit 1 offset ${sql.lit(count - 1)}) is not null`;
  const backwards = sql.join(newer.map((it) => sql`${it} desc`));
  // Wrapped once more: MySQL refuses to read a table that it deletes from, unless the reading is done first.
  const names = newer.map((_, index) => sql.id(`dm_k${index}`));
  return sql`(${sql.join(place(table))}) < (select ${sql.join(names)} from (
    select ${sql.join(newer.map((it, index) => sql`${it} as ${names[index] as Sql}`))} from ${tableId(from)} as dm_newer
    where ${inTime} order by ${backwards} limit 1 offset ${sql.lit(count - 1)}) as dm_newest)`;
}
