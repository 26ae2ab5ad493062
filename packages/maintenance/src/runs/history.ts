import { describeError, type Clock, type Logger } from '@dotmac/core';
import type { MaintenanceStore } from '../store/store.js';
import { exclusively } from './exclusively.js';
import { historyKey } from './lease-keys.js';

/** Removes what is older than the history reaches. */
export interface HistoryPruner {
  /** Begins, unless it is under way: much may be old, and nobody is to wait for it. Failures are logged. */
  begin(): void;
  /** Ends after the batch that is under way. */
  stop(): Promise<void>;
}

/** Options of {@link createHistoryPruner}. */
export interface HistoryPrunerOptions {
  store: MaintenanceStore;
  clock: Clock;
  logger: Logger;
  leaseTtlMs: number;
  /** How far back the history reaches. */
  historyMs: number;
}

/** @see HistoryPruner */
export function createHistoryPruner({ store, clock, logger, ...options }: HistoryPrunerOptions): HistoryPruner {
  const { leaseTtlMs, historyMs } = options;
  let underway: { stopping: AbortController; done: Promise<void> } | undefined;

  const prune = async (signal: AbortSignal): Promise<void> => {
    try {
      await exclusively({ store, clock, leaseTtlMs, signal, patienceMs: 0 }, historyKey, ({ signal, confirm }) =>
        store.prune(clock.now() - historyMs, { clock, signal, confirm }),
      );
    } catch (error) {
      if (!signal.aborted) logger.warn(describeError(error), 'old runs, slots and plans could not be removed');
    }
  };

  return {
    begin() {
      if (underway) return;
      const stopping = new AbortController();
      underway = { stopping, done: prune(stopping.signal).finally(() => (underway = undefined)) };
    },
    async stop() {
      underway?.stopping.abort(new Error('maintenance is stopping'));
      await underway?.done;
    },
  };
}
