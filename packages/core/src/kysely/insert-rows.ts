import { CompiledQuery } from 'kysely';
import type { StoreTransaction } from '../store-transaction.js';
import type { Database } from './database.js';
import { executorFor } from './transaction.js';
import { insertStatement, statementOf, type Statement } from './write-text.js';
import type { InsertRows } from './writes.js';

/** Rows of one statement, where each value is a parameter of its own: statements of few sizes are built once and kept. */
const sizes = [200, 40, 8, 1] as const;

/**
 * Inserts many rows of one shape. On PostgreSQL they are one statement with one parameter, whatever their number, so no
 * column may be of the type `json`; elsewhere up to 200 rows go into each statement. Joins `trx` when given; without one,
 * some of the rows may be there when it fails.
 *
 * @example
 * await insertRows(database, { insert: 'order_events', rows }, trx);
 */
export async function insertRows(database: Database, write: InsertRows, trx?: StoreTransaction): Promise<void> {
  await insertOf(database, write)(trx);
}

/**
 * The same for rows of which some may be there already: these are skipped, also for a unique key that one before them has.
 * What {@link onConflictDoNothing} says of MySQL is true here.
 * @returns how many were new
 */
export async function insertNewRows(database: Database, write: InsertRows, trx?: StoreTransaction): Promise<number> {
  const on = executorFor<unknown>(database, trx);
  let added = 0;
  for (const { sql, parameters } of statementsOf(database, { ...write, skipExisting: true })) {
    const { numAffectedRows } = await on.executeQuery(CompiledQuery.raw(sql, parameters));
    added += Number(numAffectedRows ?? 0n);
  }
  return added;
}

/** An {@link insertRows} that is written out now and carried out later: for who has the time before the transaction. */
export function insertOf(database: Database, write: InsertRows): (trx?: StoreTransaction) => Promise<void> {
  const statements = statementsOf(database, write);
  return async (trx) => {
    const on = executorFor<unknown>(database, trx);
    for (const { sql, parameters } of statements) await on.executeQuery(CompiledQuery.raw(sql, parameters));
  };
}

function statementsOf(database: Database, write: InsertRows): Statement[] {
  const { rows } = write;
  if (rows.length === 0) return [];
  if (database.dialect === 'postgres') return [insertStatement(database, write)];
  const statements: Statement[] = [];
  for (let at = 0; at < rows.length;) {
    const size = sizes.find((it) => it <= rows.length - at) ?? 1;
    statements.push(statementOf(database, { ...write, rows: rows.slice(at, at + size) }));
    at += size;
  }
  return statements;
}
