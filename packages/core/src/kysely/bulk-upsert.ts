import { CompiledQuery, type Kysely } from 'kysely';
import type { Database } from './database.js';
import { upsert, type Merge } from './upsert.js';

/** Statements of these many rows are made once and kept; a batch is split into them. */
const sizes = [200, 40, 8, 1] as const;

/**
 * Inserts or changes many rows of one shape, as {@link upsert} does, with statements that are built once: building one
 * takes longer than running it on SQLite. No two rows may have the same key.
 * @param columns every column, in the order in which they are written
 *
 * @example
 * const save = bulkUpsert<Tables, 'dotmac_samples'>(database, 'dotmac_samples', { columns: ['id', 'at'], conflict:
 * ['id'] });
 * await save(trx, rows);
 */
export function bulkUpsert<Tables, Table extends keyof Tables & string>(
  database: Database,
  table: Table,
  {
    columns,
    conflict,
  }: { columns: readonly (keyof Tables[Table] & string)[]; conflict: readonly (keyof Tables[Table] & string)[] },
): (on: Kysely<Tables>, rows: readonly Tables[Table][]) => Promise<void> {
  const replaced = columns.filter((column) => !conflict.includes(column)).map((column) => [column, 'replace'] as const);
  const merge = Object.fromEntries(replaced) as Partial<Record<keyof Tables[Table] & string, Merge>>;
  const texts = new Map<number, string>();
  const textOf = (size: number): string => {
    const known = texts.get(size);
    if (known !== undefined) return known;
    // What stands in them does not matter: every value becomes a parameter, in this order.
    const row = Object.fromEntries(columns.map((column) => [column, 0]));
    const insert = database
      .withTables<Tables>()
      .insertInto(table)
      .values(Array<never>(size).fill(row as never));
    const { sql } = upsert(database, insert, conflict, merge).compile();
    texts.set(size, sql);
    return sql;
  };
  return async (on, rows) => {
    for (let at = 0; at < rows.length;) {
      const size = sizes.find((it) => it <= rows.length - at) ?? 1;
      const parameters: unknown[] = [];
      for (const row of rows.slice(at, at + size)) for (const column of columns) parameters.push(row[column]);
      await on.executeQuery(CompiledQuery.raw(textOf(size), parameters));
      at += size;
    }
  };
}
