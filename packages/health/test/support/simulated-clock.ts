import type { Clock } from '@dotmac/core';

/** A clock that jumps from timer to timer, a hundred thousand of them a second. */
export function simulatedClock(): Clock & { runFor(ms: number): Promise<void> } {
  const start = Date.UTC(2026, 0, 1);
  const due = new Map<number, (() => void)[]>();
  const times: number[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => start + now,
    monotonic: () => now,
    after(delayMs, fire) {
      const at = Math.ceil(now + delayMs);
      let isOff = false;
      const list = due.get(at);
      const run = (): void => void (isOff || fire());
      if (list) list.push(run);
      else {
        due.set(at, [run]);
        times.push(at);
        times.sort((a, b) => b - a);
      }
      return () => (isOff = true);
    },
    sleep: (delayMs) => new Promise((resolve) => clock.after(delayMs, resolve)),
  };
  return {
    ...clock,
    async runFor(ms) {
      for (let at = times.pop(); at !== undefined && at <= ms; at = times.pop()) {
        now = at;
        for (const fire of due.get(at) ?? []) fire();
        due.delete(at);
        for (let turn = 0; turn < 6; turn++) await Promise.resolve();
      }
    },
  };
}
