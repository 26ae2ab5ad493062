import type { PendingUpdate } from './package-manager.js';

/** Updates that are applied together. */
export interface Chosen {
  updates: readonly PendingUpdate[];
  /** So many packages are put there with them, those among them that were not there before. */
  size: number;
}

/** Each is a call of the package manager. What has not been found by then waits, as what does not fit. */
const mostTries = 50;

/**
 * As many updates, from the first on, as go without more other packages than `most` allows: what belongs together goes together.
 * What is too much by itself has the others of its kind wait, and whatever else there is has its turn.
 * @param broughtBy the names of the packages that would be put there with these
 */
export async function withinBudget(
  most: number,
  wanted: readonly PendingUpdate[],
  broughtBy: (updates: readonly PendingUpdate[]) => Promise<ReadonlySet<string>>,
): Promise<Chosen> {
  let [left, updates] = [[...wanted], wanted.slice(0, most)];
  for (let tries = 0; tries < mostTries && updates.length > 0; tries++) {
    const brought = await broughtBy(updates);
    if (brought.size <= most) return { updates, size: brought.size };
    const room = updates.length + most - brought.size;
    if (updates.length > 1)
      updates = updates.slice(0, room > 0 ? Math.min(room, updates.length - 1) : Math.ceil(updates.length / 2));
    else {
      const [alone, ...others] = left;
      const isOfIt = ({ name }: PendingUpdate): boolean => name !== alone?.name && brought.has(name);
      left = [...others.filter((it) => !isOfIt(it)), ...others.filter(isOfIt)];
      updates = left.slice(0, most);
    }
  }
  return { updates: [], size: 0 };
}
