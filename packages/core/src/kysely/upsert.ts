import { sql, type InsertQueryBuilder, type InsertResult, type RawBuilder } from 'kysely';
import type { Database } from './database.js';

/** How a column of an existing row is changed by the row that could not be inserted. */
export type Merge = 'replace' | 'add' | 'greatest' | 'least';

/**
 * Lets an insert change the row that is already there. Two rows of one insert must not have the same key (PostgreSQL).
 * @param conflict the columns of the unique key (MySQL ignores them: any unique key of the table counts there)
 * @param merge what becomes of each column; columns not named stay as they are
 *
 * @example
 * await upsert(db, kysely.insertInto('dotmac_samples').values(rows), ['tenant_id', 'id'], { checks: 'add', last:
 * 'replace' }).execute();
 */
export function upsert<Tables, Table extends keyof Tables>(
  { traits }: Pick<Database, 'traits'>,
  insert: InsertQueryBuilder<Tables, Table, InsertResult>,
  conflict: readonly (keyof Tables[Table] & string)[],
  merge: Partial<Record<keyof Tables[Table] & string, Merge>>,
): InsertQueryBuilder<Tables, Table, InsertResult> {
  const byDuplicateKey = traits.upsert === 'on duplicate key';
  const node = insert.toOperationNode();
  const table = node.into?.table.identifier.name ?? '';
  const merged = (column: string, how: Merge): RawBuilder<unknown> => {
    const given = byDuplicateKey ? sql`values(${sql.ref(column)})` : sql.ref(`excluded.${column}`);
    const kept = sql.ref(`${table}.${column}`);
    if (how === 'replace') return sql`${given}`;
    if (how === 'add') return sql`${kept} + ${given}`;
    return sql`${sql.raw(traits[how])}(${kept}, ${given})`;
  };
  const changes = Object.fromEntries(
    Object.entries(merge).map(([column, how]) => [column, merged(column, how as Merge)]),
  ) as never;
  return byDuplicateKey
    ? insert.onDuplicateKeyUpdate(changes)
    : insert.onConflict((target) => target.columns(conflict as never).doUpdateSet(changes));
}

/**
 * Lets an insert skip rows that are there already; {@link insertedCount} tells how many were new.
 * On MySQL this is INSERT IGNORE, which also turns over-long values into warnings: check lengths before.
 */
export function onConflictDoNothing<Tables, Table extends keyof Tables, Output>(
  { traits }: Pick<Database, 'traits'>,
  insert: InsertQueryBuilder<Tables, Table, Output>,
): InsertQueryBuilder<Tables, Table, Output> {
  return traits.upsert === 'on duplicate key' ? insert.ignore() : insert.onConflict((target) => target.doNothing());
}

/** How many rows an insert with {@link onConflictDoNothing} added. */
export function insertedCount(results: readonly InsertResult[]): number {
  return results.reduce((sum, result) => sum + Number(result.numInsertedOrUpdatedRows ?? 0n), 0);
}
