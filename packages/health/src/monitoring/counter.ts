/** Counts by name. */
export interface Counter {
  of(key: string): number;
  add(key: string, change: number): void;
}

/** Names that are counted at 0 are kept up to so many: most of them are counted again at once. */
const keptNames = 1_000;

/** Makes a counter, everything at 0. */
export function counter(): Counter {
  const counts = new Map<string, number>();
  return {
    of: (key) => counts.get(key) ?? 0,
    add(key, change) {
      const count = (counts.get(key) ?? 0) + change;
      if (count === 0 && counts.size > keptNames) counts.delete(key);
      else counts.set(key, count);
    },
  };
}
