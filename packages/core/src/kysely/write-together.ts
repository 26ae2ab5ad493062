import { CompiledQuery, type Kysely } from 'kysely';
import { isOperationError } from '../errors/operation-error.js';
import type { StoreTransaction } from '../store-transaction.js';
import { together } from '../together.js';
import type { Database } from './database.js';
import { storeError } from './errors.js';
import { sharedCommit } from './shared-commit.js';
import { executorFor, inTransaction, retrying } from './transaction.js';
import { disjoint, manyStatement, shapeOfMany } from './write-many.js';
import { holdingOf, holdStatement, oneStatement, statementOf, type Statement } from './write-text.js';
import type { WritesTogether } from './writes.js';

/**
 * Writes several things in one commit, provided that the first of them finds its row as it must be: a compare-and-swap
 * and what follows from it. On PostgreSQL all of it is one statement, so one round trip, and who writes while a statement
 * of the same shape is under way goes into the next one, together with the others; elsewhere it is a statement each.
 * Statements are built once for each shape. Joins `trx` when given.
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
    const alone = () => writeAlone(executorFor(database, trx), oneStatement(database, writes, 'wait'));
    if (trx) return alone();
    return (await writeWithOthers(database, writes)) || retrying(database, alone);
  }
  // SQLite has one writer: those who wait for it share a commit.
  if (database.dialect === 'sqlite' && !trx) return sharedCommit(database, oneByOne);
  return inTransaction<unknown, boolean>(database, trx, oneByOne);
}

const execute = <Row>(on: Kysely<unknown>, { sql, parameters }: Statement) =>
  on.executeQuery<Row>(CompiledQuery.raw(sql, parameters));

async function writeAlone(on: Kysely<unknown>, statement: Statement): Promise<boolean> {
  const { rows } = await execute<{ guarded: number }>(on, statement);
  return Number(rows[0]?.guarded) === 1;
}

type Outcome = () => boolean;

/** Those of one shape that write while a statement is under way, by shape. */
const groups = new WeakMap<Database, Map<string, (writes: WritesTogether) => Promise<Outcome>>>();

/**
 * Writes in one statement with whoever writes the same shape meanwhile.
 * @returns false when nothing was written: the row was not as it must be, or somebody else had it locked, for whom the
 * others do not wait, or the statement failed, which may be another's fault. Whoever writes by himself then knows.
 */
async function writeWithOthers(database: Database, writes: WritesTogether): Promise<boolean> {
  const shape = shapeOfMany(writes);
  if (shape === undefined) return false;
  let shapes = groups.get(database);
  if (!shapes) groups.set(database, (shapes = new Map()));
  let write = shapes.get(shape);
  if (!write) shapes.set(shape, (write = together((many) => writeMany(database, many))));
  return (await write(writes))();
}

async function writeMany(database: Database, many: readonly WritesTogether[]): Promise<Outcome[]> {
  const on = executorFor<unknown>(database, undefined);
  try {
    const [only] = many;
    // Its text is shorter, and so is its plan.
    if (only && many.length === 1) {
      const isWritten = await writeAlone(on, oneStatement(database, only, 'skip'));
      return [() => isWritten];
    }
    const picked = [...disjoint(many)];
    const { rows } = await execute<{ n: number }>(on, manyStatement(database, picked));
    const written = new Set(rows.map(({ n }) => picked[n]));
    return many.map((writes) => () => written.has(writes));
  } catch (cause) {
    const error = storeError(cause, 'running a statement');
    return many.map(() => () => {
      // Without an answer nobody knows whether it was written: it is not to be written again.
      if (isOperationError(error, 'STORE_UNAVAILABLE')) throw error;
      return false;
    });
  }
}

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
