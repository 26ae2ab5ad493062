import type { Clock } from '@dotmac/core';
import type { Run } from '../runs/run.js';
import type { Runner } from '../runs/runner.js';

/**
 * The end of a run, which is cancelled when it takes longer than its schedule says.
 * @param timeoutMs null: as long as it likes
 */
export async function withinTimeout(
  { runner, clock }: { runner: Pick<Runner, 'cancel'>; clock: Pick<Clock, 'after'> },
  { run, ended }: Awaited<ReturnType<Runner['begin']>>,
  timeoutMs: number | null,
): Promise<{ run: Run; timedOut: boolean }> {
  if (timeoutMs === null) return { run: await ended, timedOut: false };
  let timedOut = false;
  const cancelWatch = clock.after(timeoutMs, () => {
    timedOut = true;
    runner.cancel(run.id);
  });
  return { run: await ended.finally(cancelWatch), timedOut };
}
