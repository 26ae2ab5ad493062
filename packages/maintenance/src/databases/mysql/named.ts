import { sql } from 'kysely';
import type { Sql, TableName } from '../rows/selection.js';

/** The schema of a table, as a constant. */
export const schemaOf = ({ schema }: Pick<TableName, 'schema'>): Sql =>
  schema === undefined ? sql`database()` : sql`${schema}`;

/**
 * Which rows of `information_schema` are about a table, exactly by name. MariaDB opens every table that is not ruled out by
 * two constants, compared as they are: the one with `binary` rules out nothing.
 * @param alias of the view, where there are several
 */
export function named(name: TableName, alias?: string): Sql {
  const [schema, table] = ['table_schema', 'table_name'].map((it) => sql.ref(alias ? `${alias}.${it}` : it));
  return sql`${schema} = ${schemaOf(name)} and ${table} = ${name.table} and binary ${table} = ${name.table}`;
}
