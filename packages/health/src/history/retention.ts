import { coreErrors, createPruning, type Clock, type Logger, type PruneJob, type Pruning } from '@dotmac/core';
import type { HealthStore } from '../store/store.js';
import { pruneUndelivered } from '../alerts/undelivered.js';
import { resolutions, type Retention } from './resolution.js';

/** How long other things than sums are kept, in days. */
export interface KeptDays {
  /** After they were resolved. */
  incidents: number;
  /** Messages, after they were given up. */
  undelivered: number;
}

/**
 * As the host sets them. Default: incidents as long as days are summed up, 401, and messages for 90.
 * @throws INVALID_ARGUMENT for less than a day
 */
export function keptDaysOf(given: Partial<KeptDays> = {}): KeptDays {
  const days = { incidents: 401, undelivered: 90, ...given };
  if (!Object.values(days).every((it) => it >= 1))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'keptDays', reason: 'everything is kept for at least a day' });
  return days;
}

const dayMs = 86_400_000;
const batchSize = 1_000;
/** Of what is deleted with more that belongs to it. */
const smallBatch = 200;
/** What processes tell each other: they look every second. */
const sharedMs = 3_600_000;
/** Whoever follows what happens can be away for as long. */
const followedDays = 1;
/** A process that was cut off from the store for longer may count again what it does not know to be kept. */
const receiptDays = 30;

/** Deletes what is past its retention, in small batches, every ten minutes. */
export function createRetention(options: {
  store: HealthStore;
  clock: Clock;
  logger: Logger;
  retention: Retention;
  keptDays: KeptDays;
}): Pruning {
  const { store, clock, logger, retention, keptDays } = options;
  const since = (days: number): number => clock.now() - days * dayMs;
  const jobs: readonly PruneJob[] = [
    ...resolutions.map((resolution) => ({
      size: batchSize,
      prune: () => store.pruneBuckets(resolution, clock.now() - retention[resolution], batchSize),
    })),
    // By the clock that they are noted by: by another they may be old as soon as they are noted.
    { size: batchSize, prune: async () => store.pruneShared((await store.time()) - sharedMs, batchSize) },
    { size: batchSize, prune: () => store.pruneEvents(since(followedDays), batchSize) },
    { size: batchSize, prune: () => store.pruneReceipts(since(receiptDays), batchSize) },
    { size: smallBatch, prune: () => store.pruneIncidents(since(keptDays.incidents), smallBatch) },
    { size: smallBatch, prune: () => pruneUndelivered(store, since(keptDays.undelivered), smallBatch) },
  ];
  return createPruning({ clock, logger, what: 'old history', jobs });
}
