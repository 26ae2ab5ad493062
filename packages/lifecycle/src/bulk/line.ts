import type { LifecycleContext } from '../context.js';
import { writeBatch, type Batch, type Writing, type Written } from './batch.js';
import type { BulkOperation } from './operation.js';

/** Batches of one operation that are being written. */
export interface Line {
  /** Where the operation is once all of them are written. */
  readonly cursor: string;
  /** Begins to write one more. Returns what became of one that had to be over first. */
  add(batch: Batch): Promise<Written | undefined>;
  /** Waits for all of them. */
  end(): Promise<Written>;
  /** Waits until none is being written any more, whatever became of them. */
  settled(): Promise<void>;
}

/**
 * Writes batches from where an operation is. Where transactions can be open side by side, one begins while the one before
 * it still ends: the database has work while it waits for its disk. They commit in their order, each after the one before.
 */
export function lineUp(context: LifecycleContext, operation: BulkOperation): Line {
  const waiting = context.store.capabilities.parallelTransactions ? 1 : 0;
  const under: Writing[] = [];
  let { cursor } = operation;
  let last: Writing = { rows: Promise.resolve(), done: Promise.resolve(operation) };
  return {
    get cursor() {
      return cursor;
    },
    async add(batch) {
      last = writeBatch(context, last, batch);
      under.push(last);
      cursor = batch.results.at(-1)?.customerId ?? cursor;
      return under.length > waiting ? under.shift()?.done : undefined;
    },
    end: () => last.done,
    async settled() {
      await Promise.allSettled(under.map(({ done }) => done));
    },
  };
}
