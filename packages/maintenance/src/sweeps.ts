import type { CancelTimer, Clock } from '@dotmac/core';

/** Does a work at once, and again a while after each time. */
export interface Sweeps {
  /** Begins; resolves after the first time. */
  begin(): Promise<void>;
  /** Begins no more, and waits for the one that is under way. */
  stop(): Promise<void>;
}

/** Options of {@link createSweeps}. */
export interface SweepsOptions {
  clock: Pick<Clock, 'after'>;
  /** From the end of one to the next. */
  everyMs: number;
  /** Never rejects. The signal aborts when the sweeps are stopped: what was begun is to end soon, and to begin nothing more. */
  sweep(signal: AbortSignal): Promise<void>;
}

/** @see Sweeps */
export function createSweeps({ clock, everyMs, sweep }: SweepsOptions): Sweeps {
  let stopping = new AbortController();
  let underway: Promise<void> = Promise.resolve();
  let cancel: CancelTimer = () => {};

  return {
    begin() {
      // Of each beginning its own: one that was stopped in the middle does not go on beside the next.
      stopping = new AbortController();
      const { signal } = stopping;
      const again = (): void => {
        if (!signal.aborted) cancel = clock.after(everyMs, () => void once());
      };
      const once = (): Promise<void> => (underway = sweep(signal).finally(again));
      return once();
    },
    async stop() {
      stopping.abort();
      cancel();
      await underway;
    },
  };
}
