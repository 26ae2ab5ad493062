import type { Clock } from '@dotmac/core';

/** Answers that are made once, and given to everybody who asks soon after. */
export interface KeptFor<Value> {
  /** The kept answer, or the one that is being made; else makes it. One that fails is not kept. */
  get(key: string, make: () => Promise<Value>): Promise<Value>;
  /** The same for many, in their order: those that are missing are made together. */
  getAll(keys: readonly string[], make: (missing: string[]) => Promise<(key: string) => Value>): Promise<Value[]>;
  forget(key: string): void;
}

/** Keeps answers for so many milliseconds. It holds no more than were asked for within that time. */
export function keptFor<Value>(ms: number, clock: Pick<Clock, 'monotonic'>): KeptFor<Value> {
  // In the order of their making: the oldest come first.
  const kept = new Map<string, { madeAt: number; value: Promise<Value> }>();
  const forgetOld = (now: number): void => {
    for (const [old, { madeAt }] of kept) {
      if (now - madeAt < ms) break;
      kept.delete(old);
    }
  };
  const keep = (key: string, madeAt: number, value: Promise<Value>): Promise<Value> => {
    const entry = { madeAt, value };
    kept.set(key, entry);
    value.catch(() => kept.get(key) === entry && kept.delete(key));
    return value;
  };
  return {
    get(key, make) {
      const now = clock.monotonic();
      forgetOld(now);
      return kept.get(key)?.value ?? keep(key, now, make());
    },
    getAll(keys, make) {
      const now = clock.monotonic();
      forgetOld(now);
      const missing = keys.filter((key) => !kept.has(key));
      const made = missing.length > 0 ? make(missing) : undefined;
      const valueOf = (key: string): Promise<Value> | undefined => made?.then((values) => values(key));
      return Promise.all(keys.map((key) => kept.get(key)?.value ?? keep(key, now, valueOf(key) as Promise<Value>)));
    },
    forget: (key) => void kept.delete(key),
  };
}
