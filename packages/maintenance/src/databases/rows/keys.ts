import { sql } from 'kysely';
import type { RowDialect } from './dialect.js';
import type { Column, Position, Sql } from './selection.js';

/** Is the row one of those? At least one key must be given. */
export function inKeys(dialect: RowDialect, key: readonly Column[], keys: readonly Position[]): Sql {
  const values = (position: Position): Sql[] =>
    key.map((column, index) => dialect.value(column, position[index] as string));
  const [only] = key;
  if (key.length === 1 && only) return sql`${sql.id(only.name)} in (${sql.join(keys.flatMap(values))})`;
  const rows = sql.join(keys.map((position) => sql`(${sql.join(values(position))})`));
  return sql`(${sql.join(key.map(({ name }) => sql.id(name)))}) in (${dialect.rowList(rows)})`;
}
