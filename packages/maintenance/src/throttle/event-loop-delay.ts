import { systemClock, type Clock } from '@dotmac/core';
import type { PressureSignal } from './signal.js';

const tickMs = 20;
/** How long it goes on looking after it was last asked: at rest it costs nothing. */
const lingerMs = 60_000;
/** What is looked at before the first figure. */
const firstMs = 100;

/**
 * How late the event loop of this process was at the worst since it was last asked; at first, within a tenth of a second.
 * SQLite works on that loop itself, in batches of some tens of milliseconds.
 */
export function eventLoopDelay({ pauseAtMs = 500 }: { pauseAtMs?: number } = {}): PressureSignal {
  const { monotonic, after, sleep } = systemClock;
  let [due, worstMs, askedAt, looks] = [0, 0, 0, false];
  // Node's own histogram forgets when it ticked last as it is emptied, and hears of a delay after whoever was held up
  // with it: of a loop that is held up all the time it tells nothing.
  const note = (): void => {
    const now = monotonic();
    worstMs = Math.max(worstMs, now - due);
    due = now + tickMs;
  };
  const tick = (): void => {
    note();
    looks = monotonic() - askedAt < lingerMs;
    if (looks) after(tickMs, tick);
  };
  return {
    name: 'event_loop_delay',
    unit: 'ms',
    pauseAt: pauseAtMs,
    async read() {
      askedAt = monotonic();
      if (!looks) {
        [looks, due, worstMs] = [true, askedAt + tickMs, 0];
        after(tickMs, tick);
        await sleep(firstMs);
      }
      // Whoever asks may be the first to run after a delay.
      note();
      const delayMs = worstMs;
      worstMs = 0;
      return delayMs;
    },
  };
}

/** What work waits for where the host does not say: by a clock of its own nothing, for that says nothing of the event loop. */
export const defaultThrottle = (clock: Clock): PressureSignal[] => (clock === systemClock ? [eventLoopDelay()] : []);
