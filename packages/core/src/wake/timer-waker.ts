import { setMaxListeners } from 'node:events';
import { systemClock, type CancelTimer, type Clock } from '../clock.js';
import { drain } from '../deadline.js';
import { describeError } from '../errors/describe-error.js';
import { silentLogger, type Logger } from '../logger.js';
import { timeHeap } from './heap.js';
import { lines } from './lines.js';
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
  /**
   * Whose a key is, e.g. a tenant's: where more are due than can be handled, owners take turns. Default: all are one's,
   * and are handled in the order of their times.
   */
  ownerOf?: (key: string) => string;
  /**
   * Keys waiting at most; beyond, wake-ups are left to the sweep, save those of owners of whom less than a hundredth of
   * this waits. Default 100,000.
   */
  maxWaiting?: number;
  /** How long `stop` waits for running handlers before aborting them. Default 5,000 ms. */
  graceMs?: number;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;
/** Keys that are put in line at once: a crowd that is due in one instant is not to hold up the event loop. */
const linedUpAtOnce = 1_000;

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
    ownerOf = () => '',
    maxWaiting = 100_000,
    graceMs = 5_000,
  } = options;
  const heap = timeHeap<DueKey>();
  /** What is due, and out of the heap. */
  const due = lines<DueKey>();
  /** The one valid entry of each waiting key, in the heap or due; others of that key are stale. */
  const waiting = new Map<string, DueKey>();
  /** Keys that wait, by their owners. */
  const waitingOf = new Map<string, number>();
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
    // What is due has its place in line.
    if (known && known.at <= Math.max(at, clock.now())) return;
    if (!known) {
      const owner = ownerOf(key);
      const own = waitingOf.get(owner) ?? 0;
      if (waiting.size >= maxWaiting && own >= maxWaiting / 100) {
        logger.warn({ key, maxWaiting }, 'too many wake-ups are waiting; this one is left to the sweep');
        return;
      }
      waitingOf.set(owner, own + 1);
    }
    const entry = { key, at };
    waiting.set(key, entry);
    heap.push(entry);
    if (heap.size > 2 * waiting.size + 64) heap.retain((item) => waiting.get(item.key) === item);
  };
  const forget = (key: string): void => {
    waiting.delete(key);
    const owner = ownerOf(key);
    const left = (waitingOf.get(owner) ?? 0) - 1;
    if (left > 0) waitingOf.set(owner, left);
    else waitingOf.delete(owner);
  };
  const arm = (): void => {
    cancelTimer();
    firesAt = Infinity;
    if (!handler || running.size >= concurrency) return;
    const at = due.size > 0 ? -Infinity : nextValid()?.at;
    if (at === undefined) return;
    const delayMs = Math.max(0, at - clock.now());
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
    for (let lined = 0; lined < linedUpAtOnce; lined++) {
      const next = nextValid();
      if (!next || next.at > clock.now()) break;
      heap.pop();
      due.add(ownerOf(next.key), next);
    }
    while (handler && running.size < concurrency) {
      const next = due.next();
      if (!next) break;
      if (waiting.get(next.key) !== next) continue;
      forget(next.key);
      begin(next.key, handler);
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
