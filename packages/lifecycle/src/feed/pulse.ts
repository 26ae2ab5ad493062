/** One who waits for word that there is something new. Word that comes while nobody waits is not lost. */
export interface Pulse {
  beat(): void;
  next(): Promise<void>;
}

/** Makes a pulse that has not beaten yet. */
export function createPulse(): Pulse {
  let hasBeaten = false;
  let wake = (): void => undefined;
  return {
    beat() {
      hasBeaten = true;
      wake();
    },
    async next() {
      if (!hasBeaten) await new Promise<void>((resolve) => (wake = resolve));
      hasBeaten = false;
    },
  };
}
