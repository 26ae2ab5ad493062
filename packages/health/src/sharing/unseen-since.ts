import type { Clock } from '@dotmac/core';

/**
 * From when on, by the store's clock, there may be changes that nobody here has seen. That clock may be set, either way,
 * and a change comes to light later than it was noted, when its transaction is committed.
 */
export interface UnseenSince {
  /** Nothing is seen yet. @param at what the store's clock shows, epoch ms */
  begin(at: number): void;
  /** From when on to look, epoch ms. @param at what the store's clock shows */
  look(at: number): number;
  /** All was seen that there was when it was last looked. */
  saw(): void;
}

/** @param lateMs how long a transaction may take from noting a change to its commit */
export function unseenSince(lateMs: number, clock: Pick<Clock, 'monotonic'>): UnseenSince {
  let last = { at: 0, read: 0 };
  let sawAt = 0;
  /** What the store's clock showed at the least, from one reading to the next. */
  let spans: { until: number; least: number }[] = [];
  return {
    begin(at) {
      last = { at, read: clock.monotonic() };
      sawAt = last.read;
      spans = [{ until: last.read, least: at - lateMs }];
    },
    look(at) {
      const read = clock.monotonic();
      // Set back in between, it may have shown what it shows now less the time since.
      spans.push({ until: read, least: Math.min(last.at, at - (read - last.read)) });
      last = { at, read };
      // What was noted before was committed when all was seen.
      spans = spans.filter(({ until }) => until >= sawAt - lateMs);
      // The monotonic clock has fractions of milliseconds, which PostgreSQL refuses to compare with its whole ones.
      return Math.floor(Math.min(...spans.map(({ least }) => least)));
    },
    saw: () => void (sawAt = last.read),
  };
}
