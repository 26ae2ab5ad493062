import type { Clock } from '@dotmac/core';

/** How long a hook of the host is waited for once its run is to end. */
const graceMs = 5_000;

/** What a hook is waited for by. */
export interface Patience {
  clock: Pick<Clock, 'after'>;
  signal: AbortSignal;
  /** Default: as long as the run may take. */
  mostMs?: number;
}

/**
 * What a hook comes to, if it does in time: one that never does would keep its run, and all others of its directory, for ever. It is
 * not stopped, only no longer waited for.
 * @throws the signal's reason when the run is to end, and the hook does not
 */
export function inTime<Result>(
  hook: () => Result | Promise<Result>,
  { clock, signal, mostMs }: Patience,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timers: (() => void)[] = [];
    const onAbort = (): void => void timers.push(clock.after(graceMs, () => reject(signal.reason as Error)));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    if (mostMs !== undefined)
      timers.push(clock.after(mostMs, () => reject(new Error(`it was not done in ${mostMs / 1_000} seconds`))));
    const over = (): void => {
      signal.removeEventListener('abort', onAbort);
      for (const cancel of timers) cancel();
    };
    void Promise.resolve().then(hook).then(resolve, reject).finally(over);
  });
}
