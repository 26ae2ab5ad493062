import { describeError, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import type { HealthStore } from '../store/store.js';

const everyMs = 600_000;
const batchSize = 1_000;
/** Between batches, so that the database's other users get their turn. */
const pauseMs = 50;
/** More than this in one round waits for the next. */
const mostBatches = 1_000;

/** Deletes samples past their retention, in small batches, every ten minutes. */
export function createRetention(options: { store: HealthStore; clock: Clock; logger: Logger; retentionMs: number }): {
  start(): void;
  stop(): Promise<void>;
} {
  const { store, clock, logger, retentionMs } = options;
  let cancelTimer: CancelTimer | undefined;
  let stopping = new AbortController();
  let round: Promise<void> = Promise.resolve();

  const prune = async (): Promise<void> => {
    try {
      for (let batch = 0; batch < mostBatches && !stopping.signal.aborted; batch++) {
        if ((await store.pruneSamples(clock.now() - retentionMs, batchSize)) < batchSize) break;
        await clock.sleep(pauseMs, stopping.signal);
      }
    } catch (error) {
      if (!stopping.signal.aborted) logger.warn(describeError(error), 'old checks could not be deleted');
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
