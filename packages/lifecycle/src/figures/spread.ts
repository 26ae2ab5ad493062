import type { CustomerFigures } from './figures.js';

const hourMs = 3_600_000;
const hoursADay = 24;

/** Lengths of time, added up. */
export interface Spread {
  /** In ms. */
  add(ms: number): void;
  /** The mean is exact, the median to the hour. */
  result(): CustomerFigures['tenure']['ended'];
}

/** Begins to add lengths of time up. It keeps how many there were of each hour: it grows with the longest, not with their number. */
export function createSpread(): Spread {
  const byHours = new Map<number, number>();
  let [count, sum] = [0, 0];
  /** The length at a place among all of them, in hours. */
  const at = (place: number): number => {
    let before = 0;
    for (const hours of [...byHours.keys()].sort((a, b) => a - b)) {
      before += byHours.get(hours) ?? 0;
      if (before > place) return hours;
    }
    return 0;
  };
  return {
    add(ms) {
      const hours = Math.round(ms / hourMs);
      byHours.set(hours, (byHours.get(hours) ?? 0) + 1);
      count += 1;
      sum += ms;
    },
    result() {
      if (count === 0) return { customers: 0, meanDays: null, medianDays: null };
      const medianHours = (at((count - 1) >> 1) + at(count >> 1)) / 2;
      return { customers: count, meanDays: sum / count / hourMs / hoursADay, medianDays: medianHours / hoursADay };
    },
  };
}
