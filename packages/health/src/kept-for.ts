import type { Clock } from '@dotmac/core';

/** Answers that are made once, and given to everybody who asks soon after. */
export interface KeptFor<Value> {
  /** The kept answer, or the one that is being made; else makes it. One that fails is not kept. */
  get(key: string, make: () => Promise<Value>): Promise<Value>;
  forget(key: string): void;
}

/** Keeps answers for so many milliseconds. It holds no more than were asked for within that time. */
export function keptFor<Value>(ms: number, clock: Pick<Clock, 'monotonic'>): KeptFor<Value> {
  // In the order of their making: the oldest come first.
  const kept = new Map<string, { madeAt: number; value: Promise<Value> }>();
  return {
    get(key, make) {
      const now = clock.monotonic();
      for (const [old, { madeAt }] of kept) {
        if (now - madeAt < ms) break;
        kept.delete(old);
      }
      const known = kept.get(key);
      if (known) return known.value;
      const value = make();
      const entry = { madeAt: now, value };
      kept.set(key, entry);
      value.catch(() => kept.get(key) === entry && kept.delete(key));
      return value;
    },
    forget: (key) => void kept.delete(key),
  };
}
