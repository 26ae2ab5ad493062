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
 * As many updates as go without more other packages than `most` allows: what belongs together goes together.
 * @param sizeOf how many packages would be put there with these
 */
export async function withinBudget(
  most: number,
  wanted: readonly PendingUpdate[],
  sizeOf: (updates: readonly PendingUpdate[]) => Promise<number>,
): Promise<Chosen> {
  let tries = 0;
  // The first of what is left alone may be too much: then others have their turn.
  for (let from = 0; from < wanted.length; from++)
    for (let updates = wanted.slice(from, from + most); updates.length > 0;) {
      if (++tries > mostTries) return { updates: [], size: 0 };
      const size = await sizeOf(updates);
      if (size <= most) return { updates, size };
      updates = updates.slice(0, Math.max(0, Math.min(updates.length - 1, updates.length + most - size)));
    }
  return { updates: [], size: 0 };
}
