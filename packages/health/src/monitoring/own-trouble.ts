import type { Clock } from '@dotmac/core';
import { nothingFound, type ProbeResult } from '../probes/judge.js';

/** Our event loop standing still for this long during a check makes its timing meaningless, whatever it found. */
const stallMs = 1_000;
/** What is shorter is how a busy process is at any time, and explains nothing. */
const shortestMs = 250;
const tickMs = 100;

/** Watches this process for what would make checks lie. */
export interface OwnTrouble {
  /**
   * Marks the start of a check; the function returned says what its result is worth. One that is not healthy is worth
   * nothing when this process stood still for a second of it, or for half of the time that the answer took or would
   * have had.
   */
  watch(timeoutMs?: number): (result: ProbeResult) => ProbeResult;
  start(): void;
  stop(): void;
}

/** Measures how late a short timer fires: a stalled event loop answers late, and blames whoever it was waiting for. */
export function ownTrouble(clock: Clock): OwnTrouble {
  let cancel: (() => void) | undefined;
  let lastTick = clock.monotonic();
  /** How long it has stood still in all. */
  let stoodMs = 0;
  const note = (): void => {
    const now = clock.monotonic();
    const lateMs = now - lastTick - tickMs;
    if (cancel && lateMs >= shortestMs) stoodMs += lateMs;
    lastTick = now;
  };
  const tick = (): void => {
    note();
    cancel = clock.after(tickMs, tick);
  };
  return {
    watch(timeoutMs = Infinity) {
      note();
      const stoodBeforeMs = stoodMs;
      return (result) => {
        note();
        const stoodNowMs = stoodMs - stoodBeforeMs;
        const mostMs = Math.min(stallMs, (result.responseTimeMs ?? timeoutMs) / 2);
        return stoodNowMs > 0 && stoodNowMs >= mostMs && result.status !== 'healthy'
          ? nothingFound('own_event_loop')
          : result;
      };
    },
    start() {
      if (cancel) return;
      lastTick = clock.monotonic();
      cancel = clock.after(tickMs, tick);
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}
