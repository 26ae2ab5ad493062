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

/** How a {@link fakeClock} shows time. */
export interface FakeClockOptions {
  /**
   * Whether `monotonic()` gains a little whenever time moves, though never a whole millisecond in all, so that durations
   * have fractions as well. Default false: the time between two readings is just what was advanced by.
   */
  drifting?: boolean;
}

/** What `monotonic()` shows at first, but for its fraction: a process has run for some time before it is asked. */
const firstMs = 1_024;
/** The fraction after so many steps: 0.625, exact in binary, and from then on ever closer to 1. */
const fractionAfter = (steps: number): number => 1 - 3 / (8 + steps);

/** Turns of the event loop given to asynchronous work between two firings; enough for a few awaits on real I/O. */
const turnsBetweenFirings = 3;

/**
 * A {@link FakeClock} that shows `startMs` (default 2026-01-01T00:00:00Z). Timers of equal time fire in the order
 * they were set. As with the system's clock, `now()` is whole milliseconds and `monotonic()` has a fraction, which
 * finds what mixes the two.
 */
export function fakeClock(
  startMs: number = Date.UTC(2026, 0, 1),
  { drifting = false }: FakeClockOptions = {},
): FakeClock {
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let startedAt = startMs;
  let order = 0;
  let steps = 0;

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < turnsBetweenFirings; turn++) await nextTurn();
  };
  const moveTo = (ms: number): void => {
    elapsedMs = Math.max(elapsedMs, ms);
    if (drifting) steps += 1;
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
    now: () => startedAt + Math.floor(elapsedMs),
    monotonic: () => firstMs + elapsedMs + fractionAfter(steps),
    after(delayMs, fire) {
      // What drifts is no reason to fire within a millisecond, of which the wall clock knows nothing.
      const waitMs = drifting ? Math.ceil(delayMs) : delayMs;
      const timer: Timer = { dueAt: elapsedMs + Math.max(0, waitMs), order: order++, fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    sleep: (delayMs, signal) => sleepOn(clock, delayMs, signal),
    async advance(ms) {
      const target = elapsedMs + ms;
      await settle();
      for (let next = earliestUntil(target); next; next = earliestUntil(target)) {
        timers.delete(next);
        moveTo(next.dueAt);
        next.fire();
        await settle();
      }
      moveTo(target);
    },
    set(epochMs) {
      startedAt = epochMs - Math.floor(elapsedMs);
    },
    get pending() {
      return timers.size;
    },
  };
  return clock;
}
