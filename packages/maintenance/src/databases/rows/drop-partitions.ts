import type { Transaction } from 'kysely';
import type { Clock } from '@dotmac/core';
import type { RowPlan } from './plan-rows.js';
import type { Prepared } from './prepared.js';
import { worthRetrying } from './retry.js';

/** What {@link dropPartitions} needs. */
export interface DropPartitionsOptions {
  clock: Clock;
  signal: AbortSignal;
  confirm(trx: Transaction<unknown>): Promise<void>;
  /** How many rows a run may delete at most. */
  mostRows: number;
  progress: { readonly remaining: number; advance(batch: { cleaned: number; bytes: number }): Promise<boolean> };
}

/** What came of it. */
interface Dropped {
  deleted: number;
  batches: number;
  retries: number;
  drained: boolean;
  droppedBytes: number;
  tooLarge: boolean;
}

/** What people should know of partitions that no run within the budget drops. */
export function neverDropped(partitions: RowPlan['partitions'], mostRows: number): string[] {
  const large = partitions.filter(({ rows }) => rows > mostRows);
  if (large.length === 0) return [];
  const [names, most] = [large.map(({ partition }) => partition.name), Math.max(...large.map(({ rows }) => rows))];
  return [
    `Partitions go whole, and no run within a budget of ${mostRows.toLocaleString('en')} items drops ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}: one of ${most.toLocaleString('en')} items would.`,
  ];
}

const attempts = 6;

/**
 * Drops partitions whole, oldest first. One that has more rows than is left of the budget ends that; one that has more than any run
 * may delete is passed over. A lock that is not had in time is asked for again later, so that nobody queues up behind the
 * asking.
 * @returns `tooLarge`: the budget is why not all of them went
 */
export async function dropPartitions(
  { dialect, selection, policy }: Prepared,
  { partitions }: RowPlan,
  { clock, signal, confirm, mostRows, progress }: DropPartitionsOptions,
): Promise<Dropped> {
  const sum = { deleted: 0, batches: 0, retries: 0, droppedBytes: 0, tooLarge: false };
  for (const { partition, rows } of partitions) {
    signal.throwIfAborted();
    if (rows > progress.remaining) {
      sum.tooLarge = true;
      if (rows > mostRows) continue;
      break;
    }
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
  return { ...sum, drained: !sum.tooLarge };
}
