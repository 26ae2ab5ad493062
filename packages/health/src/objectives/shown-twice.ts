import { burnWindows, noTally, withoutTally, type Tally } from './budget.js';

/** A while of the wall clock, epoch ms. */
interface While {
  from: number;
  until: number;
}

/** What had been there already from an instant on, as it was when the clock had not shown that again yet. */
interface Look {
  from: number;
  ahead: Tally;
}

/**
 * What sums held before the clock, which was set back, showed their time again. Buckets that it shows twice hold both times:
 * what burnt in the first is no trouble of the second.
 */
export interface ShownTwice {
  /**
   * Notes what checks that are counted alike hold from the bucket on that the clock comes to next; nothing, once it has
   * caught up.
   */
  note(counted: string, from: number, ahead: Tally): void;
  /** Whether anything lay ahead when that was last looked at. */
  isAhead(counted: string): boolean;
  /** What the buckets that begin within a while held when the clock came to them again. */
  heldWithin(counted: string, span: While): Tally;
  /** Forgets what no window reaches back to. */
  forget(now: number): void;
}

/** Of each so many looks are kept: one a minute for as long as six hours and more. */
const mostLooks = 400;
const longestMs = Math.max(...Object.values(burnWindows)) * 60_000;

/** @see ShownTwice */
export function createShownTwice(): ShownTwice {
  const all = new Map<string, Look[]>();
  const aheadFrom = (looks: readonly Look[], bucket: number): Tally =>
    (looks.findLast(({ from }) => from <= bucket) ?? looks[0])?.ahead ?? noTally;
  return {
    note(counted, from, ahead) {
      const before = all.get(counted) ?? [];
      // Set back once more: what lies ahead now holds all that was there before.
      const looks = from < (before.at(-1)?.from ?? from) ? [] : before;
      looks.push({ from, ahead });
      if (looks.length > mostLooks) looks.shift();
      all.set(counted, looks);
    },
    isAhead: (counted) => (all.get(counted)?.at(-1)?.ahead ?? noTally) !== noTally,
    heldWithin(counted, { from, until }) {
      const looks = all.get(counted);
      return looks ? withoutTally(aheadFrom(looks, from), aheadFrom(looks, until)) : noTally;
    },
    forget(now) {
      for (const [counted, looks] of all) if (now - (looks.at(-1)?.from ?? 0) > longestMs) all.delete(counted);
    },
  };
}

/**
 * Of what the clock showed within a window (newest first), what it shows again there without its first time being part of
 * the window; undefined for nothing.
 */
export function shownAgain([newest, ...before]: readonly While[]): While | undefined {
  if (!newest) return undefined;
  const covered = before.filter(({ until }) => until > newest.from).map(({ from }) => from);
  const until = Math.min(newest.until, ...covered);
  return newest.from < until ? { from: newest.from, until } : undefined;
}
