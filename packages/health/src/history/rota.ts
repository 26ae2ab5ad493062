import type { Directory } from '../monitoring/directory.js';

/** Whose turn it is to be settled. */
export interface Rota {
  /** The endpoints whose turn came since it was asked last, in the order in which they lie in the store. */
  turn(now: number): string[];
}

/**
 * Makes a rota that comes round to every endpoint once in `roundMs`. Neighbours in the store take their turns together:
 * rows that lie on the same pages are written at the same time, and a page is not written again for each of them.
 */
export function createRota(directory: Directory, roundMs: number): Rota {
  let walk = directory.all()[Symbol.iterator]();
  let [askedAt, credit]: [number | undefined, number] = [undefined, 0];
  return {
    turn(now) {
      const size = directory.size;
      credit += (size * (now - (askedAt ?? now))) / roundMs;
      askedAt = now;
      const ids: string[] = [];
      // Never more than a round at once, however long nobody asked; what is left over counts for the next turn.
      const due = Math.min(Math.floor(credit), size);
      credit %= 1;
      while (ids.length < due) {
        let next = walk.next();
        if (next.done) {
          walk = directory.all()[Symbol.iterator]();
          next = walk.next();
        }
        if (next.done) break;
        ids.push(next.value.endpoint.id);
      }
      return ids;
    },
  };
}
