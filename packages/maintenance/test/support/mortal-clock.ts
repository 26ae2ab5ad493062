import type { Clock } from '@dotmac/core';

/** The clock of a process that can be held up: nothing of it goes on while it is, save what needs no timer. Held up for ever it is dead. */
export function mortalClock(clock: Clock): { clock: Clock; holdUp(): void; wake(): void } {
  let heldUp: Promise<void> | undefined;
  let wake = (): void => {};
  return {
    clock: {
      ...clock,
      after: (delayMs, fire) => clock.after(delayMs, () => (heldUp ? void heldUp.then(fire) : fire())),
      sleep: (delayMs, signal) => clock.sleep(delayMs, signal).then(() => heldUp),
    },
    holdUp: () => void (heldUp = new Promise((resolve) => (wake = resolve))),
    wake() {
      heldUp = undefined;
      wake();
    },
  };
}
