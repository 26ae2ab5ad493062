import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { PressureSignal } from './pressure.js';

/**
 * How late the event loop of this process was at the worst since it was last asked. SQLite works on that loop itself,
 * in batches of some tens of milliseconds.
 */
export function eventLoopDelay({ pauseAtMs = 500 }: { pauseAtMs?: number } = {}): PressureSignal {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  return {
    name: 'event_loop_delay',
    unit: 'ms',
    pauseAt: pauseAtMs,
    read() {
      // It counts the time between its own timers, their 10 ms with it.
      const delayMs = Math.max(0, histogram.max / 1e6 - 10);
      histogram.reset();
      return delayMs;
    },
  };
}
