import type { Clock } from '@dotmac/core';

/** How long the hooks of the host are waited for once their run is to end, all together. */
const graceMs = 5_000;

/** What the hooks of a run are waited for by. */
export interface Patience {
  /** The run was to end, and the time that hooks had from then on is up: none is to be called any more. */
  readonly isOver: boolean;
  /**
   * What a hook comes to, if it does in time: one that never does would keep its run, and all others of its directory, for ever. It is
   * not stopped, only no longer waited for.
   * @param mostMs default: as long as the run may take
   * @throws the signal's reason when the run is to end, and the hook does not
   */
  inTime<Result>(hook: () => Result | Promise<Result>, mostMs?: number): Promise<Result>;
  /** It waits for no hook any more. */
  close(): void;
}

/** The patience of a run that is to end when the signal aborts. */
export function createPatience({ clock, signal }: { clock: Pick<Clock, 'after'>; signal: AbortSignal }): Patience {
  const waiting = new Set<() => void>();
  let isOver = false;
  let cancelGrace = (): void => {};
  const onAbort = (): void => {
    cancelGrace = clock.after(graceMs, () => {
      isOver = true;
      for (const leave of waiting) leave();
    });
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    get isOver() {
      return isOver;
    },
    inTime: (hook, mostMs) =>
      new Promise((resolve, reject) => {
        if (isOver) {
          reject(signal.reason as Error);
          return;
        }
        const onLate = (): void => reject(new Error(`it was not done in ${Number(mostMs) / 1_000} seconds`));
        const cancel = mostMs === undefined ? (): void => {} : clock.after(mostMs, onLate);
        const leave = (): void => {
          cancel();
          reject(signal.reason as Error);
        };
        waiting.add(leave);
        const over = (): void => {
          waiting.delete(leave);
          cancel();
        };
        void Promise.resolve().then(hook).then(resolve, reject).finally(over);
      }),
    close() {
      signal.removeEventListener('abort', onAbort);
      cancelGrace();
      waiting.clear();
    },
  };
}
