/** Which operations on many a process works on: a few at a time, so that they leave room for all else. */
export interface Turns {
  /** False when enough are being worked on: the operation is told when its turn comes. */
  take(key: string): boolean;
  /** Ends a turn, and tells the one that has waited longest. True: there was one. */
  leave(): boolean;
}

/**
 * Makes the turns of a process.
 * @param most operations at once
 * @param tell wakes an operation that waits
 */
export function createTurns(most: number, tell: (key: string) => void): Turns {
  const waiting = new Set<string>();
  let taken = 0;
  return {
    take(key) {
      if (taken >= most) {
        waiting.add(key);
        return false;
      }
      waiting.delete(key);
      taken += 1;
      return true;
    },
    leave() {
      taken -= 1;
      const [first] = waiting;
      if (first === undefined) return false;
      waiting.delete(first);
      tell(first);
      return true;
    },
  };
}
