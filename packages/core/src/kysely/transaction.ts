import { randomInt } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { StoreTransaction } from '../store-transaction.js';
import type { Database, TrackedDatabase } from './database.js';
import { endableTransaction } from './endable-transaction.js';
import { isRetryable, storeError, unavailable } from './errors.js';

/** How a transaction is tried. */
export interface TransactionOptions {
  /** How often at most it is run while the database reports a deadlock or the like. Default 10. */
  attempts?: number;
}

const firstBackoffMs = 10;
const longestBackoffMs = 500;

/**
 * Runs `work` in a transaction: the caller's when `join` is given, else one of its own, which is run anew (boundedly,
 * after a jittered wait) when the database reports a deadlock, serialization failure or lock timeout. So `work` must do
 * nothing but database work on its `trx`, which takes nothing more once `work` has come to its end: whoever it was handed
 * on to may not know. Isolation is READ COMMITTED (SQLite: `begin immediate`, serial).
 *
 * @throws STORE_UNAVAILABLE when the database cannot be reached or does not answer in time
 *
 * @example
 * await inTransaction(db, trx, async (trx: Transaction<HealthTables>) => { ... });
 */
export async function inTransaction<Tables, Result>(
  database: Database,
  join: StoreTransaction | undefined,
  work: (trx: Transaction<Tables>) => Promise<Result>,
  options?: TransactionOptions,
): Promise<Result> {
  if (join !== undefined) return within(database as TrackedDatabase, kyselyTransaction<Tables>(join), work);
  return retrying(database, () => runOnce(database, work), options);
}

/**
 * Runs `work` anew (boundedly, after a jittered wait) when the database reports a deadlock, serialization failure or
 * lock timeout: a transaction, or a statement that is one by itself.
 * @throws STORE_UNAVAILABLE when the database cannot be reached or does not answer in time
 */
export async function retrying<Result>(
  { clock }: Pick<Database, 'clock'>,
  work: () => Promise<Result>,
  { attempts = 10 }: TransactionOptions = {},
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error)) throw storeError(error, 'running a transaction');
      if (attempt >= attempts) throw unavailable('other transactions were in the way', error);
    }
    await clock.sleep(backoffMs(attempt));
  }
}

async function runOnce<Tables, Result>(
  database: Database,
  work: (trx: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  const { setReadCommitted } = database.traits;
  const builder = database.withTables<Tables>().transaction();
  let committed = (): void => {};
  const result = await (setReadCommitted ? builder.setIsolationLevel('read committed') : builder).execute((trx) => {
    committed = (database as TrackedDatabase).track(trx);
    return within(database as TrackedDatabase, trx, work);
  });
  committed();
  return result;
}

async function within<Tables, Result>(
  database: TrackedDatabase,
  given: Transaction<Tables>,
  work: (trx: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  const { trx, end } = endableTransaction(given);
  database.follow(trx, given);
  try {
    return await work(trx);
  } finally {
    end();
  }
}

/** Half of the wait is fixed, half is chance: racers that collided once do not collide again. */
function backoffMs(attempt: number): number {
  const fullMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (attempt - 1));
  return fullMs / 2 + randomInt(Math.ceil(fullMs / 2) + 1);
}

/** What a store queries on: the caller's transaction when given, else the database itself. */
export function executorFor<Tables>(database: Database, trx: StoreTransaction | undefined): Kysely<Tables> {
  return trx === undefined ? database.withTables<Tables>() : kyselyTransaction<Tables>(trx);
}

function kyselyTransaction<Tables>(trx: StoreTransaction): Transaction<Tables> {
  const candidate = trx as Partial<Transaction<Tables>>;
  if (candidate.isTransaction !== true || typeof candidate.selectFrom !== 'function')
    throw new TypeError('The transaction given is not one of Kysely; the store in use keeps its tables with Kysely.');
  return trx as unknown as Transaction<Tables>;
}
