import type { Clock } from './clock.js';

/** Waits until `work` settles, at most `limitMs`; true when it did. Its rejection is not passed on. */
function settlesWithin(clock: Pick<Clock, 'after'>, work: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve(false));
    const settled = (): void => {
      cancel();
      resolve(true);
    };
    work.then(settled, settled);
  });
}

/** Lets running work end by itself within `graceMs`, then aborts it and gives it a last `abortMs`. */
export async function drain(
  clock: Pick<Clock, 'after'>,
  running: Iterable<Promise<unknown>>,
  { graceMs, abortMs = 1_000, abort }: { graceMs: number; abortMs?: number; abort: { abort(): void } },
): Promise<boolean> {
  const all = Promise.allSettled([...running]);
  if (await settlesWithin(clock, all, graceMs)) return true;
  abort.abort();
  return settlesWithin(clock, all, abortMs);
}
