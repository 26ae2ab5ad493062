import { describeError, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import type { HealthStore } from '../store/store.js';
import { resolutions, type Retention } from './resolution.js';

const everyMs = 600_000;
const batchSize = 1_000;
/** Between batches, so that the database's other users get their turn. */
const pauseMs = 50;
/** More than this in one round waits for the next. */
const mostBatches = 1_000;

/** Deletes buckets past their retention, in small batches, every ten minutes. */
export function createRetention(options: { store: HealthStore; clock: Clock; logger: Logger; retention: Retention }): {
  start(): void;
  stop(): Promise<void>;
} {
  const { store, clock, logger, retention } = options;
  let cancelTimer: CancelTimer | undefined;
  let stopping = new AbortController();
  let round: Promise<void> = Promise.resolve();

  const prune = async (): Promise<void> => {
    let batches = 0;
    try {
      for (const resolution of resolutions)
        while (batches++ < mostBatches && !stopping.signal.aborted) {
          const pruned = await store.pruneBuckets(resolution, clock.now() - retention[resolution], batchSize);
          if (pruned < batchSize) break;
          await clock.sleep(pauseMs, stopping.signal);
        }
    } catch (error) {
      if (!stopping.signal.aborted) logger.warn(describeError(error), 'old history could not be deleted');
    }
    arm();
  };
  const arm = (): void => {
    if (!stopping.signal.aborted) cancelTimer = clock.after(everyMs, () => void (round = prune()));
  };
  return {
    start() {
      stopping = new AbortController();
      arm();
    },
    async stop() {
      stopping.abort(new Error('stopped'));
      cancelTimer?.();
      await round;
    },
  };
}
