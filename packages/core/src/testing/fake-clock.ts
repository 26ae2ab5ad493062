import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleepOn, type Clock } from '../clock.js';

/** A clock that moves only when a test says so. */
export interface FakeClock extends Clock {
  /**
   * Moves time on by `ms`, firing what falls due in order, and lets asynchronous work proceed before and after each
   * firing.
   */
  advance(ms: number): Promise<void>;
  /** Jumps the wall clock to `epochMs`, as an operator or NTP would: timers and `monotonic()` do not notice. */
  set(epochMs: number): void;
  /** How many timers are waiting. */
  readonly pending: number;
}

interface Timer {
  dueAt: number;
  order: number;
  fire: () => void;
}

/** Turns of the event loop given to asynchronous work between two firings; enough for a few awaits on real I/O. */
const turnsBetweenFirings = 3;

/**
 * A {@link FakeClock} that shows `startMs` (default 2026-01-01T00:00:00Z). Timers of equal time fire in the order
 * they were set.
 */
export function fakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let wallOffsetMs = startMs;
  let order = 0;

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < turnsBetweenFirings; turn++) await nextTurn();
  };
  const earliestUntil = (limit: number): Timer | undefined => {
    let earliest: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueAt > limit) continue;
      if (!earliest || timer.dueAt < earliest.dueAt || (timer.dueAt === earliest.dueAt && timer.order < earliest.order))
        earliest = timer;
    }
    return earliest;
  };

  const clock: FakeClock = {
    now: () => wallOffsetMs + elapsedMs,
    monotonic: () => elapsedMs,
    after(delayMs, fire) {
      const timer: Timer = { dueAt: elapsedMs + Math.max(0, delayMs), order: order++, fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    sleep: (delayMs, signal) => sleepOn(clock, delayMs, signal),
    async advance(ms) {
      const target = elapsedMs + ms;
      await settle();
      for (let next = earliestUntil(target); next; next = earliestUntil(target)) {
        timers.delete(next);
        elapsedMs = Math.max(elapsedMs, next.dueAt);
        next.fire();
        await settle();
      }
      elapsedMs = Math.max(elapsedMs, target);
    },
    set(epochMs) {
      wallOffsetMs = epochMs - elapsedMs;
    },
    get pending() {
      return timers.size;
    },
  };
  return clock;
}
