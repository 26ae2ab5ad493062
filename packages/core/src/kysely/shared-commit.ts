import type { Transaction } from 'kysely';
import type { Database } from './database.js';
import { inTransaction } from './transaction.js';

/** Work that waits for a commit. */
interface Waiting {
  run(trx: Transaction<unknown>): Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Transactions that share a commit at most: others wait for as long as they take. */
const mostTogether = 64;

interface Queue {
  waiting: Waiting[];
  isRunning: boolean;
}

const queues = new WeakMap<Database, Queue>();

/**
 * Runs `work` in a transaction that it shares with what else waits for the database's one writer: a commit costs more
 * than what most of them write. It answers after the commit. `work` either does all that it does or throws, and may be
 * run again: when one of them throws, all are undone and each is run by itself.
 */
export async function sharedCommit<Result>(
  database: Database,
  work: (trx: Transaction<unknown>) => Promise<Result>,
): Promise<Result> {
  let queue = queues.get(database);
  if (!queue) queues.set(database, (queue = { waiting: [], isRunning: false }));
  const { waiting } = queue;
  let result: Result | undefined;
  const done = new Promise<void>((resolve, reject) => {
    const run = async (trx: Transaction<unknown>): Promise<void> => {
      result = await work(trx);
    };
    waiting.push({ run, resolve, reject });
  });
  // Nobody's own answer waits for what comes after it.
  if (!queue.isRunning) void commitAll(database, queue);
  await done;
  return result as Result;
}

/** Never rejects: what fails is told to those who wait for it. */
async function commitAll(database: Database, queue: Queue): Promise<void> {
  queue.isRunning = true;
  while (queue.waiting.length > 0) await commitNext(database, queue.waiting);
  queue.isRunning = false;
}

async function commitNext(database: Database, waiting: Waiting[]): Promise<void> {
  let taken: Waiting[] = [];
  try {
    await inTransaction<unknown, void>(database, undefined, async (trx) => {
      // Only now that the writer is ours, and once more when the transaction is run again: whoever came meanwhile.
      taken = [...taken, ...waiting.splice(0, mostTogether - taken.length)];
      for (const each of taken) await each.run(trx);
    });
    for (const { resolve } of taken) resolve();
  } catch (error) {
    // Before the transaction began, e.g. because the database cannot be opened: it is the same for all.
    if (taken.length === 0) taken = waiting.splice(0);
    if (taken.length === 1) taken[0]?.reject(error);
    else
      for (const each of taken)
        await inTransaction<unknown, void>(database, undefined, each.run).then(each.resolve, each.reject);
  }
}
