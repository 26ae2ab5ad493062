import type { Transaction } from 'kysely';
import type { Clock } from '@dotmac/core';
import type { RowPlan } from './plan-rows.js';
import type { Prepared } from './prepare.js';
import { worthRetrying } from './retry.js';

/** What {@link dropPartitions} needs. */
export interface DropPartitionsOptions {
  clock: Clock;
  signal: AbortSignal;
  confirm(trx: Transaction<unknown>): Promise<void>;
  progress: { readonly remaining: number; advance(batch: { cleaned: number; bytes: number }): Promise<boolean> };
}

const attempts = 6;

/**
 * Drops partitions whole, oldest first. One that has more rows than the budget allows is left; a lock that is not had in
 * time is asked for again later, so that nobody queues up behind the asking.
 */
export async function dropPartitions(
  { dialect, selection, policy }: Prepared,
  { partitions }: RowPlan,
  { clock, signal, confirm, progress }: DropPartitionsOptions,
): Promise<{ deleted: number; batches: number; retries: number; drained: boolean; droppedBytes: number }> {
  const sum = { deleted: 0, batches: 0, retries: 0, droppedBytes: 0 };
  for (const { partition, rows } of partitions) {
    signal.throwIfAborted();
    if (rows > progress.remaining) return { ...sum, drained: false };
    for (let attempt = 1; ; attempt++) {
      try {
        await dialect.dropPartition(policy.on.kysely, selection, partition, dialect.pace, confirm);
        break;
      } catch (error) {
        if (!worthRetrying(error) || attempt >= attempts) throw error;
        sum.retries += 1;
        await clock.sleep(100 * 2 ** attempt, signal);
      }
    }
    sum.deleted += rows;
    sum.batches += 1;
    sum.droppedBytes += partition.bytes;
    const goOn = await progress.advance({ cleaned: rows, bytes: partition.bytes });
    if (!goOn && sum.batches < partitions.length) return { ...sum, drained: false };
  }
  return { ...sum, drained: true };
}
