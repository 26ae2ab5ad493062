import type { CancelTimer, Clock } from './clock.js';
import { describeError } from './errors/describe-error.js';
import type { Logger } from './logger.js';

/** Something that is deleted once it is old, a batch at a time. */
export interface PruneJob {
  /** The size of a batch. */
  size: number;
  /** Deletes a batch, and says how many that were; fewer than `size`: there are no more. */
  prune: () => Promise<number>;
}

/** Deletes what is old, now and then. */
export interface Pruning {
  /** The first round comes after `everyMs`. */
  start(): void;
  /** After the batch that is under way. Safe to call again. */
  stop(): Promise<void>;
}

/** Between batches, so that the database's other users get their turn. */
const pauseMs = 50;
/** More than this of one thing in one round waits for the next. */
const mostBatches = 1_000;

/**
 * Deletes what is past its retention, in small batches, every ten minutes unless `everyMs` says otherwise. A job that has
 * no end, or fails, keeps the others from nothing.
 * @param options.what what could not be deleted, for the log, e.g. `old history`
 */
export function createPruning(options: {
  clock: Clock;
  logger: Logger;
  what: string;
  jobs: readonly PruneJob[];
  everyMs?: number;
}): Pruning {
  const { clock, logger, what, jobs, everyMs = 600_000 } = options;
  let cancelTimer: CancelTimer | undefined;
  let stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const run = async ({ size, prune }: PruneJob): Promise<void> => {
    for (let batches = 0; batches < mostBatches && !stopping.signal.aborted; batches++) {
      if ((await prune()) < size) break;
      await clock.sleep(pauseMs, stopping.signal);
    }
  };
  const round = async (): Promise<void> => {
    for (const job of jobs)
      await run(job).catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.warn(describeError(error), `${what} could not be deleted`);
      });
    arm();
  };
  const arm = (): void => {
    if (!stopping.signal.aborted) cancelTimer = clock.after(everyMs, () => void (running = round()));
  };
  return {
    start() {
      stopping = new AbortController();
      arm();
    },
    async stop() {
      stopping.abort(new Error('stopped'));
      cancelTimer?.();
      await running;
    },
  };
}
