import type { Clock } from '@dotmac/core';
import type { ProbeResult } from '../probes/judge.js';

/** Our event loop standing still for this long during a check makes its timing meaningless. */
const stallMs = 1_000;
const tickMs = 100;

/** Watches this process for what would make checks lie. */
export interface OwnTrouble {
  /** Marks the start of a check; the function returned says what its result is worth. */
  watch(): (result: ProbeResult) => ProbeResult;
  start(): void;
  stop(): void;
}

/** Measures how late a short timer fires: a stalled event loop answers late, and blames whoever it was waiting for. */
export function ownTrouble(clock: Clock): OwnTrouble {
  let cancel: (() => void) | undefined;
  let lastTick = clock.monotonic();
  let lastStall = -Infinity;
  const note = (): void => {
    const now = clock.monotonic();
    if (cancel && now - lastTick > tickMs + stallMs) lastStall = now;
    lastTick = now;
  };
  const tick = (): void => {
    note();
    cancel = clock.after(tickMs, tick);
  };
  return {
    watch() {
      const startedAt = clock.monotonic();
      return (result) => {
        note();
        return lastStall >= startedAt && result.status !== 'healthy'
          ? { status: 'unknown', responseTimeMs: null, message: 'This process stood still during the check' }
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
