import type { StopSignal } from './stop.js';

/** Cancels a timer. Calling it again, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/**
 * Time as a dependency. Everything in dotmac that waits or asks the hour does so through the one clock it was given,
 * so that tests move time by hand (`fakeClock` in `@dotmac/core/testing`).
 */
export interface Clock {
  /** Wall time in epoch milliseconds. */
  now(): number;
  /** A monotonic reading in milliseconds, for measuring durations; unaffected by changes of the wall clock. */
  monotonic(): number;
  /** Calls `fire` once, `delayMs` from now. Delays of any length are kept; the timer does not hold the process open. */
  after(delayMs: number, fire: () => void): CancelTimer;
  /**
   * Resolves after `delayMs`; rejects with the signal's reason as soon as `signal` aborts. Holds the process open: who
   * sleeps is in the middle of something.
   */
  sleep(delayMs: number, signal?: StopSignal): Promise<void>;
}

/** `setTimeout` fires at once beyond this: Node keeps the delay in a signed 32-bit integer. */
const longestTimerMs = 2 ** 31 - 1;

function timer(delayMs: number, fire: () => void, holdsProcess: boolean): CancelTimer {
  let timeout: NodeJS.Timeout;
  const arm = (remainingMs: number): void => {
    const chunkMs = Math.min(Math.max(remainingMs, 0), longestTimerMs);
    timeout = setTimeout(() => (remainingMs > chunkMs ? arm(remainingMs - chunkMs) : fire()), chunkMs);
    if (!holdsProcess) timeout.unref();
  };
  arm(delayMs);
  return () => clearTimeout(timeout);
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, fire) => timer(delayMs, fire, false),
  sleep: (delayMs, signal) => sleepOn({ after: (ms, fire) => timer(ms, fire, true) }, delayMs, signal),
};

/** A {@link Clock.sleep} made of a clock's `after`; for those who write their own clock. */
export function sleepOn(clock: Pick<Clock, 'after'>, delayMs: number, signal?: StopSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
