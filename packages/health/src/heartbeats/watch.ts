import type { CancelTimer, Clock } from '@dotmac/core';
import { isLeaseLost } from '../history/fenced.js';
import type { Term, WatchTime } from '../store/sharing.js';
import type { HealthStore } from '../store/store.js';

/** The time in which jobs could call, and one could notice when they did not: no setting of a wall clock adds to it. */
export interface Watch {
  /**
   * How much of it there was by now. `isOwn`: this process monitors, and counts it; another knows what was last kept.
   * @throws when the store cannot be reached, and this process did not reach it lately
   */
  read(): Promise<WatchTime & { isOwn: boolean }>;
  /** Counts no more. What there was is kept, if the store can be reached. */
  stop(): Promise<void>;
}

/** What passes between two of them is lost with a process that dies, and jobs are found to be late by as much later. */
const keepMs = 10_000;
/** A process that was not heard of for longer may have been suspended, and another have taken over. */
const longestPauseMs = 30_000;

/** What this process counts. */
interface Count extends WatchTime {
  fence: number;
  /** When it was so much; monotonic. */
  at: number;
  /** When that was last said to the store; monotonic. */
  toldAt: number;
  /** The store was not reached since. */
  isCut: boolean;
}

/**
 * Counts the time in which endpoints are monitored, from one process to the next: each goes on from what the one before
 * has kept, under its lease. It begins when it is first asked for, and leaves out when the store could not be reached or
 * this process stood still: nobody can have called then.
 */
export function createWatch(options: {
  store: Pick<HealthStore, 'settle' | 'watched'>;
  term: () => Term | undefined;
  clock: Pick<Clock, 'monotonic' | 'after'>;
}): Watch {
  const { store, clock } = options;
  let count: Count | undefined;
  let cancelTimer: CancelTimer | undefined;
  let last: Promise<void> = Promise.resolve();

  const keep = async (term: Term): Promise<void> => {
    const now = clock.monotonic();
    const known = count?.fence === term.fence ? count : undefined;
    const { ms, sinceMs } = known ?? (await store.watched());
    const isBroken = !known || known.isCut || now - known.toldAt > longestPauseMs;
    const watched = isBroken ? { ms, sinceMs: ms } : { ms: ms + now - known.at, sinceMs };
    try {
      await store.settle({ states: [], chunks: [], deltas: [], incidents: [], events: [], watched }, term);
      count = {
        ...watched,
        fence: term.fence,
        at: known ? now : clock.monotonic(),
        toldAt: clock.monotonic(),
        isCut: false,
      };
    } catch (error) {
      if (isLeaseLost(error)) count = undefined;
      else if (known) known.isCut = true;
      throw error;
    }
  };
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const tick = async (): Promise<void> => {
    const term = options.term();
    if (term) await inTurn(() => keep(term)).catch(() => undefined);
    if (cancelTimer) cancelTimer = clock.after(keepMs, () => void tick());
  };
  const isTold = ({ fence }: Term): boolean =>
    count?.fence === fence && !count.isCut && clock.monotonic() - count.toldAt <= longestPauseMs;

  return {
    async read() {
      const term = options.term();
      if (!term) return { ...(await store.watched()), isOwn: false };
      cancelTimer ??= clock.after(keepMs, () => void tick());
      if (!isTold(term)) await inTurn(() => (isTold(term) ? Promise.resolve() : keep(term)));
      if (count?.fence !== term.fence) return { ...(await store.watched()), isOwn: false };
      const { ms, sinceMs, at } = count;
      return { ms: ms + clock.monotonic() - at, sinceMs, isOwn: true };
    },
    async stop() {
      cancelTimer?.();
      cancelTimer = undefined;
      const term = options.term();
      if (term && count) await inTurn(() => keep(term)).catch(() => undefined);
      await last;
      count = undefined;
    },
  };
}
