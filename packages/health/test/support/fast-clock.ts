import { systemClock, type Clock } from '@dotmac/core';

/** A clock that runs `speed` times as fast as the system's since `epochMs`, and shows the same in every process. */
export function fastClock(epochMs: number, speed: number): Clock {
  return {
    now: () => epochMs + (Date.now() - epochMs) * speed,
    monotonic: () => performance.now() * speed,
    after: (delayMs, fire) => systemClock.after(delayMs / speed, fire),
    sleep: (delayMs, signal) => systemClock.sleep(delayMs / speed, signal),
  };
}
