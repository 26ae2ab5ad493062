import { setMaxListeners } from 'node:events';
import { systemClock, type CancelTimer, type Clock } from '../clock.js';
import { drain } from '../deadline.js';
import { describeError } from '../errors/describe-error.js';
import { silentLogger, type Logger } from '../logger.js';
import { timeHeap } from './heap.js';
import type { WakeHandler, Waker } from './waker.js';

/** A wake-up found in the tables. */
export interface DueKey {
  key: string;
  /** Epoch ms. */
  at: number;
}

/** Options of {@link timerWaker}. */
export interface TimerWakerOptions {
  clock?: Clock;
  logger?: Logger;
  /**
   * Finds in the tables what is to be woken until about `untilMs` (epoch ms): wake-ups do not outlive the process,
   * the tables do.
   */
  sweep?: (untilMs: number) => Promise<readonly DueKey[]>;
  /** How often to sweep; the first time at start. Default 30,000 ms. */
  sweepMs?: number;
  /** Handlers at once. Default 16. */
  concurrency?: number;
  /** Keys waiting at most; beyond, wake-ups are left to the sweep. Default 100,000. */
  maxWaiting?: number;
  /** How long `stop` waits for running handlers before aborting them. Default 5,000 ms. */
  graceMs?: number;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * The default waker: timers of this process, one clock timer for all of them, and a sweep of the tables for what a
 * crash lost.
 */
export function timerWaker(options: TimerWakerOptions = {}): Waker {
  const {
    clock = systemClock,
    logger = silentLogger,
    sweep,
    sweepMs = 30_000,
    concurrency = 16,
    maxWaiting = 100_000,
    graceMs = 5_000,
  } = options;
  const heap = timeHeap<DueKey>();
  /** The one valid heap entry of each waiting key; others of that key are stale. */
  const waiting = new Map<string, DueKey>();
  const running = new Map<string, Promise<void>>();
  /** Asked for while the key was being handled. */
  const askedMeanwhile = new Map<string, number>();
  const failures = new Map<string, number>();
  let abort = new AbortController();
  let handler: WakeHandler | undefined;
  let cancelTimer: CancelTimer = () => {};
  /** When the timer fires, by the monotonic clock. */
  let firesAt = Infinity;
  let cancelSweep: CancelTimer = () => {};
  let sweeping: Promise<void> = Promise.resolve();

  const enqueue = (key: string, at: number): void => {
    const known = waiting.get(key);
    if (known && known.at <= at) return;
    if (!known && waiting.size >= maxWaiting) {
      logger.warn({ key, maxWaiting }, 'too many wake-ups are waiting; this one is left to the sweep');
      return;
    }
    const entry = { key, at };
    waiting.set(key, entry);
    heap.push(entry);
    if (heap.size > 2 * waiting.size + 64) heap.retain((item) => waiting.get(item.key) === item);
  };
  const arm = (): void => {
    cancelTimer();
    firesAt = Infinity;
    if (!handler || running.size >= concurrency) return;
    const next = nextValid();
    if (!next) return;
    const delayMs = Math.max(0, next.at - clock.now());
    firesAt = clock.monotonic() + delayMs;
    cancelTimer = clock.after(delayMs, fire);
  };
  /** Does the timer fire too late for what is first? Also when that was there before, and the wall clock was set forward. */
  const isLate = (): boolean => {
    const next = nextValid();
    return next !== undefined && clock.monotonic() + Math.max(0, next.at - clock.now()) < firesAt;
  };
  const nextValid = (): DueKey | undefined => {
    for (let top = heap.peek(); top; top = heap.peek()) {
      if (waiting.get(top.key) === top) return top;
      heap.pop();
    }
    return undefined;
  };
  const fire = (): void => {
    for (let next = nextValid(); next && next.at <= clock.now() && running.size < concurrency; next = nextValid()) {
      heap.pop();
      waiting.delete(next.key);
      if (handler) begin(next.key, handler);
    }
    arm();
  };
  const begin = (key: string, handle: WakeHandler): void => {
    const { signal } = abort;
    const work = Promise.resolve()
      .then(() => handle(key, signal))
      .then(
        () => void failures.delete(key),
        (error: unknown) => {
          const count = (failures.get(key) ?? 0) + 1;
          failures.set(key, count);
          const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (count - 1));
          logger.error({ key, retryMs, ...describeError(error) }, 'a wake-up failed and will be repeated');
          noteMeanwhile(key, clock.now() + retryMs);
        },
      )
      .finally(() => {
        running.delete(key);
        const again = askedMeanwhile.get(key);
        askedMeanwhile.delete(key);
        if (again !== undefined) enqueue(key, again);
        arm();
      });
    running.set(key, work);
  };
  const noteMeanwhile = (key: string, at: number): void =>
    void askedMeanwhile.set(key, Math.min(at, askedMeanwhile.get(key) ?? Infinity));

  const wake = (key: string, at: number): void => {
    if (running.has(key)) return noteMeanwhile(key, at);
    enqueue(key, at);
    if (isLate()) arm();
  };
  const sweepOnce = async (find: NonNullable<typeof sweep>): Promise<void> => {
    try {
      // Twice the interval: what falls due before the next sweep has finished is known beforehand.
      for (const { key, at } of await find(clock.now() + 2 * sweepMs)) if (!running.has(key)) wake(key, at);
    } catch (error) {
      logger.warn(describeError(error), 'the tables could not be swept for wake-ups');
    }
    if (handler) cancelSweep = clock.after(sweepMs, () => void (sweeping = sweepOnce(find)));
  };

  return {
    wake,
    start(handle) {
      if (handler) return;
      handler = handle;
      abort = new AbortController();
      // Every running handler listens, with whatever it begins.
      setMaxListeners(0, abort.signal);
      arm();
      if (sweep) sweeping = sweepOnce(sweep);
    },
    async stop() {
      handler = undefined;
      cancelTimer();
      cancelSweep();
      await drain(clock, [sweeping, ...running.values()], { graceMs, abort });
    },
  };
}
