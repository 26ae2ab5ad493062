import type { Timetable } from './timetable.js';

/** The last `count` slots after `after` and until `until`, the oldest first. */
export function lastSlots({ next }: Pick<Timetable, 'next'>, after: number, until: number, count: number): number[] {
  const found: number[] = [];
  for (let end = until; found.length < count;) {
    const last = lastSlot(next, after, end);
    if (last === null) break;
    found.push(last);
    end = last - 1;
  }
  return found.reverse();
}

/** Asks for few slots, however many there are: those of every second need not be walked through. */
function lastSlot(next: Timetable['next'], after: number, until: number): number | null {
  const within = (from: number): number | null => {
    const at = next(from);
    return at !== null && at <= until ? at : null;
  };
  let slot = within(after);
  if (slot === null) return null;
  // There is none after `none`. First back from the end by further and further steps, to one that there is.
  let none = until;
  for (let backMs = 1_000; until - backMs > slot; backMs *= 8) {
    const found = within(until - backMs);
    if (found !== null) {
      slot = found;
      break;
    }
    none = until - backMs;
  }
  // Then between the two, by halves.
  for (let following = within(slot); following !== null; following = within(slot)) {
    const middle = Math.floor((following + none) / 2);
    const found = within(middle);
    if (found === null) [slot, none] = [following, middle];
    else slot = found;
  }
  return slot;
}
