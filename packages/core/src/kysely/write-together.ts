import { CompiledQuery, type Kysely } from 'kysely';
import type { StoreTransaction } from '../store-transaction.js';
import type { Database } from './database.js';
import { sharedCommit } from './shared-commit.js';
import { executorFor, inTransaction, retrying } from './transaction.js';
import {
  holdingOf,
  holdStatement,
  oneStatement,
  statementOf,
  type Statement,
  type Write,
  type WriteRow,
} from './write-text.js';

export type { Write, WriteRow } from './write-text.js';

/** Writes of one commit. */
export interface WritesTogether {
  /** A row that has to be there, and that nobody else may change meanwhile; otherwise nothing is written at all. */
  holding?: { table: string; where: WriteRow } | undefined;
  /** Has to change exactly one row; otherwise nothing is written at all. */
  guard: Extract<Write, { update: string }>;
  /** What follows from it. No two of them, nor one and the guard, may touch the same row. */
  then: readonly Write[];
}

/**
 * Writes several things in one commit, provided that the first of them finds its row as it must be: a compare-and-swap
 * and what follows from it. On PostgreSQL all of it is one statement, so one round trip; elsewhere it is a statement
 * each. Statements are built once for each shape. Joins `trx` when given.
 * @returns false when the guard did not change exactly one row, or the row to be held is not there: nothing is written
 *
 * @example
 * await writeTogether(database, {
 *   guard: { update: 'orders', set: { state: 'paid', version: 2 }, where: { id, version: 1 } },
 *   then: [{ insert: 'order_events', rows: [{ order_id: id, seq: 2, name: 'paid' }] }],
 * });
 */
export async function writeTogether(
  database: Database,
  writes: WritesTogether,
  trx?: StoreTransaction,
): Promise<boolean> {
  const oneByOne = (on: Kysely<unknown>): Promise<boolean> => writeOneByOne(database, writes, on);
  if (database.dialect === 'postgres') {
    const statement = oneStatement(database, writes);
    const run = () => execute<{ guarded: number }>(executorFor(database, trx), statement);
    const { rows } = trx ? await run() : await retrying(database, run);
    return Number(rows[0]?.guarded) === 1;
  }
  // SQLite has one writer: those who wait for it share a commit.
  if (database.dialect === 'sqlite' && !trx) return sharedCommit(database, oneByOne);
  return inTransaction<unknown, boolean>(database, trx, oneByOne);
}

const execute = <Row>(on: Kysely<unknown>, { sql, parameters }: Statement) =>
  on.executeQuery<Row>(CompiledQuery.raw(sql, parameters));

async function writeOneByOne(
  database: Database,
  { holding, guard, then }: WritesTogether,
  on: Kysely<unknown>,
): Promise<boolean> {
  // The guard's row is locked first, as it is by whoever locks both.
  const held = holding ? [...(database.traits.skipLocked ? [holdingOf(guard)] : []), holding] : [];
  for (const each of held) if ((await execute(on, holdStatement(database, each))).rows.length === 0) return false;
  const { numAffectedRows } = await execute(on, statementOf(database, guard));
  if (Number(numAffectedRows) !== 1) return false;
  for (const write of then) await execute(on, statementOf(database, write));
  return true;
}
